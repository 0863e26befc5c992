"""The API server hangs or dies; traffic goes on, and so does the release once it answers again."""

from collections.abc import Callable

import pytest

from tests.e2e.support.events import baking, ended, intends
from tests.e2e.support.world import World

Make = Callable[..., World]
pytestmark = pytest.mark.disruptive

LONG = {"canary": {"weight": [50], "bake": "10m"}}


@pytest.mark.parametrize(("outage", "seconds"), [("frozen", 20), ("killed", 3)])
def test_the_api_server_is_away_in_mid_bake(world: Make, outage: str, seconds: float) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        running = shop.release("1.1.0", strategy={"canary": {"weight": [50], "bake": "10s"}}, analysis={"max_blind": "2m"})
        running.wait_for("the bake", baking(0))
        with getattr(shop.place, outage)():
            shop.pace.sleep(seconds)
        ended(running.end(), 0, "PROMOTED")
    users.all_well()
    shop.runs_only("1.1.0")


def test_twenty_seconds_of_silence_in_mid_rollback(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        running = shop.release("1.1.0", strategy=LONG)
        running.wait_for("the bake", baking(0))
        running.kill()
        rolling = shop.deliver.start("rollback", "web", "-n", shop.namespace, "-o", "jsonl")
        rolling.wait_for("the traffic back", intends("route stable"), 20)
        with shop.place.frozen():
            shop.pace.sleep(20)
        back = rolling.end()
    assert back.code == 0, back
    users.all_well()
    shop.unchanged()


def test_the_api_server_dies_in_mid_rollback(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        running = shop.release("1.1.0", strategy=LONG)
        running.wait_for("the bake", baking(0))
        rolling = shop.deliver.start("rollback", "web", "-n", shop.namespace, "-o", "jsonl")
        rolling.wait_for("the traffic back", intends("route stable"), 20)
        with shop.place.killed():
            shop.pace.sleep(3)
        back = rolling.end()
        ended(running.end(), 3, "ROLLED_BACK")
    assert back.code == 0, back
    users.all_well()
    shop.unchanged()


def test_a_frozen_api_server_is_said_in_bounded_time_and_nothing_changed(world: Make) -> None:
    shop = world(replicas=1)
    shop.file("1.1.0")
    with shop.place.frozen():
        result = shop.deliver("run", timeout=90)
    assert result.code == 8, result
    assert "Traceback" not in result.said
    shop.unchanged()
