"""A pod of somebody else, with the application's labels, joins its Service while a release runs."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.support.events import baking, did, ended, says
from tests.e2e.support.snapshot import snapshot
from tests.e2e.support.world import World

Make = Callable[..., World]
UNJUDGED: dict[str, Any] = {"prometheus": None, "metrics": []}
LONG: dict[str, Any] = {"canary": {"weight": [50], "bake": "10m"}}


def pod_of(shop: World, name: str) -> dict[str, Any]:
    template = copy.deepcopy(shop.hands.get("deployment", "web")["spec"]["template"])
    spec = {"containers": template["spec"]["containers"], "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "web"}}, "spec": spec}


def job_of(shop: World, name: str) -> dict[str, Any]:
    pod = pod_of(shop, name)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {**pod["spec"], "restartPolicy": "Never"}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template, "backoffLimit": 0}}


def is_ready(pod: dict[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod.get("status", {}).get("conditions", ()))


def joined(shop: World) -> None:
    shop.eventually("it is an endpoint", lambda: any(name.startswith("migrate") for name in shop.endpoints()), 60)


@pytest.mark.slow
def test_before_a_release_it_is_a_reason_to_refuse(world: Make) -> None:
    shop = world(replicas=2)
    shop.hands.apply(pod_of(shop, "migrate"))
    joined(shop)
    shop.file(analysis=UNJUDGED)
    plan = shop.deliver("plan")
    assert plan.code == 9, plan
    assert "Service web also selects pods of other workloads: migrate" in plan.out + plan.err, plan


def test_in_a_bake_it_is_warned_of_and_a_rollback_does_not_wait_for_it(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(40) as users:
        running = shop.release("1.1.0", strategy=LONG, analysis=UNJUDGED)
        running.wait_for("the bake", baking(0))
        shop.hands.apply(pod_of(shop, "migrate"))
        running.wait_for("the warning", says("pod migrate answers users of Service web too, and is no part of the release"))
        status = shop.on_target("status").out
        assert "pod migrate answers users of Service web too" in status and "1 of them no part of the release" in status, status
        ended(shop.on_target("rollback", "-o", "jsonl"), 0, "ROLLED_BACK")
        running.end()
    users.lost_none()
    shop.hands.delete("pod/migrate")
    shop.unchanged()


@pytest.mark.slow
def test_at_a_shift_it_is_held_for_and_gone_on_once_it_is_over(world: Make) -> None:
    shop = world(replicas=4)
    other = pod_of(shop, "migrate")
    other["metadata"]["labels"] = {"app": "other"}
    shop.hands.apply(other)
    shop.eventually("it is ready", lambda: is_ready(shop.hands.get("pod", "migrate")), 60)
    steps = {"canary": {"weight": [50], "bake": "3s"}}
    with shop.users(40) as users:
        running = shop.release("1.1.0", strategy=steps, analysis=UNJUDGED, limits={"shift": "5s"})
        running.wait_for("the pin", did("route stable"))
        shop.hands.patch("pod", "migrate", {"metadata": {"labels": {"app": "web"}}})
        view = ended(running.end(60), 7, "HELD")
        assert "pod migrate answers users of Service web too, and is no part of the release" in view["reason"], view["reason"]
        shop.hands.delete("pod/migrate")
        ended(shop.on_target("resume", "-o", "jsonl"), 0, "PROMOTED")
    users.lost_none()
    shop.as_with("1.1.0")


@pytest.mark.lab
def test_a_jobs_pod_is_named_with_its_job(world: Make) -> None:
    shop = world(replicas=4)
    running = shop.release("1.1.0", strategy=LONG, analysis=UNJUDGED)
    running.wait_for("the bake", baking(0))
    shop.hands.apply(job_of(shop, "migrate"))
    running.wait_for("the warning", says("of Job migrate answers users of Service web too"))
    ended(shop.on_target("rollback", "-o", "jsonl"), 0, "ROLLED_BACK")
    running.end()
    assert "job" in " ".join(snapshot(shop.hands)).lower()
    shop.hands.delete("job/migrate")
    shop.unchanged()
