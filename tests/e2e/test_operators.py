"""What people do to a release that runs, from any machine, without the file."""

import signal
from collections.abc import Callable

import pytest

from tests.e2e.support.events import baking, ended, in_phase, says
from tests.e2e.support.world import World, image

Make = Callable[..., World]

ONE_STEP = {"canary": {"weight": [50], "bake": "8s"}}
LONG = {"canary": {"weight": [50], "bake": "10m"}}
APPROVED = {"canary": {"steps": [{"weight": 50, "bake": "4s", "approval": True}]}}


def test_status_and_history_have_stable_names(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(40):
        running = shop.release("1.1.0", strategy=LONG)
        running.wait_for("the bake", baking(0))
        shop.pace.sleep(3)
        view = shop.status()
        assert shop.on_target("abort", "--reason", "seen enough").code == 0
        ended(running.end(), 3, "ROLLED_BACK")
    wanted = {"apiVersion", "kind", "id", "target", "strategy", "phase", "outcome", "reason", "exposure", "stable", "candidate"}
    assert wanted | {"steps", "checks", "actor", "started", "ended"} <= view.keys()
    assert view["apiVersion"] == "deliver.dev/v1alpha1"
    assert view["kind"] == "Release"
    assert view["target"] == {"namespace": shop.namespace, "deployment": "web", "services": ["web"]}
    assert view["phase"] == "Baking"
    assert view["outcome"] is None
    assert {"wanted", "endpoints", "observed"} <= view["exposure"].keys()
    assert view["exposure"]["wanted"] == 50
    assert view["exposure"]["endpoints"] == pytest.approx(50, abs=0.1)
    for arm, version in (("stable", "1.0.0"), ("candidate", "1.1.0")):
        assert {"image", "hash", "desired", "ready", "restarts"} <= view[arm].keys()
        assert view[arm]["image"] == image(version)
        assert (view[arm]["desired"], view[arm]["ready"], view[arm]["restarts"]) == (2, 2, 0)
    assert {"name", "verdict", "candidate", "stable", "limit", "samples"} <= view["checks"][0].keys()
    history = shop.on_target("history", "-o", "json").json
    assert [item["outcome"] for item in history["items"]] == ["ROLLED_BACK"]
    assert history["items"][0]["id"] == view["id"]


def test_abort_takes_the_traffic_back_and_says_who_asked(world: Make) -> None:
    shop = world(replicas=3)
    with shop.users() as users:
        running = shop.release("1.1.0", strategy=LONG)
        running.wait_for("the bake", baking(0))
        asked = shop.on_target("abort", "--reason", "wrong config")
        view = ended(running.end(), 3, "ROLLED_BACK")
    assert asked.code == 0, asked
    assert "wrong config" in view["reason"]
    users.all_well()
    shop.unchanged()


def test_pause_keeps_the_exposure_and_resume_goes_on(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(40) as users:
        running = shop.release("1.1.0", strategy=ONE_STEP)
        running.wait_for("the bake", baking(0))
        assert shop.on_target("pause", "--reason", "lunch").code == 0
        running.wait_for("the pause", in_phase("Paused"), 15)
        shop.pace.sleep(10)
        view = shop.status()
        assert (view["phase"], view["exposure"]["wanted"], view["paused"]["reason"]) == ("Paused", 50, "lunch")
        going = shop.deliver.start("resume", "web", "-n", shop.namespace)
        ended(running.end(), 0, "PROMOTED")
        assert going.end().code == 0, "resume follows the release to its end"
    users.all_well()


def test_a_step_with_approval_waits_for_promote(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(40) as users:
        running = shop.release("1.1.0", strategy=APPROVED)
        running.wait_for("an approval asked for", in_phase("Waiting"))
        shop.pace.sleep(3)
        assert shop.status()["exposure"]["wanted"] == 50
        assert shop.on_target("promote").code == 0
        ended(running.end(), 0, "PROMOTED")
    users.all_well()


def test_an_approval_that_nobody_gives_is_held(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(40):
        result = shop.release("1.1.0", strategy=APPROVED, limits={"pause": "5s"}).end()
        ended(result, 7, "HELD")
        assert shop.status()["outcome"] == "HELD"
        assert shop.on_target("rollback").code == 0
    shop.unchanged()


def test_rollback_after_a_promotion_brings_the_old_version_back(world: Make) -> None:
    shop = world(replicas=3)
    with shop.users(40) as users:
        ended(shop.release("1.1.0", strategy=ONE_STEP).end(), 0, "PROMOTED")
        shop.runs_only("1.1.0")
        back = shop.on_target("rollback", "--reason", "customers complain")
        assert back.code == 0, back
        shop.runs_only("1.0.0")
    users.all_well()
    shop.unchanged()
    outcomes = [(item["number"], item["outcome"]) for item in shop.on_target("history", "-o", "json").json["items"]]
    assert len(outcomes) == 2, outcomes


@pytest.mark.slow  # three releases
def test_rollback_to_an_older_release(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(40) as users:
        for version in ("1.1.0", "1.2.0"):
            ended(shop.release(version, strategy=ONE_STEP, analysis={"poll": "1s"}).end(), 0, "PROMOTED")
        back = shop.on_target("rollback", "--to", "1")
        assert back.code == 0, back
        shop.runs_only("1.1.0")
    users.all_well()
    shop.as_with("1.1.0")


@pytest.mark.parametrize(("number", "code"), [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 143)])
def test_a_signal_holds_the_release_safely_and_says_how_to_go_on(world: Make, number: int, code: int) -> None:
    shop = world(replicas=2)
    with shop.users(40) as users:
        running = shop.release("1.1.0", strategy=ONE_STEP)
        running.wait_for("the bake", baking(0))
        running.signal(number)
        result = running.end(15)
        assert result.code == code, result
        view = shop.status()
        assert view["outcome"] == "HELD"
        assert view["exposure"]["wanted"] == 50
        assert "deliver resume web" in " ".join(view["next"])
        resumed = shop.on_target("resume", "-o", "jsonl")
        ended(resumed, 0, "PROMOTED")
    users.all_well()


def test_plan_changes_nothing_and_tells_real_percentages(world: Make) -> None:
    shop = world(replicas=4)
    shop.file("1.1.0")
    planned = shop.deliver("plan")
    assert planned.code == 0, planned
    assert "20 %" in planned.out, "1 of 5 pods, not the wanted 10 %"
    assert shop.deliver("plan", "--detailed-exitcode").code == 10
    assert shop.deliver("plan", "-o", "json").json["apiVersion"] == "deliver.dev/v1alpha1"
    shop.unchanged()
    assert not [name for kind in ("configmaps", "leases") for name in shop.hands.names(kind) if name.startswith("deliver")]


def test_status_follows_a_release_that_another_machine_drives(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(40):
        running = shop.release("1.1.0", strategy=ONE_STEP)
        running.wait_for("the bake", baking(0))
        watching = shop.deliver.start("status", "web", "-n", shop.namespace, "-w")
        ended(running.end(), 0, "PROMOTED")
        seen = watching.end(20)
    assert seen.code == 0, seen
    assert "PROMOTED" in seen.said


def test_the_journal_has_one_outcome_for_each_intent(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60):
        running = shop.release("2.0.0-errors", strategy=ONE_STEP)
        running.wait_for("a verdict", says("rolling back"))
        result = running.end()
    ended(result, 3, "ROLLED_BACK")
    events = [event for event in running.events if event.get("seq")]
    numbers = [event["seq"] for event in events]
    assert numbers == list(range(1, len(numbers) + 1)), "no gap, no duplicate"
    intents = [event["seq"] for event in events if event["type"] == "intent"]
    assert sorted(event["of"] for event in events if event["type"] == "outcome") == intents
