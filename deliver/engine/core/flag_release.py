"""A release of a flag: a growing share of users gets the treatment, from pods that stay as they are.

Its three courses: raise the share and watch; leave it to everyone; or kill, prove it, and put back what stood.
"""

from deliver.engine.core import flag_guards, flag_state, progress
from deliver.engine.core.decision import (
    Decision,
    act,
    already_authorised,
    end,
    enter_phase,
    hold,
    last_refusal,
    skip_to_next_step,
    turn_back,
    wait,
    wait_while_paused,
)
from deliver.engine.core.guards import Fail, Hold
from deliver.engine.core.rollback import LIMIT
from deliver.model import journal
from deliver.model.action import Verb
from deliver.model.analysis_result import ComparedPods, Comparison
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import FlagState, Observation
from deliver.model.plan import Side
from deliver.model.release import Direction, Outcome, Phase, Release

MAX_MOVES = 5  # times that one share is written before a person is asked who changes it


def next_action(release: Release, seen: Observation, now: float) -> Decision:
    courses = {Direction.PROGRESSING: progressing, Direction.PROMOTING: promoting, Direction.ROLLING_BACK: rolling_back}
    return courses[release.course](release, seen, now)


def check_guards(release: Release, seen: Observation, now: float) -> Fail | Hold | None:
    return flag_guards.failed_pods(release, seen) or flag_guards.foreign_change(release, seen, now)


def with_checks(release: Release, seen: Observation) -> Release:
    more = flag_guards.exposure_check(release, seen)
    return replace(release, observed=seen.candidate_percent, checks=(*seen.checks, *([more] if more else [])))


def can_return(release: Release, seen: Observation) -> bool:
    """Whoever serves can serve the safe variant."""
    return True


def can_wait_to_finish(release: Release) -> bool:
    """Nothing is kept for it."""
    return False


def compared_pods(release: Release, seen: Observation) -> ComparedPods | None:
    """All users are served by the pods that are there."""
    return (seen.stable.pods, seen.stable.pods) if seen.stable and seen.stable.ready else None


def comparison(release: Release) -> Comparison:
    plan = release.plan.flag
    assert plan is not None  # a flag release's plan
    return Comparison(by_pods=False, past_until=release.started, variant=plan.variant, treatment=plan.treatment)


# ---------------------------------------------------------------- forward


def progressing(release: Release, seen: Observation, now: float) -> Decision:
    found = flag_state.known_state(release, seen)
    if found is None:
        return wait(release, now, now + flag_state.POLL)
    if not (seen.stable and seen.stable.noted):
        return act(release, now, Verb.NOTE_UNDO, "what undoes this release without its record")
    return (
        ensure_percentage(release, seen, found, now)
        or ensure_served(release, seen, found, now)
        or progress.ensure_bake_begun(release, now)
        or progress.ensure_bake_done(release, seen, now)
    )


def ensure_percentage(release: Release, seen: Observation, found: FlagState, now: float) -> Decision | None:
    """The flag says what the step wants."""
    step = release.current
    if flag_state.serves(found, step.weight):
        return None
    following = None if release.last_step else release.plan.steps[release.step + 1]
    if following and flag_state.serves(found, following.weight) and already_authorised(release, Verb.SET_SHARE, share=following.weight):
        return skip_to_next_step(release, now)
    if release.paused:  # nobody more gets the treatment
        return wait_while_paused(release, now, release.paused)
    if len(journal.done(release.journal, Verb.SET_SHARE, release.resumed, share=step.weight)) >= MAX_MOVES:
        return Decision(
            hold(release, f"somebody keeps changing flag {flag_state.flag_name(release)} from {step.weight:g} %", now), None, now
        )
    if unjudged := progress.ensure_judged_again(release, seen, now):
        return unjudged
    release = replace(release, exposed=True, bake_since=0.0, blind_since=0.0)
    release = enter_phase(release, Phase.SHIFTING, now, Event.SHIFT_BEGAN)
    return act(release, now, Verb.SET_SHARE, f"{step.name} of users get the treatment", share=step.weight, revision=found.revision)


def ensure_served(release: Release, seen: Observation, found: FlagState, now: float) -> Decision | None:
    """Served by every instance; one that never serves it fails the release."""
    unproven = flag_state.ensure_arrived(release, seen, found, now)
    if unproven is None:
        return None
    shift, ack = release.shift, flag_state.acknowledgement(seen.flag, found)
    limit = max(release.spec.limits.shift, ack.lag + flag_state.POLL if ack and not ack.total else 0.0)
    if ack and ack.disagree:
        return Decision(turn_back(release, f"{ack.disagree}: more users than wanted get the treatment", now), None, now)
    if shift and shift.switched and not shift.verified and now - shift.switched >= limit:
        where = flag_state.missing_instances(release, seen)
        return Decision(turn_back(release, f"the change was not seen to arrive within {limit:g} s: {where}", now), None, now)
    return unproven


# ---------------------------------------------------------------- finish


def promoting(release: Release, seen: Observation, now: float) -> Decision:
    """Everyone has it by the last step; what is left is to take our marks away."""
    found = flag_state.known_state(release, seen)
    if found is None:
        return wait(release, now, now + flag_state.POLL)
    if found.release or found.fence:
        return act(release, now, Verb.RELEASE_FLAG, "the flag stays as it is, without our marks")
    if seen.stable and (seen.stable.noted or seen.stable.fence):
        return act(release, now, Verb.CLEAR_UNDO, "nothing of ours is left")
    return Decision(end(release, Outcome.PROMOTED, now, f"all {len(release.plan.steps)} steps passed"), None, now)


# ---------------------------------------------------------------- back


def rolling_back(release: Release, seen: Observation, now: float) -> Decision:
    """The safe variant to everyone, seen to be served; then the flag as it stood before. Waits for nobody but the flag's back end."""
    release = enter_phase(release, Phase.ROLLING_BACK, now, Event.ROLLBACK_RESUMED)
    before = release.snapshot.flag
    assert before is not None  # a flag release begins with what the flag was
    if now - release.since >= LIMIT:
        why = last_refusal(release) or flag_state.missing_instances(release, seen)
        text = f"not done within {LIMIT:g} s: {why} (rolling back because {release.reason})"
        return Decision(end(release, Outcome.ROLLBACK_FAILED, now, text), None, now)
    found = flag_state.known_state(release, seen)
    if found is None:
        known = release.shift is not None and release.shift.side is Side.STABLE
        return wait(release, now, now + flag_state.POLL) if known else act(release, now, Verb.KILL_FLAG, release.reason)
    if release.flag_undone and found.release != release.id:  # nothing of ours is in it: what stands there is somebody else's
        return ensure_restored(release, seen, found, before, now)
    if found.document == before.document and not release.exposed:
        return ensure_restored(release, seen, found, before, now)  # nobody ever had it
    if not flag_state.serves_nobody(found):
        return act(release, now, Verb.KILL_FLAG, release.reason)
    return ensure_off(release, seen, found, now) or ensure_restored(release, seen, found, before, now)


def ensure_off(release: Release, seen: Observation, found: FlagState, now: float) -> Decision | None:
    """Nobody gets the treatment any more, by evaluation."""
    unproven = flag_state.ensure_arrived(release, seen, found, now)
    if unproven is None:
        return None
    shift = unproven.release.shift
    if shift and shift.verified and not release.traffic_off:
        off = "" if found.percent is not None else found.off
        note = replace(unproven.release, traffic_off=shift.verified).noted(now, Event.TRAFFIC_OFF, reason=off)
        return replace(unproven, release=note)
    return replace(unproven, release=note_slow_kill(unproven.release, seen, now))


def note_slow_kill(release: Release, seen: Observation, now: float) -> Release:
    """Whoever waits for a kill is told once where it has not arrived: there a person can help."""
    shift, ack = release.shift, seen.flag.ack
    if shift is None or shift.verified or not shift.switched or now - shift.switched < release.spec.limits.shift:
        return release
    if ack and not ack.total:  # there is nobody to ask: time has to do
        return release
    if journal.happened(release.journal, Event.KILL_UNCONFIRMED, release.since):
        return release
    return release.noted(now, Event.KILL_UNCONFIRMED, reason=flag_state.missing_instances(release, seen))


def ensure_restored(release: Release, seen: Observation, found: FlagState, before: FlagState, now: float) -> Decision:
    """Ours taken back; what somebody else made of the flag meanwhile stays, and each of that is told."""
    as_before = found.document == before.document and not found.release and not found.fence
    if not as_before and (not release.flag_undone or found.release == release.id):
        return act(release, now, Verb.RESTORE_FLAG, "what this release wrote is taken back")
    if seen.stable and (seen.stable.noted or seen.stable.fence):
        return act(release, now, Verb.CLEAR_UNDO, "nothing of ours is left")
    for text in release.flag_left:
        release = release.noted(now, Event.FLAG_LEFT, reason=text)
    return Decision(end(release, Outcome.ROLLED_BACK, now), None, now)
