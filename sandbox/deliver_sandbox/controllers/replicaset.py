"""The ReplicaSet controller: as many pods as spec.replicas says, and a status that counts them."""

from deliver.model.objects import Object
from deliver_sandbox.api import Api, Write, stamp
from deliver_sandbox.controllers.base import Controller, condition, owner, reference, with_condition
from deliver_sandbox.controllers.events import Events
from deliver_sandbox.errors import ApiError
from deliver_sandbox.store import Change

SOURCE = "replicaset-controller"
_RETRY = 1.0


def is_ready(pod: Object) -> bool:
    found = condition(pod.get("status") or {}, "Ready")
    return found is not None and found["status"] == "True"


def is_active(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed") and not pod["metadata"].get("deletionTimestamp")


class ReplicaSetController(Controller):
    delay = 0.01

    def __init__(self, api: Api, events: Events) -> None:
        super().__init__(api)
        self.events = events
        self._backoff: dict[str, float] = {}

    def see(self, change: Change) -> None:
        if change.kind == "replicasets":
            self.poke(change.namespace, change.name)
        elif change.kind == "pods":
            ref = owner(change.obj)
            if ref is not None and ref["kind"] == "ReplicaSet":
                self.poke(change.namespace, ref["name"])

    def sync(self, namespace: str, name: str) -> None:
        obj = self.store.get("replicasets", namespace, name)
        if obj is None:
            return
        pods = self.store.controlled("pods", obj["metadata"]["uid"])
        active = [pod for pod in pods if is_active(pod)]
        failure = ""
        if not obj["metadata"].get("deletionTimestamp"):
            failure = self._manage(obj, active)
            pods = self.store.controlled("pods", obj["metadata"]["uid"])
        self._report(obj, pods, failure)

    def _manage(self, obj: Object, active: list[Object]) -> str:
        """Create or delete pods; the API's refusal as text, or ""."""
        missing = obj["spec"]["replicas"] - len(active)
        meta = obj["metadata"]
        try:
            for _ in range(missing):
                pod = self._create(obj)
                self.events.tell(obj, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", source=SOURCE)
        except ApiError as error:
            self.events.tell(obj, "FailedCreate", f"Error creating: {error.message}", source=SOURCE, warning=True)
            wait = self._backoff.get(meta["uid"], _RETRY)
            self._backoff[meta["uid"]] = min(wait * 2, 60.0)
            self.later(wait, meta["namespace"], meta["name"])
            return error.message
        for pod in sorted(active, key=_rank)[:-missing] if missing < 0 else ():
            self.api.delete("pods", meta["namespace"], pod["metadata"]["name"])
            self.events.tell(obj, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}", source=SOURCE)
        self._backoff.pop(meta["uid"], None)
        return ""

    def _create(self, obj: Object) -> Object:
        template = obj["spec"]["template"]
        given = template.get("metadata") or {}
        taken = {key: given[key] for key in ("labels", "annotations", "finalizers") if key in given}  # never its name
        meta = {**taken, "generateName": obj["metadata"]["name"] + "-", "ownerReferences": [reference(obj)]}
        return self.api.create("pods", obj["metadata"]["namespace"], {"metadata": meta, "spec": template["spec"]}, Write(manager=""))

    def _report(self, obj: Object, pods: list[Object], failure: str) -> None:
        active = [pod for pod in pods if is_active(pod)]
        ready = [pod for pod in active if is_ready(pod)]
        status: Object = {"replicas": len(active), "fullyLabeledReplicas": len(active)}
        status["readyReplicas"] = len(ready)
        status["availableReplicas"] = self._available(obj, ready)
        status = {key: value for key, value in status.items() if value or key == "replicas"}
        status["terminatingReplicas"] = sum(bool(pod["metadata"].get("deletionTimestamp")) for pod in pods)
        status["observedGeneration"] = obj["metadata"]["generation"]
        known = condition(obj["status"], "ReplicaFailure")
        if failure:
            if known is None:  # one of the same reason stays as it is: its message names the pod of the first try
                now = stamp(self.clock.now())
                known = {
                    "type": "ReplicaFailure",
                    "status": "True",
                    "reason": "FailedCreate",
                    "message": failure,
                    "lastTransitionTime": now,
                }
            status["conditions"] = with_condition([], known)
        self.api.commit("replicasets", obj, {**obj, "status": status})

    def _available(self, obj: Object, ready: list[Object]) -> int:
        """Ready for minReadySeconds; looks again when the next one will be."""
        wanted = obj["spec"].get("minReadySeconds", 0)
        if not wanted:
            return len(ready)
        now, count, wait = self.clock.now(), 0, 0.0
        for pod in ready:
            left = ready_since(pod) + wanted - now
            count += left <= 0
            wait = min(wait or left, left) if left > 0 else wait
        if wait:
            self.later(wait, obj["metadata"]["namespace"], obj["metadata"]["name"])
        return count


def ready_since(pod: Object) -> float:
    """Unix seconds of the Ready condition's last change."""
    from deliver_sandbox.controllers.times import seconds

    found = condition(pod.get("status") or {}, "Ready")
    return seconds(found["lastTransitionTime"]) if found and found.get("lastTransitionTime") else 0.0


def _rank(pod: Object) -> tuple[bool, int, bool, float, int, float]:
    """Which pod goes first: no node, not running, not ready, ready for a shorter time, more restarts, newer (controller_utils.go)."""
    from deliver_sandbox.controllers.times import seconds

    status = pod.get("status") or {}
    phase = {"Pending": 0, "Unknown": 1}.get(status.get("phase", "Pending"), 2)
    restarts = max((item.get("restartCount", 0) for item in status.get("containerStatuses") or ()), default=0)
    ready = is_ready(pod)
    return (
        bool(pod["spec"].get("nodeName")),
        phase,
        ready,
        -ready_since(pod) if ready else 0.0,
        -restarts,
        -seconds(pod["metadata"]["creationTimestamp"]),
    )
