"""Names of ours in the cluster, and the ones of Kubernetes that we steer by."""

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
