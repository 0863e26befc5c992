"""A good version gets all the traffic, step by step; nobody notices, and nothing of ours is left."""

from collections.abc import Callable

import pytest

from tests.e2e.support import objects
from tests.e2e.support.events import baking, ended, passed
from tests.e2e.support.place import LATE, SELDOM
from tests.e2e.support.world import World, image

Make = Callable[..., World]


def promoted(world: World, version: str = "1.1.0") -> None:
    """As `kubectl set image` would have left it, all of it serving."""
    world.runs_only(version)
    world.as_with(version)
    ours = [name for name in world.hands.names("configmaps") if name.startswith("deliver")]
    assert ours == ["deliver-web"], "nothing of ours is left but the record"
    assert world.hands.names("replicasets") == sorted(
        item["metadata"]["name"] for item in world.hands.items("replicasets") if item["metadata"]["ownerReferences"][0]["name"] == "web"
    )


@pytest.mark.stores(SELDOM, LATE, each_time=(SELDOM,))
def test_a_good_version_is_promoted_and_no_request_is_lost(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = shop.release("1.1.0")
        half = running.wait_for("the bake of 50 %", baking(1))
        whole = running.wait_for("its end", passed(1))
        shown = whole["exposure"]
        view = ended(running.end(), 0, "PROMOTED")
    promoted(shop)
    users.all_well()
    assert shown["endpoints"] == pytest.approx(50, abs=0.1)
    assert users.fresh.traffic.share("1.1.0", half["arrived"] + 1, whole["arrived"]) == pytest.approx(shown["endpoints"], abs=12)
    if shown["observed"] is not None:  # not known before both sides were seen
        assert users.share("1.1.0", half["arrived"] + 1, whole["arrived"]) == pytest.approx(shown["observed"], abs=20)
    assert view["candidate"]["image"] == image("1.1.0")
    assert [step["state"] for step in view["steps"]] == ["done", "done", "done"]


@pytest.mark.stores(SELDOM, LATE)
def test_flags_alone_are_enough_for_a_first_run(world: Make) -> None:
    shop = world(replicas=2)
    address = ["web", "-n", shop.namespace, "--image", image("1.1.0"), "--weight", "50", "--bake", "5s"]
    metrics = ["--prometheus", "monitoring/prometheus:9090", "--requests", "http_requests_total", "--max-error-rate", "5%"]
    errors = ["--errors", 'http_requests_total{code=~"5.."}', "--min-samples", "10", "--poll", "2s", "--drain", "2s"]
    with shop.users() as users:
        result = shop.deliver("canary", *address, *metrics, *errors, "--health-http", "8080/healthz")
    assert result.code == 0, result
    assert "PROMOTED" in result.said
    assert "\x1b" not in result.said, "escape codes where there is no terminal"
    users.all_well()
    promoted(shop)


def test_a_release_without_metrics_is_judged_by_its_pods_and_says_so(world: Make) -> None:
    shop = world(replicas=2)
    spec = {"strategy": {"canary": {"weight": [50], "bake": "3s"}}, "analysis": {"prometheus": None, "metrics": []}}
    shop.file("1.1.0", **spec)
    planned = shop.deliver("plan")
    assert "pods" in planned.said, planned
    view = ended(shop.release("1.1.0", **spec).end(), 0, "PROMOTED")
    assert view["exposure"]["observed"] is None
    promoted(shop)


def test_the_autoscaler_keeps_its_own_bounds_and_does_not_shrink_the_stable_side(world: Make) -> None:
    shop = world(replicas=4, extra=[objects.autoscaler(minimum=2, maximum=8)])
    with shop.users() as users:
        running = shop.release("1.1.0")
        running.wait_for("the bake of 50 %", baking(1))
        during = shop.hands.get("horizontalpodautoscaler", "web")["spec"]
        assert during["minReplicas"] >= 4, "the side that takes the traffic back is held at its live count"
        ended(running.end(), 0, "PROMOTED")
    users.all_well()
    promoted(shop)


@pytest.mark.slow  # the bad version behind two Services is quicker
def test_two_services_on_one_target_move_together(world: Make) -> None:
    shop = world(replicas=3, services=[objects.service(), objects.service("web-internal")])
    with shop.users() as users, shop.users(20, "web-internal") as insiders:
        running = shop.release("1.1.0")
        running.wait_for("the bake of 50 %", baking(1))
        assert shop.endpoints("web") == shop.endpoints("web-internal")
        view = ended(running.end(), 0, "PROMOTED")
    users.all_well()
    insiders.all_well()
    assert view["target"]["services"] == ["web", "web-internal"]
    promoted(shop)


def test_a_single_replica_is_never_without_a_ready_pod(world: Make) -> None:
    shop = world(replicas=1)
    with shop.users() as users:
        ended(shop.release("1.1.0", strategy={"canary": {"weight": [50], "bake": "6s"}}).end(), 0, "PROMOTED")
    users.all_well()
    promoted(shop)


@pytest.mark.slow  # the sum is tested without a cluster
def test_twelve_replicas_come_close_to_ten_percent(world: Make) -> None:
    shop = world(replicas=12)
    with shop.users() as users:
        running = shop.release("1.1.0", strategy={"canary": {"weight": [10], "bake": "6s"}})
        first = running.wait_for("the bake of 10 %", baking(0))
        assert first["exposure"]["endpoints"] == pytest.approx(10, abs=5)
        ended(running.end(), 0, "PROMOTED")
    users.all_well()
    promoted(shop)
