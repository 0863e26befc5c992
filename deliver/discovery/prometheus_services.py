"""Services and operator resources that look like something with Prometheus' query API, and how each is addressed. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deliver.model.objects import Object

NAMES = ("prometheus", "prometheus-server", "prometheus-operated", "prometheus-k8s", "kube-prometheus-stack-prometheus", "thanos-query")
"""Names of Services that are recognised without labels."""


@dataclass(frozen=True)
class Place:
    """An address at which there may be Prometheus' query API."""

    service: str  # NAMESPACE/NAME:PORT
    what: str = "Prometheus"  # the product
    path: str = ""  # prefix of its API
    rank: int = 5  # of several that have the series the lowest is taken
    by: str = ""  # what it was recognised by

    @property
    def address(self) -> str:
        """As --prometheus takes it."""
        return self.service + self.path

    @property
    def options(self) -> dict[str, Any]:
        return {"service": self.service, **({"path": self.path} if self.path else {})}


USUAL = tuple(
    Place(address, by="a usual address")
    for address in (
        "monitoring/prometheus:9090",
        "monitoring/prometheus-operated:9090",
        "monitoring/prometheus-server:80",
        "prometheus/prometheus-server:80",
        "observability/prometheus:9090",
    )
)
"""Places that are asked when Services may not be listed."""


@dataclass(frozen=True)
class Kind:
    what: str
    rank: int
    path: str
    ports: tuple[str, ...]
    components: tuple[str, ...]  # that answer queries; without the label ("") any of its Services may


# A Prometheus near the pods has the freshest samples; what looks over many clusters comes after it.
PROMETHEUS = Kind("Prometheus", 1, "", ("web", "http-web", "http", "prometheus", "9090", "80"), ("", "prometheus", "server"))
THANOS = Kind("Thanos", 3, "", ("http", "http-query", "9090", "10902", "80"), ("", "query", "query-layer", "query-frontend"))
MIMIR = Kind("Mimir", 4, "/prometheus", ("http-metrics", "http", "80", "8080"), ("gateway", "nginx", "query-frontend"))
CORTEX = Kind("Cortex", 4, "/prometheus", ("http-metrics", "http", "80", "8080"), ("gateway", "nginx", "query-frontend"))
VICTORIA = Kind("VictoriaMetrics", 2, "", ("http", "8428"), ("", "server", "single", "monitoring"))
KINDS = {
    "prometheus": PROMETHEUS,
    "prometheus-server": PROMETHEUS,
    "kube-prometheus-stack-prometheus": PROMETHEUS,
    "prometheus-operator-prometheus": PROMETHEUS,
    "thanos": THANOS,
    "thanos-query": THANOS,
    "thanos-query-frontend": THANOS,
    "mimir": MIMIR,
    "cortex": CORTEX,
    "vmsingle": VICTORIA,
    "victoria-metrics-single": VICTORIA,
}
NO_QUERY_API = re.compile(
    r"alertmanager|node-exporter|pushgateway|kube-state|operator$|adapter|sidecar|headless|grpc|discovery|memberlist|webhook"
)


def find_places(services: Sequence[Object], operated: Sequence[Object] = ()) -> list[Place]:
    """The best first. operated: Prometheus resources of its operator, which know a path prefix that a Service does not tell."""
    found = {place.service: place for service in services if (place := _place(service, operated))}
    return sorted(found.values(), key=lambda place: (place.rank, place.service))


def _place(service: Object, operated: Sequence[Object]) -> Place | None:
    meta, spec = service["metadata"], service.get("spec") or {}
    labels, name = meta.get("labels") or {}, meta["name"]
    if spec.get("type") == "ExternalName" or NO_QUERY_API.search(name):
        return None
    kind, by = _kind(name, labels)
    if kind is None or labels.get("app.kubernetes.io/component", "") not in kind.components:
        return None
    port = _port(spec.get("ports") or (), kind)
    if not port:
        return None
    prefix = _prefix(meta["namespace"], operated) if kind is PROMETHEUS else ""
    twin = spec.get("clusterIP") == "None"  # a headless Service leads to the same pods as its sibling
    return Place(f"{meta['namespace']}/{name}:{port}", kind.what, prefix or kind.path, 2 * kind.rank + twin, by)


def _kind(name: str, labels: Mapping[str, str]) -> tuple[Kind | None, str]:
    for key in ("app.kubernetes.io/name", "app"):
        if kind := KINDS.get(labels.get(key, "")):
            return kind, f"label {key}={labels[key]}"
    if labels.get("operated-prometheus") == "true":
        return PROMETHEUS, "label operated-prometheus=true"
    if name in NAMES:
        return THANOS if name.startswith("thanos") else PROMETHEUS, "its name"
    return None, ""


def _port(ports: Sequence[Object], kind: Kind) -> str:
    """By the usual names and numbers, in that order; the only one otherwise. gRPC is none."""
    served = [port for port in ports if port.get("protocol", "TCP") == "TCP" and "grpc" not in str(port.get("name", ""))]
    for wanted in kind.ports:
        for port in served:
            if wanted in (port.get("name"), str(port.get("port"))):
                return str(port["port"])
    return str(served[0]["port"]) if len(served) == 1 else ""


def _prefix(namespace: str, operated: Sequence[Object]) -> str:
    mine = [one for one in operated if one["metadata"].get("namespace") == namespace]
    prefixes = {str((one.get("spec") or {}).get("routePrefix") or "/").rstrip("/") for one in mine}
    return prefixes.pop() if len(prefixes) == 1 else ""
