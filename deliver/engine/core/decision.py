"""What the core answers with, and the turns that every course may take: wait, act, hold, turn back, end."""

from dataclasses import dataclass

from deliver.model import journal
from deliver.model.action import Action, Verb
from deliver.model.frozen import replace
from deliver.model.journal import Event, Result
from deliver.model.observation import OperatorRequest
from deliver.model.release import Direction, Outcome, Phase, Release

ENDS = {
    Outcome.PROMOTED: Event.PROMOTED,
    Outcome.ROLLED_BACK: Event.ROLLED_BACK,
    Outcome.ROLLBACK_FAILED: Event.ROLLBACK_FAILED,
}
MAX_SLEEP = 5.0  # watches wake the driver; this is only the bound on how long it sleeps


@dataclass(frozen=True)
class Decision:
    """release: the new state. action: what to do now, if anything. wake_at: look again no later than this (unix seconds)."""

    release: Release
    action: Action | None
    wake_at: float


def wait(release: Release, now: float, until: float | None = None) -> Decision:
    return Decision(release, None, min(now + MAX_SLEEP, until) if until else now + MAX_SLEEP)


def act(release: Release, now: float, verb: Verb, why: str, **arguments: object) -> Decision:
    return Decision(release, Action(verb, why, **arguments), now)  # type: ignore[arg-type]  # the fields of Action


def enter_phase(release: Release, phase: Phase, now: float, event: Event, **more: str) -> Release:
    """The phase as people see it; a change is an event in the journal, and the phase's own time begins."""
    if release.phase is phase:
        return release
    return replace(release, phase=phase, since=now).noted(now, event, **more)


def turn_back(release: Release, reason: str, now: float) -> Release:
    """From here on the only way is back."""
    if release.course is Direction.ROLLING_BACK:
        return release
    turned = replace(release, course=Direction.ROLLING_BACK, phase=Phase.ROLLING_BACK, reason=reason, since=now, shift=None, paused=None)
    return turned.noted(now, Event.TURNED_BACK, reason=reason, checks=release.checks)


def hold(release: Release, reason: str, now: float, *, timed_out: bool = False) -> Release:
    """Stop here, exposure as it is, for a person to decide."""
    held = replace(release, outcome=Outcome.HELD, phase=Phase.ENDED, reason=reason, ended=now, timed_out=timed_out)
    return held.noted(now, Event.HELD, reason=reason, checks=release.checks)


def end(release: Release, outcome: Outcome, now: float, reason: str = "") -> Release:
    ended = replace(release, outcome=outcome, phase=Phase.ENDED, reason=reason or release.reason, ended=now)
    return ended.noted(now, ENDS[outcome], reason=ended.reason)


def wait_while_paused(release: Release, now: float, paused: OperatorRequest) -> Decision:
    """Until the one who paused it, or another one, lets it go on."""
    return _wait_for_person(release, now, paused.at, f"paused by {paused.actor}", 0.0, Phase.PAUSED, Event.PAUSED, actor=paused.actor)


def wait_for_approval(release: Release, now: float, since: float, text: str, limit: float) -> Decision:
    """Until a person lets the step pass. text: what is waited for. limit: seconds, 0 = limits.pause."""
    return _wait_for_person(release, now, since, text, limit, Phase.WAITING, Event.APPROVAL_AWAITED)


def _wait_for_person(
    release: Release, now: float, since: float, text: str, limit: float, phase: Phase, event: Event, **more: str
) -> Decision:
    """Still watching, but not for ever."""
    setting, limit = ("approval timeout" if limit else "`limits.pause`"), limit or release.spec.limits.pause
    if now - since >= limit:
        return Decision(hold(release, f"{text}, and nobody answered within {limit:g} s ({setting})", now), None, now)
    return wait(enter_phase(release, phase, now, event, **more), now, since + limit)


def last_refusal(release: Release) -> str:
    """What the last action met, "" when it was carried out."""
    last = journal.last_outcome(release.journal)
    return f"{last.action}: {last.reason}" if last and last.result is not Result.DONE and last.at >= release.since else ""


def already_authorised(release: Release, verb: Verb, **arguments: object) -> bool:
    """The driver before asked for this move of the next step, after the verdict that allowed it, and was gone before its bake began."""
    verdict = journal.last_verdict(release.journal)
    asked = (one for one in journal.attempts(release.journal, verb, **arguments) if verdict is None or one.seq > verdict.seq)
    return not release.last_step and any(one.at <= release.resumed for one in asked)


def skip_to_next_step(release: Release, now: float) -> Decision:
    """What the next step wants stands already: nobody is moved back to be moved again. It is watched from the start."""
    onward = replace(release, step=release.step + 1, since=now, bake_since=0.0, blind_since=0.0, shift=None, phase=Phase.PREPARING)
    return Decision(onward.noted(now, Event.STEP_SKIPPED), None, now)
