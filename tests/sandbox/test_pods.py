"""A pod's life: how it starts, breaks, is restarted, and ends."""

from itertools import pairwise
from typing import Any

from deliver_sandbox.controllers.kubelet import Node
from deliver_sandbox.fixtures import deployment, world
from deliver_sandbox.images import Behaviour
from deliver_sandbox.world import World


def pod(made: World, app: str = "x") -> dict[str, Any]:
    return made.api.list("pods", "shop", f"app={app}")[0]


def container(made: World, app: str = "x") -> dict[str, Any]:
    found: dict[str, Any] = pod(made, app)["status"]["containerStatuses"][0]
    return found


def started(behaviour: Behaviour, **spec: Any) -> World:
    made = world(replicas=1, images={"registry/x:1": behaviour})
    made.api.create("deployments", "shop", deployment("x", "registry/x:1", 1, **spec))
    return made


def restarts(made: World, seconds: float) -> list[tuple[float, int]]:
    """(seconds since the start, restartCount) at each change of it."""
    begin, seen = made.clock.monotonic(), []
    made.store.listen(
        lambda change: (
            seen.append((round(made.clock.monotonic() - begin, 1), change.obj["status"]["containerStatuses"][0]["restartCount"]))
            if change.kind == "pods" and change.obj["status"].get("containerStatuses") and change.obj["metadata"]["labels"]["app"] == "x"
            else None
        )
    )
    made.clock.wait(seconds)
    return [item for at, item in enumerate(seen) if at == 0 or seen[at - 1][1] != item[1]]


def test_a_pod_gets_ready_after_its_start_and_its_probe() -> None:
    made = started(Behaviour(pull=1.0, start=3.0))
    made.clock.wait(3.0)
    assert (container(made)["ready"], "running" in container(made)["state"]) == (False, True)
    made.clock.wait(3.0)
    assert container(made)["ready"] is True


def test_a_crash_loop_backs_off_for_10_20_40_up_to_300_seconds() -> None:
    counts = restarts(started(Behaviour(crash=0.1, log=("boom",))), 1800.0)
    times = [at for at, _ in counts]
    gaps = [round(later - earlier) for earlier, later in pairwise(times[2:])]
    assert gaps[:6] == [20, 40, 80, 160, 300, 300]


def test_a_crashed_container_says_why_and_keeps_its_last_words() -> None:
    made = started(Behaviour(crash=0.5, code=137, reason="OOMKilled", log=("out of memory",)))
    made.clock.wait(8.0)
    state = container(made)
    assert state["lastState"]["terminated"]["reason"] == "OOMKilled"
    assert state["lastState"]["terminated"]["exitCode"] == 137
    assert state["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert made.cluster.logs("shop", pod(made)["metadata"]["name"], "x", previous=True) == "out of memory"


def test_a_missing_image_alternates_between_the_pull_error_and_the_back_off() -> None:
    made = started(Behaviour(missing=True))
    seen: list[str] = []
    made.store.listen(
        lambda change: (
            seen.append(change.obj["status"]["containerStatuses"][0]["state"]["waiting"]["reason"])
            if change.kind == "pods" and change.obj["metadata"]["labels"]["app"] == "x" and change.obj["status"].get("containerStatuses")
            else None
        )
    )
    made.clock.wait(40.0)
    assert seen[-4:] == ["ErrImagePull", "ImagePullBackOff", "ErrImagePull", "ImagePullBackOff"]


def test_a_pod_that_turns_bad_loses_its_readiness_after_three_probes_and_gets_it_back() -> None:
    made = world(replicas=1)
    name = pod(made, "web")["metadata"]["name"]
    made.kubelet.change(name, ready=False)
    made.clock.wait(2.0)
    assert container(made, "web")["ready"] is True
    made.clock.wait(2.0)
    assert container(made, "web")["ready"] is False
    made.kubelet.change(name, ready=True)
    made.clock.wait(2.0)
    assert container(made, "web")["ready"] is True


def test_a_deleted_pod_stays_until_its_process_has_stopped_and_no_longer_than_its_grace() -> None:
    made = world(replicas=1, images={"registry/web:1.0.0": Behaviour(stop=100.0)})
    name = pod(made, "web")["metadata"]["name"]
    made.api.delete("pods", "shop", name, {"gracePeriodSeconds": 5})
    marked = made.api.get("pods", "shop", name)["metadata"]
    assert marked["deletionGracePeriodSeconds"] == 5
    assert marked["deletionTimestamp"] == "2026-01-05T09:00:07Z"
    made.clock.wait(4.0)
    assert made.api.get("pods", "shop", name)
    made.clock.wait(2.0)
    assert name not in [one["metadata"]["name"] for one in made.api.list("pods", "shop")]


def test_a_full_node_leaves_pods_pending_and_says_so() -> None:
    made = World(nodes=[Node(pods=2)])
    made.api.create("namespaces", "", {"metadata": {"name": "shop"}})
    made.api.create("deployments", "shop", deployment("x", replicas=3))
    made.clock.wait(10.0)
    pending = [one for one in made.api.list("pods", "shop") if one["status"]["phase"] == "Pending"]
    (reason,) = [item for item in pending[0]["status"]["conditions"] if item["type"] == "PodScheduled"]
    assert reason["reason"] == "Unschedulable"
    assert "Too many pods" in reason["message"]
    made.api.patch("deployments", "shop", "x", {"spec": {"replicas": 2}})
    made.clock.wait(10.0)
    assert [one["status"]["phase"] for one in made.api.list("pods", "shop")] == ["Running", "Running"]
