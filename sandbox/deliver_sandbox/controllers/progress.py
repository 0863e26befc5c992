"""A Deployment's status and conditions (progress.go): Available, Progressing with its deadline, ReplicaFailure."""

from deliver.model.objects import Object
from deliver_sandbox.api import Api, stamp
from deliver_sandbox.controllers.base import condition, with_condition
from deliver_sandbox.controllers.rolling import bounds
from deliver_sandbox.controllers.times import seconds

DONE = "NewReplicaSetAvailable"
LATE = "ProgressDeadlineExceeded"


def complete(obj: Object, status: Object) -> bool:
    wanted = obj["spec"]["replicas"]
    counts = [status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas")]
    return counts == [wanted] * 3 and status.get("observedGeneration", 0) >= obj["metadata"]["generation"]


def _set(conditions: list[Object], type_: str, status: str, reason: str, message: str, now: str) -> list[Object]:
    """As SetDeploymentCondition: the same status and reason again changes nothing; the same status keeps its transition time."""
    known = next((item for item in conditions if item["type"] == type_), None)
    if known is not None and known["status"] == status and known["reason"] == reason:
        return conditions
    since = known["lastTransitionTime"] if known is not None and known["status"] == status else now
    new = {"type": type_, "status": status, "reason": reason, "message": message, "lastUpdateTime": now, "lastTransitionTime": since}
    return with_condition(conditions, new)


def _counts(obj: Object, new: Object | None, old: list[Object]) -> Object:
    every = [*old, new] if new is not None else old

    def total(key: str) -> int:
        return sum((item.get("status") or {}).get(key, 0) for item in every)

    available, replicas = total("availableReplicas"), total("replicas")
    status = {
        "replicas": replicas,
        "updatedReplicas": (new.get("status") or {}).get("replicas", 0) if new is not None else 0,
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sum(item["spec"]["replicas"] for item in every) - available),
    }
    status = {key: value for key, value in status.items() if value}
    return {**status, "terminatingReplicas": total("terminatingReplicas"), "observedGeneration": obj["metadata"]["generation"]}


def report(api: Api, obj: Object, new: Object | None, old: list[Object]) -> float | None:
    """Write the status. Returns in how many seconds the progress deadline must be looked at, or None."""
    before, now = obj.get("status") or {}, api.clock.now()
    status = _counts(obj, new, old)
    if "collisionCount" in before:
        status["collisionCount"] = before["collisionCount"]
    conditions = _available(obj, status, list(before.get("conditions") or ()), stamp(now))
    if not obj["spec"].get("paused"):
        conditions = _progressing(obj, before, status, new, conditions, now)
    conditions = _failure(new, old, conditions, stamp(now))
    status["conditions"] = conditions
    if not conditions:
        del status["conditions"]
    if status != before:
        api.store.put("deployments", {**obj, "status": status})
    return _deadline(obj, status, now)


def _available(obj: Object, status: Object, conditions: list[Object], now: str) -> list[Object]:
    if status.get("availableReplicas", 0) >= obj["spec"]["replicas"] - bounds(obj)[1]:
        return _set(conditions, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
    text = "Deployment does not have minimum availability."
    return _set(conditions, "Available", "False", "MinimumReplicasUnavailable", text, now)


def _progressing(obj: Object, before: Object, status: Object, new: Object | None, conditions: list[Object], now: float) -> list[Object]:
    known = next((item for item in conditions if item["type"] == "Progressing"), None)
    done = known is not None and known["reason"] == DONE and status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if done or obj["spec"].get("progressDeadlineSeconds") is None:
        return conditions
    name = f'ReplicaSet "{new["metadata"]["name"]}"' if new is not None else f'Deployment "{obj["metadata"]["name"]}"'
    if complete(obj, status):
        return _set(conditions, "Progressing", "True", DONE, f"{name} has successfully progressed.", stamp(now))
    if _moved(before, status):
        since = known["lastTransitionTime"] if known is not None and known["status"] == "True" else stamp(now)
        text = f"{name} is progressing."
        fresh = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": text}
        return with_condition(conditions, {**fresh, "lastUpdateTime": stamp(now), "lastTransitionTime": since})
    if _late(obj, known, now):
        return _set(conditions, "Progressing", "False", LATE, f"{name} has timed out progressing.", stamp(now))
    return conditions


def _moved(before: Object, status: Object) -> bool:
    def old(of: Object) -> int:
        return int(of.get("replicas", 0) - of.get("updatedReplicas", 0))

    grown = any(status.get(key, 0) > before.get(key, 0) for key in ("updatedReplicas", "readyReplicas", "availableReplicas"))
    return grown or old(status) < old(before)


def _late(obj: Object, known: Object | None, now: float) -> bool:
    if known is None or known["reason"] == DONE:
        return False
    return bool(known["reason"] == LATE or seconds(known["lastUpdateTime"]) + obj["spec"]["progressDeadlineSeconds"] < now)


def _deadline(obj: Object, status: Object, now: float) -> float | None:
    known = condition(status, "Progressing")
    if known is None or obj["spec"].get("paused") or obj["spec"].get("progressDeadlineSeconds") is None:
        return None
    if complete(obj, status) or known["reason"] in (DONE, LATE):
        return None
    limit: float = seconds(known["lastUpdateTime"]) + obj["spec"]["progressDeadlineSeconds"]
    return max(0.0, limit - now) + 1.0


def _failure(new: Object | None, old: list[Object], conditions: list[Object], now: str) -> list[Object]:
    """The ReplicaSets' own failure, the new one's first."""
    for item in [new, *old] if new is not None else old:
        found = condition(item.get("status") or {}, "ReplicaFailure")
        if found is not None:
            return _set(conditions, "ReplicaFailure", found["status"], found["reason"], found["message"], now)
    return [item for item in conditions if item["type"] != "ReplicaFailure"]


def note_pause(api: Api, obj: Object) -> Object:
    """Progressing says when a Deployment is paused and when it goes on, which starts the deadline anew."""
    if obj["spec"].get("progressDeadlineSeconds") is None:
        return obj
    known = condition(obj.get("status") or {}, "Progressing")
    if known is not None and known["reason"] == LATE:
        return obj
    was = known is not None and known["reason"] == "DeploymentPaused"
    paused = bool(obj["spec"].get("paused"))
    if was == paused:
        return obj
    reason, text = ("DeploymentPaused", "Deployment is paused") if paused else ("DeploymentResumed", "Deployment is resumed")
    return _note(api, obj, "Unknown", reason, text)


def note_created(api: Api, obj: Object, name: str, error: str) -> None:
    """A new ReplicaSet was made, or could not be."""
    current = api.store.get("deployments", obj["metadata"]["namespace"], obj["metadata"]["name"]) or obj
    if error:
        _note(api, current, "False", "ReplicaSetCreateError", error)
    elif obj["spec"].get("progressDeadlineSeconds") is not None:
        _note(api, current, "True", "NewReplicaSetCreated", f'Created new replica set "{name}"')


def _note(api: Api, obj: Object, status: str, reason: str, message: str) -> Object:
    now = stamp(api.clock.now())
    conditions = _set(list((obj.get("status") or {}).get("conditions") or ()), "Progressing", status, reason, message, now)
    return api.store.put("deployments", {**obj, "status": {**(obj.get("status") or {}), "conditions": conditions}})
