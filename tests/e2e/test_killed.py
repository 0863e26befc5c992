"""SIGKILL at every boundary: any other deliver ends the release where the unkilled run would have ended."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.e2e.support.events import baking, did, ended, final, intends, says
from tests.e2e.support.world import World

Make = Callable[..., World]
Wanted = Callable[[dict[str, object]], bool]

SPEC = {"strategy": {"canary": {"weight": [50], "bake": "4s"}}, "analysis": {"poll": "1s"}, "limits": {"drain": "2s"}}

FORWARD: dict[str, Wanted] = {
    "started": says("started by"),
    "about to hold stable": intends("hold-stable"),
    "pinned to stable": did("route stable"),
    "about to create the candidate": intends("create-candidate"),
    "scaling the candidate": intends("scale-candidate"),
    "about to shift": intends("route both"),
    "shifted": did("route both"),
    "baking": baking(0),
    "about to give it all": intends("route candidate"),
    "baking all": baking(1),
    "about to update the Deployment": intends("update-stable"),
    "updated": did("update-stable"),
    "candidate to be deleted": intends("delete-candidate"),
    "selectors to be restored": intends("restore-route"),
    "hold to be lifted": intends("release-stable"),
}


def some(boundaries: Iterable[str], *quick: str) -> list[Any]:
    """All of them; in the quick tests only those. tests/engine tries each call of the driver."""
    return [pytest.param(name, marks=[] if name in quick else [pytest.mark.slow]) for name in boundaries]


@pytest.mark.parametrize("boundary", some(FORWARD, "about to shift", "updated", "hold to be lifted"))
def test_resume_ends_what_a_killed_driver_began(world: Make, boundary: str) -> None:
    shop = world(replicas=2)
    with shop.users(40) as users:
        running = shop.release("1.1.0", **SPEC)
        running.wait_for(boundary, FORWARD[boundary])
        running.kill()
        resumed = shop.on_target("resume", "-o", "jsonl")
        if boundary != "hold to be lifted" or "ended PROMOTED" not in resumed.err:  # its last act: the kill may come a moment after the end
            ended(resumed, 0, "PROMOTED")
    users.all_well()
    shop.runs_only("1.1.0")
    shop.as_with("1.1.0")


BACK: dict[str, Wanted] = {
    "about to move the traffic": intends("route stable"),
    "traffic moved": did("route stable"),
    "candidate to be deleted": intends("delete-candidate"),
    "selectors to be restored": intends("restore-route"),
    "hold to be lifted": intends("release-stable"),
}


@pytest.mark.parametrize("boundary", some(BACK, "about to move the traffic"))
def test_a_rollback_that_was_killed_is_ended_by_the_next(world: Make, boundary: str) -> None:
    shop = world(replicas=2)
    with shop.users(40) as users:
        running = shop.release("1.1.0", strategy={"canary": {"weight": [50], "bake": "10m"}}, limits={"drain": "2s"})
        running.wait_for("the bake", baking(0))
        running.kill()
        going = shop.deliver.start("rollback", "web", "-n", shop.namespace, "-o", "jsonl")
        going.wait_for(boundary, BACK[boundary])
        going.kill()
        if boundary == "hold to be lifted" and shop.status()["outcome"]:  # its last act: the kill may come a moment after the end
            assert shop.status()["outcome"] == "ROLLED_BACK"
        else:
            again = shop.on_target("rollback", "-o", "jsonl")
            assert again.code == 0, again
            assert final(again)["outcome"] == "ROLLED_BACK"
    users.all_well()
    shop.unchanged()
    shop.runs_only("1.0.0")


def test_rollback_needs_no_home_no_file_and_nobody_alive(world: Make) -> None:
    shop = world(replicas=3)
    with shop.users() as users:
        running = shop.release("1.1.0", strategy={"canary": {"weight": [50], "bake": "10m"}})
        running.wait_for("the bake", baking(0))
        running.kill()
        bare = shop.folder / "bare"
        bare.mkdir()
        environ = {key: value for key, value in shop.environ.items() if key != "HOME"}
        bare.chmod(0o500)
        back = shop.deliver_in(bare, environ)("rollback", "web", "-n", shop.namespace)
        bare.chmod(0o700)
    assert back.code == 0, back
    assert "ROLLED" in back.said
    users.all_well()
    shop.unchanged()


@pytest.mark.parametrize("damage", ["lost", "corrupt", "newer"])
def test_rollback_works_without_the_journal(world: Make, damage: str) -> None:
    shop = world(replicas=2)
    with shop.users(40) as users:
        running = shop.release("1.1.0", strategy={"canary": {"weight": [50], "bake": "10m"}})
        running.wait_for("the bake", baking(0))
        running.kill()
        match damage:
            case "lost":
                shop.hands.delete("configmap/deliver-web")
            case "corrupt":
                shop.hands.patch("configmap", "deliver-web", {"data": {"release": '{"id": "cut o'}})
            case _:
                shop.hands.patch("configmap", "deliver-web", {"data": {"schema": "99"}})
        if damage != "lost":
            refused = shop.on_target("resume")
            assert refused.code not in (0, 1), refused
        back = shop.on_target("rollback")
        assert back.code == 0, back
        shop.eventually("the candidate is gone", lambda: shop.pods("1.1.0") == [])
    users.all_well()
    shop.unchanged()
