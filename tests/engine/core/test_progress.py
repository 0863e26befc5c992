"""The way forward, look by look: what is asked for, what is waited for, until when, and what comes then."""

from dataclasses import replace
from typing import Any

import pytest

from deliver.engine.core import progress
from deliver.model.observation import AutoscalerSeen, Observation, PreviewSeen
from deliver.model.plan import Exposure, Side
from deliver.model.release import AutoscalerSnapshot, Direction, Phase, Release, RouteChange
from deliver.model.spec import PluginSpec
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
    pods,
    route,
    seen,
    stable,
    turned,
    waits,
    with_steps,
)


def preparing(**more: Any) -> Release:
    """Step 1, 20 s in: held, pinned to the stable side, and no user on the candidate yet."""
    began = NOW - 20
    release = baking(
        phase=Phase.PREPARING,
        step=0,
        since=began,
        bake_since=0.0,
        exposed=False,
        shift=RouteChange(Side.STABLE, HOME, began, began, began + 1),
        checks=(),
    )
    return replace(release, **more)


# ---------------------------------------------------------------- what must not move


def test_the_stable_side_is_held_first():
    action = decide(preparing(), seen(Side.STABLE, stable=stable(paused=False)), NOW).action
    assert action is not None
    assert (str(action), action.why) == ("hold-stable", "a pinned version must not roll away under its traffic")
    assert waits(progress.next_action(preparing(), seen(Side.STABLE, stable=None), NOW))


@pytest.mark.parametrize(("times", "insists"), [(3, False), (4, True)])
def test_somebody_who_unpauses_it_is_answered_three_times(times: int, insists: bool):
    release = done(preparing(resumed=NOW - 100), "hold-stable", [NOW - 101] * 5 + [NOW - 100] * times)
    decision = decide(release, seen(Side.STABLE, stable=stable(paused=False, editor=" by argocd")), NOW)
    if insists:
        assert held(decision) == "somebody keeps unpausing Deployment web"
    else:
        assert str(decision.action) == "hold-stable"


@pytest.mark.parametrize(("minimum", "asked"), [(None, True), (3, True), (4, False)])
def test_an_autoscaler_may_not_shrink_the_side_that_would_take_the_traffic_back(minimum: int | None, asked: bool):
    release = preparing(snapshot=replace(BEGUN.snapshot, autoscaler=AutoscalerSnapshot("web", "h", minimum, 10)))
    action = decide(release, seen(Side.STABLE, autoscaler=AutoscalerSeen("web", "h", minimum, 10)), NOW).action
    assert action is not None
    assert str(action) == ("hold-autoscaler 4" if asked else "route both")
    assert not asked or action.why == "the side that would take the traffic back must not shrink"
    later = decide(preparing(), seen(Side.STABLE, autoscaler=AutoscalerSeen("web", "h", minimum, 10)), NOW)
    assert str(later.action) == "route both", "one that came later is left alone"


def test_an_autoscaler_without_a_minimum_may_go_down_to_one():
    snapshot = replace(BEGUN.snapshot, replicas=2, autoscaler=AutoscalerSnapshot("web", "h", None, 10))
    look = seen(Side.STABLE, stable=stable(desired=2, pods=pods(2, HOME)), autoscaler=AutoscalerSeen("web", "h", None, 10))
    assert str(decide(with_steps(preparing(snapshot=snapshot), stable_pods=2), look, NOW).action) == "hold-autoscaler 2"


def test_the_side_that_would_take_all_the_users_back_has_to_be_as_large_as_the_one_that_has_them():
    snapshot = replace(BEGUN.snapshot, autoscaler=AutoscalerSnapshot("web", "h", 2, 10))
    grown = seen(Side.CANDIDATE, candidate=candidate(7), autoscaler=AutoscalerSeen("web", "h", 4, 10))
    assert str(decide(baking(snapshot=snapshot, step=2), grown, NOW).action) == "hold-autoscaler 7"
    both = replace(grown, route=route(Side.BOTH))
    assert decide(baking(snapshot=snapshot), both, NOW).action is None, "with both under traffic it is as large as it was"


def test_before_any_user_is_to_reach_the_candidate_the_services_lead_to_the_stable_side():
    action = decide(preparing(), seen(Side.BOTH), NOW).action
    assert action is not None
    assert (action.exposure, action.why) == (Exposure(Side.STABLE, HOME), "no request may reach the candidate before it is checked")
    assert decide(preparing(exposed=True), seen(Side.BOTH, candidate=None), NOW).action != action
    unverified = preparing(shift=RouteChange(Side.STABLE, HOME, NOW - 5, NOW - 0.4))
    assert waits(decide(unverified, seen(Side.STABLE), NOW), NOW + 0.6), "seen twice, a second apart"


def test_a_shift_that_nobody_sees_take_effect_fails_at_its_limit():
    look = seen(Side.STABLE, route=route(Side.STABLE, agreed=False, detail="3 of 4 endpoints"))
    late = preparing(shift=RouteChange(Side.STABLE, HOME, NOW - 60))
    assert turned(decide(late, look, NOW)) == "the shift was not seen to take effect within 60 s: 3 of 4 endpoints"
    for early in (RouteChange(Side.STABLE, HOME, NOW - 59.9), RouteChange(Side.STABLE, HOME, NOW - 90, NOW - 90, NOW - 89)):
        assert decide(preparing(shift=early), look, NOW).release.course is Direction.PROGRESSING
    for other in (RouteChange(Side.BOTH, HOME, NOW - 90), RouteChange(Side.STABLE, "other", NOW - 90)):
        assert decide(preparing(shift=other), look, NOW).release.course is Direction.PROGRESSING, "of another move"


# ---------------------------------------------------------------- both arms at their size


def test_surge_is_asked_of_the_stable_side_or_of_its_autoscaler():
    release = with_steps(preparing(), stable_pods=6)
    action = decide(release, seen(Side.STABLE), NOW).action
    assert action is not None
    assert (str(action), action.why) == ("scale-stable 6", "10 % wants 6 stable pods")
    scaled = replace(release, snapshot=replace(BEGUN.snapshot, autoscaler=AutoscalerSnapshot("web", "h", 4, 10)))
    held = decide(scaled, seen(Side.STABLE, autoscaler=AutoscalerSeen("web", "h", 4, 10)), NOW)
    assert str(held.action) == "hold-autoscaler 6"
    coming = decide(scaled, seen(Side.STABLE, autoscaler=AutoscalerSeen("web", "h", 6, 10)), NOW)
    assert coming.action is None, "no user gets more than the step says meanwhile"


@pytest.mark.parametrize(("since", "fails"), [(NOW - 299.9, False), (NOW - 300.0, True)])
def test_stable_pods_that_are_missing_are_waited_for(since: float, fails: bool):
    look = seen(Side.STABLE, stable=stable(pods=pods(3, HOME)))
    decision = decide(preparing(since=since), look, NOW)
    if fails:
        assert turned(decision) == "not ready within 300 s (`limits.ready`): 3 of 4 stable pods ready"
    else:
        assert waits(decision, since + 300.0)


def test_a_stable_side_that_somebody_made_larger_is_asked_for_the_steps_size_alone():
    grown = stable(desired=6, pods=pods(5, HOME))
    assert str(decide(preparing(candidate_hash=""), seen(Side.STABLE, stable=grown, candidate=None), NOW).action) == "create-candidate 0"


def test_in_mid_bake_waiting_again_is_a_phase_of_its_own_with_its_own_time():
    decision = decide(baking(), seen(stable=stable(pods=pods(3, HOME))), NOW)
    assert (decision.release.phase, decision.release.since) == (Phase.PREPARING, NOW)
    assert sentence(decision.release.journal[-1], decision.release) == "waiting again: 3 of 4 stable pods ready"
    assert waits(decision)


def test_the_candidate_is_made_without_pods_then_given_them_then_waited_for():
    made = decide(preparing(candidate_hash=""), seen(Side.STABLE, candidate=None), NOW).action
    assert made is not None
    assert (str(made), made.why) == ("create-candidate 0", "a Deployment of its own, without pods yet")
    scaled = decide(preparing(), seen(Side.STABLE, candidate=candidate(0)), NOW).action
    assert scaled is not None
    assert (str(scaled), scaled.why) == ("scale-candidate 1", "10 % wants 1 candidate pods")
    assert decide(preparing(blind_since=NOW - 9), seen(Side.STABLE, candidate=candidate(0)), NOW).release.blind_since == 0.0
    for arm in (candidate(1, pods=()), candidate(1, settled=False), candidate(1, hash="")):
        decision = decide(preparing(), seen(Side.STABLE, candidate=arm), NOW)
        assert waits(decision)
    assert turned(decide(preparing(since=NOW - 300), seen(Side.STABLE, candidate=candidate(1, pods=())), NOW)) == (
        "not ready within 300 s (`limits.ready`): 0 of 1 candidate pods ready"
    )


def test_the_candidates_hash_is_kept_as_soon_as_its_pods_are_ready():
    decision = decide(preparing(candidate_hash=""), seen(Side.STABLE, candidate=candidate(1)), NOW)
    assert waits(decision, NOW), "and looked again at once"
    assert decision.release.candidate_hash == CANDIDATE
    assert sentence(decision.release.journal[-1], decision.release) == f"candidate {CANDIDATE}: 1 of 1 pods ready"


@pytest.mark.parametrize(("step", "desired", "surged", "wanted"), [(1, 6, 0, 4), (2, 6, 0, 6), (2, 3, 0, 4), (2, 6, 6, 4), (2, 7, 6, 7)])
def test_with_all_the_traffic_the_candidate_is_as_large_as_the_stable_side_is_by_now(step: int, desired: int, surged: int, wanted: int):
    release = replace(BEGUN, surged=surged)  # what we have added ourselves is not what the load needs
    assert progress.candidate_size(release, BEGUN.plan.steps[step], seen(stable=stable(desired=desired))) == wanted


def test_a_pause_lets_pods_start_only_while_no_user_can_reach_them():
    look = seen(candidate=candidate(1))
    exposed = decide(baking(bake_since=0.0, phase=Phase.PREPARING, paused=PAUSE), look, NOW)
    assert (exposed.action, exposed.release.phase) == (None, Phase.PAUSED)
    assert sentence(exposed.release.journal[-1], exposed.release) == "paused by ops@desk"
    unexposed = preparing(step=1, paused=PAUSE)
    assert str(decide(unexposed, seen(Side.STABLE, candidate=candidate(1)), NOW).action) == "scale-candidate 4"


# ---------------------------------------------------------------- the preview


def previewing(**more: Any) -> Release:
    plan = replace(BEGUN.plan, preview="web-preview", preview_made=True)
    return with_steps(preparing(**{"plan": plan, "resumed": NOW - 20, **more}), preview=True, side=Side.STABLE, candidate_pods=4)


def preview(**more: Any) -> Observation:
    return seen(Side.STABLE, preview=PreviewSeen(**{"there": True, "open": True, "detail": "2 of 4 endpoints", **more}))


def test_a_preview_is_opened_and_its_endpoints_waited_for():
    action = decide(previewing(), preview(open=False), NOW).action
    assert action is not None
    assert (str(action), action.why) == ("open-preview", "Service web-preview leads to the candidate, users stay on the stable side")
    assert decide(previewing(), preview(agreed=True), NOW).release.phase is Phase.BAKING
    assert decide(previewing(), seen(Side.STABLE, preview=None), NOW).release.phase is Phase.BAKING


def test_a_preview_counts_its_time_from_when_it_was_opened():
    opened = done(previewing(resumed=0.0), "open-preview", [NOW - 58])
    assert waits(decide(opened, preview(), NOW), NOW + 2)
    assert waits(decide(opened, preview(), NOW - 10), NOW - 5)
    late = done(previewing(resumed=NOW - 90), "open-preview", [NOW - 60])
    assert turned(decide(late, preview(), NOW)) == "not seen to take effect within 60 s: 2 of 4 endpoints"
    inherited = done(previewing(resumed=NOW - 59), "open-preview", [NOW - 600])
    assert waits(decide(inherited, preview(), NOW), NOW + 1), "a driver that took it up waits anew"


@pytest.mark.parametrize(("times", "insists"), [(4, False), (5, True)])
def test_somebody_who_takes_the_preview_away_is_answered_five_times(times: int, insists: bool):
    release = done(previewing(), "open-preview", [NOW - 21] * 6 + [NOW - 20] * times)
    release = done(release, "open-preview", [NOW - 10] * 6, "failed")
    decision = decide(release, preview(open=False), NOW)
    if insists:
        assert held(decision) == "somebody keeps taking the preview Service web-preview away from the candidate"
    else:
        assert str(decision.action) == "open-preview"


# ---------------------------------------------------------------- health before the first user


def sound(*verdicts: Verdict) -> tuple[CheckResult, ...]:
    return tuple(CheckResult(f"http-{n}", "health", verdict, f"/healthz says {verdict}") for n, verdict in enumerate(verdicts))


def probed(**more: Any) -> Release:
    return preparing(spec=replace(BEGUN.spec, analysis=replace(BEGUN.spec.analysis, health=(PluginSpec("http"),))), **more)


@pytest.mark.parametrize(
    ("checks", "checked", "passes"),
    [
        (sound(Verdict.PASS, Verdict.PASS), NOW - 1, True),
        (sound(Verdict.PASS), NOW - 20, True),  # asked as the preparation began
        (sound(Verdict.PASS), NOW - 20.1, False),  # of before
        (sound(Verdict.PASS, Verdict.BLIND), NOW - 1, False),
        ((), NOW - 1, False),
        ((PASSED,), NOW - 1, False),  # a metric is no health check
    ],
)
def test_the_first_user_comes_after_a_pass_of_the_health_checks(checks: tuple[CheckResult, ...], checked: float, passes: bool):
    decision = decide(probed(), seen(Side.STABLE, candidate=candidate(1), checks=checks, checked_at=checked), NOW)
    assert str(decision.action) == ("route both" if passes else "None")
    assert passes or waits(decision)


def test_what_the_health_checks_said_is_the_cause_when_their_time_is_over():
    def why(*checks: CheckResult) -> str:
        return turned(decide(probed(since=NOW - 300), seen(Side.STABLE, candidate=candidate(1), checks=checks), NOW))

    begin = "not ready within 300 s (`limits.ready`): "
    assert why(*sound(Verdict.BLIND, Verdict.PASS)) == begin + "/healthz says BLIND; /healthz says PASS"
    assert why() == begin + "health checks of the candidate"


def test_users_that_are_there_already_do_not_wait_for_health():
    release = probed(exposed=True, step=1, shift=baking().shift)
    assert decide(release, seen(checks=sound(Verdict.BLIND)), NOW).release.phase is Phase.BAKING
