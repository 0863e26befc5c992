"""The Deployment controller: one look at one Deployment (pkg/controller/deployment of Kubernetes 1.37)."""

from deliver.model.objects import Object
from deliver_sandbox.api import Api
from deliver_sandbox.controllers import progress, rolling
from deliver_sandbox.controllers.base import Controller, owner
from deliver_sandbox.controllers.events import Events
from deliver_sandbox.controllers.revisions import Revisions, split
from deliver_sandbox.store import Change

SOURCE = "deployment-controller"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


class DeploymentController(Controller):
    delay = 0.01

    def __init__(self, api: Api, events: Events) -> None:
        super().__init__(api)
        self.events = events
        self.revisions = Revisions(api, self._created)

    def see(self, change: Change) -> None:
        if change.kind == "deployments":
            self.poke(change.namespace, change.name)
        elif change.kind == "replicasets":
            ref = owner(change.obj)
            if ref is not None and ref["kind"] == "Deployment":
                self.poke(change.namespace, ref["name"])
        elif change.kind == "pods" and change.type == "DELETED":
            self._recreate(change)

    def _recreate(self, change: Change) -> None:
        """A Recreate rollout goes on when the last old pod is gone."""
        ref = owner(change.obj)
        parent = self.store.get("replicasets", change.namespace, ref["name"]) if ref else None
        above = owner(parent) if parent else None
        if above is not None:
            self.poke(change.namespace, above["name"])

    def sync(self, namespace: str, name: str) -> None:
        obj = self.store.get("deployments", namespace, name)
        if obj is None:
            return
        sets = self._sets(obj)
        if obj["metadata"].get("deletionTimestamp"):
            self._report(obj, sets)
            return
        obj = progress.note_pause(self.api, obj)
        if obj["spec"].get("paused") or self._rescaled(obj, sets):
            obj, new, old = self.revisions.ensure(obj, sets, create=False)
            rolling.scale_as_asked(self, obj, new, old)
        else:
            obj, new, old = self.revisions.ensure(obj, sets, create=True, replicas=rolling.wanted_of_new)
            self._roll(obj, sets)
        self._report(self.store.get("deployments", namespace, name) or obj, self._sets(obj))

    def _created(self, obj: Object, item: Object) -> None:
        text = f"Scaled up replica set {item['metadata']['name']} from 0 to {item['spec']['replicas']}"
        self.events.tell(obj, "ScalingReplicaSet", text, source=SOURCE)

    def _sets(self, obj: Object) -> list[Object]:
        return self.store.controlled("replicasets", obj["metadata"]["uid"])

    def _rescaled(self, obj: Object, sets: list[Object]) -> bool:
        """spec.replicas changed since the ReplicaSets were last scaled."""
        for item in sets:
            noted = (item["metadata"].get("annotations") or {}).get(DESIRED)
            if item["spec"]["replicas"] > 0 and noted is not None and int(noted) != obj["spec"]["replicas"]:
                return True
        return False

    def _roll(self, obj: Object, sets: list[Object]) -> None:
        new, old = split(obj, self._sets(obj))
        if new is None:
            return
        if obj["spec"]["strategy"]["type"] == "Recreate":
            rolling.recreate(self, obj, new, old)
        elif not rolling.scale_new(self, obj, new, old):
            rolling.scale_old(self, obj, new, old)
        new, old = split(obj, self._sets(obj))
        if new is not None and progress.complete(obj, obj.get("status") or {}):
            self.revisions.clean(obj, old)

    def _report(self, obj: Object, sets: list[Object]) -> None:
        new, old = split(obj, sets)
        again = progress.report(self.api, obj, new, old)
        if again is not None:
            self.later(again, obj["metadata"]["namespace"], obj["metadata"]["name"])

    def scale(self, obj: Object, target: Object, replicas: int) -> Object:
        """Give a ReplicaSet its replicas and note what the Deployment wanted. Returns it as it is then."""
        before = target["spec"]["replicas"]
        notes = {**(target["metadata"].get("annotations") or {}), **annotations(obj)}
        if before == replicas and notes == target["metadata"].get("annotations"):
            return target
        meta = {**target["metadata"], "annotations": notes}
        new = {**target, "metadata": meta, "spec": {**target["spec"], "replicas": replicas}}
        result = self.api.commit("replicasets", target, new)
        if before != replicas:
            way = "up" if replicas > before else "down"
            text = f"Scaled {way} replica set {target['metadata']['name']} from {before} to {replicas}"
            self.events.tell(obj, "ScalingReplicaSet", text, source=SOURCE)
        return result


def annotations(obj: Object) -> dict[str, str]:
    """What a ReplicaSet notes of its Deployment's size."""
    surge, _ = rolling.bounds(obj)
    wanted = obj["spec"]["replicas"]
    return {DESIRED: str(wanted), MAXIMUM: str(wanted + surge)}
