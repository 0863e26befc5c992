"""What the three courses share: decisions, turns, and the proof that a route change took effect."""

from dataclasses import dataclass

from deliver.model.action import Action, Verb
from deliver.model.plan import Side
from deliver.model.release import Course, Entry, Outcome, Phase, Release, Shift
from deliver.model.replace import replace
from deliver.model.seen import ArmSeen, Seen

SECOND_LOOK = 1.0  # a shift is verified when EndpointSlices agree twice, this many seconds apart (design.md section 5)
COLLECTS = 10.0  # seconds that the cluster's garbage collector is given
FAILURES = 3  # tries to close a preview Service: no users are on it, and a rollback never waits for it
LEFT = "preview Service"
LOOK = 5.0  # watches wake the driver; this is only the bound on how long it sleeps


@dataclass(frozen=True)
class Decision:
    """release: the new state. action: what to do now, if anything. wake_at: look again no later than this (unix seconds)."""

    release: Release
    action: Action | None
    wake_at: float


def wait(release: Release, now: float, until: float | None = None) -> Decision:
    return Decision(release, None, min(now + LOOK, until) if until else now + LOOK)


def act(release: Release, now: float, verb: Verb, why: str, **arguments: object) -> Decision:
    return Decision(release, Action(verb, why, **arguments), now)  # type: ignore[arg-type]  # the fields of Action


def in_phase(release: Release, phase: Phase, now: float, text: str = "") -> Release:
    """The phase as people see it; a change is a line in the journal, and the phase's own time begins."""
    if release.phase is phase:
        return release
    return replace(release, phase=phase, since=now).noted(now, "state", text or phase.value)


def turn_back(release: Release, reason: str, now: float) -> Release:
    """From here on the only way is back."""
    if release.course is Course.BACK:
        return release
    turned = replace(release, course=Course.BACK, phase=Phase.ROLLING_BACK, reason=reason, since=now, shift=None, paused=None)
    return turned.noted(now, "verdict", f"rolling back: {reason}", checks=release.checks)


def hold(release: Release, reason: str, now: float, *, timed_out: bool = False) -> Release:
    """Stop here, exposure as it is, for a person to decide."""
    held = replace(release, outcome=Outcome.HELD, phase=Phase.ENDED, reason=reason, ended=now, timed_out=timed_out)
    return held.noted(now, "state", f"held: {reason}", checks=release.checks)


def end(release: Release, outcome: Outcome, now: float, reason: str = "") -> Release:
    ended = replace(release, outcome=outcome, phase=Phase.ENDED, reason=reason or release.reason, ended=now)
    return ended.noted(now, "state", f"{outcome.value}: {ended.reason}" if ended.reason else outcome.value)


def stopped(release: Release, now: float, phase: Phase, since: float, text: str, limit: float = 0.0) -> Decision:
    """Waiting for a person, still watching, but not for ever. limit: seconds, 0 = limits.pause."""
    setting, limit = ("approval timeout" if limit else "`limits.pause`"), limit or release.spec.limits.pause
    if now - since >= limit:
        return Decision(hold(release, f"{text}, and nobody answered within {limit:g} s ({setting})", now), None, now)
    return wait(in_phase(release, phase, now, text), now, since + limit)


def shifted(release: Release, seen: Seen, now: float, side: Side, hash: str) -> Release:
    """Keep the three facts of a route change that the Services show already: written, switched, verified."""
    shift = release.shift
    if shift is None or shift.side is not side or shift.hash != hash:
        shift = Shift(side=side, hash=hash, written=now)
    if not seen.route.agreed:
        return replace(release, shift=replace(shift, switched=0.0, verified=0.0) if not shift.verified else shift)
    if not shift.switched:
        return replace(release, shift=replace(shift, switched=now))
    if not shift.verified and now - shift.switched >= SECOND_LOOK:
        verified = replace(release, shift=replace(shift, verified=now))
        return verified.noted(now, "state", _proof(release, side, seen))
    return replace(release, shift=shift)


def proven(release: Release, seen: Seen, now: float, side: Side, hash: str) -> Decision | None:
    """None once the Services are seen to lead to that side, twice; until then, when to look again."""
    after = shifted(release, seen, now, side, hash)
    shift = after.shift
    assert shift is not None  # shifted() has set it
    if after is not release and after != release:
        return Decision(after, None, now if shift.verified else (shift.switched or now) + SECOND_LOOK)
    if not shift.verified:
        return wait(after, now, (shift.switched or now) + SECOND_LOOK)
    return None


def refusal(release: Release) -> str:
    """What the last action met, "" when it was carried out."""
    last = next((one for one in reversed(release.journal) if one.kind == "outcome"), None)
    return last.text if last and last.result in ("failed", "unknown") and last.at >= release.since else ""


def let_in(release: Release, move: str) -> bool:
    """The driver before asked for this move of the next step, after the verdict that allowed it, and was gone before its bake began."""
    verdict = max((one.seq for one in release.journal if one.kind == "verdict"), default=0)
    asked = (one for one in release.journal if one.seq > verdict and one.kind == "intent" and one.text.startswith(f"{move}:"))
    return not release.last_step and any(one.at <= release.resumed for one in asked)


def risen(release: Release, now: float) -> Decision:
    """What the next step wants stands already: nobody is moved back to be moved again. It is watched from the start."""
    onward = replace(release, step=release.step + 1, since=now, bake_since=0.0, blind_since=0.0, shift=None, phase=Phase.PREPARING)
    text = f"step {onward.step + 1}/{len(onward.plan.steps)}: {onward.current.name} stands already"
    return Decision(onward.noted(now, "state", text), None, now)


def can_take(ready: int, release: Release, seen: Seen) -> bool:
    """Half of its size is enough to take users from a bad version; any pod at all when the candidate has none.

    Waiting for the last pods of a side that lost some would break rule 3; an empty side would break rule 1. The Deployment's own pods
    of the new version are another side too.
    """
    if ready == 0:
        return False
    return release.bears(ready) or not others(release, seen)


def others(release: Release, seen: Seen) -> int:
    """Ready pods that are not of the version of before."""
    return sum(pod.ready for arm in (seen.stable, seen.candidate) if arm for pod in arm.pods if pod.hash != release.snapshot.hash)


def serves_nobody(stable: ArmSeen, seen: Seen) -> bool:
    """The Services are pinned to a version without a ready pod, and there is one of another: of the candidate, or of the Deployment."""
    able = {pod.hash for arm in (stable, seen.candidate) if arm for pod in arm.pods if pod.ready}
    return bool(seen.route.pinned and able) and seen.route.pinned not in able


def verified(release: Release) -> float:
    """When the last shift was verified, unix seconds; 0 when it was not."""
    return release.shift.verified if release.shift else 0.0


def released(release: Release, seen: Seen, now: float) -> Decision | None:
    """None once Services and autoscaler are what they were, and nothing of the candidate is left that they could lead to."""
    if seen.strays:
        return wait(release, now)  # the original selector would lead to them
    if seen.route.side is not Side.BOTH or seen.route.marked:
        return act(release, now, Verb.RESTORE_ROUTE, "the original selectors")
    if seen.preview and seen.preview.there and (seen.preview.marked or seen.preview.foreign) and not left_open(release):
        if now < (collected := _gone(release) + COLLECTS):
            return wait(release, now, collected)
        if _failures(release, Verb.CLOSE_PREVIEW) < FAILURES:
            return act(release, now, Verb.CLOSE_PREVIEW, "nobody is to be led to the candidate any more")
        text = f"{LEFT} {release.plan.preview} could not be closed: it stays as it is, and leads to no pod"
        return Decision(release.noted(now, "note", text), None, now)
    scaler, before = seen.autoscaler, release.snapshot.autoscaler
    if scaler and before and (scaler.minimum != before.minimum or scaler.fence):
        return act(release, now, Verb.RELEASE_AUTOSCALER, "minReplicas as before")
    return None


def left_open(release: Release) -> bool:
    """The preview Service could not be closed, and that is said."""
    return any(entry.kind == "note" and entry.text.startswith(LEFT) and entry.at >= release.resumed for entry in release.journal)


def _gone(release: Release) -> float:
    """When the owner of a preview Service that we made was deleted, unix seconds: the cluster deletes the Service itself."""
    done = [entry.at for entry in release.journal if entry.kind == "outcome" and entry.text == Verb.DELETE_CANDIDATE]
    return max(done, default=0.0) if release.plan.preview_made else 0.0


def _failures(release: Release, verb: Verb) -> int:
    return sum(entry.result != "done" and entry.at >= release.resumed for entry in outcomes(release, verb))


def outcomes(release: Release, verb: Verb) -> list[Entry]:
    """What became of each try. An intent without one is no try: the driver could not record it, and has written nothing."""
    return [entry for entry in release.journal if entry.kind == "outcome" and entry.text.startswith(verb)]


def words(seconds: float) -> str:
    """45 s, 5 m, 1 m 30 s, 2 h."""
    parts, rest = [], seconds
    for unit, size in (("h", 3600), ("m", 60)):
        parts += [f"{rest // size:.0f} {unit}"] if rest >= size else []
        rest %= size
    return " ".join([*parts, *([f"{rest:g} s"] if rest or not parts else [])])


def _proof(release: Release, side: Side, seen: Seen) -> str:
    rolled = release.course is Course.FINISH and side is Side.STABLE  # the named Deployment runs the new version by now
    where = f"the new pods of Deployment {release.spec.target.deployment}" if rolled else _whom(side)
    return f"traffic on {where} is verified: {endpoints(seen)}"


def _whom(side: Side) -> str:
    return "both sides" if side is Side.BOTH else f"the {side} side"


def endpoints(seen: Seen) -> str:
    """The new version's share of all ready endpoints, whoever made its pods."""
    route = seen.route
    total = route.stable + route.candidate + route.other
    if not total:
        return "no ready endpoint"
    run = "runs" if 1 in (route.candidate, total) else "run"
    return f"{route.candidate} of {total} ready endpoint{'s' * (total > 1)} {run} the new version, {100 * route.candidate / total:.0f} %"
