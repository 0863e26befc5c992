"""What differs between two clusters by nature, taken out of an answer."""

import re
from typing import Any

_DROPPED = frozenset(
    {
        "uid", "resourceVersion", "creationTimestamp", "managedFields", "clusterIP", "clusterIPs", "lastTransitionTime", "lastUpdateTime",
        "lastProbeTime", "startedAt", "finishedAt", "startTime", "containerID", "imageID", "hostIP", "hostIPs", "podIP", "podIPs",
        "nodeName",
        "addresses", "zone", "user", "volumeMounts", "volumes", "time", "remainingItemCount", "selfLink", "deletionTimestamp",
        "nodeInfo", "endpoints.kubernetes.io/last-change-trigger-time", "topology.kubernetes.io/zone", "resources",
    }
)  # fmt: skip
_HASH = re.compile(r"(?<=-)[bcdfghjklmnpqrstvwxz2456789]{7,10}(?![a-z0-9])")
_SUFFIX = re.compile(r"(?<=-)[bcdfghjklmnpqrstvwxz2456789]{5}(?![a-z0-9])")
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_IP = re.compile(r"\b\d{1,3}(\.\d{1,3}){3}\b")


def plain(value: Any, namespace: str, registry: str) -> Any:
    """The answer without times, addresses and made-up names; "" and {} that only one side prints are dropped with them."""
    if isinstance(value, dict):
        return _object(value, namespace, registry)
    if isinstance(value, list):
        return [plain(item, namespace, registry) for item in value]
    if isinstance(value, str):
        return _text(value, namespace, registry)
    return value


def _object(value: dict[str, Any], namespace: str, registry: str) -> dict[str, Any]:
    result = {}
    for key, item in value.items():
        if key == "generation" and value.get("generateName") and "pod-template-hash" not in str(value):
            continue  # an EndpointSlice's: how many steps it took to get there
        if key in _DROPPED and not (key == "uid" and isinstance(item, dict)) and not (key == "resources" and isinstance(item, list)):
            continue
        if key == "continue" and item:
            item = "<token>"
        cleaned = plain(item, namespace, registry)
        if key == "pod-template-hash":
            cleaned = "<hash>"
        if key == "conditions" and isinstance(cleaned, list):
            cleaned.sort(key=lambda item: str(item.get("type")))  # whichever controller was faster
        if cleaned not in ({}, None):
            result[key] = cleaned
    return result


def _text(text: str, namespace: str, registry: str) -> str:
    text = _UID.sub("<uid>", re.sub(rf"(?<!/){re.escape(registry)}/", "$registry/", text).replace(namespace, "<ns>"))
    text = re.sub(r"\bA_[a-z0-9]{5}\b", "A_<name>", text)  # a generated name that is refused
    text = re.sub(r"(precondition|record) \((\d+)\)", r"\1 (<version>)", text)
    text = re.sub(r"too old resource version: \d+ \(\d+\)", "too old resource version: <version>", text)
    text = _SUFFIX.sub("<name>", _HASH.sub("<hash>", text))
    return _IP.sub("<ip>", text)
