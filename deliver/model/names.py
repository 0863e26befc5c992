"""Names of ours in the cluster, and the ones of Kubernetes that we steer by."""

from collections.abc import Mapping
from typing import Any

HASH = "pod-template-hash"
FENCE = "deliver.dev/fence"
UNDO = "deliver.dev/undo"
RELEASE_LABEL = "deliver.dev/release"
MANAGER = "deliver"


def record_name(deployment: str) -> str:
    """The ConfigMap with the live record and the history of a target, and the Lease that locks it."""
    return f"deliver-{deployment}"


def candidate_name(deployment: str) -> str:
    return f"{deployment[:52].rstrip('-.')}-candidate"


def preview_name(deployment: str) -> str:
    """Of the Service that leads to the candidate alone, where the user has none. A Service's name has no dots, a Deployment's may."""
    return f"{deployment[:52].rstrip('-.').replace('.', '-')}-preview"


def fence_of(obj: Mapping[str, Any]) -> int:
    """The fence that an object carries; 0 for none, and for what somebody else wrote there."""
    mark = str((obj["metadata"].get("annotations") or {}).get(FENCE, ""))
    return int(mark) if mark.isdecimal() else 0
