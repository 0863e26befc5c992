"""The API server's own record of who asked for what."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class Call(NamedTuple):
    """As an RBAC rule counts it: resource is "pods/proxy" for a subresource."""

    verb: str
    group: str
    resource: str


class Asked(Protocol):
    """Calls from the moment of its making on. agent: a prefix of the client's User-Agent."""

    def calls(self, namespace: str, user: str = "", agent: str = "") -> Counter[Call]: ...

    def refused(self, namespace: str, user: str) -> Counter[Call]: ...


class Audit:
    """Out of the API server's log."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.start = self.path.stat().st_size

    def events(self, namespace: str, user: str = "", agent: str = "") -> Iterator[dict[str, Any]]:
        """Finished calls in that namespace. user: as whom; agent: a prefix of the client's User-Agent."""
        size = self.path.stat().st_size
        with self.path.open(encoding="utf-8") as log:
            log.seek(self.start if size >= self.start else 0)  # rotated: from its begin
            for line in log:
                if namespace not in line or not line.endswith("\n"):
                    continue
                event = json.loads(line)
                where = event.get("objectRef", {}).get("namespace")
                acting = event.get("impersonatedUser") or event["user"]
                fits = (not user or acting["username"] == user) and event.get("userAgent", "").startswith(agent)
                if where == namespace and fits and counts(event):
                    yield event

    def calls(self, namespace: str, user: str = "", agent: str = "") -> Counter[Call]:
        return Counter(call_of(event) for event in self.events(namespace, user, agent))

    def refused(self, namespace: str, user: str) -> Counter[Call]:
        return Counter(call_of(event) for event in self.events(namespace, user) if event["responseStatus"]["code"] in (401, 403))


def counts(event: dict[str, Any]) -> bool:
    """Each call once: a watch when it began (its end may be hours later), anything else when it was answered."""
    if event["verb"] == "watch" and event["responseStatus"]["code"] < 400:
        return bool(event["stage"] == "ResponseStarted")
    return event["stage"] in ("ResponseComplete", "Panic")


def call_of(event: dict[str, Any]) -> Call:
    ref = event["objectRef"]
    resource = "/".join(part for part in (ref["resource"], ref.get("subresource")) if part)
    return Call(event["verb"], ref.get("apiGroup", ""), resource)
