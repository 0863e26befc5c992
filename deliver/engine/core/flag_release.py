"""The three courses of a flag release: raise the share and watch; leave it to everyone; or kill, prove it, and put back what stood."""

from deliver.engine.core import flag_state, progress
from deliver.engine.core.decision import Decision, act, end, hold, in_phase, let_in, refusal, risen, stopped, turn_back, wait
from deliver.engine.core.rollback import LIMIT
from deliver.model.action import Verb
from deliver.model.frozen import replace
from deliver.model.observation import FlagState, Seen
from deliver.model.plan import Side
from deliver.model.release import Course, Outcome, Phase, Release
from deliver.text.durations import words

MOVES = 5  # times that one share is written before a person is asked who changes it


def climb(release: Release, seen: Seen, now: float) -> Decision:
    courses = {Course.FORWARD: onward, Course.FINISH: finished, Course.BACK: back}
    return courses[release.course](release, seen, now)


# ---------------------------------------------------------------- forward


def onward(release: Release, seen: Seen, now: float) -> Decision:
    found = flag_state.state(release, seen)
    if found is None:
        return wait(release, now, now + flag_state.POLL)
    if not (seen.stable and seen.stable.noted):
        return act(release, now, Verb.NOTE_UNDO, "what undoes this release without its record")
    return (
        raised(release, seen, found, now)
        or confirmed(release, seen, found, now)
        or baking(release, now)
        or progress.baked(release, seen, now)
    )


def raised(release: Release, seen: Seen, found: FlagState, now: float) -> Decision | None:
    """The flag says what the step wants."""
    step = release.current
    if flag_state.serves(found, step.weight):
        return None
    following = None if release.last_step else release.plan.steps[release.step + 1]
    if following and flag_state.serves(found, following.weight) and let_in(release, f"{Verb.SET_SHARE} {following.weight:g}"):
        return risen(release, now)
    if release.paused:  # nobody more gets the treatment
        return stopped(release, now, Phase.PAUSED, release.paused.at, f"paused by {release.paused.actor}")
    if _writes(release, step.weight) >= MOVES:
        return Decision(hold(release, f"somebody keeps changing flag {flag_state.name(release)} from {step.weight:g} %", now), None, now)
    if unjudged := progress.judged_again(release, seen, now):
        return unjudged
    release = replace(release, exposed=True, bake_since=0.0, blind_since=0.0)
    release = in_phase(release, Phase.SHIFTING, now, f"step {release.step + 1}/{len(release.plan.steps)}: raising to {step.name}")
    return act(release, now, Verb.SET_SHARE, f"{step.name} of users get the treatment", share=step.weight, revision=found.revision)


def _writes(release: Release, percent: float) -> int:
    text = f"{Verb.SET_SHARE} {percent:g}"
    return sum(one.kind == "outcome" and one.result == "done" and one.text == text and one.at >= release.resumed for one in release.journal)


def confirmed(release: Release, seen: Seen, found: FlagState, now: float) -> Decision | None:
    """Served by every instance; one that never serves it fails the release."""
    unproven = flag_state.arrived(release, seen, found, now)
    if unproven is None:
        return None
    shift, ack = release.shift, flag_state.answer(seen.flag, found)
    limit = max(release.spec.limits.shift, ack.lag + flag_state.POLL if ack and not ack.total else 0.0)
    if ack and ack.disagree:
        return Decision(turn_back(release, f"{ack.disagree}: more users than wanted get the treatment", now), None, now)
    if shift and shift.switched and not shift.verified and now - shift.switched >= limit:
        where = flag_state.not_there(release, seen)
        return Decision(turn_back(release, f"the change was not seen to arrive within {limit:g} s: {where}", now), None, now)
    return unproven


def baking(release: Release, now: float) -> Decision | None:
    if release.bake_since:
        return None
    step = release.current
    text = f"step {release.step + 1}/{len(release.plan.steps)}: baking {step.name} for {words(step.bake)}"
    return Decision(in_phase(replace(release, bake_since=now), Phase.BAKING, now, text), None, now)


# ---------------------------------------------------------------- finish


def finished(release: Release, seen: Seen, now: float) -> Decision:
    """Everyone has it by the last step; what is left is to take our marks away."""
    found = flag_state.state(release, seen)
    if found is None:
        return wait(release, now, now + flag_state.POLL)
    if found.release or found.fence:
        return act(release, now, Verb.RELEASE_FLAG, "the flag stays as it is, without our marks")
    if seen.stable and (seen.stable.noted or seen.stable.fence):
        return act(release, now, Verb.CLEAR_UNDO, "nothing of ours is left")
    return Decision(end(release, Outcome.PROMOTED, now, f"all {len(release.plan.steps)} steps passed"), None, now)


# ---------------------------------------------------------------- back


def back(release: Release, seen: Seen, now: float) -> Decision:
    """The safe variant to everyone, seen to be served; then the flag as it stood before. Waits for nobody but the flag's back end."""
    release = in_phase(release, Phase.ROLLING_BACK, now)
    before = release.snapshot.flag
    assert before is not None  # a flag release begins with what the flag was
    if now - release.since >= LIMIT:
        why = refusal(release) or flag_state.not_there(release, seen)
        text = f"not done within {LIMIT:g} s: {why} (rolling back because {release.reason})"
        return Decision(end(release, Outcome.ROLLBACK_FAILED, now, text), None, now)
    found = flag_state.state(release, seen)
    if found is None:
        known = release.shift is not None and release.shift.side is Side.STABLE
        return wait(release, now, now + flag_state.POLL) if known else act(release, now, Verb.KILL_FLAG, release.reason)
    if release.flag_undone and found.release != release.id:  # nothing of ours is in it: what stands there is somebody else's
        return restored(release, seen, found, before, now)
    if found.document == before.document and not release.exposed:
        return restored(release, seen, found, before, now)  # nobody ever had it
    if not flag_state.dark(found):
        return act(release, now, Verb.KILL_FLAG, release.reason)
    return off(release, seen, found, now) or restored(release, seen, found, before, now)


def off(release: Release, seen: Seen, found: FlagState, now: float) -> Decision | None:
    """Nobody gets the treatment any more, by evaluation."""
    unproven = flag_state.arrived(release, seen, found, now)
    if unproven is None:
        return None
    shift = unproven.release.shift
    if shift and shift.verified and not release.traffic_off:
        nobody = "no user gets the treatment any more" if found.percent is not None else f"the flag gives nobody the treatment: {found.off}"
        note = replace(unproven.release, traffic_off=shift.verified).noted(now, "state", nobody)
        return replace(unproven, release=note)
    return replace(unproven, release=slow(unproven.release, seen, now))


SLOW = "the safe variant is not seen to be served everywhere yet"


def slow(release: Release, seen: Seen, now: float) -> Release:
    """Whoever waits for a kill is told once where it has not arrived: there a person can help."""
    shift, ack = release.shift, seen.flag.ack if seen.flag else None
    if shift is None or shift.verified or not shift.switched or now - shift.switched < release.spec.limits.shift:
        return release
    if ack and not ack.total:  # there is nobody to ask: time has to do
        return release
    told = any(one.kind == "state" and one.text.startswith(SLOW) and one.at >= release.since for one in release.journal)
    return release if told else release.noted(now, "state", f"{SLOW}: {flag_state.not_there(release, seen)}")


def restored(release: Release, seen: Seen, found: FlagState, before: FlagState, now: float) -> Decision:
    """Ours taken back; what somebody else made of the flag meanwhile stays, and each of that is told."""
    as_before = found.document == before.document and not found.release and not found.fence
    if not as_before and (not release.flag_undone or found.release == release.id):
        return act(release, now, Verb.RESTORE_FLAG, "what this release wrote is taken back")
    if seen.stable and (seen.stable.noted or seen.stable.fence):
        return act(release, now, Verb.CLEAR_UNDO, "nothing of ours is left")
    for text in release.flag_left:
        release = release.noted(now, "note", text)
    return Decision(end(release, Outcome.ROLLED_BACK, now), None, now)
