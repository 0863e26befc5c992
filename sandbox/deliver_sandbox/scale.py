"""The /scale subresource: a Scale object made from, and put back into, the object that owns the number."""

from deliver.model.objects import Object
from deliver_sandbox.errors import ApiError, no_resource
from deliver_sandbox.kinds import KINDS
from deliver_sandbox.selectors import as_text


def view(kind: str, obj: Object) -> Object:
    """Raises ApiError 404 for a kind without a scale."""
    if not KINDS[kind].scale:
        raise no_resource()
    meta = {key: obj["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": meta,
        "spec": {"replicas": spec["replicas"]} if spec.get("replicas") else {},
        "status": {"replicas": status.get("replicas", 0), "selector": as_text(spec.get("selector") or {})},
    }


def taken(kind: str, obj: Object, wanted: Object) -> Object:
    """`obj` (the caller's own copy) with the replicas of a Scale."""
    view(kind, obj)
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    if replicas < 0:
        raise _negative(obj["metadata"]["name"], replicas)
    obj["spec"]["replicas"] = replicas
    return obj


def _negative(name: str, replicas: int) -> ApiError:
    why = f"Invalid value: {replicas}: must be greater than or equal to 0"
    causes = [{"reason": "FieldValueInvalid", "message": why, "field": "spec.replicas"}]
    details = {"name": name, "group": "autoscaling", "kind": "Scale", "causes": causes}
    return ApiError(422, "Invalid", f'Scale.autoscaling "{name}" is invalid: spec.replicas: {why}', details)
