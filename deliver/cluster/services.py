"""What a Service and its EndpointSlices say, whoever leads them. Pure."""

from collections.abc import Mapping, Sequence

from deliver.model.names import HASH
from deliver.model.objects import Object


def selects(service: Object, labels: Mapping[str, str]) -> bool:
    """A Service without a selector selects nothing by itself; a leftover pin does not hide it."""
    selector = {key: value for key, value in (service["spec"].get("selector") or {}).items() if key != HASH}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def shown(selector: Mapping[str, str] | None) -> str:
    """`app=web, tier=front`, for people."""
    return ", ".join(f"{key}={value}" for key, value in sorted((selector or {}).items())) or "none"


def served(slices: Sequence[Object], service: str) -> dict[str, set[str]]:
    """Address family -> uids of the pods that one Service serves."""
    return ready_by_family(by_service(slices).get(service, []))


def by_service(slices: Sequence[Object]) -> dict[str, list[Object]]:
    grouped: dict[str, list[Object]] = {}
    for piece in slices:
        labels = piece["metadata"].get("labels") or {}
        if labels.get("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io") == "endpointslice-controller.k8s.io":
            grouped.setdefault(labels.get("kubernetes.io/service-name", ""), []).append(piece)
    return grouped


def ready_by_family(slices: Sequence[Object]) -> dict[str, set[str]]:
    """Address family -> uids of the pods it serves. An absent `ready` means yes (EndpointSlice API)."""
    families: dict[str, set[str]] = {}
    for piece in slices:
        family = families.setdefault(piece.get("addressType", "IPv4"), set())
        for endpoint in piece.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready", True) is not False:
                family.add((endpoint.get("targetRef") or {}).get("uid", "?"))
    return families
