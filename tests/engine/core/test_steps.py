"""From a step's pods to the next step, look by look: the move, the bake, the verdict, and the person who is asked."""

from dataclasses import replace
from typing import Any

import pytest

from deliver.model.journal import Event
from deliver.model.observation import Observation
from deliver.model.plan import Side
from deliver.model.release import Direction, Phase, Release, RouteChange
from deliver.model.verdict import CheckResult, Verdict
from deliver.render.sentences import sentence
from tests.engine.core.states import (
    BEGUN,
    CANDIDATE,
    HOME,
    NOW,
    PASSED,
    PAUSE,
    baking,
    candidate,
    decide,
    done,
    held,
    limited,
    pods,
    route,
    seen,
    stable,
    turned,
    waits,
    with_steps,
)
from tests.journalled import intent, outcome

DARK = CheckResult("errors", "metric", Verdict.BLIND, "no samples")


def ready(**more: Any) -> Release:
    """Step 2, both arms at their size; the Services are still to be moved."""
    return baking(**{"phase": Phase.PREPARING, "bake_since": 0.0, "since": NOW - 20, "step": 1, **more})


def baked(**more: Any) -> Release:
    """Step 2, its 60 s over this moment."""
    return baking(**{"bake_since": NOW - 60, "since": NOW - 60, **more})


# ---------------------------------------------------------------- the move


@pytest.mark.parametrize(
    ("step", "now", "action", "hash", "why"),
    [
        (1, Side.STABLE, "route both", "", "50 %: 50 % by endpoints"),
        (2, Side.BOTH, "route candidate", CANDIDATE, "100 %: 100 % by endpoints"),
    ],
)
def test_traffic_is_moved_to_where_the_step_wants_it(step: int, now: Side, action: str, hash: str, why: str):
    decision = decide(ready(step=step, exposed=now is Side.BOTH, shift=RouteChange(now, HOME, 1.0, 1.0, 2.0)), seen(now), NOW)
    assert decision.action is not None
    assert (str(decision.action), decision.action.exposure.hash, decision.action.why) == (action, hash, why)
    release = decision.release
    assert (release.phase, release.since, release.exposed, release.shift) == (Phase.SHIFTING, NOW, True, None)
    assert sentence(release.journal[-1], release) == f"step {step + 1}/3: shifting to {release.current.name}"


def test_a_step_without_users_exposes_nobody():
    release = with_steps(ready(exposed=False, step=0), side=Side.STABLE, candidate_pods=4)
    pinned_elsewhere = route(Side.STABLE, pinned=HOME)
    decision = decide(release, seen(Side.STABLE, route=pinned_elsewhere), NOW)
    assert not decision.release.exposed


def test_a_pin_to_other_pods_than_the_candidates_is_no_traffic_on_it():
    decision = decide(ready(step=2), seen(Side.CANDIDATE, route=route(Side.CANDIDATE, pinned="older")), NOW)
    assert decision.action is not None
    assert (str(decision.action), decision.action.exposure.hash) == ("route candidate", CANDIDATE)


def test_a_move_begins_its_bake_and_its_blindness_anew():
    """Somebody took the traffic away in mid-bake."""
    decision = decide(baking(blind_since=NOW - 5), seen(Side.STABLE), NOW)
    assert str(decision.action) == "route both"
    assert (decision.release.bake_since, decision.release.blind_since, decision.release.shift) == (0.0, 0.0, None)


def test_nobody_more_is_moved_to_the_candidate_in_a_pause():
    decision = decide(ready(paused=PAUSE), seen(Side.STABLE), NOW)
    assert (decision.action, decision.release.phase) == (None, Phase.PAUSED)
    assert sentence(decision.release.journal[-1], decision.release) == "paused by ops@desk"
    assert waits(decision)


@pytest.mark.parametrize(("times", "insists"), [(4, False), (5, True)])
def test_somebody_who_takes_the_traffic_away_is_answered_five_times(times: int, insists: bool):
    release = done(ready(resumed=NOW - 100), "route both", [NOW - 101] * 6 + [NOW - 100] * times)
    release = done(release, "route both", [NOW - 50] * 6, "failed")
    release = done(release, "route stable", [NOW - 50] * 6)
    decision = decide(release, seen(Side.STABLE), NOW)
    if insists:
        assert held(decision) == "somebody keeps taking traffic from 50 %; the Services select stable now"
    else:
        assert str(decision.action) == "route both"


@pytest.mark.parametrize(
    ("phase", "checks", "step", "again"),
    [
        (Phase.SHIFTING, (PASSED, DARK), 1, False),
        (Phase.SHIFTING, (PASSED,), 1, True),
        (Phase.PREPARING, (PASSED, DARK), 1, False),  # pods that took their time: the PASS that let it in is old by then
        (Phase.SHIFTING, (PASSED, DARK), 0, True),  # nothing was judged before it
    ],
)
def test_a_shift_that_was_refused_is_tried_again_on_a_pass_alone(phase: Phase, checks: tuple[CheckResult, ...], step: int, again: bool):
    release = ready(phase=phase, step=step, exposed=True)
    look = seen(Side.STABLE, checks=checks, candidate=candidate(4))
    decision = decide(release, look, NOW)
    assert str(decision.action) == ("route both" if again else "None")
    if not again:
        assert waits(decision)
        assert decision.release.blind_since == NOW
        assert decide(replace(release, blind_since=NOW - 7), look, NOW).release.blind_since == NOW - 7, "it is one spell"


def test_a_step_whose_metrics_were_not_judged_asks_for_no_new_judgement():
    first, *others = BEGUN.plan.steps
    release = ready(plan=replace(BEGUN.plan, steps=(replace(first, metrics=False), *others)))
    assert str(decide(release, seen(Side.STABLE, checks=(DARK,)), NOW).action) == "route both"
    assert decide(ready(), seen(Side.STABLE, checks=(DARK,)), NOW).action is None
    assert decide(ready(), seen(Side.STABLE, checked_at=NOW - 31), NOW).action is None, "a PASS that is too old is none"
    unseen = ready(exposed=False, shift=RouteChange(Side.STABLE, HOME, 1.0, 1.0, 2.0))
    assert str(decide(unseen, seen(Side.STABLE, checks=(DARK,)), NOW).action) == "route both", "nobody has been there to judge"


def switched(**more: Any) -> Release:
    """Step 2 had passed and its driver asked for the switch; it is gone, and another took the release up 20 s ago."""
    release = ready(resumed=NOW - 20, **more).noted(NOW - 40, Event.STEP_PASSED)
    return intent(release, NOW - 39, "route candidate: 100 %: 100 % by endpoints")


def test_users_who_are_all_on_the_candidate_already_are_not_moved_back_to_be_moved_again():
    decision = decide(switched(blind_since=NOW - 3), seen(Side.CANDIDATE), NOW)
    assert (decision.action, decision.wake_at) == (None, NOW)
    release = decision.release
    assert (release.step, release.since, release.bake_since, release.blind_since, release.shift) == (2, NOW, 0.0, 0.0, None)
    assert (release.phase, sentence(release.journal[-1], release)) == (Phase.PREPARING, "step 3/3: 100 % stands already")


@pytest.mark.parametrize(
    ("release", "look"),
    [
        (switched(), seen(Side.CANDIDATE, candidate=candidate(4, pods=pods(4, CANDIDATE), desired=6), stable=stable(desired=5))),
        (switched(), seen(Side.STABLE)),
        (switched().noted(NOW - 30, Event.TURNED_BACK), seen(Side.CANDIDATE)),
        (intent(ready(resumed=NOW - 20), NOW - 10, "route candidate: x"), seen(Side.CANDIDATE)),
        (outcome(ready(resumed=NOW - 20), NOW - 30, "route candidate: refused", "failed"), seen(Side.CANDIDATE)),
        (intent(ready(resumed=NOW - 20), NOW - 30, "route both: x"), seen(Side.CANDIDATE)),
        (replace(switched(), step=0), seen(Side.CANDIDATE)),
    ],
    ids=["a smaller candidate", "elsewhere", "before the verdict", "by this driver", "never asked", "another move", "another step"],
)
def test_users_whom_nobody_was_allowed_to_move_there_are_moved_to_where_the_step_wants_them(release: Release, look: Observation):
    assert decide(release, look, NOW).release.step == release.step


# ---------------------------------------------------------------- verified


def test_a_move_is_switched_when_the_slices_agree_and_verified_a_second_later():
    written = ready(phase=Phase.SHIFTING, shift=None)
    first = decide(written, seen(), NOW)
    assert first.release.shift == RouteChange(Side.BOTH, "", NOW, switched=NOW)
    assert waits(first, NOW + 1.0)
    early = decide(first.release, seen(), NOW + 0.9)
    assert waits(early, NOW + 1.0)
    assert early.release.shift == first.release.shift
    second = decide(first.release, seen(), NOW + 1.0)
    assert second.release.shift == RouteChange(Side.BOTH, "", NOW, NOW, verified=NOW + 1.0)
    assert sentence(second.release.journal[-1], second.release) == (
        "traffic on both sides is verified: 4 of 8 ready endpoints run the new version, 50 %"
    )
    assert waits(second, NOW + 1.0)
    third = decide(second.release, seen(), NOW + 1.0)
    assert (third.release.phase, third.release.bake_since) == (Phase.BAKING, NOW + 1.0)
    assert sentence(third.release.journal[-1], third.release) == "step 2/3: baking 50 % for 1 m"
    assert waits(third, NOW + 1.0)


def test_slices_that_disagree_again_begin_the_two_looks_anew_until_it_was_verified():
    apart = seen(route=route(Side.BOTH, agreed=False))
    once = ready(phase=Phase.SHIFTING, shift=RouteChange(Side.BOTH, "", NOW - 3, NOW - 0.5))
    decision = decide(once, apart, NOW)
    assert decision.release.shift == RouteChange(Side.BOTH, "", NOW - 3)
    assert waits(decision, NOW + 1.0)
    assert decide(baking(), apart, NOW).release.shift == baking().shift, "pods come and go in a bake"


def test_a_share_is_told_where_there_are_endpoints():
    nobody = seen(route=route(Side.BOTH, stable=0, candidate=0))
    release = ready(phase=Phase.SHIFTING, shift=RouteChange(Side.BOTH, "", NOW - 3, NOW - 2))
    assert sentence(decide(release, nobody, NOW).release.journal[-1], release) == "traffic on both sides is verified: no ready endpoint"


# ---------------------------------------------------------------- the bake


def test_a_bake_is_over_to_the_second():
    assert waits(decide(baking(), seen(), NOW))
    assert waits(decide(baking(bake_since=NOW - 58), seen(), NOW), NOW + 2)
    decision = decide(baked(), seen(), NOW)
    release = decision.release
    assert (release.step, release.phase, release.since, release.bake_since, release.shift) == (2, Phase.PREPARING, NOW, 0.0, None)
    assert release.blind_since == 0.0
    assert [sentence(entry, release) for entry in release.journal] == ["step 2/3 50 %: PASS", "step 3/3: preparing 100 %"]
    assert [check.name for check in release.journal[0].checks] == ["pods", "errors"], "with the evidence"
    assert waits(decision, NOW)


def test_the_last_bake_leads_to_the_finish():
    last = baked(step=2, shift=RouteChange(Side.CANDIDATE, CANDIDATE, 1.0, 1.0, 2.0), blind_since=0.0)
    release = decide(last, seen(Side.CANDIDATE), NOW).release
    assert (release.course, release.phase, release.since, release.bake_since) == (Direction.PROMOTING, Phase.FINISHING, NOW, 0.0)
    assert release.shift == last.shift, "the drain counts from that move"
    assert sentence(release.journal[-1], release) == "all steps passed: finishing"
    warm = decide(replace(last, plan=replace(last.plan, hold=600.0)), seen(Side.CANDIDATE), NOW).release
    assert sentence(warm.journal[-1], warm) == "all steps passed: the old side is kept warm for 10 m"


def test_users_who_stay_where_they_are_need_no_new_proof():
    shift = RouteChange(Side.STABLE, HOME, 1.0, 1.0, 2.0)
    release = with_steps(baked(step=0, exposed=False, shift=shift), side=Side.STABLE, candidate_pods=4)
    assert decide(release, seen(Side.STABLE), NOW).release.shift == shift


def test_a_step_that_is_blind_waits_and_its_blindness_counts_from_the_first_look():
    dark = seen(checks=(PASSED, DARK))
    first = decide(baked(), dark, NOW)
    assert first.release.blind_since == NOW
    assert waits(first)
    assert decide(baked(blind_since=NOW - 9), dark, NOW).release.blind_since == NOW - 9
    assert decide(baking(blind_since=NOW - 9), seen(), NOW).release.blind_since == 0.0
    old = decide(baked(), seen(checked_at=NOW - 31), NOW)
    assert (old.release.step, old.release.blind_since) == (1, NOW), "a PASS that is too old is none"


def test_a_pause_in_a_bake_that_is_over_goes_no_further():
    decision = decide(baked(paused=PAUSE), seen(), NOW)
    assert (decision.release.step, decision.release.phase) == (1, Phase.PAUSED)
    assert sentence(decision.release.journal[-1], decision.release) == "paused by ops@desk"


def test_after_a_pause_it_is_said_that_it_bakes_again():
    decision = decide(baking(phase=Phase.PAUSED), seen(), NOW)
    assert (decision.release.phase, sentence(decision.release.journal[-1], decision.release)) == (Phase.BAKING, "baking again")


@pytest.mark.parametrize(("since", "over"), [(NOW - 3599.9, False), (NOW - 3600, True)])
def test_a_pause_that_nobody_ends_is_held_at_its_limit(since: float, over: bool):
    decision = decide(baking(paused=replace(PAUSE, at=since)), seen(), NOW)
    if over:
        assert held(decision) == "paused by ops@desk, and nobody answered within 3600 s (`limits.pause`)"
    else:
        assert waits(decision, since + 3600)
    assert waits(decide(baking(paused=PAUSE), seen(), NOW)), "until then it is looked at as often as ever"


# ---------------------------------------------------------------- approval


def asking(**more: Any) -> Release:
    step = {key: more.pop(key) for key in ("approval_timeout", "unanswered") if key in more}
    return with_steps(baked(**{"phase": Phase.WAITING, **more}), approval=True, **step)


def test_a_person_is_asked_and_their_time_counts_from_the_end_of_the_bake():
    decision = decide(asking(phase=Phase.BAKING), seen(), NOW)
    assert (decision.release.phase, sentence(decision.release.journal[-1], decision.release)) == (
        Phase.WAITING,
        "50 % waits for `deliver promote`",
    )
    assert waits(decision)
    assert decide(asking(approved=1), seen(), NOW).release.step == 2
    assert decide(asking(approved=0), seen(), NOW).release.step == 1, "that was for the step before"


@pytest.mark.parametrize(
    ("timeout", "said"), [(0.0, "nobody answered within 3600 s (`limits.pause`)"), (90.0, "nobody answered within 90 s (approval timeout)")]
)
def test_an_approval_that_nobody_gives_is_held_at_its_limit(timeout: float, said: str):
    limit = timeout or 3600.0
    late = asking(approval_timeout=timeout, bake_since=NOW - 60 - limit)
    assert held(decide(late, seen(), NOW)) == f"50 % waits for `deliver promote`, and {said}"
    assert waits(decide(asking(approval_timeout=timeout, bake_since=NOW - 58 - limit), seen(), NOW), NOW + 2)
    taken_up = asking(approval_timeout=timeout, bake_since=NOW - 60 - limit, resumed=NOW - 1)
    assert waits(decide(taken_up, seen(), NOW)), "a driver that took it up asks anew"


@pytest.mark.parametrize(("timeout", "said"), [(0.0, "1 h"), (90.0, "1 m 30 s"), (7200.0, "2 h")])
def test_or_goes_back_where_that_was_asked_for(timeout: float, said: str):
    limit = timeout or 3600.0
    late = asking(approval_timeout=timeout, unanswered="rollback", bake_since=NOW - 60 - limit)
    late = limited(late, total=1e9)
    assert turned(decide(late, seen(), NOW)) == f"50 % waits for `deliver promote`, and nobody answered within {said}"
    early = limited(asking(approval_timeout=timeout, unanswered="rollback", bake_since=NOW - 58 - limit), total=1e9)
    assert waits(decide(early, seen(), NOW), NOW + 2)
