"""Garbage collection: dependents of what is gone, foreground and orphan deletion, and namespaces that are to be emptied."""

from deliver.model.objects import Object
from deliver_sandbox.controllers.base import Controller
from deliver_sandbox.kinds import KINDS, PLURALS
from deliver_sandbox.store import Change

_DEPENDENT = ("deployments", "replicasets", "pods", "endpointslices", "configmaps", "secrets", "services")


class GarbageCollector(Controller):
    """Its keys are (namespace, uid of an owner), and (name of a namespace, "")."""

    delay = 0.02

    def see(self, change: Change) -> None:
        meta = change.obj["metadata"]
        if change.kind == "namespaces" and meta.get("deletionTimestamp"):
            self.poke(meta["name"], "")
        elif change.type == "DELETED":
            if change.kind not in ("events", "pods", "endpointslices", "leases"):
                self.poke(change.namespace, meta["uid"])
            self._next(change)
        elif change.type == "ADDED" and meta.get("ownerReferences"):
            for ref in meta["ownerReferences"]:  # an owner that is gone by now
                self.poke(change.namespace, ref["uid"])
        elif meta.get("deletionTimestamp") and {"foregroundDeletion", "orphan"} & set(meta.get("finalizers") or ()):
            self.poke(change.namespace, meta["uid"])

    def _next(self, change: Change) -> None:
        """Something went: an owner that waits for it, or a namespace that ends, may go on."""
        for ref in change.obj["metadata"].get("ownerReferences") or ():
            self.poke(change.namespace, ref["uid"])
        space = self.store.get("namespaces", "", change.namespace) if change.namespace else None
        if space is not None and space["metadata"].get("deletionTimestamp"):
            self.poke(change.namespace, "")

    def sync(self, namespace: str, name: str) -> None:
        if not name:
            self._empty(namespace)
            return
        owner = self._find(namespace, name)
        below = [(kind, obj) for kind in _DEPENDENT for obj in self.store.every(kind, namespace) if _owned(obj, name)]
        if owner is None:
            for kind, obj in below:
                self._delete(kind, obj)
            return
        kind, obj = owner
        finalizers = obj["metadata"].get("finalizers") or []
        if not obj["metadata"].get("deletionTimestamp"):
            return
        if "orphan" in finalizers:
            for sub, child in below:
                refs = [ref for ref in child["metadata"]["ownerReferences"] if ref["uid"] != name]
                meta = {key: value for key, value in child["metadata"].items() if key != "ownerReferences"}
                self.store.put(sub, {**child, "metadata": {**meta, "ownerReferences": refs} if refs else meta})
            self._release(kind, obj, "orphan")
        elif "foregroundDeletion" in finalizers:
            for sub, child in below:
                self._delete(sub, child)
            if not below:
                self._release(kind, obj, "foregroundDeletion")

    def _find(self, namespace: str, uid: str) -> tuple[str, Object] | None:
        for kind in KINDS:
            for obj in self.store.every(kind, namespace):
                if obj["metadata"]["uid"] == uid:
                    return kind, obj
        return None

    def _delete(self, kind: str, obj: Object) -> None:
        if not obj["metadata"].get("deletionTimestamp"):
            self.api.delete(kind, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])

    def _release(self, kind: str, obj: Object, finalizer: str) -> None:
        left = [name for name in obj["metadata"]["finalizers"] if name != finalizer]
        meta = {key: value for key, value in obj["metadata"].items() if key not in ("finalizers", "deletionGracePeriodSeconds")}
        self.api.commit(kind, obj, {**obj, "metadata": {**meta, "finalizers": left} if left else meta})

    def _empty(self, name: str) -> None:
        space = self.store.get("namespaces", "", name)
        if space is None:
            return
        found = [(kind, obj) for kind, known in KINDS.items() if known.namespaced for obj in self.store.every(kind, name)]
        for kind, obj in found:
            self._delete(kind, obj)
        if not found:
            self.store.remove("namespaces", "", name)


def _owned(obj: Object, uid: str) -> bool:
    return any(ref["uid"] == uid for ref in obj["metadata"].get("ownerReferences") or ())


__all__ = ("PLURALS", "GarbageCollector")
