"""Kubernetes URLs taken apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from deliver_sandbox.kinds import KINDS


@dataclass(frozen=True)
class Request:
    """One HTTP request. kind "" when the path names no resource. rest: what follows a /proxy. everywhere: all namespaces."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    everywhere: bool = False
    raw_query: str = ""

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("1", "true")


def query(text: str) -> dict[str, str]:
    return {key: values[-1] for key, values in parse_qs(text, keep_blank_values=True).items()}


def locate(path: str) -> dict[str, object] | None:
    """Resource, namespace, name and subresource of an API path; None when it names nothing that the sandbox serves."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if parts[:2] == ["api", "v1"]:
        api, rest = "v1", parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        api, rest = f"{parts[1]}/{parts[2]}", parts[3:]
    else:
        return None
    namespace, everywhere = "", True
    if rest[:1] == ["namespaces"] and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest, everywhere = rest[1], rest[2:], False
    if not rest or rest[0] not in KINDS or KINDS[rest[0]].api != api:
        return None
    known = KINDS[rest[0]]
    tail = rest[1:]
    return {
        "kind": rest[0],
        "namespace": namespace,
        "everywhere": everywhere and known.namespaced,
        "name": tail[0] if tail else "",
        "subresource": tail[1] if len(tail) > 1 else "",
        "rest": "/" + "/".join(tail[2:]) if len(tail) > 2 else "",
    }
