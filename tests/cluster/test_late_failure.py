"""The new version turns bad and unready after it has all the traffic, before the release is finished."""

from collections.abc import Callable

from tests.cluster.support.events import baking, did, ended, unix
from tests.cluster.support.world import World

Make = Callable[..., World]
POLL = 2.0


def test_traffic_is_back_within_a_poll_and_a_second(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = shop.release("1.1.0", strategy={"canary": {"weight": [50], "bake": "4s"}}, analysis={"poll": f"{POLL:g}s"})
        running.wait_for("all traffic on the new version", baking(1))
        shop.pace.sleep(2)
        shop.chaos("1.1.0", "errors=100&healthy=false")
        turned = shop.pace.now()
        view = ended(running.end(), 3, "ROLLED_BACK")
    off = unix(view["traffic_off"])
    unready = 2.5  # the kubelet probes each second and needs two failures
    assert off - turned < shop.at_most(POLL + 1 + unready)
    moved = next(event["arrived"] for event in running.events if did("route stable")(event) and event["arrived"] > turned)
    assert moved - turned < shop.at_most(POLL + 1 + unready)
    for crowd in (users.fresh, users.kept):
        later = [second for second in crowd.traffic.seconds if second.at - 1 > off]
        assert later
        assert sum(second.failed for second in later) == 0
    assert users.reached("1.1.0", off) == 0
    refused = sum(crowd.traffic.failed for crowd in (users.fresh, users.kept))
    assert refused == 0, "the bad pods answered 500 themselves; nobody else's request may be lost"
    shop.unchanged()
