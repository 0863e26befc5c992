"""What people ask of a live driver, signals, and time limits: each is journalled, and ends where it says."""

import signal
from collections.abc import Callable

import pytest

from deliver.engine.runtime.stop_signal import Stop
from deliver.model.errors import InputError
from deliver.model.release import Outcome, Release
from deliver.model.spec import Limits
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from tests.engine.invariants import watched
from tests.engine.rig import Rig, in_step, steps


def asked(rig: Rig, verb: str, delay: float = 0.0) -> Callable[[], object]:
    return lambda: rig.world.clock.after(delay, lambda: rig.ask(verb, reason="because")) if delay else rig.ask(verb, reason="because")


def entry(release: Release, start: str) -> float:
    return next(line.at for line in release.journal if sentence(line, release).startswith(start))


# ---------------------------------------------------------------- pause and resume


def test_a_pause_in_a_bake_stops_there_and_resume_goes_on():
    rig, dog = Rig.make(), None
    dog = watched(rig)
    rig.when(in_step(1), asked(rig, "pause"))
    rig.when(in_step(1, "Paused"), asked(rig, "resume", delay=600.0))
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED
    assert entry(release, "step 1/3 10 %: PASS") - entry(release, "paused by ops@desk") >= 600.0
    assert {line.actor for line in release.journal if line.kind == "request"} == {"ops@desk"}
    dog.check(release)


def test_exposure_does_not_rise_once_a_pause_is_taken_in():
    """Asked while the next step's pods start: they may get ready, but no Service is moved to them."""
    rig = Rig.make()
    dog, pins = watched(rig), []
    rig.when(in_step(2, "Preparing"), asked(rig, "pause", delay=0.5))
    rig.when(lambda release: release.paused is not None, asked(rig, "resume", delay=300.0))
    look = lambda: pins.append(rig.get("services", "web")["spec"]["selector"])  # noqa: E731
    rig.when(lambda release: release.paused is not None, lambda: rig.world.clock.after(299.0, look))
    release = rig.run(rig.spec(weights=[10]))
    assert release.outcome is Outcome.PROMOTED
    assert pins == [{"app": "web"}]
    dog.check(release)


def test_a_pause_before_the_first_step_keeps_users_off_the_candidate():
    rig = Rig.make()
    dog = watched(rig)
    rig.when(lambda release: release.phase == "Preparing", asked(rig, "pause"))
    release = rig.run(rig.spec(limits=Limits(pause=600.0)))
    assert release.outcome is Outcome.HELD
    assert "paused by ops@desk, and nobody answered within 600 s" in release.reason
    assert not dog.served
    dog.check(release)


def test_a_pause_that_nobody_ends_is_held():
    rig = Rig.make()
    rig.when(in_step(2), asked(rig, "pause"))
    release = rig.run(rig.spec(limits=Limits(pause=900.0)))
    assert release.outcome is Outcome.HELD
    assert "paused by ops@desk, and nobody answered within 900 s (`limits.pause`)" in release.reason


def test_a_paused_release_is_still_watched():
    rig = Rig.make()
    before = rig.before()
    rig.when(in_step(2), asked(rig, "pause"))
    rig.when(in_step(2, "Paused"), lambda: setattr(rig.judge, "verdict", Verdict.FAIL))
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before


def test_a_paused_release_that_goes_blind_has_the_same_budget():
    rig = Rig.make()
    rig.when(in_step(2), asked(rig, "pause"))
    rig.when(in_step(2, "Paused"), lambda: setattr(rig.judge, "verdict", Verdict.BLIND))
    release = rig.run(rig.spec(max_blind=120.0))
    assert release.outcome is Outcome.HELD
    assert "could not be judged" in release.reason


# ---------------------------------------------------------------- promote and abort


def test_promote_ends_the_bake_of_this_step_only():
    rig = Rig.make()
    rig.when(in_step(1), asked(rig, "promote", delay=10.0))
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED
    assert 9.0 < entry(release, "step 1/3 10 %: PASS") - entry(release, "step 1/3: baking") < 12.0
    assert entry(release, "step 2/3 50 %: PASS") - entry(release, "step 2/3: baking") >= 60.0


def test_promote_does_not_pass_a_step_that_is_not_judged_good():
    rig = Rig.make()
    rig.judge.verdict = Verdict.BLIND
    rig.when(in_step(1), asked(rig, "promote"))
    release = rig.run(rig.spec(max_blind=60.0))
    assert release.outcome is Outcome.HELD
    assert release.step == 0


@pytest.mark.parametrize("step", [1, 2, 3])
def test_abort_takes_the_traffic_back_at_once_and_names_who(step: int):
    rig = Rig.make()
    before, dog = rig.before(), watched(rig)
    at = rig.when(in_step(step), asked(rig, "abort"))
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.reason == "aborted by ops@desk: because"
    assert release.ended_by == "ops@desk"
    assert release.traffic_off - at[0] < 2.0
    assert rig.before() == before
    dog.check(release)


def test_abort_in_the_finish_goes_back_too():
    rig = Rig.make()
    before = rig.before()
    rig.when(lambda release: bool(release.new_hash), asked(rig, "abort"))
    assert rig.run().outcome is Outcome.ROLLED_BACK
    assert rig.before() == before


@pytest.mark.parametrize("verb", ["abort", "rollback"])
def test_while_the_deployment_rolls_its_old_pods_are_kept_before_users_are_sent_to_them(verb: str):
    """A pin to pods that are being replaced would lead to nobody a moment later."""
    rig = Rig.make()
    before, dog = rig.before(), watched(rig)
    act = asked(rig, "abort") if verb == "abort" else lambda: rig.verb("rollback")
    rig.when(lambda release: any(sentence(line, release) == "update-stable" for line in release.journal), act)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
    assert rig.world.traffic.tally.lost() == 0
    dog.check(release)


def test_a_request_that_fits_nothing_is_noted_and_changes_nothing():
    rig = Rig.make()
    rig.when(in_step(1), asked(rig, "resume"))
    rig.when(lambda release: release.phase == "Finishing", asked(rig, "pause"))
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED
    assert [sentence(line, release).split(":")[0] for line in release.journal if line.kind == "request"] == [
        "resume asked by ops@desk",
        "pause asked by ops@desk",
    ]
    assert rig.get("configmaps", "deliver-web")["data"]["requests"] == "[]"


@pytest.mark.parametrize("verb", ["pause", "promote", "abort", "resume"])
def test_nothing_under_way_nothing_to_ask(verb: str):
    rig = Rig.make()
    with pytest.raises(InputError, match="no release of shop/web is under way"):
        rig.verb(verb)
    rig.run()
    with pytest.raises(InputError) as caught:
        rig.verb(verb)
    assert "ended PROMOTED" in caught.value.why


# ---------------------------------------------------------------- held, and on from there


def held(rig: Rig, step: int = 2) -> Release:
    rig.when(in_step(step), lambda: rig.stop.request(signal.SIGTERM))
    release = rig.run()
    assert release.outcome is Outcome.HELD
    rig.stop = Stop()
    return release


def test_a_signal_holds_the_release_where_it_is():
    rig = Rig.make()
    dog = watched(rig)
    release = held(rig)
    assert release.reason == "stopped by SIGTERM"
    assert rig.get("services", "web")["spec"]["selector"] == {"app": "web"}
    assert rig.get("deployments", "web-candidate")["spec"]["replicas"] == 4
    assert rig.get("leases", "deliver-web")["spec"]["holderIdentity"] == ""
    dog.check(release)


def test_a_held_release_is_resumed_and_its_step_baked_anew():
    rig = Rig.make()
    dog = watched(rig)
    held(rig)
    start = rig.world.clock.now()
    release = rig.verb("resume")
    assert release.outcome is Outcome.PROMOTED
    assert entry(release, "step 2/3 50 %: PASS") - start >= 60.0
    dog.check(release)


@pytest.mark.parametrize("verb", ["abort", "rollback"])
def test_a_held_release_is_taken_back(verb: str):
    rig = Rig.make()
    before = rig.before()
    held(rig)
    assert rig.verb(verb).outcome is Outcome.ROLLED_BACK
    assert rig.before() == before


def test_promote_takes_a_held_release_up_and_passes_its_step():
    rig = Rig.make()
    held(rig)
    release = rig.verb("promote")
    assert release.outcome is Outcome.PROMOTED


def test_there_is_nothing_to_pause_in_a_held_release():
    rig = Rig.make()
    held(rig)
    with pytest.raises(InputError, match="is held already"):
        rig.verb("pause")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_rollback_does_not_stop_it(signum: int):
    rig = Rig.make()
    before = rig.before()
    rig.when(in_step(2), lambda: setattr(rig.judge, "verdict", Verdict.FAIL))
    rig.when(lambda release: release.course == "back", lambda: rig.stop.request(signum))
    assert rig.run().outcome is Outcome.ROLLED_BACK
    assert rig.before() == before


def test_a_signal_in_the_finish_holds_with_a_whole_side_under_the_traffic():
    rig = Rig.make()
    dog = watched(rig)
    rig.when(lambda release: release.phase == "Finishing" and bool(release.new_hash), lambda: rig.stop.request(signal.SIGINT))
    assert rig.run().outcome is Outcome.HELD
    rig.stop = Stop()
    rig.world.clock.wait(60)
    release = rig.verb("resume")
    assert release.outcome is Outcome.PROMOTED
    assert rig.world.traffic.tally.lost() == 0
    dog.check(release)


# ---------------------------------------------------------------- limits


def test_the_total_time_limit_holds_the_release_and_says_so():
    rig = Rig.make()
    release = rig.run(rig.spec(bake="600s", limits=Limits(total=900.0)))
    assert release.outcome is Outcome.HELD
    assert release.timed_out
    assert release.reason == "not done within 900 s (`limits.total`)"
    assert release.ended - release.started < 910


def test_a_resumed_release_gets_its_time_again():
    rig = Rig.make()
    rig.run(rig.spec(bake="600s", limits=Limits(total=1000.0)))
    release = rig.verb("resume")
    assert release.step > 0
    assert release.outcome is Outcome.HELD
    assert release.ended - release.resumed >= 1000.0


def test_a_rollback_is_not_cut_short_by_the_total_limit():
    rig = Rig.make()
    before = rig.before()
    rig.when(in_step(1), lambda: rig.world.clock.after(50.0, lambda: setattr(rig.judge, "verdict", Verdict.FAIL)))
    release = rig.run(rig.spec(limits=Limits(total=60.0, drain=120.0)))
    assert release.outcome is Outcome.ROLLED_BACK
    assert steps(release)[-1] == "release-stable"
    assert rig.before() == before
