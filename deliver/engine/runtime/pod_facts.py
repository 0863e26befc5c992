"""Facts about pods and Deployments, out of their objects. Pure."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime

from deliver.cluster.managed_fields import last_editor
from deliver.formatting.formats import count
from deliver.model.names import HASH, UNDO, fence_of
from deliver.model.objects import Object
from deliver.model.observation import ArmSeen, PodSeen, Problem
from deliver.model.release import digest_of

IMAGE_PULL = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError"}
NODES_DOING = frozenset(  # a kubelet evicts, shuts down, or takes none of a pod that its ReplicaSet replaces; OutOfcpu and the like as well
    {"Evicted", "Preempting", "NodeShutdown", "Terminated", "NodeAffinity", "NodePorts", "TaintToleration", "UnexpectedAdmissionError"}
)
BAD_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError", "PostStartHookError"}
FINAL_PULL_WORDS = (
    "not found",
    "manifest unknown",
    "does not exist",
    "denied",
    "unauthorized",
    "invalid reference",
    "no match for platform",
)


def seconds(stamp: str | None) -> float:
    """RFC 3339 to unix seconds; 0 for none."""
    return datetime.fromisoformat(stamp).timestamp() if stamp else 0.0


def owner(obj: Object) -> str:
    """uid of the controlling owner, "" for none."""
    for ref in obj["metadata"].get("ownerReferences") or ():
        if ref.get("controller"):
            return str(ref["uid"])
    return ""


def deployment_digest(deployment: Object) -> str:
    return digest_of(deployment["spec"]["template"])


def pod_seen(pod: Object) -> PodSeen:
    meta, status = pod["metadata"], pod.get("status") or {}
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    ready = conditions.get("Ready", {}).get("status") == "True"
    containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    container, problem = pod_problem(pod, containers, conditions)
    return PodSeen(
        name=meta["name"],
        uid=meta["uid"],
        ip=status.get("podIP", ""),
        ready=ready,
        lost=not ready and lost(status.get("containerStatuses") or [], conditions.get("Ready", {})),
        restarts=sum(one.get("restartCount", 0) for one in containers),
        hash=(meta.get("labels") or {}).get(HASH, ""),
        since=seconds(meta.get("creationTimestamp")),
        problem=problem,
        container=container,
        over=status.get("phase") in ("Failed", "Succeeded"),
        images=images(pod),
    )


def arm(
    deployment: Object,
    replicasets: Sequence[Object],
    pods: Sequence[Object],
    container: str,
    digest: Callable[[Object], str] = deployment_digest,
    facts: Callable[[Object], PodSeen] = pod_seen,
) -> ArmSeen:
    """One arm out of its Deployment, and the ReplicaSets and pods of the namespace. container: whose image is the version.

    digest, facts: of a Deployment and of a pod, where they are known already.
    """
    meta, spec, status = deployment["metadata"], deployment["spec"], deployment.get("status") or {}
    sets = [one for one in replicasets if owner(one) == meta["uid"]]
    mine = {one["metadata"]["uid"]: one for one in sets}
    own = [pod for pod in pods if owner(pod) in mine]
    current = next((one for one in sets if bare(one["spec"]["template"]) == spec["template"]), None)
    return ArmSeen(
        deployment=meta["name"],
        uid=meta["uid"],
        image=next((one["image"] for one in spec["template"]["spec"]["containers"] if one["name"] == container), ""),
        hash=(current["metadata"].get("labels") or {}).get(HASH, "") if current else "",
        template=digest(deployment),
        desired=spec.get("replicas", 1),
        paused=bool(spec.get("paused")),
        settled=status.get("observedGeneration", 0) >= meta.get("generation", 0),
        pods=tuple(facts(pod) for pod in own if not pod["metadata"].get("deletionTimestamp")),
        terminating=sum(bool(pod["metadata"].get("deletionTimestamp")) for pod in own),
        problem=deployment_problem(status),
        fence=fence_of(deployment),
        editor=last_editor(deployment, "f:template"),
        noted=UNDO in (meta.get("annotations") or {}),
    )


def bare(template: Object) -> Object:
    """A ReplicaSet's template as the Deployment has it: without the hash label that its controller adds."""
    labels = {key: value for key, value in (template["metadata"].get("labels") or {}).items() if key != HASH}
    return {**template, "metadata": {**template["metadata"], "labels": labels}}


def deployment_problem(status: Object) -> Problem | None:
    for condition in status.get("conditions") or []:
        kind, state = condition.get("type"), condition.get("status")
        if kind == "ReplicaFailure" and state == "True":
            return Problem("replica-failure", condition.get("message") or condition.get("reason") or "pods cannot be created")
        if kind == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return Problem("progress-deadline", condition.get("message") or "its progress deadline is over")
    return None


def images(pod: Object) -> tuple[str, ...]:
    """Of all its containers, as they were asked for."""
    return tuple([one.get("image", "") for one in pod["spec"]["containers"]])


def lost(containers: Sequence[Object], ready: Object) -> bool:
    """Ready went False after the containers had started: they were ready before. A pod that starts has it False from earlier on."""
    if any(one.get("restartCount", 0) for one in containers):
        return True
    started = [one.get("state", {}).get("running", {}).get("startedAt") for one in containers]
    if not containers or not all(started):
        return any("terminated" in one.get("state", {}) for one in containers)
    return seconds(ready.get("lastTransitionTime")) > max(seconds(stamp) for stamp in started) + 1.0


def pod_problem(pod: Object, containers: Sequence[Object], conditions: dict[str, Object]) -> tuple[str, Problem | None]:
    """The container with a problem, and the problem: what is wrong now before what one died of, and of that the latest."""
    first = containers[0]["name"] if containers else pod["spec"]["containers"][0]["name"]
    found = [(one["name"], problem) for one in containers if (problem := container_problem(one))]
    if found:
        return max(found, key=lambda one: one[1].ended or math.inf)
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        return first, Problem("unschedulable", f"cannot be scheduled: {scheduled.get('message', '')}", certain=False)
    if (pod.get("status") or {}).get("phase") == "Failed":
        status = pod["status"]
        return first, Problem(
            "failed",
            f"failed: {status.get('reason', '')} {status.get('message', '')}".strip(),
            certain=(status.get("reason") or "") not in NODES_DOING and not (status.get("reason") or "").startswith("OutOf"),
        )
    return first, None


def container_problem(container: Object) -> Problem | None:
    """What kubelet reports of one container, when time will not mend it."""
    waiting = container.get("state", {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    name = container["name"]
    if reason in IMAGE_PULL:
        final = reason != "ErrImagePull" or any(word in message.lower() for word in FINAL_PULL_WORDS)
        return Problem("image-pull", f"cannot pull {container.get('image', 'its image')} ({reason}): {message}", certain=final)
    if reason in BAD_CONFIG:
        return Problem("bad-config", f"container {name} cannot start ({reason}): {message}")
    ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated") or {}
    restarts, when = container.get("restartCount", 0), seconds(ended.get("finishedAt"))
    times = count(restarts, "time")
    if ended.get("reason") == "OOMKilled":
        return Problem("oom-kill", f"container {name} was killed for want of memory (OOMKilled), restarted {times}", ended=when)
    if reason == "CrashLoopBackOff" or (ended and restarts >= 2):
        how = f"exit code {ended.get('exitCode')}" if ended else message
        return Problem("crash-loop", f"container {name} keeps crashing ({how}), restarted {times}", ended=when)
    return None


def template_of(replicasets: Sequence[Object], deployment: Object, hash: str) -> Object:
    """Of the ReplicaSet with that hash, without the hash label its controller adds; the Deployment's own when it is gone."""
    own: Object = deployment["spec"]["template"]
    for one in replicasets:
        if owner(one) == deployment["metadata"]["uid"] and (one["metadata"].get("labels") or {}).get(HASH) == hash:
            template = bare(one["spec"]["template"])
            return own if template == own else template
    return own
