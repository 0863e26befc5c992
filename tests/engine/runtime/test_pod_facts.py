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
        (pod(waits("ImagePullBackOff", "Back-off pulling image")), "image-pull", True),
        (pod(waits("ErrImagePull", "manifest unknown")), "image-pull", True),
        (pod(waits("ErrImagePull", "dial tcp: i/o timeout")), "image-pull", False),
        (pod(waits("InvalidImageName")), "image-pull", True),
        (pod(waits("CreateContainerConfigError", 'secret "x" not found')), "bad-config", True),
        (pod(waits("CrashLoopBackOff"), last=ended("Error", 1), restarts=3), "crash-loop", True),
        (pod(RUNNING, last=ended("Error", 1), restarts=2), "crash-loop", True),
        (pod(RUNNING, last=ended("OOMKilled", 137), restarts=1), "oom-kill", True),
        (pod(ended("OOMKilled", 137)), "oom-kill", True),
    ],
)
def test_what_time_will_not_mend(obj: dict[str, Any], cause: str, certain: bool):
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


@pytest.mark.parametrize(
    ("ready", "since", "lost"), [("False", START, False), ("False", "2026-01-05T09:02:00Z", True), ("True", "2026-01-05T09:02:00Z", False)]
)
def test_readiness_lost_is_told_from_readiness_not_yet_had(ready: str, since: str, lost: bool):
    assert pod_seen(pod(RUNNING, ready=ready, since=since)).lost is lost


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
    assert problem.cause == cause


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
