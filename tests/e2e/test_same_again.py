"""A pipeline's job that is run again: what the same command says after its release was promoted, while it runs, held, and dead."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.support.events import baking, ended
from tests.e2e.support.snapshot import snapshot
from tests.e2e.support.world import World, image

Make = Callable[..., World]
LONG: dict[str, Any] = {"canary": {"weight": [50], "bake": "10m"}}
OFF: dict[str, Any] = {"prometheus": None, "metrics": []}


def again(shop: World, code: int, *words: str) -> None:
    """`run` and `plan` end alike, say these words, change nothing and advise nothing that harms the release."""
    before = snapshot(shop.hands)
    for command in ("run", "plan"):
        result = shop.deliver(command)
        assert result.code == code, result
        for word in words:
            assert word in result.said, f"`{word}` is not in {result}"
        for harm in ("rollout resume", "narrow the Service", "delete it"):
            assert harm not in result.said, result
    assert snapshot(shop.hands) == before


@pytest.mark.slow
def test_after_its_promotion_it_is_already_so(world: Make) -> None:
    shop = world(replicas=2)
    shop.file("1.1.0", strategy={"canary": {"weight": [50], "bake": "2s"}}, analysis=OFF)
    assert shop.deliver("run").code == 0
    shop.runs_only("1.1.0")
    again(shop, 11, f"runs {image('1.1.0')} already")


def test_while_it_runs_and_after_its_driver_died(world: Make) -> None:
    shop = world(replicas=2)
    running = shop.release("1.1.0", strategy=LONG, analysis=OFF)
    running.wait_for("the bake", baking(0))
    again(shop, 6, "is under way, driven by", "`deliver status -w web")
    running.kill()
    shop.pace.sleep(16)  # a holder that is silent for 15 s counts as dead
    again(shop, 6, "nobody drives it", "`deliver resume web")
    assert shop.on_target("rollback").code == 0
    shop.unchanged()


@pytest.mark.slow
def test_while_it_is_held(world: Make) -> None:
    shop = world(replicas=2)
    running = shop.release("1.1.0", strategy=LONG, analysis=OFF)
    running.wait_for("the bake", baking(0))
    shop.hands.set_image("web", image("1.2.0"))
    ended(running.end(30), 7, "HELD")
    again(shop, 6, "is HELD", "1.2.0", "`deliver resume web")
