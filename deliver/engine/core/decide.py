"""The pure core: what to do next, given the release, what was just seen, and the time.

`decide` is level-triggered: on each look it walks the goals of the current course in order and asks for the first one that
does not hold yet. So a process killed anywhere is continued by any other: it looks, and goes on from what stands.
At most one action a decision; the driver journals it, carries it out, and looks again.
"""

from deliver.engine.core import cutover, guards
from deliver.engine.core.decision import Decision, hold, turn_back
from deliver.engine.core.exposure import exposed_by
from deliver.engine.core.guards import Fail, Hold
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import Observation, OperatorRequest
from deliver.model.release import Direction, Outcome, Phase, Release

__all__ = ["Decision", "decide", "taken_up"]


def decide(release: Release, seen: Observation, now: float) -> Decision:
    """The next state, at most one action, and when to look again at the latest."""
    if release.outcome is not None:
        return Decision(release, None, now)
    for request in seen.requests:
        release = apply_request(release, request, now)
    release = cutover.follow_cutover(exposed_by(release).with_checks(release, seen), seen, now)
    if release.course is not Direction.ROLLING_BACK:
        danger = check_guards(release, seen, now)
        if isinstance(danger, Fail):
            release = turn_back(release, danger.reason, now)
        elif isinstance(danger, Hold):
            return Decision(hold(release, danger.reason, now, timed_out=danger.timed_out), None, now)
    next_action = exposed_by(release).next_action
    decision = next_action(release, seen, now)
    if decision.release.outcome is Outcome.HELD and not may_hold(release, seen):
        return next_action(turn_back(release, f"{decision.release.reason}; {guards.leaning_text(release)}", now), seen, now)
    return decision


def check_guards(release: Release, seen: Observation, now: float) -> Fail | Hold | None:
    """The first thing that forbids to go on, certain failures first."""
    holds = may_hold(release, seen)
    return (
        exposed_by(release).check_guards(release, seen, now)
        or guards.failed_checks(release, seen, now, may_hold=holds)
        or guards.out_of_time(release, now, may_hold=holds)
    )


def may_hold(release: Release, seen: Observation) -> bool:
    """Not where that leaves every user on what looks bad, while they could be given back at once."""
    return not (guards.any_leaning(release) and release.current.endpoints >= 100 and exposed_by(release).can_return(release, seen))


def apply_request(release: Release, request: OperatorRequest, now: float) -> Release:
    """What an operator's request changes. A request that fits nothing is noted and has no effect."""
    release = release.noted(now, Event.REQUESTED, subject=request.verb, reason=request.reason, actor=request.actor)
    if release.course is Direction.ROLLING_BACK:
        return release
    match request.verb:
        case "abort":
            said = f": {request.reason}" if request.reason else ""
            return replace(turn_back(release, f"aborted by {request.actor}{said}", now), ended_by=request.actor)
        case "pause" if release.course is Direction.PROGRESSING or exposed_by(release).can_wait_to_finish(release):
            return replace(release, paused=replace(request, at=now))
        case "resume":
            return replace(release, paused=None)
        case "promote" if release.course is Direction.PROGRESSING:
            return replace(release, paused=None, approved=max(release.approved, release.step))
        case "promote" if release.course is Direction.PROMOTING:  # the old side need not be kept warm any longer
            return replace(release, paused=None, approved=len(release.plan.steps))
    return release


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
