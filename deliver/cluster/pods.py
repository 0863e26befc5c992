"""What a pod's object says of it, for whoever has no more than that. Pure."""

from deliver.model.objects import Object


def is_ready(pod: Object) -> bool:
    """Its condition, whether it is on its way out or not: as such an endpoint it still serves."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def is_leaving(pod: Object) -> bool:
    """Somebody has asked it to end."""
    return bool(pod["metadata"].get("deletionTimestamp"))
