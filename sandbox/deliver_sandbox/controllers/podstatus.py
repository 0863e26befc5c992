"""What the kubelet writes into a pod's status, as seen on Kubernetes 1.37."""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deliver.model.objects import Object
from deliver_sandbox.api import Api, stamp
from deliver_sandbox.controllers.base import condition
from deliver_sandbox.store import Store

if TYPE_CHECKING:
    from deliver_sandbox.controllers.kubelet import Run

_ORDER = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def digest(image: str) -> str:
    """A made-up but stable digest of an image reference."""
    return "sha256:" + hashlib.sha256(image.encode()).hexdigest()


def missing_volumes(store: Store, pod: Object) -> Iterator[str]:
    """What the kubelet says of each volume that is a ConfigMap or a Secret, and is not there."""
    for volume in pod["spec"].get("volumes") or ():
        for kind, part, key in (("configmap", "configMap", "name"), ("secret", "secret", "secretName")):
            source = volume.get(part) or {}
            name = source.get(key, "")
            if name and not source.get("optional") and store.get(f"{kind}s", pod["metadata"]["namespace"], name) is None:
                yield f'MountVolume.SetUp failed for volume "{volume["name"]}" : {kind} "{name}" not found'


def pull_error(image: str) -> str:
    text = f'failed to pull and unpack image "{image}": failed to resolve image: {image}: not found'
    return f"rpc error: code = NotFound desc = {text}"


def span(seconds: float) -> str:
    """A Go duration of whole seconds: 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def back_off_text(run: "Run", pod: Object, wait: float) -> str:
    container = pod["spec"]["containers"][0]["name"]
    return f"back-off {span(wait)} restarting failed container={container} pod={run.name}_{run.namespace}({run.uid})"


def _put(api: Api, pod: Object, changes: Object, conditions: dict[str, tuple[bool, str, str]]) -> None:
    """Write the status. conditions: type -> (holds, reason, message); a condition that keeps its status keeps its time."""
    old, now = pod.get("status") or {}, stamp(api.clock.now())
    known = {item["type"]: item for item in old.get("conditions") or ()}
    for type_, (holds, reason, message) in conditions.items():
        before = known.get(type_)
        value = "True" if holds else "False"
        since = before["lastTransitionTime"] if before is not None and before["status"] == value else now
        item = {"type": type_, "status": value, "lastProbeTime": None, "lastTransitionTime": since, "observedGeneration": 1}
        if reason:
            item |= {"reason": reason, "message": message}
        known[type_] = item
    ordered = [known[type_] for type_ in (*_ORDER, *(type_ for type_ in known if type_ not in _ORDER)) if type_ in known]
    status = {**old, **changes, "conditions": ordered}
    if status != old:
        api.store.put("pods", {**pod, "status": status})


def _ready(pod: Object, ready: bool) -> dict[str, tuple[bool, str, str]]:
    names = " ".join(container["name"] for container in pod["spec"]["containers"])
    why = ("", "") if ready else ("ContainersNotReady", f"containers with unready status: [{names}]")
    unset = _unset_gates(pod) if ready else []
    gated = (False, "ReadinessGatesNotReady", " ".join(unset)) if unset else (ready, *why)
    return {"Ready": gated, "ContainersReady": (ready, *why)}


def _unset_gates(pod: Object) -> list[str]:
    """Why each of its readiness gates that is not True keeps it from being ready."""
    known = {item["type"]: item["status"] for item in (pod.get("status") or {}).get("conditions") or ()}
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or ()]
    return [
        f'corresponding condition of pod readiness gate "{gate}" does not exist.'
        if gate not in known
        else f'the status of pod readiness gate "{gate}" is not "True", but {known[gate]}'
        for gate in gates
        if known.get(gate) != "True"
    ]


def gated(api: Api, pod: Object) -> None:
    """Somebody may have set a readiness gate."""
    if pod["spec"].get("readinessGates") and (found := condition(pod.get("status") or {}, "ContainersReady")):
        _put(api, pod, {}, _ready(pod, found["status"] == "True"))


def unschedulable(api: Api, pod: Object, why: str) -> None:
    _put(api, pod, {"phase": "Pending"}, {"PodScheduled": (False, "Unschedulable", why)})


def scheduled(api: Api, pod: Object, node: str, ip: str) -> Object:
    """Bound to a node, and taken up by its kubelet."""
    bound = api.store.put("pods", {**pod, "spec": {**pod["spec"], "nodeName": node}})
    changes = {"phase": "Pending", "hostIP": ip, "hostIPs": [{"ip": ip}], "startTime": stamp(api.clock.now()), "observedGeneration": 1}
    changes["containerStatuses"] = _statuses(bound, {"waiting": {"reason": "ContainerCreating"}}, None)
    _put(api, bound, changes, {"Initialized": (True, "", ""), "PodScheduled": (True, "", ""), **_ready(bound, False)})
    return bound


def _statuses(pod: Object, state: Object, run: "Run | None", ready: bool = False, started: bool = False) -> list[Object]:
    """One entry a container; the first one is the one that lives by its image's behaviour, the others do as it does."""
    result = []
    for container in pod["spec"]["containers"]:
        item: Object = {"name": container["name"], "image": container["image"], "imageID": "", "ready": ready, "started": started}
        item |= {"restartCount": run.restarts if run is not None else 0, "state": state, "lastState": {}}
        if run is not None and run.last:
            item["lastState"] = {"terminated": run.last}
        if run is not None and run.life:
            item["imageID"] = f"{container['image'].partition('@')[0].rpartition(':')[0]}@{digest(container['image'])}"
            item["containerID"] = container_id(run)
        result.append(item)
    return result


def container_id(run: "Run") -> str:
    return "containerd://" + hashlib.sha256(f"{run.uid} {run.life}".encode()).hexdigest()


def creating(api: Api, pod: Object, run: "Run") -> None:
    changes = {"podIP": run.ip, "podIPs": [{"ip": run.ip}]}
    changes["containerStatuses"] = _statuses(pod, {"waiting": {"reason": "ContainerCreating"}}, run)
    _put(api, pod, changes, {"PodReadyToStartContainers": (True, "", "")})


def waiting(api: Api, pod: Object, run: "Run", reason: str, message: str) -> None:
    state = {"waiting": {"reason": reason, "message": message}}
    changes = {"podIP": run.ip, "podIPs": [{"ip": run.ip}], "containerStatuses": _statuses(pod, state, run)}
    _put(api, pod, changes, {"PodReadyToStartContainers": (True, "", ""), **_ready(pod, False)})


def running(api: Api, pod: Object, run: "Run", *, ready: bool) -> None:
    state = {"running": {"startedAt": stamp(run.started)}}
    changes = {"phase": "Running", "containerStatuses": _statuses(pod, state, run, ready, started=True)}
    _put(api, pod, changes, _ready(pod, ready))


def terminated(run: "Run", now: float) -> Object:
    """The record of a container that exited."""
    state = {"exitCode": run.behaviour.code, "reason": run.behaviour.reason, "startedAt": stamp(run.started), "finishedAt": stamp(now)}
    return {**state, "containerID": container_id(run)}


def exited(api: Api, pod: Object, run: "Run") -> None:
    never = pod["spec"].get("restartPolicy") == "Never"
    changes: Object = {"containerStatuses": _statuses(pod, {"terminated": run.last}, run)}
    if changes["containerStatuses"] and run.restarts == 0:
        changes["containerStatuses"] = [{**item, "lastState": {}} for item in changes["containerStatuses"]]
    if never:
        changes["phase"] = "Failed" if run.behaviour.code else "Succeeded"
    _put(api, pod, changes, _ready(pod, False))


def ended(api: Api, pod: Object, run: "Run") -> None:
    """Terminated on request, the last status before the object goes."""
    now = stamp(api.clock.now())
    state = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": stamp(run.started), "finishedAt": now}}
    found = condition(pod.get("status") or {}, "Ready")
    if found is not None:
        _put(api, pod, {"phase": "Succeeded", "containerStatuses": _statuses(pod, state, run)}, _ready(pod, False))
