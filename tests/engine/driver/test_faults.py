"""An API server that is away, refuses, answers late or loses its answers: the release waits, and nothing is done twice or forgotten."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from deliver.engine.commands.deps import Dependencies
from deliver.engine.core.route import SECOND_LOOK
from deliver.engine.runtime.lease import Lease
from deliver.model import errors
from deliver.model.observation import Observation
from deliver.model.release import Outcome, Release
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Fault, conflict, forbidden, too_many, unreachable
from deliver_sandbox.images import Behaviour
from tests.engine.invariants import journal_faults, watched
from tests.engine.rig import GOOD, Rig, in_step, steps

WHERE: dict[str, Callable[[Release], bool]] = {
    "preparing": lambda release: release.phase == "Preparing",
    "step 1": in_step(1),
    "next step": in_step(2, "Preparing"),
    "step 3": in_step(3),
    "finishing": lambda release: release.phase == "Finishing",
    "rolled": lambda release: bool(release.new_hash),
}


def rolling(release: Release) -> bool:
    """The Deployment has just been given the new version."""
    return any(entry.kind == "outcome" and sentence(entry, release) == "update-stable" for entry in release.journal)


def away(rig: Rig, seconds: float = 20.0) -> None:
    """No call gets through for so long, and no watch says a word."""
    now = rig.world.clock.now()
    rig.world.cluster.script.add(Fault(unreachable(), since=now, until=now + seconds, seconds=2.0))


@pytest.mark.parametrize("where", WHERE)
def test_the_api_server_is_away_for_20_s(where: str):
    rig, dog = Rig.make(), None
    dog = watched(rig)
    rig.when(WHERE[where], lambda: away(rig))
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED, release.reason
    assert rig.world.traffic.tally.lost() == 0
    dog.check(release)


@pytest.mark.parametrize("where", ["step 1", "step 3", "finishing"])
def test_the_api_server_is_away_when_the_traffic_must_come_back(where: str):
    rig = Rig.make()
    before, dog = rig.before(), watched(rig)
    rig.when(WHERE[where], lambda: rig.ask("abort"))
    rig.when(lambda release: release.course == "back", lambda: away(rig))
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
    dog.check(release)


@pytest.mark.parametrize("error", [too_many, conflict])
def test_a_storm_of_refusals_of_every_third_call(error: Callable[[], BaseException]):
    rig, dog = Rig.make(), None
    dog = watched(rig)
    rig.world.cluster.script.add(Fault(error, verb="patch", when=lambda call: call.seq % 3 == 0))
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED, release.reason
    dog.check(release)


@pytest.mark.parametrize("nth", range(2, 56, 3))
def test_a_write_whose_answer_is_lost(nth: int):
    """Applied, and then the connection is cut: read back, never guessed."""
    rig, dog = Rig.make(), None
    dog = watched(rig)
    rig.world.cluster.script.add(Fault(unreachable(), verb="write", kind="[!l]*", nth=nth, times=1, applied=True))
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED, release.reason
    dog.check(release)


def test_an_answer_lost_is_journalled_as_unknown_not_as_failed():
    rig = Rig.make()
    rig.world.cluster.script.add(Fault(unreachable("reset"), verb="patch", kind="services", nth=1, applied=True))
    release = rig.run()
    assert [sentence(entry, release) for entry in release.journal if entry.result == "unknown"] == ["route stable: reset"]


def test_the_outcome_of_a_write_is_not_forgotten_when_the_server_goes_away_with_it():
    rig, dog = Rig.make(), None
    dog = watched(rig)
    rig.world.cluster.script.add(Fault(unreachable(), verb="patch", kind="services", nth=1, times=1, applied=True))
    saves = {"left": 0}

    def gone_next(call) -> bool:
        if call.verb == "patch" and call.kind == "services":
            saves["left"] = 3
        if call.kind == "configmaps" and saves["left"]:
            saves["left"] -= 1
            return True
        return False

    rig.world.cluster.script.faults.insert(0, Fault(unreachable(), kind="[cs]*", when=gone_next))
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED
    dog.check(release)


@pytest.mark.parametrize(
    ("kind", "verb"), [("services", "patch"), ("deployments", "patch"), ("deployments", "create"), ("configmaps", "patch")]
)
def test_a_right_that_is_taken_away_in_mid_run_holds_and_says_which(kind: str, verb: str):
    rig = Rig.make()

    def deny() -> None:
        rig.world.cluster.script.add(Fault(lambda: errors.Forbidden(f"may not {verb} {kind}", status=403), verb=verb, kind=kind))

    rig.when(lambda release: release.phase == "Preparing", deny)
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert release.reason.startswith(f"not permitted: may not {verb} {kind}")
    assert rig.world.clock.now() - release.started < 400


def test_who_refuses_says_why_once_while_it_is_tried_again():
    """A credential plugin's own words: `session expired, run X` is what a person can act on."""
    rig = Rig.make()

    def expire() -> None:
        words = "the credential plugin aws failed: session expired, run X"
        rig.world.cluster.script.add(Fault(lambda: errors.Forbidden("cannot change it", status=401, why=words), verb="patch"))

    rig.when(lambda release: release.phase == "Baking", expire)
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert "session expired, run X" in release.reason
    told = [note for note in rig.reporter.notes if "trying again" in note]
    assert len(told) > 1
    assert [note for note in told if "session expired, run X" in note] == told[:1]


def test_traffic_comes_back_even_when_the_journal_may_not_be_written():
    rig = Rig.make()

    def deny() -> None:
        rig.judge.verdict = Verdict.FAIL
        rig.world.cluster.script.add(Fault(forbidden, verb="patch", kind="configmaps"))

    rig.when(in_step(3), deny)
    release = rig.run()
    assert rig.get("services", "web")["spec"]["selector"]["pod-template-hash"] == release.snapshot.hash
    assert release.outcome is Outcome.ROLLBACK_FAILED
    assert "not permitted" in release.reason


@pytest.mark.parametrize("kind", ["configmaps", "deployments"])
def test_users_are_not_sent_to_pods_that_roll_away_while_the_server_refuses_what_would_keep_them(kind: str):
    rig = Rig.make(replicas=1)
    before, dog = rig.before(), watched(rig)

    def busy() -> None:
        rig.ask("abort")
        now = rig.world.clock.now()
        rig.world.cluster.script.add(Fault(too_many, verb="patch", kind=kind, since=now, until=now + 8.0))

    rig.when(rolling, lambda: rig.world.clock.after(0.5, busy))
    release = rig.run(rig.spec(weights=(100,)))
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
    assert rig.world.traffic.tally.lost() == 0
    dog.check(release)


def test_a_deployment_that_rolls_to_a_rejected_version_is_stopped_even_when_the_journal_may_not_be_written():
    rig = Rig.make()

    def deny() -> None:
        rig.ask("abort")
        rig.world.cluster.script.add(Fault(forbidden, verb="patch", kind="configmaps"))

    rig.when(rolling, deny)
    release = rig.run()
    assert release.outcome is Outcome.ROLLBACK_FAILED
    assert rig.get("services", "web")["spec"]["selector"]["pod-template-hash"] == release.snapshot.hash
    assert rig.get("deployments", "web")["spec"]["template"] == release.snapshot.template


def test_a_write_that_admission_rejects_is_rolled_back():
    rig = Rig.make()
    before = rig.before()
    rig.world.cluster.script.add(
        Fault(lambda: errors.Rejected("denied by policy/no-friday", status=400), verb="create", kind="deployments")
    )
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert "create-candidate 0 was rejected: denied by policy/no-friday" in release.reason
    assert rig.before() == before


def clusters(rig: Rig) -> list[Any]:
    """Of the drivers that begin from now on."""
    made, tools = list[Any](), rig.tools

    def spied(actor: str | None = None) -> Dependencies:
        made.append(tools(actor))
        return made[-1]

    rig.tools = spied  # type: ignore[method-assign]
    return made


def silence(rig: Rig, driver: Any, seconds: float) -> None:
    feed = driver.cluster.feeds[-1]
    feed.freeze()
    rig.world.clock.after(seconds, feed.thaw)


def test_a_watch_that_falls_silent_is_said_aloud_and_exposure_does_not_rise():
    rig = Rig.make()
    dog, drivers = watched(rig), clusters(rig)
    rig.when(in_step(1), lambda: silence(rig, drivers[0], 30.0))
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED
    assert any("has not been heard" in note for note in rig.reporter.notes)
    dog.check(release)


def test_users_are_not_led_back_to_pods_that_a_silent_watch_showed_and_that_are_gone():
    """Hunt, late 930010796: only the watch was silent, writes went through."""
    rig = Rig.make(images={"registry/web:1.0.0": Behaviour(start=15.0)})
    drivers = clusters(rig)

    def harm() -> None:
        silence(rig, drivers[0], 25.0)
        for name in rig.names("pods"):
            if rig.get("pods", name)["spec"]["containers"][0]["image"] != GOOD:
                rig.remove("pods", name)
        rig.world.clock.after(5.0, lambda: setattr(rig.judge, "verdict", Verdict.FAIL))

    rig.when(in_step(3), harm)
    assert rig.run().outcome is Outcome.ROLLED_BACK
    assert rig.world.traffic.tally.lost() == 0


def test_a_look_that_had_to_wait_for_the_renewal_of_the_lock_is_dated_after_it():
    """Dated before, it told of a moment what became true only seconds later."""
    rig, ages = Rig.make(), list[float]()
    begun = rig.world.clock.now()
    rig.reporter.on_update = lambda release, seen: ages.append(rig.world.clock.now() - (seen.at if seen else 0.0))
    rig.world.cluster.script.add(Fault(unreachable(), verb="patch", kind="leases", since=begun + 1.0, seconds=3.0, times=1))
    assert rig.run().outcome is Outcome.PROMOTED
    slow = [call for call in rig.world.cluster.calls if call.kind == "leases" and call.outcome == "Unreachable"]
    assert len(slow) == 1
    assert max(ages) < 0.1


def test_a_shift_is_looked_at_twice_a_second_apart_when_the_lock_is_slow_to_renew_before_the_first_look(monkeypatch: pytest.MonkeyPatch):
    rig, waited, looks = Rig.make(), list[float](), dict[str, float]()
    renew = Lease.renew_if_due
    moved = rig.when(lambda release: release.exposed and release.shift is not None and not release.shift.switched, lambda: None)
    told = rig.reporter.on_update

    def slowly(lease: Lease) -> None:
        renew(lease)
        if moved and not waited:
            waited.append(3.0)
            rig.world.clock.wait(3.0)

    def looked(release: Release, seen: Observation | None) -> None:
        told(release, seen)
        if waited and release.shift and release.shift.switched:
            looks.setdefault("verified" if release.shift.verified else "switched", rig.world.clock.now())

    monkeypatch.setattr(Lease, "renew_if_due", slowly)
    rig.reporter.on_update = looked
    assert rig.run().outcome is Outcome.PROMOTED
    assert waited
    assert looks["verified"] - looks["switched"] >= SECOND_LOOK


def test_a_refused_action_is_not_asked_for_again_at_the_pace_of_our_own_records():
    """Each refusal is journalled, each save woke the driver: 600 calls a second, and a record that grows without end."""
    rig = Rig.make()

    def refuse() -> None:
        rig.judge.verdict = Verdict.FAIL
        rig.world.cluster.script.add(Fault(forbidden, verb="delete", until=rig.world.clock.now() + 60))

    turned = rig.when(in_step(1), refuse)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert len([call for call in rig.world.cluster.calls if turned[0] <= call.at < turned[0] + 60]) < 150


def test_a_version_that_turns_bad_while_the_record_cannot_be_written_is_taken_back_all_the_same():
    """Each look ended at the save of `status`, before the metrics were asked again: nobody judged."""
    rig = Rig.make()

    def refuse() -> None:
        rig.world.cluster.script.add(Fault(unreachable(), verb="patch", kind="configmaps", until=rig.world.clock.now() + 100))
        rig.world.clock.after(20.0, lambda: setattr(rig.judge, "verdict", Verdict.FAIL))

    rig.when(in_step(1), refuse)
    start = rig.world.clock.now()
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.traffic_off - start < 60


def test_writes_whose_answers_are_lost_are_not_repeated_at_the_pace_of_our_own_records():
    """Neither the move nor its refusal could be known to be written: each try was woken by the last one's record, 200 a second."""
    rig = Rig.make()

    def cut() -> None:
        rig.world.cluster.script.add(Fault(unreachable(), verb="patch", kind="leases", until=rig.world.clock.now() + 60))
        rig.world.cluster.script.add(Fault(unreachable(), verb="patch", applied=True, until=rig.world.clock.now() + 60))
        rig.world.clock.after(20.0, lambda: setattr(rig.judge, "verdict", Verdict.FAIL))  # the lock has lapsed by then

    turned = rig.when(in_step(1), cut)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert len([call for call in rig.world.cluster.calls if turned[0] <= call.at < turned[0] + 60]) < 400
    assert journal_faults(release) == []


def test_selectors_that_are_half_put_back_are_put_back_whole():
    """Hunt, wild 1795671640: the answer for the first Service was lost, so it was pinned again, and put back again, 200 times a second."""
    rig = Rig.make(services=("web", "web-internal"))
    before = rig.before()

    def cut() -> None:
        rig.world.cluster.script.add(Fault(unreachable(), verb="patch", kind="services", applied=True, until=rig.world.clock.now() + 20))

    rig.when(in_step(1), lambda: setattr(rig.judge, "verdict", Verdict.FAIL))
    rig.when(lambda release: steps(release)[-1:] == ["delete-candidate"], cut)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
    assert steps(release).count("route stable") == 2
    assert steps(release).count("restore-route") <= 3


def test_an_intent_whose_saving_was_not_answered_stands_in_the_journal_once():
    """The record had it, the driver did not know: it wrote another entry over it."""
    rig, seen = Rig.make(), []
    lost = Fault(unreachable(), verb="patch", kind="configmaps", applied=True, times=3)
    rig.when(in_step(1, "Preparing"), lambda: rig.world.cluster.script.add(lost))
    rig.world.store.listen(lambda change: seen.append(rig.record().journal) if change.kind == "configmaps" else None)
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED
    assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(seen))
    assert journal_faults(release) == []


def test_a_shift_that_was_refused_for_long_needs_a_pass_again():
    """Hunt, green 40002506: the PASS was half a minute old, and the metrics blind, when the API server took the shift at last."""
    rig = Rig.make()
    start = rig.world.clock.now()
    rig.when(
        lambda release: release.step == 1 and release.phase == "Shifting",
        lambda: rig.world.clock.after(40.0, rig.world.cluster.script.clear),
    )
    rig.when(in_step(1), lambda: rig.world.cluster.script.add(Fault(unreachable(), verb="get", kind="services", times=100_000)))
    dark = [float("inf"), float("inf")]

    def verdict(now: float) -> Verdict:
        record = rig.record()
        if record.step == 1 and not record.bake_since and dark[0] > now:
            dark[:] = now, now + 120.0
        return Verdict.BLIND if dark[0] <= now < dark[1] else Verdict.PASS

    rig.judge.verdict = verdict
    release = rig.run(rig.spec(weights=(50,)))
    assert release.outcome is Outcome.PROMOTED
    moved = next(
        entry.at
        for entry in release.journal
        if entry.kind == "outcome" and sentence(entry, release) == "route candidate" and entry.result == "done"
    )
    assert moved >= dark[1], "not while nothing can be judged"
    assert start < dark[0]
