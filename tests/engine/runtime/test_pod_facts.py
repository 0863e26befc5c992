"""Facts about pods, from objects as kubelet and the Deployment controller write them; quantities as the API writes them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.engine.runtime.pod_facts import bare, deployment_problem, pod_seen

START = "2026-01-05T09:00:10Z"


def pod(
    state: dict[str, Any], *, last: dict[str, Any] | None = None, restarts: int = 0, ready: str = "False", since: str = START, **status: Any
) -> dict[str, Any]:
    one = {
        "name": "web",
        "image": "registry/web:1",
        "restartCount": restarts,
        "ready": ready == "True",
        "state": state,
        "lastState": last or {},
    }
    conditions = [{"type": "Ready", "status": ready, "lastTransitionTime": since}, *status.pop("conditions", [])]
    meta = {"name": "web-1", "uid": "u1", "creationTimestamp": START, "labels": {"pod-template-hash": "abc"}}
    return {
        "metadata": meta,
        "spec": {"containers": [{"name": "web"}]},
        "status": {"phase": "Running", "containerStatuses": [one], "conditions": conditions, **status},
    }


RUNNING = {"running": {"startedAt": START}}


def waits(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(reason: str, code: int) -> dict[str, Any]:
    return {"terminated": {"reason": reason, "exitCode": code, "startedAt": START, "finishedAt": START}}


@pytest.mark.parametrize(
    ("obj", "cause", "certain"),
    [
        (pod(waits("ImagePullBackOff", 'Back-off pulling image "registry/web:1"')), "image-pull", False),
        (pod(waits("ImagePullBackOff", 'Back-off pulling image "registry/web:1": ErrImagePull: not found')), "image-pull", True),
        (pod(waits("ErrImagePull", "manifest unknown")), "image-pull", True),
        (pod(waits("ErrImagePull", "dial tcp: i/o timeout")), "image-pull", False),
        (pod(waits("InvalidImageName")), "image-pull", True),
        (pod(waits("CreateContainerConfigError", 'secret "x" not found')), "bad-config", False),
        (pod(waits("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")), "bad-config", True),
        (pod(waits("CrashLoopBackOff"), last=ended("Error", 1), restarts=3), "crash-loop", True),
        (pod(RUNNING, last=ended("Error", 1), restarts=2), "crash-loop", True),
        (pod(RUNNING, last=ended("OOMKilled", 137), restarts=1), "oom-kill", True),
        (pod(ended("OOMKilled", 137)), "oom-kill", True),
    ],
)
def test_what_time_will_mend_or_not(obj: dict[str, Any], cause: str, certain: bool):
    problem = pod_seen(obj).problem
    assert problem is not None
    assert (problem.cause, problem.certain) == (cause, certain)


@pytest.mark.parametrize(("restarts", "said"), [(1, "restarted 1 time"), (3, "restarted 3 times")])
def test_how_often_a_container_came_back_is_counted_in_english(restarts: int, said: str):
    problem = pod_seen(pod(waits("CrashLoopBackOff"), last=ended("Error", 1), restarts=restarts)).problem
    assert problem is not None
    assert problem.message.endswith(f"keeps crashing (exit code 1), {said}")


@pytest.mark.parametrize(
    "obj",
    [
        pod(waits("ContainerCreating")),
        pod(waits("PodInitializing")),
        pod(RUNNING),
        pod(RUNNING, ready="True"),
        pod(RUNNING, last=ended("Error", 1), restarts=1, ready="True"),
        pod(RUNNING, last=ended("Error", 1), restarts=5, ready="True"),
        pod(RUNNING, last=ended("OOMKilled", 137), restarts=1, ready="True"),
    ],
)
def test_what_may_still_come_right(obj: dict[str, Any]):
    assert pod_seen(obj).problem is None


@pytest.mark.parametrize(
    ("second", "cause"),
    [
        ({"state": waits("ImagePullBackOff"), "lastState": {}}, "image-pull"),
        (
            {"state": waits("CrashLoopBackOff"), "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-01-05T10:00:00Z"}}},
            "crash-loop",
        ),
    ],
)
def test_of_two_containers_the_one_that_is_in_trouble_now_is_told_of(second: dict[str, Any], cause: str):
    """The other was killed an hour ago, and runs: that it was is told for as long as the pod lives."""
    obj = pod(RUNNING, last=ended("OOMKilled", 137), restarts=1)
    obj["status"]["containerStatuses"].append({"name": "sidecar", "image": "registry/sidecar:1", "restartCount": 3} | second)
    seen = pod_seen(obj)
    assert seen.problem is not None
    assert (seen.container, seen.problem.cause) == ("sidecar", cause)


def test_a_pod_that_no_node_takes_may_still_find_one():
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}]
    obj = pod({}, conditions=conditions)
    obj["status"] |= {"phase": "Pending", "containerStatuses": []}
    problem = pod_seen(obj).problem
    assert problem is not None
    assert (problem.cause, problem.certain) == ("unschedulable", False)
    assert "0/3 nodes" in problem.message


LATER = "2026-01-05T09:02:00Z"


@pytest.mark.parametrize(("ready", "since", "lost"), [("False", START, False), ("False", LATER, True), ("True", LATER, False)])
@pytest.mark.parametrize("restarts", [0, 2])
def test_readiness_lost_is_told_from_readiness_not_yet_had(ready: str, since: str, lost: bool, restarts: int):
    """A container that exits while it starts has nothing to lose: Ready has been False since its kubelet took the pod up."""
    last = ended("Error", 1) if restarts else None
    assert pod_seen(pod(RUNNING, ready=ready, since=since, last=last, restarts=restarts, startTime=START)).lost is lost


def test_a_pod_that_waited_for_a_node_was_not_ready_before():
    assert not pod_seen(pod(RUNNING, since=LATER, startTime=LATER)).lost


def test_each_end_of_a_container_is_counted_the_one_it_has_not_come_back_from_too():
    assert pod_seen(pod(RUNNING, ready="True")).crashes == ()
    (past,) = pod_seen(pod(RUNNING, last=ended("Error", 1), restarts=2, ready="True")).crashes
    assert (past.container, past.count, past.down, past.init, past.ended > 0) == ("web", 2, False, False, True)
    (down,) = pod_seen(pod(waits("CrashLoopBackOff"), last=ended("Error", 1), restarts=2)).crashes
    assert (down.count, down.down) == (3, True)


def init(state: dict[str, Any], restarts: int, *, sidecar: bool = False) -> dict[str, Any]:
    obj = pod(RUNNING)
    one = {"name": "wait", "image": "registry/wait:1", "restartCount": restarts, "state": state, "lastState": ended("Error", 1)}
    obj["spec"]["initContainers"] = [{"name": "wait"} | ({"restartPolicy": "Always"} if sidecar else {})]
    obj["status"]["initContainerStatuses"] = [one | {"ready": (state.get("terminated") or {}).get("exitCode") == 0}]
    return obj


def test_an_init_container_that_has_succeeded_is_no_problem_whatever_it_did_before():
    seen = pod_seen(init(ended("Completed", 0), 4))
    assert seen.problem is None
    assert [(one.container, one.count, one.down, one.init) for one in seen.crashes] == [("wait", 4, False, True)]
    failing = pod_seen(init(ended("Error", 1), 4))
    assert failing.crashes[0].down
    assert failing.problem is not None


def test_a_sidecar_that_is_started_first_does_not_only_prepare_the_pod():
    assert not pod_seen(init(RUNNING, 1, sidecar=True)).crashes[0].init


@pytest.mark.parametrize(
    ("conditions", "gates"),
    [
        ([], ()),
        ([{"type": "ContainersReady", "status": "True"}], ("example.com/in-pool",)),
        ([{"type": "ContainersReady", "status": "True"}, {"type": "example.com/in-pool", "status": "False"}], ("example.com/in-pool",)),
        ([{"type": "ContainersReady", "status": "True"}, {"type": "example.com/in-pool", "status": "True"}], ()),
    ],
)
def test_a_pod_whose_readiness_gates_are_all_that_is_missing(conditions: list[dict[str, str]], gates: tuple[str, ...]):
    obj = pod(RUNNING, conditions=conditions)
    obj["spec"]["readinessGates"] = [{"conditionType": "example.com/in-pool"}]
    assert pod_seen(obj).gates == gates


@pytest.mark.parametrize(
    ("condition", "cause"),
    [
        ({"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}, "replica-failure"),
        ({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}, "progress-deadline"),
    ],
)
def test_problems_of_the_deployment(condition: dict[str, Any], cause: str):
    problem = deployment_problem({"conditions": [condition]})
    assert problem is not None
    assert (problem.cause, problem.certain) == (cause, False), "a quota may have room again; how long is waited is `limits.ready`"


def test_what_a_pod_used_up_by_itself_is_not_its_nodes_doing():
    said = "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."
    problem = pod_seen(pod(RUNNING, phase="Failed", reason="Evicted", message=said)).problem
    assert problem is not None
    assert problem.certain


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda x: st.dictionaries(st.text(max_size=5), x, max_size=2),
        max_leaves=3,
    )
)
def test_unknown_fields_of_a_newer_kubernetes_change_nothing(extra: Any):
    obj = pod(RUNNING, ready="True")
    obj["status"] |= {"zz": extra}
    obj["status"]["containerStatuses"][0] |= {"zz": extra}
    assert pod_seen(obj) == pod_seen(pod(RUNNING, ready="True"))


def test_a_replicaset_has_the_template_of_the_deployment_that_made_it_but_for_the_hash():
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}
    hashed = {**template, "metadata": {"labels": {"app": "web", "pod-template-hash": "abc"}}}
    assert bare(hashed) == template


@pytest.mark.parametrize(
    ("reason", "certain"),
    [
        ("Evicted", False),
        ("Preempting", False),
        ("NodeShutdown", False),
        ("Terminated", False),
        ("OutOfcpu", False),
        ("DeadlineExceeded", True),
    ],
)
def test_what_a_node_did_to_a_pod_is_not_what_the_pod_is(reason: str, certain: bool):
    """`Terminated` is what a kubelet says of the pods that it stops when its node shuts down in order."""
    seen = pod_seen(pod({"terminated": {"exitCode": 137, "finishedAt": START}}, phase="Failed", reason=reason, message="by its node"))
    assert seen.problem is not None
    assert (seen.problem.cause, seen.problem.certain) == ("failed", certain)
