"""How many pods of which template: rolling update, recreate, and scaling in proportion (rolling.go, recreate.go, sync.go)."""

import math
from typing import TYPE_CHECKING, Any

from deliver.model.objects import Object

if TYPE_CHECKING:
    from deliver_sandbox.controllers.deployment import DeploymentController


def _resolved(value: Any, total: int, up: bool) -> int:
    if isinstance(value, str):
        share = int(value.rstrip("%")) * total / 100
        return math.ceil(share) if up else math.floor(share)
    return int(value or 0)


def bounds(obj: Object) -> tuple[int, int]:
    """(max surge, max unavailable) in pods; both 0 would never move, so one may be unavailable then."""
    spec = obj["spec"]
    if spec["strategy"]["type"] != "RollingUpdate":
        return 0, 0
    rolling, wanted = spec["strategy"].get("rollingUpdate") or {}, spec["replicas"]
    surge = _resolved(rolling.get("maxSurge", "25%"), wanted, True)
    unavailable = _resolved(rolling.get("maxUnavailable", "25%"), wanted, False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, wanted)


def _total(sets: list[Object]) -> int:
    return sum(item["spec"]["replicas"] for item in sets)


def _available(sets: list[Object]) -> int:
    return sum((item.get("status") or {}).get("availableReplicas", 0) for item in sets)


def wanted_of_new(obj: Object, others: list[Object], current: int = 0) -> int:
    """Replicas that the new ReplicaSet may have now, within replicas + surge."""
    wanted: int = obj["spec"]["replicas"]
    if obj["spec"]["strategy"]["type"] == "Recreate":
        return wanted if not others or not _total(others) else current
    surge, _ = bounds(obj)
    room = wanted + surge - _total(others) - current
    if room <= 0:
        return current
    return current + min(room, wanted - current)


def scale_new(control: "DeploymentController", obj: Object, new: Object, old: list[Object]) -> bool:
    current, wanted = new["spec"]["replicas"], obj["spec"]["replicas"]
    if current == wanted:
        return False
    target = wanted if current > wanted else wanted_of_new(obj, old, current)
    control.scale(obj, new, target)
    return bool(target != current)


def scale_old(control: "DeploymentController", obj: Object, new: Object, old: list[Object]) -> bool:
    """Take old pods away: first the unhealthy ones, then as many as the available ones allow."""
    if not _total(old):
        return False
    _, unavailable = bounds(obj)
    minimum = obj["spec"]["replicas"] - unavailable
    waiting = new["spec"]["replicas"] - (new.get("status") or {}).get("availableReplicas", 0)
    room = _total([*old, new]) - minimum - waiting
    if room <= 0:
        return False
    old, removed = _drop_unhealthy(control, obj, old, room)
    left = _available([*old, new]) - minimum
    for item in old:
        if left <= 0:
            break
        count = min(item["spec"]["replicas"], left)
        if count:
            control.scale(obj, item, item["spec"]["replicas"] - count)
            left -= count
            removed += count
    return removed > 0


def _drop_unhealthy(control: "DeploymentController", obj: Object, old: list[Object], room: int) -> tuple[list[Object], int]:
    result, removed = [], 0
    for item in old:
        replicas, available = item["spec"]["replicas"], (item.get("status") or {}).get("availableReplicas", 0)
        count = min(room - removed, replicas - available)
        if replicas and count > 0:
            item = control.scale(obj, item, replicas - count)
            removed += count
        result.append(item)
    return result, removed


def recreate(control: "DeploymentController", obj: Object, new: Object, old: list[Object]) -> None:
    """All old pods away, and only when the last of them is gone the new ones."""
    for item in old:
        control.scale(obj, item, 0)
    uids = {item["metadata"]["uid"] for item in old}
    for pod in control.store.every("pods", obj["metadata"]["namespace"]):
        refs = pod["metadata"].get("ownerReferences") or ()
        if any(ref["uid"] in uids for ref in refs) and (pod.get("status") or {}).get("phase") not in ("Failed", "Succeeded"):
            return
    control.scale(obj, new, obj["spec"]["replicas"])


def scale_as_asked(control: "DeploymentController", obj: Object, new: Object | None, old: list[Object]) -> None:
    """A changed spec.replicas, also while paused: the only active ReplicaSet gets it, several share it in proportion."""
    every = [*old, new] if new is not None else old
    active = [item for item in every if item["spec"]["replicas"] > 0]
    if len(active) <= 1:
        latest = active[0] if active else new if new is not None else old[-1] if old else None
        if latest is not None:
            control.scale(obj, latest, obj["spec"]["replicas"])
        return
    if new is not None and _saturated(obj, new):
        for item in old:
            if item["spec"]["replicas"]:
                control.scale(obj, item, 0)
        return
    if obj["spec"]["strategy"]["type"] == "RollingUpdate":
        _share_out(control, obj, active)


def _saturated(obj: Object, new: Object) -> bool:
    wanted = obj["spec"]["replicas"]
    noted = int((new["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/desired-replicas", -1))
    return bool(new["spec"]["replicas"] == wanted == noted == (new.get("status") or {}).get("availableReplicas", 0))


def _share_out(control: "DeploymentController", obj: Object, active: list[Object]) -> None:
    wanted = obj["spec"]["replicas"]
    allowed = wanted + bounds(obj)[0] if wanted > 0 else 0
    add = allowed - _total(active)
    ordered = sorted(active, key=lambda item: (-item["spec"]["replicas"], item["metadata"]["creationTimestamp"]), reverse=False)
    sizes, added = {}, 0
    for item in ordered:
        size = item["spec"]["replicas"]
        part = _fraction(item, allowed, add, added) if add else 0
        sizes[item["metadata"]["name"]] = size + part
        added += part
    for at, item in enumerate(ordered):
        name = item["metadata"]["name"]
        if at == 0 and add:
            sizes[name] = max(0, sizes[name] + add - added)
        control.scale(obj, item, sizes[name])


def _fraction(item: Object, allowed: int, add: int, added: int) -> int:
    size = item["spec"]["replicas"]
    noted = int((item["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/max-replicas", allowed)) or allowed
    part = round(size * allowed / noted) - size if size else 0
    left = add - added
    return min(part, left) if add > 0 else max(part, left)
