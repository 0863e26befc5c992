"""What the core answers with, and the turns that every course may take: wait, act, hold, turn back, end."""

from dataclasses import dataclass

from deliver.model.action import Action, Verb
from deliver.model.frozen import replace
from deliver.model.release import Direction, Entry, Outcome, Phase, Release

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


def enter_phase(release: Release, phase: Phase, now: float, text: str = "") -> Release:
    """The phase as people see it; a change is a line in the journal, and the phase's own time begins."""
    if release.phase is phase:
        return release
    return replace(release, phase=phase, since=now).noted(now, "state", text or phase.value)


def turn_back(release: Release, reason: str, now: float) -> Release:
    """From here on the only way is back."""
    if release.course is Direction.ROLLING_BACK:
        return release
    turned = replace(release, course=Direction.ROLLING_BACK, phase=Phase.ROLLING_BACK, reason=reason, since=now, shift=None, paused=None)
    return turned.noted(now, "verdict", f"rolling back: {reason}", checks=release.checks)


def hold(release: Release, reason: str, now: float, *, timed_out: bool = False) -> Release:
    """Stop here, exposure as it is, for a person to decide."""
    held = replace(release, outcome=Outcome.HELD, phase=Phase.ENDED, reason=reason, ended=now, timed_out=timed_out)
    return held.noted(now, "state", f"held: {reason}", checks=release.checks)


def end(release: Release, outcome: Outcome, now: float, reason: str = "") -> Release:
    ended = replace(release, outcome=outcome, phase=Phase.ENDED, reason=reason or release.reason, ended=now)
    return ended.noted(now, "state", f"{outcome.value}: {ended.reason}" if ended.reason else outcome.value)


def wait_for_person(release: Release, now: float, phase: Phase, since: float, text: str, limit: float = 0.0) -> Decision:
    """Waiting for a person, still watching, but not for ever. limit: seconds, 0 = limits.pause."""
    setting, limit = ("approval timeout" if limit else "`limits.pause`"), limit or release.spec.limits.pause
    if now - since >= limit:
        return Decision(hold(release, f"{text}, and nobody answered within {limit:g} s ({setting})", now), None, now)
    return wait(enter_phase(release, phase, now, text), now, since + limit)


def last_refusal(release: Release) -> str:
    """What the last action met, "" when it was carried out."""
    last = next((one for one in reversed(release.journal) if one.kind == "outcome"), None)
    return last.text if last and last.result in ("failed", "unknown") and last.at >= release.since else ""


def already_authorised(release: Release, move: str) -> bool:
    """The driver before asked for this move of the next step, after the verdict that allowed it, and was gone before its bake began."""
    verdict = max((one.seq for one in release.journal if one.kind == "verdict"), default=0)
    asked = (one for one in release.journal if one.seq > verdict and one.kind == "intent" and one.text.startswith(f"{move}:"))
    return not release.last_step and any(one.at <= release.resumed for one in asked)


def skip_to_next_step(release: Release, now: float) -> Decision:
    """What the next step wants stands already: nobody is moved back to be moved again. It is watched from the start."""
    onward = replace(release, step=release.step + 1, since=now, bake_since=0.0, blind_since=0.0, shift=None, phase=Phase.PREPARING)
    text = f"step {onward.step + 1}/{len(onward.plan.steps)}: {onward.current.name} stands already"
    return Decision(onward.noted(now, "state", text), None, now)


def outcomes(release: Release, verb: Verb) -> list[Entry]:
    """What became of each try. An intent without one is no try: the driver could not record it, and has written nothing."""
    return [entry for entry in release.journal if entry.kind == "outcome" and entry.text.startswith(verb)]
