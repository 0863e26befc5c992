"""One driver per target; whoever is too late, or was frozen, changes nothing."""

import signal
from collections.abc import Callable

import pytest

from tests.e2e.support.events import baking, ended, final, unix
from tests.e2e.support.snapshot import snapshot
from tests.e2e.support.world import World, image

Make = Callable[..., World]
LONG = {"canary": {"weight": [50], "bake": "10m"}}


def test_the_second_driver_is_told_who_holds_the_target(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(40) as users:
        first = shop.release("1.1.0", strategy=LONG)
        first.wait_for("the bake", baking(0))
        second = shop.release("1.2.0", strategy=LONG).end(30)
        assert second.code == 6, second
        holder = shop.hands.get("lease", "deliver-web")["spec"]["holderIdentity"]
        assert holder.split(":")[0] in second.said, f"{holder} is not named: {second}"
        assert shop.status()["candidate"]["image"] == image("1.1.0")
        assert shop.on_target("abort").code == 0
        ended(first.end(), 3, "ROLLED_BACK")
    users.all_well()
    shop.unchanged()


def test_of_two_started_at_once_one_wins(world: Make) -> None:
    shop = world(replicas=2)
    spec = {"strategy": {"canary": {"weight": [50], "bake": "4s"}}, "analysis": {"poll": "1s"}}
    with shop.users(40) as users:
        shop.file("1.1.0", **spec)
        both = [shop.deliver.start("run", "-o", "jsonl") for _ in range(2)]
        results = [one.end() for one in both]
    assert sorted(result.code for result in results) == [0, 6], "\n".join(map(str, results))
    users.all_well()
    shop.runs_only("1.1.0")


def test_rollback_under_a_running_driver_is_at_once_and_the_driver_says_who(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = shop.release("1.1.0", strategy=LONG)
        running.wait_for("the bake", baking(0))
        begin = shop.pace.now()
        rolling = shop.deliver.start("rollback", "web", "-n", shop.namespace, "--reason", "pager", "-o", "jsonl")
        shop.eventually("the Service leads to stable alone", lambda: "pod-template-hash" in shop.selector(), 5, 0.05)
        assert shop.pace.now() - begin < shop.at_most(5), "traffic is back at once"  # a busy machine takes two to start Python
        back = rolling.end()
        view = ended(running.end(), 3, "ROLLED_BACK")
    assert back.code == 0, back
    actor = final(back)["actor"] if final(back).get("ended_by") is None else final(back)["ended_by"]
    assert actor in view["reason"] or view["ended_by"] == actor
    assert users.reached("1.1.0", unix(view["traffic_off"])) == 0
    users.all_well()
    shop.unchanged()


@pytest.mark.slow  # it waits for a lease to run out
def test_a_driver_that_was_frozen_past_its_lease_changes_nothing(world: Make) -> None:
    """Two real processes; the first is stopped for longer than its lease and then goes on."""
    shop = world(replicas=2)
    spec = {"strategy": {"canary": {"weight": [50], "bake": "25s"}}, "analysis": {"poll": "1s"}}
    with shop.users(40) as users:
        first = shop.release("1.1.0", **spec)
        first.wait_for("the bake", baking(0))
        first.signal(signal.SIGSTOP)
        shop.pace.sleep(18)  # its lease is 15 s
        second = shop.deliver.start("resume", "web", "-n", shop.namespace, "-o", "jsonl")
        second.wait_for("the takeover's bake", baking(0), 60)
        before = snapshot(shop.hands)
        first.signal(signal.SIGCONT)
        shop.pace.sleep(4)
        assert snapshot(shop.hands) == before, "the old driver wrote something"
        ended(second.end(), 0, "PROMOTED")
        old = first.end(30)
    assert old.code in (0, 3), old
    users.all_well()
    shop.runs_only("1.1.0")
    shop.as_with("1.1.0")
