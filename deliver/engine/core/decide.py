"""The pure core: what to do next, given the release, what was just seen, and the time.

`decide` is level-triggered: on each look it walks the goals of the current course in order and asks for the first one that
does not hold yet. So a process killed anywhere is continued by any other: it looks, and goes on from what stands.
At most one action a decision; the driver journals it, carries it out, and looks again.
"""

from deliver.engine.core import cutover, flag_guards, flag_release, guards, progress, promote, rollback
from deliver.engine.core.decision import Decision, hold, turn_back, wait
from deliver.engine.core.route import empty_behind_weight
from deliver.model import journal
from deliver.model.action import Action, Verb
from deliver.model.frozen import replace
from deliver.model.journal import Event, Result
from deliver.model.observation import Observation, OperatorRequest
from deliver.model.release import Direction, Outcome, Phase, Release

__all__ = ["Decision", "decide", "taken_up"]


def decide(release: Release, seen: Observation, now: float) -> Decision:
    """The next state, at most one action, and when to look again at the latest."""
    if release.outcome is not None:
        return Decision(release, None, now)
    for request in seen.requests:
        release = apply_request(release, request, now)
    if seen.candidate is not None and not journal.done(release.journal, Verb.DELETE_CANDIDATE):  # pods that we delete do not fail a check
        release = replace(release, observed=seen.share, checks=(guards.pods_check(release, seen), *seen.checks))
    elif release.plan.flag:
        release = replace(release, observed=seen.share, checks=seen.checks)
    release = cutover.follow_cutover(release, seen, now)
    if release.course is not Direction.ROLLING_BACK:
        danger = (flag_guards if release.plan.flag else guards).check_guards(release, seen, now)
        if isinstance(danger, guards.Fail):
            release = turn_back(release, danger.reason, now)
        elif isinstance(danger, guards.Hold):
            return Decision(hold(release, danger.reason, now, timed_out=danger.timed_out), None, now)
    decision = next_action(release, seen, now)
    if decision.release.outcome is Outcome.HELD and guards.must_not_hold(release, seen):
        return next_action(turn_back(release, f"{decision.release.reason}; {guards.leaning_text(release)}", now), seen, now)
    return decision


def next_action(release: Release, seen: Observation, now: float) -> Decision:
    """One step on the ladder of the present course."""
    if release.plan.flag:
        return flag_release.next_action(release, seen, now)
    ladders = {
        Direction.PROGRESSING: progress.next_action,
        Direction.PROMOTING: promote.next_action,
        Direction.ROLLING_BACK: rollback.next_action,
    }
    decision = ladders[release.course](release, seen, now)
    return wait(decision.release, now) if leads_to_nobody(decision.action, seen) else decision


def leads_to_nobody(action: Action | None, seen: Observation) -> bool:
    """Rule 1, whatever the ladders say: no pin to a version without a ready pod while another has one. Waits end by their limits."""
    wanted = action.exposure if action else None
    if wanted is None:
        return False
    if wanted.weight is not None:
        return empty_behind_weight(seen) != ""
    able = {pod.hash for arm in (seen.stable, seen.candidate) if arm for pod in arm.pods if pod.ready}
    return bool(wanted.hash and able) and wanted.hash not in able


def apply_request(release: Release, request: OperatorRequest, now: float) -> Release:
    """What an operator's request changes. A request that fits nothing is noted and has no effect."""
    release = release.noted(now, Event.REQUESTED, subject=request.verb, reason=request.reason, actor=request.actor)
    if release.course is Direction.ROLLING_BACK:
        return release
    match request.verb:
        case "abort":
            said = f": {request.reason}" if request.reason else ""
            return replace(turn_back(release, f"aborted by {request.actor}{said}", now), ended_by=request.actor)
        case "pause" if release.course is Direction.PROGRESSING or can_wait_to_finish(release):
            return replace(release, paused=replace(request, at=now))
        case "resume":
            return replace(release, paused=None)
        case "promote" if release.course is Direction.PROGRESSING:
            return replace(release, paused=None, approved=max(release.approved, release.step))
        case "promote" if release.course is Direction.PROMOTING:  # the old side need not be kept warm any longer
            return replace(release, paused=None, approved=len(release.plan.steps))
    return release


def can_wait_to_finish(release: Release) -> bool:
    """All steps have passed, and the old side is whole still: it can be kept so for as long as somebody wants."""
    begun = any(entry.result is not Result.FAILED for entry in journal.outcomes(release.journal, Verb.UPDATE_STABLE))
    return release.course is Direction.PROMOTING and not release.plan.flag and not begun


FIRST_PHASE = {Direction.PROGRESSING: Phase.PREPARING, Direction.PROMOTING: Phase.FINISHING, Direction.ROLLING_BACK: Phase.ROLLING_BACK}


def taken_up(release: Release, actor: str, fence: int, now: float) -> Release:
    """A release that a new driver takes up: nobody watched in between, so this step's bake starts again.

    A step whose bake had not begun was let in by a verdict that is old by now: the step before it is watched once more, unless the
    users turn out to be where the step wants them (`progress.cut_over_before`).
    """
    unbegun = release.course is Direction.PROGRESSING and release.step > 0 and not release.bake_since
    fresh = replace(
        release,
        step=release.step - unbegun,
        fence=fence,
        outcome=None,
        ended=0.0,
        timed_out=False,
        paused=None,
        since=now,
        started=release.started,
        bake_since=0.0,
        blind_since=0.0,
        shift=None,
        reason=release.reason if release.course is Direction.ROLLING_BACK else "",
        phase=FIRST_PHASE[release.course],
        resumed=now,
    )
    return fresh.noted(now, Event.TAKEN_UP, actor=actor)
