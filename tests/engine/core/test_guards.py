"""What ends the way forward, each at its very moment: facts of pods, foreign hands, verdicts, blindness, time."""

from dataclasses import replace
from typing import Any

import pytest

from deliver.engine.core import guards, pod_guards
from deliver.engine.core.decide import check_guards
from deliver.engine.core.decision import Decision
from deliver.engine.core.guards import Fail, Hold
from deliver.model.observation import AutoscalerSeen, Crashes, Observation, PreviewSeen, Problem
from deliver.model.plan import Side
from deliver.model.release import AutoscalerSnapshot, Direction, Outcome, Phase, Trouble, digest_of
from deliver.model.spec import Limits
from deliver.model.verdict import CheckResult, Verdict
from deliver.render.sentences import sentence
from tests.engine.core.states import (
    BEGUN,
    CANDIDATE,
    HOME,
    NOW,
    PASSED,
    baking,
    candidate,
    decide,
    finishing,
    going_back,
    pods,
    route,
    seen,
    stable,
)
from tests.journalled import intent, outcome

WAITS = Problem("unschedulable", "cannot be scheduled: 0/1 nodes", certain=False)
CRASHES = Problem("crash-loop", "web keeps crashing (exit code 1)")
DOWN = {"problem": CRASHES, "crashes": (Crashes("web", 2, NOW - 1, down=True, message=CRASHES.message),)}


def danger(release=None, look: Observation | None = None, now: float = NOW) -> Fail | Hold | None:
    return check_guards(release or baking(), look or seen(), now)


def test_nothing_is_wrong_where_all_is_well():
    assert danger() is None
    assert danger(finishing(), seen(Side.CANDIDATE)) is None


# ---------------------------------------------------------------- the candidate's pods


@pytest.mark.parametrize(("since", "fails"), [(299.9, False), (300.0, True)])
def test_a_cause_that_may_mend_itself_is_waited_for_since_it_was_first_seen(since: float, fails: bool):
    """The pod served for an hour before its node was drained."""
    arm = candidate(pods=pods(3, CANDIDATE) + pods(1, "late", ready=False, since=NOW - 3600, problem=WAITS))
    trouble = Trouble("candidate", "unschedulable", "candidate pod late-0", WAITS.message, NOW - since)
    said = "candidate pod late-0: cannot be scheduled: 0/1 nodes; that did not mend itself within 300 s (`limits.ready`)"
    assert danger(baking(troubles=(trouble,)), look=seen(candidate=arm)) == (Fail(said) if fails else None)


def test_a_certain_cause_is_given_no_time():
    arm = candidate(pods=pods(4, CANDIDATE, since=NOW, ready=False, **DOWN))
    assert danger(look=seen(candidate=arm)) == Fail(f"candidate pod {CANDIDATE}-0: web keeps crashing (exit code 1)")


def test_a_problem_of_the_candidate_deployment_itself():
    quota = Problem("replica-failure", "exceeded quota: pods")
    assert danger(look=seen(candidate=candidate(problem=quota))) == Fail("candidate: exceeded quota: pods")
    assert danger(look=seen(candidate=candidate(problem=replace(quota, certain=False)))) is None


@pytest.mark.parametrize(("editor", "who"), [("", " by somebody"), (" by kubectl-set", " by kubectl-set")])
def test_another_image_in_the_candidate(editor: str, who: str):
    look = seen(candidate=candidate(image="registry/web:9", editor=editor))
    assert danger(look=look) == Fail(f"the candidate's image was changed to registry/web:9{who}")


@pytest.mark.parametrize(
    ("release", "side", "fails"),
    [
        (baking(), Side.BOTH, True),
        (baking(candidate_hash=""), Side.STABLE, False),  # not made yet
        (finishing(), Side.CANDIDATE, True),
        (finishing(), Side.STABLE, False),  # the Deployment has taken over
    ],
)
def test_a_candidate_that_is_gone_while_it_is_needed(release, side: Side, fails: bool):
    found = pod_guards.failed_candidate(release, seen(side, candidate=None), NOW)
    assert found == (Fail("the candidate Deployment web-candidate is gone: somebody deleted it") if fails else None)


@pytest.mark.parametrize(
    ("release", "side", "fails"),
    [
        (baking(), Side.BOTH, True),
        (baking(bake_since=0.0), Side.BOTH, False),  # it has not been given its size yet
        (finishing(), Side.CANDIDATE, True),
        (finishing(), Side.STABLE, False),  # nobody needs it any more
    ],
)
def test_a_candidate_made_smaller_once_it_was_given_its_size_and_its_traffic(release, side: Side, fails: bool):
    found = danger(release, seen(side, candidate=candidate(3)))
    assert found == (Fail("the candidate Deployment web-candidate was scaled to 3 by somebody") if fails else None)
    assert danger(release, seen(side, candidate=candidate(5))) is None


@pytest.mark.parametrize(
    ("side", "stable_ready", "fails"), [(Side.CANDIDATE, True, True), (Side.CANDIDATE, False, False), (Side.BOTH, True, False)]
)
def test_all_the_traffic_on_no_ready_pod_while_the_other_side_has_some(side: Side, stable_ready: bool, fails: bool):
    look = seen(side, candidate=candidate(pods=pods(4, CANDIDATE, ready=False)), stable=stable(pods=pods(4, HOME, ready=stable_ready)))
    found = danger(baking(step=2), look)
    assert found == (Fail("the candidate has all the traffic and no ready pod") if fails else None)


@pytest.mark.parametrize(
    ("release", "fails"),
    [
        (baking(), True),
        (baking(exposed=False), False),
        (finishing(), True),
        (baking(exposed=False, plan=replace(BEGUN.plan, steps=tuple(replace(one, preview=True) for one in BEGUN.plan.steps))), True),
    ],
)
def test_readiness_that_was_lost_under_traffic_or_in_a_preview(release, fails: bool):
    arm = candidate(pods=pods(3, CANDIDATE) + pods(1, "weak", ready=False, lost=True))
    found = danger(release, seen(Side.CANDIDATE if release.course is Direction.PROMOTING else Side.BOTH, candidate=arm))
    assert found == (Fail("candidate pod weak-0 lost its readiness (3 of 4 are ready)") if fails else None)


def test_the_pods_are_a_check_of_their_own():
    whole = pod_guards.pods_check(baking(), seen())
    assert whole == CheckResult(
        "pods", "pods", Verdict.PASS, "4 of 4 candidate pods ready, restarts: 0", candidate=4.0, stable=4.0, limit=4.0, samples=4
    )
    fewer = pod_guards.pods_check(baking(), seen(candidate=candidate(pods=pods(3, CANDIDATE, restarts=2)), stable=None))
    assert (fewer.verdict, fewer.why) == (Verdict.BLIND, "3 of 4 candidate pods ready, restarts: 6")
    assert (fewer.candidate, fewer.stable, fewer.samples) == (3.0, 0.0, 3)
    crashing = candidate(pods=pods(3, CANDIDATE) + pods(1, "bad", ready=False, **DOWN))
    assert pod_guards.pods_check(baking(), seen(candidate=crashing)).why == "bad-0: web keeps crashing (exit code 1)"
    assert pod_guards.pods_check(baking(), seen(candidate=crashing)).verdict is Verdict.FAIL
    waiting = candidate(pods=pods(4, CANDIDATE) + pods(1, "late", ready=False, problem=WAITS))
    assert pod_guards.pods_check(baking(), seen(candidate=waiting)).verdict is Verdict.PASS, "what may still come right is no failure"
    lost = candidate(pods=pods(4, CANDIDATE) + pods(1, "weak", ready=False, lost=True))
    assert pod_guards.pods_check(baking(), seen(candidate=lost)).verdict is Verdict.FAIL
    nobody = pod_guards.pods_check(baking(), seen(candidate=None))
    assert (nobody.verdict, nobody.why) == (Verdict.BLIND, "0 of 4 candidate pods ready, restarts: 0")


# ---------------------------------------------------------------- hands that are not ours


def held(release=None, **look: Any) -> str:
    """Why, "" when nothing is held."""
    found = danger(release, seen(**look))
    assert found is None or isinstance(found, Hold)
    return found.reason if found else ""


def test_the_deployment_deleted_or_another_one():
    assert held(stable=None) == "Deployment web was deleted"
    assert held(stable=stable(uid="other")) == "Deployment web was deleted and made again"


def test_the_template_changed_by_somebody():
    edited = stable(template="theirs", image="registry/web:3", editor=" by kubectl-set")
    said = "the pod template of Deployment web was changed by kubectl-set: its image is now registry/web:3"
    assert held(stable=edited) == said
    assert held(finishing(), side=Side.CANDIDATE, stable=edited) == said


def test_the_new_template_is_known_in_the_finish_alone():
    ours = stable(template=digest_of(BEGUN.new_template))
    assert held(finishing(), side=Side.CANDIDATE, stable=ours) == ""
    assert held(finishing(), side=Side.CANDIDATE, stable=stable()) == ""
    assert held(stable=ours).startswith("the pod template of Deployment web was changed")


@pytest.mark.parametrize(
    ("release", "arm", "holds"),
    [
        (baking(), stable(desired=3), True),
        (baking(), stable(desired=5), False),
        (baking(), stable(desired=3, paused=False), False),  # not held yet: its size is still to be asked for
        (finishing(), stable(desired=3), False),
    ],
)
def test_the_stable_side_scaled_down(release, arm, holds: bool):
    side = Side.CANDIDATE if release.course is Direction.PROMOTING else Side.BOTH
    assert held(release, side=side, stable=arm) == ("Deployment web was scaled down to 3, 4 stood before the release" if holds else "")


def scaled(maximum: int = 10, minimum: int | None = 2):
    before = AutoscalerSnapshot("web", "h", minimum, maximum)
    return baking(snapshot=replace(BEGUN.snapshot, autoscaler=before))


@pytest.mark.parametrize(("minimum", "holds"), [(2, False), (4, False), (3, True), (None, True)])
def test_the_autoscaler_is_ours_at_its_minimum_of_before_and_at_the_size_of_the_stable_side(minimum: int | None, holds: bool):
    now = AutoscalerSeen("web", "h", minimum, 10)
    assert held(scaled(), autoscaler=now) == (f"minReplicas of HorizontalPodAutoscaler web was changed to {minimum}" if holds else "")
    assert held(autoscaler=now) == "", "one that came later is nobody's business"


def test_whatever_we_asked_of_the_autoscaler_so_far_is_ours():
    release = intent(intent(scaled(), NOW - 9, "route both: 50 %"), NOW - 8, "hold-autoscaler 7: it has to take them back")
    release = outcome(release, NOW - 7, "hold-autoscaler 9: refused", "failed")
    assert pod_guards.asked_floors(release) == {7}
    assert held(release, autoscaler=AutoscalerSeen("web", "h", 7, 10)) == ""
    assert held(release, autoscaler=AutoscalerSeen("web", "h", 9, 10)).endswith("was changed to 9")


def test_an_autoscaler_is_not_asked_for_more_than_its_own_maximum():
    assert pod_guards.autoscaler_floor(baking()) == 4
    assert pod_guards.autoscaler_floor(scaled()) == 4
    assert pod_guards.autoscaler_floor(scaled(maximum=3)) == 3


def test_services_and_previews_edited_by_somebody():
    foreign = "the selector of Service web was changed by argocd"
    assert held(route=route(None, foreign=foreign)) == foreign
    preview = PreviewSeen(there=True, foreign="the selector of Service web-preview was changed")
    previewing = replace(BEGUN.plan, steps=tuple(replace(one, preview=True) for one in BEGUN.plan.steps))
    assert held(baking(plan=previewing), preview=preview) == preview.foreign
    assert held(preview=preview) == "", "a step without a preview does not need it"
    assert held(finishing(plan=previewing), side=Side.CANDIDATE, preview=preview) == "", "nor does the finish"


# ---------------------------------------------------------------- verdicts

FAILED = CheckResult("errors", "metric", Verdict.FAIL, "9 of 100")
DARK = CheckResult("errors", "metric", Verdict.BLIND, "no samples")


def test_the_first_check_that_fails_takes_it_back():
    assert danger(look=seen(checks=(PASSED, FAILED, replace(FAILED, name="slow")))) == Fail("errors: 9 of 100")


@pytest.mark.parametrize(
    ("checked", "counts"),
    [
        (NOW - 29.9, True),
        (NOW - 30.0, True),  # judged as the bake began
        (NOW - 30.1, False),  # of before
    ],
)
def test_a_fail_of_before_the_bake_is_none(checked: float, counts: bool):
    found = danger(look=seen(checks=(FAILED,), checked_at=checked))
    assert found == (Fail("errors: 9 of 100") if counts else None)


@pytest.mark.parametrize(("age", "counts"), [(30.0, True), (30.1, False)])
def test_a_verdict_is_fresh_for_three_polls_and_a_quarter_of_a_minute(age: float, counts: bool):
    release = baking(bake_since=NOW - 300)
    assert guards.is_fresh(release, seen(checked_at=NOW - age), NOW) is counts
    assert (danger(release, seen(checks=(FAILED,), checked_at=NOW - age)) is not None) is counts
    assert danger(baking(bake_since=0.0), seen(checks=(FAILED,), checked_at=1.0)) == Fail("errors: 9 of 100"), (
        "before a bake any FAIL counts"
    )


def dark(blind: float, **more: Any):
    return baking(**{"blind_since": NOW - blind, "checks": (PASSED, DARK), "bake_since": NOW - 400, **more})


@pytest.mark.parametrize("phase", [Phase.SHIFTING, Phase.BAKING, Phase.PAUSED, Phase.WAITING])
def test_blindness_has_its_budget_to_the_second(phase: Phase):
    look = seen(checks=(PASSED, DARK))
    assert danger(dark(299.9, phase=phase), look) is None
    assert danger(dark(300.0, phase=phase), look) == Hold("could not be judged for 300 s (errors: no samples)")
    sighted = seen(checks=(PASSED,))
    assert danger(dark(300.0, phase=Phase.PREPARING), sighted) is None, "pods that start are waited for by their own limit"
    assert danger(dark(300.0, phase=Phase.PREPARING), look) is not None, "and so is a rise that nobody could judge"
    assert danger(dark(0.0, phase=phase, blind_since=0.0), look) is None


def test_blindness_ends_as_the_policy_says():
    back = replace(BEGUN.spec, analysis=replace(BEGUN.spec.analysis, on_blind="rollback"))
    assert danger(dark(312.4, spec=back), seen()) == Fail("could not be judged for 312 s (errors: no samples)")
    silent = dark(300.0, checks=(PASSED,))
    assert danger(silent, seen()) == Hold("could not be judged for 300 s (the checks have not answered)")


# ---------------------------------------------------------------- time


def test_the_total_limit_counts_from_the_begin_or_from_where_it_was_taken_up():
    spec = replace(BEGUN.spec, limits=Limits(total=600.0))
    assert danger(baking(spec=spec, started=NOW - 600)) is None
    assert danger(baking(spec=spec, started=NOW - 600.5)) == Hold("not done within 600 s (`limits.total`)", timed_out=True)
    assert danger(baking(spec=spec, started=NOW - 900, resumed=NOW - 600)) is None
    assert danger(baking(spec=spec, started=NOW - 900, resumed=NOW - 601)) == Hold("not done within 600 s (`limits.total`)", timed_out=True)


# ---------------------------------------------------------------- what becomes of them


def test_a_certain_failure_comes_before_a_foreign_hand_and_that_before_a_verdict():
    arm = candidate(pods=pods(4, CANDIDATE, ready=False, **DOWN))
    assert isinstance(danger(look=seen(candidate=arm, stable=None)), Fail)
    assert isinstance(danger(look=seen(checks=(FAILED,), stable=stable(uid="x"))), Hold)


def test_a_failure_turns_the_release_back_and_moves_the_traffic_in_the_same_look():
    decision = decide(baking(), seen(checks=(FAILED,)), NOW)
    assert (decision.release.course, decision.release.reason) == (Direction.ROLLING_BACK, "errors: 9 of 100")
    assert str(decision.action) == "route stable"


def test_a_hold_touches_nothing_and_says_whether_time_was_the_cause():
    decision = decide(baking(), seen(stable=stable(uid="x")), NOW)
    assert (decision.action, decision.release.outcome, decision.release.timed_out) == (None, Outcome.HELD, False)
    assert decision.release.reason == "Deployment web was deleted and made again"
    assert sentence(decision.release.journal[-1], decision.release) == "held: Deployment web was deleted and made again"
    assert [check.name for check in decision.release.journal[-1].checks] == ["pods", "errors"], "with the evidence"
    late = decide(baking(spec=replace(BEGUN.spec, limits=Limits(total=60.0))), seen(), NOW)
    assert (late.action, late.release.outcome, late.release.timed_out) == (None, Outcome.HELD, True)
    assert late.release.ended == NOW


def test_on_the_way_back_none_of_it_counts():
    look = seen(checks=(FAILED,), candidate=candidate(pods=pods(4, CANDIDATE, ready=False, **DOWN)))
    decision = decide(going_back(spec=replace(BEGUN.spec, limits=Limits(total=60.0))), look, NOW)
    assert (decision.release.outcome, str(decision.action)) == (None, "route stable")


def test_every_look_keeps_the_verdicts_and_the_observed_share():
    decision = decide(baking(checks=(), observed=None), seen(candidate_percent=42.0), NOW)
    assert decision.release.observed == 42.0
    assert [(check.name, check.verdict) for check in decision.release.checks] == [("pods", Verdict.PASS), ("errors", Verdict.PASS)]
    gone = decide(replace(BEGUN, checks=(PASSED,), observed=1.0), seen(Side.STABLE, candidate=None, candidate_percent=42.0), NOW)
    assert (gone.release.observed, gone.release.checks) == (1.0, (PASSED,)), "without a candidate nothing is judged"


def test_an_ended_release_stays_as_it_is():
    ended = baking(outcome=Outcome.PROMOTED)
    assert decide(ended, seen(checks=(FAILED,)), NOW) == Decision(ended, None, NOW)
