"""The way forward: hold what must not move, bring up the candidate, shift, watch, and on to the next step."""

from deliver.engine.core import cutover, few_requests, guards, pod_guards, proof_gate, readiness
from deliver.engine.core.decision import (
    Decision,
    act,
    already_authorised,
    enter_phase,
    hold,
    skip_to_next_step,
    turn_back,
    wait,
    wait_for_approval,
    wait_while_paused,
)
from deliver.engine.core.route import ensure_verified, moves_to
from deliver.engine.core.strange import held_for_strangers, note_strangers
from deliver.formatting.durations import words
from deliver.model import journal
from deliver.model.action import Verb
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import ArmSeen, Observation
from deliver.model.plan import ORIGINAL, Exposure, Side, Step
from deliver.model.release import Direction, Phase, Release
from deliver.model.verdict import CheckResult, Verdict, binding, combined

JITTER = 1.0  # seconds by which scrapes are late or early
MAX_MOVES = 5  # times that traffic is moved to one side before a person is asked who moves it away


def next_action(release: Release, seen: Observation, now: float) -> Decision:
    release = note_strangers(release, seen, now)
    return (
        ensure_stable_pinned(release, seen, now)
        or ensure_candidate_ready(release, seen, now)
        or ensure_route(release, seen, now)
        or ensure_bake_done(release, seen, now)
    )


def ensure_stable_pinned(release: Release, seen: Observation, now: float) -> Decision | None:
    """From the first pin on the stable side must not move, and no autoscaler may shrink it."""
    stable, scaler = seen.stable, seen.autoscaler
    if stable is None:
        return wait(release, now)
    if not stable.paused:
        if len(journal.done(release.journal, Verb.HOLD_STABLE, release.resumed)) > 3:
            return Decision(hold(release, f"somebody keeps unpausing Deployment {stable.deployment}", now), None, now)
        return act(release, now, Verb.HOLD_STABLE, "a pinned version must not roll away under its traffic")
    floor = pod_guards.autoscaler_floor(release, seen.candidate)
    if scaler and release.snapshot.autoscaler and (scaler.minimum or 1) < floor:
        surge = release.current.stable_pods
        why = f"{release.current.name} wants {surge} stable pods" if surge > max(release.snapshot.replicas, release.surged) else ""
        release = replace(release, surged=max(release.surged, surge)) if surge > release.snapshot.replicas else release
        why = why or "the side that would take the traffic back must not shrink"
        return act(release, now, Verb.HOLD_AUTOSCALER, why, pods=floor)
    if not release.exposed:
        home = Exposure(Side.STABLE, release.snapshot.hash)
        if not seen.route.shows(home):
            return act(release, now, Verb.ROUTE, "no request may reach the candidate before it is checked", exposure=home)
        return _proven(release, seen, now, home)
    return None


def ensure_candidate_ready(release: Release, seen: Observation, now: float) -> Decision | None:
    """Both arms at the step's size and ready; before its first request the candidate has passed its health checks too."""
    step, stable, candidate = release.current, seen.stable, seen.candidate
    assert stable is not None  # ensure_stable_pinned() has seen to it
    unready = ensure_stable_ready(release, step, stable, seen, now)
    surges = step.stable_pods > release.snapshot.replicas and not release.exposed
    if unready and (unready.action or not surges):
        return unready  # temporary pods and a candidate that nobody can reach start together
    if candidate is None:
        return act(release, now, Verb.CREATE_CANDIDATE, "a Deployment of its own, without pods yet")
    size = candidate_size(release, step, seen)
    if candidate.desired < size:
        if release.paused and release.exposed:  # its Services select both sides: more pods are more users
            return wait_while_paused(release, now, release.paused)
        if release.exposed and (unjudged := ensure_judged_again(release, seen, now)):
            return unjudged
        return act(replace(release, blind_since=0.0), now, Verb.SCALE_CANDIDATE, f"{step.name} wants {size} candidate pods", pods=size)
    if unready:
        return unready
    ready = readiness.ready_as_led(candidate, candidate.hash, seen, Side.CANDIDATE)
    if not candidate.hash or not candidate.settled or ready < size:
        return _late(release, now, f"{ready} of {size} candidate pods ready")
    if release.candidate_hash != candidate.hash:
        release = replace(release, candidate_hash=candidate.hash).noted(
            now, Event.CANDIDATE_READY, subject=candidate.hash, numbers={"ready": ready, "pods": size}
        )
        return Decision(release, None, now)
    if step.preview and not release.bake_since and (unopened := ensure_preview_open(release, seen, now)):
        return unopened
    if release.spec.analysis.health and not release.exposed and not release.bake_since:
        return ensure_healthy(release, seen, now)
    return None


def ensure_stable_ready(release: Release, step: Step, stable: ArmSeen, seen: Observation, now: float) -> Decision | None:
    """The stable side at the step's size: what is above that of before comes by our hand, or by the floor of the autoscaler."""
    if stable.desired < step.stable_pods and release.snapshot.autoscaler is None:
        surging = replace(release, surged=max(release.surged, step.stable_pods))
        return act(surging, now, Verb.SCALE_STABLE, f"{step.name} wants {step.stable_pods} stable pods", pods=step.stable_pods)
    surges = step.stable_pods > release.snapshot.replicas
    wanted = step.stable_pods if surges else min(step.stable_pods, stable.desired)
    ready = readiness.ready_as_led(stable, release.snapshot.hash, seen, Side.STABLE)
    if ready >= wanted:
        return None
    return _late(release, now, f"{ready} of {max(wanted, stable.desired)} stable pods ready")


def ensure_preview_open(release: Release, seen: Observation, now: float) -> Decision | None:
    """The preview Service leads to the candidate's pods, all of them."""
    preview = seen.preview
    if preview is None or preview.agreed:
        return None
    name, limit = release.plan.preview, release.spec.limits.shift
    done = [entry.at for entry in journal.done(release.journal, Verb.OPEN_PREVIEW)]
    if not preview.open:
        if sum(at >= release.resumed for at in done) >= MAX_MOVES:
            return Decision(hold(release, f"somebody keeps taking the preview Service {name} away from the candidate", now), None, now)
        return act(release, now, Verb.OPEN_PREVIEW, f"Service {name} leads to the candidate, users stay on the stable side")
    began = max([release.resumed, *done])
    if now - began >= limit:
        return Decision(turn_back(release, f"not seen to take effect within {limit:g} s: {preview.detail}", now), None, now)
    return wait(release, now, began + limit)


def candidate_size(release: Release, step: Step, seen: Observation) -> int:
    """With all the traffic, the candidate is as large as the stable side is by now, not as it was at the start; surge aside."""
    if step.side is Side.CANDIDATE and seen.stable and seen.stable.desired > release.stable_size:
        return max(step.candidate_pods, seen.stable.desired)
    return step.candidate_pods


def ensure_healthy(release: Release, seen: Observation, now: float) -> Decision | None:
    """Health checks on the candidate's pods before the first request; a FAIL has turned the release already."""
    checks = [check for check in seen.checks if check.kind == "health"]
    if checks and seen.checked_at >= release.since and combined(tuple(checks)) is Verdict.PASS:
        return None
    return _late(release, now, "; ".join(check.why for check in checks) or "health checks of the candidate")


def ensure_route(release: Release, seen: Observation, now: float) -> Decision | None:
    """Traffic as the step wants it, and verified."""
    step, wanted = release.current, exposure_of(release, release.current)
    if not seen.route.shows(wanted):
        if cut_over_before(release, seen):
            return skip_to_next_step(release, now)
        if release.paused:  # nobody more is moved to the candidate
            return wait_while_paused(release, now, release.paused)
        if moves_to(release, wanted, release.resumed) >= MAX_MOVES:  # a GitOps controller that puts it back is not fought for ever
            return Decision(
                hold(release, f"somebody keeps taking traffic from {step.name}; the Services select {seen.route.side} now", now), None, now
            )
        if unjudged := ensure_judged_again(release, seen, now):
            return unjudged
        if step.side is Side.CANDIDATE and seen.candidate and readiness.waits_for_gates(seen.candidate, seen.candidate.hash):
            wanted = ORIGINAL  # alone it would have no endpoint: both sides serve until its readiness gates are set
            if seen.route.shows(wanted):
                return _late(release, now, f"{seen.candidate.ready} of {step.candidate_pods} candidate pods ready")
        exposed = release.exposed or step.side is not Side.STABLE
        # a bake is of unbroken exposure, a drain of one move
        release = replace(release, exposed=exposed, bake_since=0.0, blind_since=0.0, shift=None)
        release = enter_phase(release, Phase.SHIFTING, now, Event.SHIFT_BEGAN)
        share = f"{step.endpoints:.0f} % by endpoints" if wanted.weight is None else f"{wanted.weight:g} % by weight"
        return act(release, now, Verb.ROUTE, f"{step.name}: {share}", exposure=wanted)
    if (unproven := _proven(release, seen, now, wanted)) is not None:
        return unproven
    return ensure_bake_begun(release, now)


def ensure_bake_begun(release: Release, now: float) -> Decision | None:
    if release.bake_since:
        return None
    return Decision(enter_phase(replace(release, bake_since=now), Phase.BAKING, now, Event.BAKE_BEGAN), None, now)


def exposure_of(release: Release, step: Step) -> Exposure:
    return step.exposure(release.snapshot.hash, release.candidate_hash)


def cut_over_before(release: Release, seen: Observation) -> bool:
    """The users are on the candidate as the next step wants them, and it is whole: by a driver that is gone."""
    step = None if release.last_step else release.plan.steps[release.step + 1]
    if step is None or seen.candidate is None or not (step.side is Side.CANDIDATE or step.by_weight):
        return False
    wanted = exposure_of(release, step)
    there = seen.route.shows(wanted) and seen.candidate.ready >= candidate_size(release, step, seen)
    return there and already_authorised(release, Verb.ROUTE, side=wanted.side, weight=wanted.weight)


def ensure_judged_again(release: Release, seen: Observation, now: float) -> Decision | None:
    """A rise that was refused, or slept through, may come much later than the PASS that allowed it.

    What is blind by then, or old, is judged first; None when it may rise.
    """
    before = release.plan.steps[release.step - 1] if release.step else None
    if not before or not before.metrics or not (release.exposed or before.preview) or not cutover.judged_by_more_than_pods(release):
        return None
    if combined(binding(seen.checks)) is not Verdict.BLIND and guards.is_fresh(release, seen, now):
        return None
    return wait(replace(release, blind_since=release.blind_since or now), now)


def ensure_bake_done(release: Release, seen: Observation, now: float) -> Decision:
    """Watched for long enough, judged PASS on fresh data, and let pass by a person where one is asked."""
    step = release.current
    verdict = combined(binding(release.checks))
    if cutover.judged_by_more_than_pods(release) and not guards.is_fresh(release, seen, now):
        verdict = Verdict.BLIND
    release = replace(release, blind_since=(release.blind_since or now) if verdict is Verdict.BLIND else 0.0)
    if release.paused:
        return wait_while_paused(release, now, release.paused)
    done = proof_gate.bake_ends_at(release)
    if now < done and release.approved < release.step:
        return wait(enter_phase(release, Phase.BAKING, now, Event.BAKE_RESUMED), now, done)
    if verdict is not Verdict.PASS:
        return wait(bake_overtime(release, now), now)
    if release.approved < release.step and (
        awaiting_samples(release, done) or few_requests.awaits_samples(release, now, release.bake_since + proof_gate.bake_limit(release))
    ):
        return wait(bake_overtime(release, now), now)
    if release.approved < release.step and (unproved := proof_gate.ensure_proven(release, now)):
        return unproved
    if step.approval and release.approved < release.step:
        return ensure_approved(release, now, max(done, release.resumed))
    return advance(few_requests.note_unjudged(release, now, proof=proof_gate.is_asked_for(release)), now)


def bake_overtime(release: Release, now: float) -> Release:
    """The bake is over and nothing allows the next step: what is waited for is said, once, unless the next look is all that is."""
    checks, done = binding(release.checks), release.bake_since + release.current.bake
    open_ = [check for check in checks if check.verdict is not Verdict.PASS]
    early = awaiting_samples(release, done)
    if release.overtime == release.bake_since:
        return release
    if open_:
        first = next((check for check in open_ if check.leans), open_[0])
        cause = f"{first.name}: {first.why}"
    elif early and done - early.seen_to > release.spec.analysis.poll:
        cause = f"{early.name}: samples of its last {words(round(done - early.seen_to))} are not there yet"
    else:
        return release
    said = release.noted(now, Event.BAKE_OVER, reason=cause)
    return replace(said, overtime=release.bake_since)


def awaiting_samples(release: Release, done: float) -> CheckResult | None:
    """A check whose samples do not tell of all of the bake yet: scrapes take their time, and so do stores. What stops is BLIND soon."""
    counted = (check for check in release.checks if check.few is None or check.few.counted)  # without a request there are no samples
    return next((check for check in counted if 0 < check.seen_to < done - JITTER), None)


def advance(release: Release, now: float) -> Decision:
    """The step has passed: the next one, or the finish."""
    passed = release.noted(now, Event.STEP_PASSED, checks=release.checks)
    if release.last_step:
        finishing = replace(passed, course=Direction.PROMOTING, phase=Phase.FINISHING, since=now, bake_since=0.0, blind_since=0.0)
        return Decision(finishing.noted(now, Event.STEPS_PASSED), None, now)
    shift = release.shift if release.current.side is Side.STABLE else None  # users are where they were: that is known already
    onward = replace(passed, step=release.step + 1, since=now, bake_since=0.0, blind_since=0.0, shift=shift, phase=Phase.PREPARING)
    return Decision(onward.noted(now, Event.STEP_BEGAN), None, now)


def ensure_approved(release: Release, now: float, since: float) -> Decision:
    """A person is asked; the step says for how long, and what happens when nobody answers."""
    step, text = release.current, f"{release.current.name} waits for `deliver promote`"
    limit = step.approval_timeout or release.spec.limits.pause
    if step.unanswered == "rollback" and now - since >= limit:
        return Decision(turn_back(release, f"{text}, and nobody answered within {words(limit)}", now), None, now)
    return wait_for_approval(release, now, since, text, step.approval_timeout)


def _late(release: Release, now: float, what: str) -> Decision:
    """Not there yet; a step whose pods stop getting ready fails."""
    limit = release.spec.limits.ready
    release = enter_phase(release, Phase.PREPARING, now, Event.READINESS_AWAITED, reason=what)
    since = readiness.begun(release, release.since)
    if now - since >= limit:
        late = f"no more pods got ready within {limit:g} s" if release.progress.at > release.since else f"not ready within {limit:g} s"
        return Decision(turn_back(release, f"{late} (`limits.ready`): {what}{readiness.why_text(release)}", now), None, now)
    return wait(release, now, since + limit)


def _proven(release: Release, seen: Observation, now: float, wanted: Exposure) -> Decision | None:
    """A shift that nobody sees take effect fails the release; one that a stranger's pod spoils is nobody's fault."""
    shift, limit = release.shift, release.spec.limits.shift
    if shift and not shift.verified and shift.exposure == wanted and now - shift.written >= limit:
        late = f"the shift was not seen to take effect within {limit:g} s"
        held = held_for_strangers(release, seen, now, late)
        return held or Decision(turn_back(release, f"{late}: {seen.route.detail}", now), None, now)
    return ensure_verified(release, seen, now, wanted)
