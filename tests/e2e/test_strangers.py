"""Hands that are not ours, in the middle of a release, with the driver alive and with the driver dead."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.support.events import baking, ended
from tests.e2e.support.process import Running
from tests.e2e.support.world import World, image

Make = Callable[..., World]
LONG: dict[str, Any] = {"canary": {"weight": [50], "bake": "10m"}}


def baking_release(shop: World, step: int = 0, **spec: Any) -> Running:
    running = shop.release("1.1.0", **({"strategy": LONG} | spec))
    running.wait_for("the bake", baking(step))
    return running


def test_set_image_on_the_stable_deployment_is_held_with_the_cause(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = baking_release(shop)
        shop.hands.set_image("web", image("1.2.0"))
        view = ended(running.end(30), 7, "HELD")
        assert "1.2.0" in view["reason"]
        assert "kubectl" in view["reason"], f"who did it: {view['reason']}"
        assert shop.pods("1.2.0") == [], "the held Deployment does not roll"
    users.all_well()


def test_set_image_while_nobody_drives_loses_no_request(world: Make) -> None:
    """All traffic is pinned to a hash whose Deployment somebody rolls: it must not move away under it."""
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = shop.release("1.1.0", strategy=LONG)
        running.wait_for("the bake", baking(0))
        running.kill()
        shop.hands.set_image("web", image("1.2.0"))
        held = shop.on_target("resume", "-o", "jsonl")
        view = ended(held, 7, "HELD")
        assert "1.2.0" in view["reason"]
        back = shop.on_target("rollback")
        assert back.code == 0, back
    users.all_well()
    shop.unchanged()


@pytest.mark.parametrize("driver", ["alive", "dead"])
def test_a_hand_edited_selector_is_held_with_the_cause(world: Make, driver: str) -> None:
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = baking_release(shop)
        if driver == "dead":
            running.kill()
        shop.hands.label_pods(tier="front")
        shop.hands.patch("service", "web", {"spec": {"selector": {"tier": "front"}}})
        result = running.end(30) if driver == "alive" else shop.on_target("resume", "-o", "jsonl")
        view = ended(result, 7, "HELD")
        assert "selector" in view["reason"]
        assert "tier=front" in view["reason"]
        assert shop.selector() == {"app": "web", "tier": "front"}, "we touch nothing then"
        back = shop.on_target("rollback")
        assert back.code == 0, back
    users.all_well()


def test_a_deleted_candidate_is_noticed_and_the_traffic_stays_whole(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = baking_release(shop)
        shop.hands.delete("deployment/web-candidate", wait=False)
        view = ended(running.end(60), 3, "ROLLED_BACK")
    assert "candidate" in view["reason"]
    users.lost_none()
    shop.unchanged()


def test_the_deployment_scaled_by_hand_is_held(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(40) as users:
        running = baking_release(shop)
        shop.hands.scale("web", 2)
        view = ended(running.end(30), 7, "HELD")
        assert "scaled" in view["reason"]
        shop.hands.scale("web", 4)
        shop.rolled_out()
        assert shop.on_target("rollback").code == 0
    users.all_well()
    shop.unchanged()


def test_an_evicted_candidate_pod_is_replaced_and_is_no_failure(world: Make) -> None:
    shop = world(replicas=3)
    with shop.users(40) as users:
        running = baking_release(shop, strategy={"canary": {"weight": [50], "bake": "12s"}})
        victim = shop.pods("1.1.0")[0]
        shop.hands.delete(f"pod/{victim}", wait=False)
        shop.eventually("its heir is ready", lambda: len(shop.endpoints()) == 6 and victim not in shop.endpoints(), 20)
        ended(running.end(), 0, "PROMOTED")
    users.all_well()
