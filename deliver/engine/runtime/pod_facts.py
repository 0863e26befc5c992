"""Facts about pods and Deployments, out of their objects. Pure."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime

from deliver.cluster.managed_fields import last_editor
from deliver.engine.runtime.pod_causes import CONFIG, PULLS, config_patience, creation_is_final, pull_is_final, pull_says_why
from deliver.formatting.formats import count
from deliver.model.names import HASH, UNDO, fence_of
from deliver.model.objects import Object
from deliver.model.observation import ArmSeen, Crashes, PodSeen, Problem
from deliver.model.places import image_at, places_named
from deliver.model.release import digest_of

NODES_DOING = frozenset(  # a kubelet evicts, shuts down, or takes none of a pod that its ReplicaSet replaces; OutOfcpu and the like as well
    {"Evicted", "Preempting", "NodeShutdown", "Terminated", "NodeAffinity", "NodePorts", "TaintToleration", "UnexpectedAdmissionError"}
)
OWN_DOING = ("exceeds the total limit", "exceeded its local ephemeral storage limit", "exceeds the limit")  # an eviction's words


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
    container, problem = pod_problem(pod, containers, conditions, ready=ready)
    turned = seconds(conditions.get("Ready", {}).get("lastTransitionTime"))
    return PodSeen(
        name=meta["name"],
        uid=meta["uid"],
        ip=status.get("podIP", ""),
        ready=ready,
        lost=not ready and turned > seconds(status.get("startTime") or meta.get("creationTimestamp")) + 1.0,
        restarts=sum(one.get("restartCount", 0) for one in containers),
        hash=(meta.get("labels") or {}).get(HASH, ""),
        since=seconds(meta.get("creationTimestamp")),
        problem=problem,
        container=container,
        over=status.get("phase") in ("Failed", "Succeeded"),
        images=images(pod),
        turned=turned,
        crashes=crashes(pod),
        gates=() if ready else unset_gates(pod, conditions),
        silent=problem is None and bool(status.get("startTime")) and any(map(is_silent, containers)),
    )


def arm(
    deployment: Object,
    replicasets: Sequence[Object],
    pods: Sequence[Object],
    containers: Sequence[str],
    digest: Callable[[Object], str] = deployment_digest,
    facts: Callable[[Object], PodSeen] = pod_seen,
) -> ArmSeen:
    """One arm out of its Deployment, and the ReplicaSets and pods of the namespace. containers: those whose image is released, first
    the one whose image is the version.

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
        image=image_at(spec["template"], containers[0]),
        hash=(current["metadata"].get("labels") or {}).get(HASH, "") if current else "",
        places=places_named(spec["template"], containers),
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
        min_ready=spec.get("minReadySeconds") or 0,
    )


def bare(template: Object) -> Object:
    """A ReplicaSet's template as the Deployment has it: without the hash label that its controller adds."""
    labels = {key: value for key, value in (template["metadata"].get("labels") or {}).items() if key != HASH}
    return {**template, "metadata": {**template["metadata"], "labels": labels}}


def deployment_problem(status: Object) -> Problem | None:
    for condition in status.get("conditions") or []:
        kind, state = condition.get("type"), condition.get("status")
        message = condition.get("message") or ""
        if kind == "ReplicaFailure" and state == "True":
            text = message or condition.get("reason") or "pods cannot be created"
            return Problem("replica-failure", text, certain=creation_is_final(text))
        if kind == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            text = message or "its progress deadline is over"  # how long pods are waited for is `limits.ready`, and that alone
            return Problem("progress-deadline", f"{text} (`progressDeadlineSeconds`)", certain=False)
    return None


def images(pod: Object) -> tuple[str, ...]:
    """Of all its containers, as they were asked for."""
    return tuple([one.get("image", "") for one in pod["spec"]["containers"]])


def unset_gates(pod: Object, conditions: dict[str, Object]) -> tuple[str, ...]:
    """Readiness gates that are all that a pod waits for: others set them, who may look at the Services that it is in."""
    if conditions.get("ContainersReady", {}).get("status") != "True" or pod["metadata"].get("deletionTimestamp"):
        return ()
    gates = [gate.get("conditionType", "") for gate in pod["spec"].get("readinessGates") or ()]
    return tuple([gate for gate in gates if conditions.get(gate, {}).get("status") != "True"])


def pod_problem(
    pod: Object, containers: Sequence[Object], conditions: dict[str, Object], *, ready: bool = False
) -> tuple[str, Problem | None]:
    """The container with a problem, and the problem: what is wrong now before what one died of, and of that the latest.

    What a container of a pod that is ready did in the past is none; `crashes` has it.
    """
    first = containers[0]["name"] if containers else pod["spec"]["containers"][0]["name"]
    scheduled, status = conditions.get("PodScheduled", {}), pod.get("status") or {}
    if status.get("phase") == "Failed":
        reason, message = status.get("reason") or "", status.get("message") or ""
        nodes = (reason in NODES_DOING or reason.startswith("OutOf")) and not any(word in message for word in OWN_DOING)
        return first, Problem("failed", f"failed: {reason} {message}".strip(), certain=not nodes)
    found = [(one["name"], problem) for one in containers if not is_done(one) and (problem := container_problem(one, ready=ready))]
    if found:
        return max(found, key=lambda one: one[1].ended or math.inf)
    if scheduled.get("status") == "False":
        why = scheduled.get("message") or scheduled.get("reason", "")
        return first, Problem("unschedulable", f"cannot be scheduled: {why}", certain=False)
    return first, None


def is_silent(container: Object) -> bool:
    """It waits, and nothing is said but that it does. What waits for another container is not asked."""
    return (container.get("state", {}).get("waiting") or {}).get("reason") == "ContainerCreating"


def is_done(container: Object) -> bool:
    """Of an init container that has succeeded, nothing it did before counts; another one that ends, even so, is a crash."""
    ended = container.get("state", {}).get("terminated") or {}
    return ended.get("reason") == "Completed" and bool(container.get("ready"))


def container_problem(container: Object, *, ready: bool = False) -> Problem | None:
    """What the kubelet reports of one container that does not run as it should. ready: its pod is."""
    waiting = container.get("state", {}).get("waiting") or {}
    state, message = waiting.get("reason", ""), waiting.get("message", "")
    name, image = container["name"], container.get("image", "its image")
    if state in PULLS:
        said = message or "its kubelet does not say why"
        final = pull_is_final(state, message, image)
        return Problem("image-pull", f"cannot pull {image} ({state}): {said}", certain=final, vague=not pull_says_why(message))
    if state in CONFIG:
        patience = config_patience(message)
        text = f"container {name} cannot start ({state}): {message}"
        return Problem("bad-config", text, certain=patience is None, patience=patience or 0.0)
    ended, down = end_of(container), is_down(container)
    if ended is None and state != "CrashLoopBackOff":
        return None
    ended = ended or {}
    restarts, when = container.get("restartCount", 0), seconds(ended.get("finishedAt"))
    if ready and not down:
        return None
    if ended.get("reason") == "OOMKilled":
        return Problem("oom-kill", crash_text(container), ended=when)
    if state == "CrashLoopBackOff" or restarts >= 2:
        return Problem("crash-loop", crash_text(container), ended=when)
    return None


def end_of(container: Object) -> Object | None:
    """How it ended by itself the last time."""
    return container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated") or None


def is_down(container: Object) -> bool:
    """It has ended, and has not come back."""
    state = container.get("state", {})
    return bool(state.get("terminated")) or (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff"


def crash_text(container: Object) -> str:
    name, times = container["name"], count(container.get("restartCount", 0), "time")
    ended = end_of(container) or {}
    if ended.get("reason") == "OOMKilled":
        return f"container {name} was killed for want of memory (OOMKilled), restarted {times}"
    waiting = container.get("state", {}).get("waiting") or {}
    how = f"exit code {ended.get('exitCode')}" if ended else waiting.get("message", "")
    if ended.get("reason") in ("StartError", "ContainerCannotRun"):  # the runtime's words; an application's own may be anything
        how += f": {ended.get('message', '')}"
    return f"container {name} keeps crashing ({how}), restarted {times}"


def crashes(pod: Object) -> tuple[Crashes, ...]:
    """Of each container that ended by itself. One that only prepares the pod, and has succeeded, is not down."""
    spec, status = pod["spec"], pod.get("status") or {}
    plain = {one["name"] for one in spec.get("initContainers") or () if one.get("restartPolicy") != "Always"}
    found = []
    for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        down = is_down(one) and not (one["name"] in plain and is_done(one))
        ended = end_of(one) or {}
        if number := one.get("restartCount", 0) + down:
            when, oom = seconds(ended.get("finishedAt")), ended.get("reason") == "OOMKilled"
            found.append(Crashes(one["name"], number, when, down, one["name"] in plain, oom, crash_text(one)))
    return tuple(found)


def template_of(replicasets: Sequence[Object], deployment: Object, hash: str) -> Object:
    """Of the ReplicaSet with that hash, without the hash label its controller adds; the Deployment's own when it is gone."""
    own: Object = deployment["spec"]["template"]
    for one in replicasets:
        if owner(one) == deployment["metadata"]["uid"] and (one["metadata"].get("labels") or {}).get(HASH) == hash:
            template = bare(one["spec"]["template"])
            return own if template == own else template
    return own
