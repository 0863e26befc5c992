"""Pods that are not ready yet for a cause that may mend itself are waited for, and one sentence says so within seconds."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support import busy_registry
from tests.e2e.support.events import ended, intends, says, unix
from tests.e2e.support.lab import KUBECONFIG, LAB, REGISTRY
from tests.e2e.support.process import Result
from tests.e2e.support.snapshot import snapshot
from tests.e2e.support.world import World, image

Make = Callable[..., World]

BY_PODS: dict[str, Any] = {"prometheus": None, "metrics": []}
HALF = {"canary": {"weight": [50], "bake": "5s"}}
GREEN = {"blue-green": {"preview_bake": "3s", "bake": "5s", "hold": "3s"}}
GATE = "target-health.example.com/web"


def changed(shop: World, template: dict[str, Any], **spec: Any) -> World:
    """As the user had it before the release."""
    shop.hands.patch("deployment", "web", {"spec": {"template": {"spec": template}, **spec}})
    shop.rolled_out()
    shop.eventually("the old pods are gone", lambda: len(shop.pods("1.0.0")) == len(shop.hands.items("pods")), 60)
    shop.before = snapshot(shop.hands)
    return shop


def said_within(shop: World, result: Result, running: Any, words: str, began: str, seconds: float = 5.0) -> None:
    """That the release says it waits, so soon after what it waits for began."""
    first = next((one for one in running.events if words in one["event"] and "waiting up to" in one["event"]), None)
    assert first is not None, f"nothing said `{words}`: {result}"
    made = next(one for one in running.events if intends(began)(one))
    assert unix(first["at"]) - unix(made["at"]) < shop.at_most(seconds), "said late"


@pytest.fixture
def labelled(world: Make) -> Iterator[tuple[World, Callable[[bool], None]]]:
    """A shop whose pods want a node with a label of their own, and who gives it to the node or takes it away."""
    shop = world(replicas=2)
    (node,) = shop.hands.names("nodes")
    label = shop.namespace

    def give(there: bool) -> None:
        shop.hands.patch("node", node, {"metadata": {"labels": {label: "yes" if there else None}}})

    give(True)
    yield changed(shop, {"nodeSelector": {label: "yes"}}), give
    give(False)


def test_a_node_that_comes_after_a_while_is_waited_for(labelled: tuple[World, Callable[[bool], None]]) -> None:
    shop, give = labelled
    give(False)
    with shop.users(40) as users:
        running = shop.release("1.1.0", strategy=HALF, analysis=BY_PODS, limits={"ready": "5m"})
        running.wait_for("that no node has room", says("cannot be scheduled: 0/1 nodes are available"))
        found = shop.status()["problems"]
        shop.pace.sleep(35)
        give(True)
        result = running.end()
    ended(result, 0, "PROMOTED")
    users.lost_none()
    assert any("0/1 nodes are available" in one["message"] for one in found), "status says it too"
    said_within(shop, result, running, "0/1 nodes are available", "scale-candidate")


def test_no_node_at_all_ends_at_the_limit_in_the_schedulers_words(labelled: tuple[World, Callable[[bool], None]]) -> None:
    shop, give = labelled
    give(False)
    with shop.users(40) as users:
        result = shop.release("1.1.0", strategy=HALF, analysis=BY_PODS, limits={"ready": "20s"}).end()
    view = ended(result, 3, "ROLLED_BACK")
    users.all_well()
    assert "cannot be scheduled: 0/1 nodes are available" in view["reason"]
    assert "within 20 s (`limits.ready`)" in view["reason"]
    assert result.took < shop.at_most(40)


@pytest.mark.lab  # the sandbox' registry has no words of its own; tests/engine/driver/test_pods_that_wait.py has them
@pytest.mark.parametrize(("words", "code", "within"), [("connection refused", 3, 45.0), ("not found", 3, 15.0)])
def test_an_image_that_does_not_come_is_waited_for_by_its_cause(world: Make, words: str, code: int, within: float) -> None:
    shop = world(replicas=2)
    host = REGISTRY.partition(":")[0]
    name = f"{host}:5999/web:1.1.0" if words == "connection refused" else image("9.9.9-does-not-exist")
    with shop.users(40) as users:
        running = shop.release(image=name, strategy=HALF, analysis=BY_PODS, limits={"ready": "20s"})
        result = running.end()
    view = ended(result, code, "ROLLED_BACK")
    users.all_well()
    assert words in view["reason"]
    assert result.took < within
    if words == "connection refused":
        assert result.took > 20.0, "until `limits.ready`"
        said_within(shop, result, running, words, "scale-candidate")


@contextlib.contextmanager
def busy(seconds: float, name: str = "127.0.0.1:5055") -> Iterator[str]:
    """A registry on the node, which is busy for so long; the node is told to ask it without TLS."""
    command = [str(LAB), "node", sys.executable, str(Path(busy_registry.__file__)), name.rpartition(":")[2], str(seconds), REGISTRY]
    told = Path(KUBECONFIG).parent / "certs.d" / name
    told.mkdir(exist_ok=True)
    (told / "hosts.toml").write_text(f'server = "http://{name}"\n[host."http://{name}"]\n')
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield name
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
        shutil.rmtree(told)


@pytest.mark.lab
def test_a_registry_that_answers_too_many_requests_is_waited_for(world: Make) -> None:
    shop = world(replicas=2)
    with busy(25) as registry, shop.users(40) as users:
        running = shop.release(image=f"{registry}/web:1.1.0", strategy=HALF, analysis=BY_PODS, limits={"ready": "3m"})
        result = running.end()
    ended(result, 0, "PROMOTED")
    users.lost_none()
    said_within(shop, result, running, "429 Too Many Requests", "scale-candidate")


@pytest.mark.lab  # the sandbox runs no program
@pytest.mark.parametrize("alike", [True, False])
def test_a_version_that_exits_while_it_starts_is_judged_beside_the_stable_one(world: Make, alike: bool) -> None:
    """Its database is not there yet; a container reads its environment anew each time it starts."""
    shop = world(replicas=2)
    env = [{"name": "CRASH", "valueFrom": {"configMapKeyRef": {"name": "database", "key": "down", "optional": True}}}]

    def database(down: bool) -> None:
        data = {"down": "no database"} if down else {"down": None}
        shop.hands.patch("configmap", "database", {"data": data})

    def restarts(version: str) -> int:
        pods = [pod for pod in shop.hands.items("pods") if pod["spec"]["containers"][0]["image"] == image(version)]
        return max((one["restartCount"] for pod in pods for one in (pod.get("status") or {}).get("containerStatuses") or ()), default=0)

    shop.hands.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "database"}, "data": {"other": "1"}})
    container = shop.hands.get("deployment", "web")["spec"]["template"]["spec"]["containers"][0]
    database(down=alike)
    shop.hands.patch("deployment", "web", {"spec": {"template": {"spec": {"containers": [container | {"env": env}]}}}})
    if alike:
        shop.eventually("the stable pods have exited twice", lambda: restarts("1.0.0") >= 2, 60)
    database(down=False)
    changed(shop, {})
    database(down=True)
    with shop.users(40) as users:
        running = shop.release("1.1.0", strategy=HALF, analysis=BY_PODS, limits={"ready": "3m"})
        if alike:
            shop.eventually("the candidate exits", lambda: restarts("1.1.0") >= 1, 60)
            database(down=False)
        result = running.end()
    users.lost_none()
    if alike:
        ended(result, 0, "PROMOTED")
        said_within(shop, result, running, "as the stable pods did", "scale-candidate", seconds=10.0)
    else:
        assert "keeps crashing (exit code 1)" in ended(result, 3, "ROLLED_BACK")["reason"]
        assert result.took < 30


@pytest.mark.slow  # the lab plays a node that comes later
def test_a_roll_out_may_take_longer_than_one_pod(world: Make) -> None:
    rolling = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    shop = changed(world(replicas=4), {}, minReadySeconds=10, strategy=rolling)
    planned = shop.deliver("plan", "-f", str(shop.file("1.1.0", strategy=HALF, analysis=BY_PODS, limits={"ready": "15s"})))
    assert "the roll-out at the end takes at least 30 s: `minReadySeconds` 10" in planned.out, planned
    with shop.users(40) as users:
        result = shop.release("1.1.0", strategy=HALF, analysis=BY_PODS, limits={"ready": "15s"}).end()
    ended(result, 0, "PROMOTED")
    users.lost_none()


@contextlib.contextmanager
def gates_set(shop: World) -> Iterator[None]:
    """A load balancer's controller: it sets the readiness gate of the pods that it finds in the Service, and of no others."""
    over = threading.Event()

    def give() -> None:
        while not over.wait(0.3):
            with contextlib.suppress(AssertionError):  # a pod that has gone meanwhile
                for name in in_service(shop):
                    shop.hands.patch_status("pod", name, {"status": {"conditions": conditions(shop, name)}})

    thread = threading.Thread(target=give, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def in_service(shop: World) -> set[str]:
    """Pods whose gate is not set, and that stand in its slices, ready or not."""
    slices = shop.hands.items("endpointslices", "kubernetes.io/service-name=web")
    there = {end["targetRef"]["name"] for one in slices for end in one.get("endpoints") or ()}
    unset = set()
    for pod in shop.hands.items("pods"):
        known = {one["type"]: one["status"] for one in (pod.get("status") or {}).get("conditions") or ()}
        if pod["spec"].get("readinessGates") and known.get("ContainersReady") == "True" and known.get(GATE) != "True":
            unset.add(pod["metadata"]["name"])
    return there & unset


def conditions(shop: World, name: str) -> list[dict[str, Any]]:
    known = shop.hands.get("pod", name)["status"]["conditions"]
    return [*(one for one in known if one["type"] != GATE), {"type": GATE, "status": "True"}]


@pytest.mark.parametrize("strategy", [HALF, GREEN], ids=["canary", "blue-green"])
def test_pods_that_a_load_balancer_makes_ready_are_released(world: Make, strategy: dict[str, Any]) -> None:
    shop = world(replicas=2)
    with gates_set(shop):
        changed(shop, {"readinessGates": [{"conditionType": GATE}]})
        planned = shop.deliver("plan", "-f", str(shop.file("1.1.0", strategy=strategy, analysis=BY_PODS)))
        assert GATE in planned.out, planned
        with shop.users(40) as users:
            result = shop.release("1.1.0", strategy=strategy, analysis=BY_PODS).end()
    ended(result, 0, "PROMOTED")
    users.lost_none()


def test_a_readiness_gate_that_nobody_sets_is_named(world: Make) -> None:
    shop = world(replicas=2)
    with gates_set(shop):
        changed(shop, {"readinessGates": [{"conditionType": GATE}]})
    with shop.users(40) as users:
        result = shop.release("1.1.0", strategy=HALF, analysis=BY_PODS, limits={"ready": "15s"}).end()
    view = ended(result, 3, "ROLLED_BACK")
    users.lost_none()
    assert f"its containers are ready, readiness gate {GATE} is not set" in view["reason"]
    shop.unchanged()
