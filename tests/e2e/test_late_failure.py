"""The new version turns bad after it has all the traffic, before the release is finished."""

from collections.abc import Callable

import pytest

from tests.e2e.support.events import baking, did, ended, first_after, unix
from tests.e2e.support.place import LATE, SELDOM
from tests.e2e.support.world import World

Make = Callable[..., World]
UNREADY = 2.5
"""Seconds: the kubelet probes each second and needs two failures."""
SHORT = {"strategy": {"canary": {"weight": [50], "bake": "4s"}}, "analysis": {"poll": "2s"}}


@pytest.mark.stores(SELDOM, LATE)
def test_traffic_is_back_within_two_scrapes_and_a_second_and_no_request_is_lost(world: Make) -> None:
    """The pods answer all along, with errors: it is the metrics that tell."""
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = shop.release("1.1.0", **SHORT)
        running.wait_for("all traffic on the new version", baking(1))
        shop.pace.sleep(2)
        began, turned = shop.chaos("1.1.0", "errors=100")
        view = ended(running.end(), 3, "ROLLED_BACK")
    off = unix(view["traffic_off"])
    assert off - turned < shop.at_most(shop.scrapes(2) + 1)
    moved = first_after(began, running.events, did("route stable"))
    assert moved - turned < shop.at_most(shop.scrapes(2) + 1)
    users.lost_none()
    assert users.reached("1.1.0", off) == 0
    shop.unchanged()


def test_where_no_pod_is_ready_any_more_users_wait_for_no_poll(world: Make) -> None:
    """All that serve them say at once that they cannot: until they are led elsewhere their Service has no endpoint."""
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = shop.release("1.1.0", **SHORT)
        running.wait_for("all traffic on the new version", baking(1))
        began, turned = shop.chaos("1.1.0", "healthy=false")
        view = ended(running.end(), 3, "ROLLED_BACK")
    assert " ready" in view["reason"], view["reason"]
    off = unix(view["traffic_off"]) + 1  # told in whole seconds, rounded down
    moved = first_after(began, running.events, did("route stable"))
    assert moved - turned < shop.at_most(UNREADY + 1)
    for crowd in (users.fresh, users.kept):
        lost = [second.at for second in crowd.traffic.seconds if second.failed]
        assert all(began + 1 < at and at - 1 <= off for at in lost), "before the first probe can fail, or with the stable side's pods there"
        assert any(second.at - 1 > off for second in crowd.traffic.seconds)
    assert users.reached("1.1.0", off) == 0
    shop.unchanged()
