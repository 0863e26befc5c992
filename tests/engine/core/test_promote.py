"""The finish, look by look: the Deployment gets the new version, takes the traffic, and nothing of ours is left."""

from dataclasses import replace
from typing import Any

import pytest

from deliver.engine.core import promote
from deliver.engine.core.cleanup import preview_left_open
from deliver.model.journal import Event
from deliver.model.observation import ArmSeen, AutoscalerSeen, PreviewSeen, Problem
from deliver.model.plan import Side
from deliver.model.release import AutoscalerSnapshot, Cutover, Outcome, Phase, Release, RouteChange, digest_of
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from tests.engine.core.states import (
    BEGUN,
    CANDIDATE,
    HOME,
    NEW,
    NOW,
    PAUSE,
    candidate,
    decide,
    done,
    finishing,
    held,
    pods,
    route,
    seen,
    stable,
    turned,
    waits,
)
from tests.journalled import intent

FRESH = digest_of(BEGUN.new_template)


def renewed(**more: Any) -> ArmSeen:
    """Deployment web on the new template, rolled out and held again."""
    return stable(**{"template": FRESH, "hash": NEW, "pods": pods(4, NEW), **more})


def rolled(**more: Any) -> Release:
    """The Deployment was updated 20 s ago and runs the new version; the candidate still has the traffic."""
    return done(finishing(**{"new_hash": NEW, **more}), "update-stable", [NOW - 20])


def taken_over(**more: Any) -> Release:
    shift = RouteChange(Side.STABLE, NEW, NOW - 12, NOW - 12, NOW - 11)
    return rolled(**{"shift": shift, **more})


def on_new(**more: Any):
    """The Services lead to the Deployment's new pods."""
    return seen(Side.STABLE, **{"stable": renewed(), "route": route(Side.STABLE, pinned=NEW, stable=0, candidate=4), **more})


# ---------------------------------------------------------------- before the Deployment is updated


def test_a_finish_without_a_deployment_to_see_waits():
    assert waits(promote.next_action(finishing(), seen(Side.CANDIDATE, stable=None), NOW))


def test_all_the_traffic_goes_to_the_candidate_before_the_deployment_is_touched():
    decision = decide(finishing(shift=RouteChange(Side.BOTH, "", 1.0, 1.0, 2.0)), seen(Side.BOTH), NOW)
    assert decision.action is not None
    assert (str(decision.action), decision.action.exposure.hash) == ("route candidate", CANDIDATE)
    assert decision.action.why == "all traffic on the candidate while the Deployment rolls"
    assert decision.release.shift is None, "the drain counts from this move"


@pytest.mark.parametrize("arm", [None, candidate(pods=pods(4, CANDIDATE, ready=False)), candidate(pods=pods(4, "other"))])
def test_a_finish_with_no_candidate_to_stand_on_goes_back(arm: ArmSeen | None):
    decision = promote.next_action(finishing(), seen(Side.BOTH, candidate=arm), NOW)
    assert turned(decision) == "the candidate has no ready pod to finish on"
    assert decision.wake_at == NOW


def test_the_deployment_is_updated_when_the_drain_and_the_hold_are_over():
    drained = finishing(shift=RouteChange(Side.CANDIDATE, CANDIDATE, 1.0, 1.0, NOW - 10))
    action = decide(drained, seen(Side.CANDIDATE), NOW).action
    assert action is not None
    assert (str(action), action.why) == ("update-stable", "the last bake and the drain are over")
    assert waits(
        decide(replace(drained, shift=RouteChange(Side.CANDIDATE, CANDIDATE, 1.0, 1.0, NOW - 8)), seen(Side.CANDIDATE), NOW), NOW + 2
    )
    warm = replace(drained, plan=replace(drained.plan, hold=32.0))
    assert waits(decide(warm, seen(Side.CANDIDATE), NOW), NOW + 2), "the hold counts from the begin of the finish"
    over = decide(replace(warm, since=NOW - 32), seen(Side.CANDIDATE), NOW).action
    assert over is not None
    assert over.why == "the last bake, the hold and the drain are over"
    assert str(decide(replace(warm, approved=3), seen(Side.CANDIDATE), NOW).action) == "update-stable", "promote ends the hold"


def test_a_pause_keeps_the_old_side_as_it_is_and_has_its_limit():
    drained = finishing(shift=RouteChange(Side.CANDIDATE, CANDIDATE, 1.0, 1.0, 2.0))
    decision = decide(replace(drained, paused=PAUSE), seen(Side.CANDIDATE), NOW)
    assert waits(decision)
    assert (decision.release.phase, sentence(decision.release.journal[-1], decision.release)) == (Phase.PAUSED, "paused by ops@desk")
    early = seen(Side.CANDIDATE, requests=(PAUSE,))
    unsaved = intent(drained, NOW - 1, "update-stable: x")
    assert decide(unsaved, early, NOW).release.paused, "an update that could not be recorded was not made"
    assert not decide(done(unsaved, "update-stable", [NOW - 1]), early, NOW).release.paused
    late = replace(drained, paused=replace(PAUSE, at=NOW - 3600))
    assert held(decide(late, seen(Side.CANDIDATE), NOW)) == "paused by ops@desk, and nobody answered within 3600 s (`limits.pause`)"


@pytest.mark.parametrize(("hold", "said"), [(0.0, "finishing again"), (600.0, "finishing again: the hold begins anew")])
def test_after_a_pause_it_is_said_that_the_finish_goes_on(hold: float, said: str):
    release = decide(finishing(phase=Phase.PAUSED, plan=replace(BEGUN.plan, hold=hold)), seen(Side.CANDIDATE), NOW).release
    assert (release.phase, release.since, sentence(release.journal[-1], release)) == (Phase.FINISHING, NOW, said)


def test_an_old_side_that_could_not_take_the_traffic_back_is_told_of_once():
    warm = finishing(shift=RouteChange(Side.CANDIDATE, CANDIDATE, 1.0, 1.0, 2.0), plan=replace(BEGUN.plan, hold=600.0))
    look = seen(Side.CANDIDATE, stable=stable(pods=pods(1, HOME)))
    told = decide(warm, look, NOW)
    said = "the old side has 1 of 4 pods ready: until more of them are, a rollback cannot take the traffic back"
    assert [sentence(entry, told.release) for entry in told.release.journal] == [said]
    assert waits(told)
    assert decide(told.release, look, NOW).release.journal == told.release.journal
    assert decide(warm, seen(Side.CANDIDATE, stable=stable(pods=pods(2, HOME))), NOW).release.journal == (), "half of it could"


def test_a_deployment_that_was_set_back_after_it_had_rolled_out_is_updated_once_more():
    back = finishing(new_hash=NEW, shift=RouteChange(Side.CANDIDATE, CANDIDATE, 1.0, 1.0, 2.0))
    decision = decide(back, seen(Side.CANDIDATE), NOW)
    assert (str(decision.action), decision.release.new_hash) == ("update-stable", "")


def test_a_deployment_that_somebody_scaled_down_gets_its_size_before_it_gets_the_traffic():
    look = seen(Side.CANDIDATE, stable=renewed(desired=2, pods=pods(2, NEW)))
    action = decide(rolled(), look, NOW).action
    assert action is not None
    assert (str(action), action.why) == ("scale-stable 4", "somebody scaled it down to 2, and it is to have all the traffic")


@pytest.mark.parametrize("gone", [False, True])
def test_what_was_last_said_of_the_candidates_pods_stands_once_the_candidate_is_deleted(gone: bool):
    known = decide(taken_over(), on_new(), NOW).release
    deleted = done(known, "delete-candidate", [NOW + 1])
    left = None if gone else candidate(pods=())
    assert decide(deleted, on_new(candidate=left), NOW + 2).release.checks == known.checks
    assert known.checks[0].verdict is Verdict.PASS


def test_what_clings_to_the_old_side_is_said_once_before_that_side_goes():
    known = Cutover(switched=1.0, clinging=("web-a", "web-b"))
    release = finishing(shift=RouteChange(Side.CANDIDATE, CANDIDATE, 1.0, 1.0, 2.0), switch=known)
    release = release.noted(NOW - 20, Event.CONNECTIONS_HELD, subject="web-a, web-b", numbers={"rate": 3.0})
    decision = decide(release, seen(Side.CANDIDATE), NOW)
    assert (decision.action, decision.release.journal[-1].kind) == (None, "state")
    assert sentence(decision.release.journal[-1], decision.release) == "connections still held on web-a, web-b end with these pods"
    assert str(decide(decision.release, seen(Side.CANDIDATE), NOW).action) == "update-stable"


@pytest.mark.parametrize(("written", "resumed", "over"), [(60.0, 0.0, True), (59.9, 0.0, False), (90.0, 59.9, False), (90.0, 60.0, True)])
def test_a_shift_of_the_finish_that_nobody_sees_is_left_to_a_person(written: float, resumed: float, over: bool):
    shift = RouteChange(Side.CANDIDATE, CANDIDATE, NOW - written)
    look = seen(Side.CANDIDATE, route=route(Side.CANDIDATE, agreed=False, detail="5 of 8 endpoints"))
    decision = decide(finishing(shift=shift, resumed=NOW - resumed if resumed else 0.0), look, NOW)
    if over:
        assert held(decision) == "the shift to the candidate side was not seen to take effect within 60 s: 5 of 8 endpoints"
    else:
        assert waits(decision, NOW + 1)


# ---------------------------------------------------------------- while it rolls


@pytest.mark.parametrize(
    "arm",
    [
        renewed(settled=False),
        renewed(hash=""),
        renewed(pods=pods(3, NEW)),
        renewed(pods=pods(4, NEW) + pods(1, HOME)),  # one of before is still there
    ],
)
def test_a_deployment_that_rolls_is_waited_for(arm: ArmSeen):
    release = done(finishing(), "update-stable", [NOW - 20])
    assert waits(decide(release, seen(Side.CANDIDATE, stable=arm), NOW))
    whole = decide(release, seen(Side.CANDIDATE, stable=renewed()), NOW)
    assert whole.release.new_hash == NEW
    assert sentence(whole.release.journal[-1], whole.release) == "Deployment web runs the new version: 4 of 4 pods ready"
    assert waits(whole, NOW)


def test_a_deployment_that_cannot_roll_out_is_held_at_once_when_that_is_certain():
    release = done(finishing(), "update-stable", [NOW - 20])
    quota = Problem("replica-failure", "exceeded quota: tight")
    decision = decide(release, seen(Side.CANDIDATE, stable=renewed(pods=pods(1, NEW), problem=quota)), NOW)
    assert held(decision) == "Deployment web does not roll out: exceeded quota: tight; all traffic stays on the candidate"
    doubtful = replace(quota, certain=False)
    assert waits(decide(release, seen(Side.CANDIDATE, stable=renewed(pods=pods(1, NEW), problem=doubtful)), NOW))


def test_a_roll_out_has_its_time_from_the_update_or_from_where_it_was_taken_up():
    slow = seen(Side.CANDIDATE, stable=renewed(pods=pods(1, NEW)))
    late = "Deployment web did not roll out: 1 of 4 ready within 300 s (`limits.ready`); all traffic stays on the candidate"
    assert held(decide(done(finishing(), "update-stable", [NOW - 300]), slow, NOW)) == late
    assert waits(decide(done(finishing(), "update-stable", [NOW - 900, NOW - 299.9]), slow, NOW))
    assert waits(decide(done(finishing(resumed=NOW - 299.9), "update-stable", [NOW - 900]), slow, NOW))
    assert held(decide(done(finishing(resumed=NOW - 300), "update-stable", [NOW - 900]), slow, NOW)) == late


def test_without_a_word_of_the_update_its_time_counts_from_when_it_could_have_been():
    slow = seen(Side.CANDIDATE, stable=renewed(pods=pods(1, NEW)))
    assert promote.updated_at(finishing()) == NOW - 30 + 10
    assert promote.updated_at(replace(finishing(), plan=replace(BEGUN.plan, hold=7.0))) == NOW - 30 + 10 + 7
    assert promote.updated_at(finishing(resumed=NOW - 5)) == NOW - 5
    assert waits(decide(finishing(), slow, NOW))


def test_when_the_candidate_has_nobody_left_the_new_pods_serve_before_all_of_them_are_there():
    empty = candidate(pods=pods(4, CANDIDATE, ready=False))
    decision = promote.next_action(finishing(), seen(Side.CANDIDATE, stable=renewed(pods=pods(1, NEW)), candidate=empty), NOW)
    assert decision.release.new_hash == NEW


# ---------------------------------------------------------------- the takeover


def test_the_takeover_holds_the_deployment_pins_it_drains_and_deletes():
    def asked(release: Release, **look: Any) -> str:
        return str(decide(release, seen(Side.CANDIDATE, **{"stable": renewed(), **look}), NOW).action)

    assert asked(rolled(), stable=renewed(paused=False)) == "hold-stable"
    hold = decide(rolled(), seen(Side.CANDIDATE, stable=renewed(paused=False)), NOW).action
    assert hold is not None
    assert hold.why == "its new version is about to be pinned"
    assert asked(rolled()) == "route stable"
    pin = decide(rolled(), seen(Side.CANDIDATE, stable=renewed()), NOW).action
    assert pin is not None
    assert (pin.exposure.hash, pin.why) == (NEW, "the Deployment takes its traffic back")
    drained = decide(taken_over(), on_new(), NOW).action
    assert drained is not None
    assert (str(drained), drained.why) == ("delete-candidate", "drained; the Deployment serves alone")
    draining = taken_over(shift=RouteChange(Side.STABLE, NEW, NOW - 9, NOW - 9, NOW - 8))
    assert waits(decide(draining, on_new(), NOW), NOW + 2)


def test_a_pin_to_other_pods_than_the_new_ones_is_no_takeover():
    look = seen(Side.STABLE, stable=renewed(), route=route(Side.STABLE, pinned=CANDIDATE))
    assert str(decide(rolled(), look, NOW).action) == "route stable"


def test_what_is_verified_in_the_finish_is_said_of_the_new_pods():
    release = rolled(shift=RouteChange(Side.STABLE, NEW, NOW - 3, NOW - 2))
    assert sentence(decide(release, on_new(), NOW).release.journal[-1], release) == (
        "traffic on the new pods of Deployment web is verified: 4 of 4 ready endpoints run the new version, 100 %"
    )


def test_a_deployment_that_loses_its_last_pod_gives_the_traffic_back_to_the_candidate():
    decision = decide(taken_over(), on_new(stable=renewed(pods=pods(4, NEW, ready=False))), NOW)
    assert decision.action is not None
    assert (str(decision.action), decision.action.exposure.hash) == ("route candidate", CANDIDATE)
    assert decision.action.why == "the Deployment has lost its last ready pod: the candidate serves on"
    assert decision.release.shift is None


@pytest.mark.parametrize(("desired", "ready", "whole"), [(4, 4, True), (4, 3, False), (9, 4, True), (2, 2, True)])
def test_the_candidate_stands_by_until_the_deployment_is_as_large_as_before(desired: int, ready: int, whole: bool):
    """An autoscaler may want more than there is room for, or less."""
    arm = renewed(desired=desired, pods=pods(ready, NEW))
    scaled = replace(BEGUN.snapshot, autoscaler=AutoscalerSnapshot("web", "h", 2, 10))
    assert str(decide(rolled(snapshot=scaled), seen(Side.CANDIDATE, stable=arm), NOW).action) == ("route stable" if whole else "None")
    assert str(decide(taken_over(snapshot=scaled), on_new(stable=arm), NOW).action) == ("delete-candidate" if whole else "None")
    gone = candidate(pods=pods(4, CANDIDATE, ready=False))
    if ready:
        decision = promote.next_action(taken_over(snapshot=scaled), on_new(stable=arm, candidate=gone), NOW)
        assert str(decision.action) == "delete-candidate", "nobody stands by"


@pytest.mark.parametrize(
    ("release", "meanwhile"),
    [
        (
            rolled().noted(NOW - 310, Event.STABLE_UPDATED, numbers={"ready": 4, "pods": 4}),
            "all traffic stays on the candidate",
        ),
        (done(taken_over(), "route stable", [NOW - 310]), "the candidate stands by"),
        (done(taken_over(resumed=NOW - 310), "route stable", [NOW - 900]), "the candidate stands by"),
    ],
    ids=["before", "after", "taken up"],
)
def test_pods_that_were_lost_since_it_rolled_out_are_waited_for_and_then_a_person_decides(release: Release, meanwhile: str):
    weak = renewed(pods=pods(3, NEW))
    look = on_new(stable=weak) if release.shift and release.shift.side is Side.STABLE else seen(Side.CANDIDATE, stable=weak)
    assert waits(decide(release, look, NOW - 0.1), NOW - 0.1 + 5)
    said = f"Deployment web has 3 of 4 pods ready since it rolled out; {meanwhile}"
    assert held(decide(release, look, NOW)) == said


def test_an_intent_that_was_not_carried_out_gives_no_more_time():
    release = intent(done(taken_over(), "route stable", [NOW - 310]), NOW - 5, "route stable: again")
    assert decide(release, on_new(stable=renewed(pods=pods(3, NEW))), NOW).release.outcome is Outcome.HELD


def test_the_finish_ends_when_nothing_of_ours_is_left():
    release = taken_over()

    def asked(**look: Any) -> str:
        return str(decide(release, on_new(**{"candidate": None, "route": route(Side.BOTH, marked=False), **look}), NOW).action)

    assert asked(route=route(Side.STABLE, pinned=NEW)) == "restore-route"
    assert asked(route=route(Side.BOTH, marked=True)) == "restore-route"
    pinned = decide(release, on_new(candidate=None), NOW).action
    assert pinned is not None
    assert pinned.why == "the original selectors"
    assert asked() == "release-stable"
    left = decide(release, on_new(candidate=None, route=route(Side.BOTH, marked=False)), NOW).action
    assert left is not None
    assert left.why == "the Deployment rolls again on its own"
    assert asked(stable=renewed(paused=False, fence=7)) == "release-stable"
    assert waits(decide(release, on_new(candidate=None, strays=1), NOW)), "the original selector would lead to them"
    ended = decide(release, on_new(candidate=None, stable=renewed(paused=False), route=route(Side.BOTH, marked=False)), NOW)
    assert (ended.release.outcome, ended.release.reason, ended.release.ended) == (Outcome.PROMOTED, "all 3 steps passed", NOW)
    assert sentence(ended.release.journal[-1], ended.release) == "PROMOTED: all 3 steps passed"


@pytest.mark.parametrize(("minimum", "fence", "asked"), [(2, 0, False), (2, 7, True), (4, 0, True)])
def test_an_autoscaler_gets_its_minimum_back(minimum: int, fence: int, asked: bool):
    before = replace(BEGUN.snapshot, autoscaler=AutoscalerSnapshot("web", "h", 2, 10))
    look = on_new(candidate=None, route=route(Side.BOTH, marked=False), autoscaler=AutoscalerSeen("web", "h", minimum, 10, fence))
    action = decide(taken_over(snapshot=before), look, NOW).action
    assert action is not None
    assert (str(action), action.why) == (
        ("release-autoscaler", "minReplicas as before") if asked else ("release-stable", "the Deployment rolls again on its own")
    )
    assert str(decide(taken_over(), look, NOW).action) == "release-stable", "one that came later is left alone"


# ---------------------------------------------------------------- a preview Service is closed


def closing(made: bool = True, **more: Any) -> Release:
    plan = replace(BEGUN.plan, preview="web-preview", preview_made=made)
    return done(taken_over(plan=plan, **more), "delete-candidate", [NOW - 10])


def close(release: Release, **more: Any) -> str:
    preview = PreviewSeen(**{"there": True, "marked": True, **more})
    return str(decide(release, on_new(candidate=None, route=route(Side.BOTH, marked=False), preview=preview), NOW).action)


def test_one_that_was_made_goes_with_its_owner_and_is_closed_when_it_does_not():
    look = on_new(candidate=None, route=route(Side.BOTH, marked=False), preview=PreviewSeen(there=True, marked=True))
    assert waits(decide(closing(), look, NOW - 2), NOW)
    action = decide(closing(), look, NOW).action
    assert action is not None
    assert action.why == "nobody is to be led to the candidate any more"
    assert close(closing()) == "close-preview"
    assert close(closing(), marked=False) == "release-stable", "it is nobody's"
    assert close(closing(), marked=False, foreign="edited") == "close-preview"
    assert close(closing(), there=False) == "release-stable"
    users_own = done(closing(made=False), "delete-candidate", [NOW])
    assert close(users_own) == "close-preview", "nothing deletes it for us"


def test_one_that_cannot_be_closed_is_tried_three_times_and_then_said():
    tried = done(closing(), "close-preview: forbidden", [NOW - 3, NOW - 2], "failed")
    assert close(tried) == "close-preview"
    assert close(done(tried, "close-preview", [NOW - 1])) == "close-preview", "what was done is no failure"
    often = done(tried, "close-preview: forbidden", [NOW - 1], "unknown")
    look = on_new(candidate=None, route=route(Side.BOTH, marked=False), preview=PreviewSeen(there=True, marked=True))
    said = decide(often, look, NOW)
    assert (
        sentence(said.release.journal[-1], said.release)
        == "preview Service web-preview could not be closed: it stays as it is, and leads to no pod"
    )
    assert said.release.journal[-1].kind == "note"
    assert waits(said, NOW)
    assert close(said.release) == "release-stable", "and it goes on"
    assert preview_left_open(said.release)
    assert not preview_left_open(replace(said.release, resumed=NOW + 1)), "another driver tries again"
    assert close(replace(often, resumed=NOW - 2)) == "close-preview"
