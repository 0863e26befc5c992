"""Prometheus goes away in the middle of a bake: nobody can judge, so nothing rises."""

from collections.abc import Callable

import pytest

from tests.e2e.support.events import baking, ended, says
from tests.e2e.support.world import World

Make = Callable[..., World]
pytestmark = pytest.mark.disruptive

SPEC = {"strategy": {"canary": {"weight": [50], "bake": "6s"}}}


def test_exposure_is_frozen_and_the_release_held_after_its_budget(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        running = shop.release("1.1.0", **SPEC, analysis={"max_blind": "10s"})
        running.wait_for("the bake", baking(0))
        with shop.place.no_prometheus():
            view = ended(running.end(60), 7, "HELD")
            assert view["step"] == 0
            assert view["exposure"]["wanted"] == 50
            assert "errors" in view["reason"]
        assert running.events[-1]["outcome"] == "HELD"
        back = shop.on_target("rollback")
        assert back.code == 0, back
    users.all_well()
    shop.unchanged()


def test_back_in_time_it_goes_on_and_promotes(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        running = shop.release("1.1.0", **SPEC, analysis={"max_blind": "90s"})
        running.wait_for("the bake", baking(0))
        with shop.place.no_prometheus():
            shop.pace.sleep(8)
            assert shop.status()["exposure"]["wanted"] == 50
        ended(running.end(), 0, "PROMOTED")
    users.all_well()
    shop.runs_only("1.1.0")


def test_on_blind_rollback_takes_it_back(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        running = shop.release("1.1.0", **SPEC, analysis={"max_blind": "6s", "on_blind": "rollback"})
        running.wait_for("the bake", baking(0))
        with shop.place.no_prometheus():
            ended(running.end(60), 3, "ROLLED_BACK")
    users.all_well()
    shop.unchanged()


def test_rollback_works_with_prometheus_down_and_the_driver_dead(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        running = shop.release("1.1.0", strategy={"canary": {"weight": [50], "bake": "10m"}})
        running.wait_for("the bake", baking(0))
        with shop.place.no_prometheus():
            running.kill()
            back = shop.on_target("rollback")
    assert back.code == 0, back
    assert back.took < shop.at_most(30)
    users.all_well()
    shop.unchanged()


def test_a_bad_version_is_still_seen_by_its_pods_while_prometheus_is_down(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        running = shop.release("1.1.0", strategy={"canary": {"weight": [50], "bake": "10m"}})
        running.wait_for("the bake", baking(0))
        with shop.place.no_prometheus():
            shop.chaos("1.1.0", "healthy=false")
            began = shop.pace.now()
            running.wait_for("the way back", says("rolling back"), 15)
            shop.eventually("the pin", lambda: "pod-template-hash" in shop.selector(), 5, 0.05)
            assert shop.pace.now() - began < shop.at_most(6)
            ended(running.end(), 3, "ROLLED_BACK")
    users.all_well()
    shop.unchanged()
