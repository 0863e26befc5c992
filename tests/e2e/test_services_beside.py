"""Services that are not moved with a release and lead to its pods all the same: left alone by choice, or joined while it runs."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.support import objects
from tests.e2e.support.events import baking, ended, unix
from tests.e2e.support.world import World, image

Make = Callable[..., World]
PEERS: dict[str, Any] = {"clusterIP": "None", "publishNotReadyAddresses": True}
LONG: dict[str, Any] = {"canary": {"weight": [50], "bake": "10m"}}


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["canary", "blue-green"])
def test_peers_that_find_each_other_by_a_service_are_no_reason_to_refuse(world: Make, strategy: str) -> None:
    shop = world(replicas=4, extra=[objects.service("peers", **PEERS)])
    steps = ("--weight", "50", "--bake", "4s") if strategy == "canary" else ("--bake", "4s", "--preview-bake", "2s", "--hold", "0s")
    args = (strategy, "web", "-n", shop.namespace, "--image", image("1.1.0"), "--no-discover", "--drain", "3s", *steps)
    with shop.users(60) as users:
        result = shop.deliver(*args, "-o", "jsonl")
        ended(result, 0, "PROMOTED")
    assert "Service peers leads to these pods too and is left alone" in result.err, result
    assert shop.selector("peers") == {"app": "web"}
    users.all_well()
    shop.as_with("1.1.0")


@pytest.mark.slow
def test_a_named_service_is_the_only_one_that_is_moved_and_the_others_users_are_not_forgotten(world: Make) -> None:
    shop = world(replicas=4, extra=[objects.service("all")])
    with shop.users(40) as users, shop.users(40, "all") as others:
        target = {"deployment": "web", "namespace": shop.namespace, "service": "web"}
        running = shop.release("2.0.0-errors", target=target, strategy=LONG, analysis={"prometheus": None, "metrics": []})
        running.wait_for("the bake", baking(0))
        assert shop.selector("all") == {"app": "web"}
        result = shop.on_target("rollback", "-o", "jsonl")
        view = ended(result, 0, "ROLLED_BACK")
        assert "Service all is not part of the release and leads to the new version" in result.out, result
        running.end()
        shop.pace.sleep(3)
    off = unix(view["traffic_off"])
    for crowd in (users, others):
        crowd.lost_none()
        assert crowd.reached("2.0.0-errors", off) == 0
    shop.unchanged()


def test_a_service_that_joins_holds_the_release_and_its_users_are_told_of_on_the_way_back(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = shop.release("1.1.0", strategy=LONG)
        running.wait_for("the bake", baking(0))
        shop.hands.apply(objects.service("umbrella"))
        view = ended(running.end(30), 7, "HELD")
        assert "Service umbrella, which is not part of the release, leads to the candidate" in view["reason"]
        shop.eventually("it has its endpoints", lambda: len(shop.endpoints("umbrella")) > 4)
        with shop.users(30, "umbrella") as theirs:
            shop.pace.sleep(2)
            result = shop.on_target("rollback", "-o", "jsonl")
            over = ended(result, 0, "ROLLED_BACK")
            shop.pace.sleep(3)
    assert "who comes by there gets it until its pods are gone" in result.out, result
    assert theirs.reached("1.1.0", unix(over["traffic_off"])) == 0
    users.all_well()
    theirs.all_well()
    shop.hands.delete("service/umbrella")
    shop.unchanged()
