"""A driver that was killed a moment ago still holds the lock: what other people can do at once, and what has to wait for it to run out."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deliver.engine import commands
from deliver.engine.commands.operate import STAMP_LIMIT
from deliver.engine.runtime.lease import DURATION
from deliver.model.errors import InputError, Unreachable
from deliver.model.observation import Observation
from deliver.model.release import Outcome, Phase, Release
from deliver.render.sentences import sentence
from deliver_sandbox.clock import EngineClock
from deliver_sandbox.faults import Fault, Killed, killed, too_many
from tests.engine.rig import TARGET, Rig, in_step


def orphaned() -> Rig:
    """Its driver died in the first bake, a moment after it had renewed its lock."""
    rig = Rig.make()

    def die(release: Release, seen: Observation | None) -> None:
        if release.phase is Phase.BAKING and not rig.world.cluster.script.faults:
            rig.world.cluster.script.add(Fault(killed, actor=rig.actor))

    rig.reporter.on_update = die
    with pytest.raises(Killed):
        rig.run()
    rig.reporter.on_update = lambda release, seen: None
    return rig


@pytest.mark.parametrize(("verb", "end"), [("resume", Outcome.PROMOTED), ("promote", Outcome.PROMOTED), ("abort", Outcome.ROLLED_BACK)])
def test_another_person_takes_up_what_a_killed_driver_left_once_its_lock_has_run_out(verb: str, end: Outcome):
    rig = orphaned()
    began = rig.world.clock.now()
    release = rig.verb(verb)
    assert release.outcome is end
    taken = next(entry.at for entry in release.journal if sentence(entry, release).startswith("taken up"))
    assert DURATION <= taken - began <= DURATION + 5


def test_a_pause_that_nobody_is_there_to_follow_says_so_and_leaves_no_request_behind():
    rig = orphaned()
    with pytest.raises(InputError, match="without a driver"):
        rig.verb("pause")
    assert rig.verb("resume").outcome is Outcome.PROMOTED


def test_a_rollback_waits_for_no_lock():
    rig = orphaned()
    began = rig.world.clock.now()
    release = rig.verb("rollback")
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.traffic_off - began < 2.0


def test_rollback_after_a_promotion_does_not_wait_for_the_lock_of_a_driver_that_hangs_at_its_end():
    rig = Rig.make()
    hang = Fault(killed, kind="leases", actor="test@here", when=lambda call: rig.record().outcome is Outcome.PROMOTED)
    rig.when(in_step(1), lambda: rig.world.cluster.script.add(hang))
    with pytest.raises(Killed):
        rig.run()
    rig.world.cluster.script.clear()
    assert rig.get("leases", "deliver-web")["spec"]["holderIdentity"] == "test@here"
    start = rig.world.clock.now()
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK
    assert rig.world.clock.now() - start < 15


@pytest.mark.parametrize("verb", ["abort", "resume"])
def test_an_api_server_that_is_busy_while_a_release_is_taken_up_does_not_end_the_verb(verb: str):
    """Its first write has moved users by then, and nobody else would go on (hunt, late 200001655)."""
    rig = orphaned()
    busy = Fault(too_many, verb="get", kind="services", until=rig.world.clock.now() + DURATION + 30)
    rig.world.cluster.script.add(busy)
    assert rig.verb(verb).outcome is (Outcome.ROLLED_BACK if verb == "abort" else Outcome.PROMOTED)


def test_one_that_is_away_for_long_ends_it_with_what_the_api_server_said():
    rig = orphaned()
    rig.world.cluster.script.add(Fault(too_many, verb="get", kind="services"))
    began = rig.world.clock.now()
    with pytest.raises(Unreachable):
        rig.verb("resume")
    assert STAMP_LIMIT <= rig.world.clock.now() - began - DURATION <= STAMP_LIMIT + 15


@pytest.mark.parametrize("ahead", [20.0, -20.0, 7200.0])
def test_a_living_driver_is_asked_whatever_the_clock_of_who_types_says(ahead: float):
    """By a clock that is ahead its newest renewal is old: it is seen to renew, and is asked after all; no lock error is told."""
    rig = orphaned()
    lease, beats = rig.get("leases", "deliver-web"), []

    def live() -> None:  # as the driver's thread would, and then its answer
        now = rig.world.clock.now()
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        rig.edit("leases", lease["metadata"]["name"], {"spec": {"renewTime": stamp}})
        if beats and (rig.get("configmaps", "deliver-web")["data"].get("requests") or "[]") != "[]":
            rig.edit("configmaps", "deliver-web", {"data": {"requests": "[]"}})
            return
        beats.append(now)
        rig.world.clock.after(3.0, live)

    live()
    tools = rig.tools("oncall@laptop")
    clock = EngineClock(rig.world.clock)
    clock.now = lambda: rig.world.clock.now() + ahead  # type: ignore[method-assign]
    common = {"actor": "oncall", "reason": "", "reporter": rig.reporter, "stop": rig.stop, "within": replace(tools, clock=clock)}
    answered = commands.ask(tools.cluster, TARGET, "promote", **common)
    assert answered.outcome is None and answered.fence == 1, "its driver has it still"
