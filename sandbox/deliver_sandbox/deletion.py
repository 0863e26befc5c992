"""DELETE: preconditions, finalizers, a pod's grace period, and what becomes of dependents."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deliver.model.objects import Object
from deliver_sandbox import errors

if TYPE_CHECKING:
    from deliver_sandbox.api import Api, Write

_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}


def delete(api: "Api", kind: str, obj: Object, options: Mapping[str, Any], write: "Write") -> Object:
    _preconditions(kind, obj, options.get("preconditions") or {})
    if write.dry_run:
        return obj
    meta = dict(obj["metadata"])
    extra = _FINALIZERS.get(options.get("propagationPolicy") or "Background")
    if extra and extra not in (meta.get("finalizers") or ()):
        meta["finalizers"] = [*(meta.get("finalizers") or ()), extra]
    grace = _grace(kind, obj, options)
    if kind == "namespaces":
        return _namespace(api, obj)
    if not meta.get("finalizers") and grace == 0:
        gone = api.store.remove(kind, meta.get("namespace", ""), meta["name"])
        return _marked(api, gone, grace) if kind == "pods" else gone
    return _mark(api, kind, obj, meta, grace)


def _mark(api: "Api", kind: str, obj: Object, meta: Object, grace: int) -> Object:
    """Say when it will go; a second delete can only make that sooner."""
    known = meta.get("deletionGracePeriodSeconds")
    if meta.get("deletionTimestamp") and (known is None or known <= grace):
        return obj
    return api.store.put(kind, _marked(api, {**obj, "metadata": meta}, grace))


def _marked(api: "Api", obj: Object, grace: int) -> Object:
    from deliver_sandbox.api import stamp

    meta = {**obj["metadata"], "deletionTimestamp": stamp(api.clock.now() + grace), "deletionGracePeriodSeconds": grace}
    if meta.get("generation"):
        meta["generation"] += 1
    return {**obj, "metadata": meta}


def _preconditions(kind: str, obj: Object, wanted: Mapping[str, Any]) -> None:
    meta = obj["metadata"]
    if wanted.get("uid") and wanted["uid"] != meta["uid"]:
        raise errors.precondition(kind, meta["name"], "UID", wanted["uid"], meta["uid"])
    if wanted.get("resourceVersion") and wanted["resourceVersion"] != meta["resourceVersion"]:
        raise errors.precondition(kind, meta["name"], "ResourceVersion", wanted["resourceVersion"], meta["resourceVersion"])


def _grace(kind: str, obj: Object, options: Mapping[str, Any]) -> int:
    """Seconds; only a pod that has a node and still runs takes its time."""
    if kind != "pods" or not obj["spec"].get("nodeName") or (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    asked = options.get("gracePeriodSeconds")
    grace = int(obj["spec"].get("terminationGracePeriodSeconds", 30) if asked is None else asked)
    return 1 if grace < 0 else grace


def _namespace(api: "Api", obj: Object) -> Object:
    """Terminating at once; the garbage collector empties it and then takes the finalizer away."""
    from deliver_sandbox.api import stamp

    if obj["metadata"].get("deletionTimestamp"):
        return obj
    meta = {**obj["metadata"], "deletionTimestamp": stamp(api.clock.now())}
    return api.store.put("namespaces", {**obj, "metadata": meta, "status": {"phase": "Terminating"}})
