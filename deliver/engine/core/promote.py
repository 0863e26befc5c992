"""The finish: the named Deployment gets the new template behind the traffic's back, takes it over, and our objects go.

All through it the traffic is on a side with full ready capacity: on the candidate until the Deployment has rolled, then on it.
"""

from deliver.engine.core import cutover, guards, readiness
from deliver.engine.core.cleanup import ensure_released
from deliver.engine.core.crashes import CAUSES
from deliver.engine.core.decision import Decision, act, end, enter_phase, hold, turn_back, wait, wait_while_paused
from deliver.engine.core.progress import awaiting_samples
from deliver.engine.core.route import ensure_verified, has_capacity, ready_endpoints, serves_nobody, verified_at
from deliver.formatting.durations import words
from deliver.formatting.formats import endpoints_text
from deliver.model import journal
from deliver.model.action import Verb
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import ArmSeen, Observation
from deliver.model.plan import ORIGINAL, Exposure, Side
from deliver.model.release import Outcome, Phase, Release, digest_of


def next_action(release: Release, seen: Observation, now: float) -> Decision:
    stable = seen.stable
    if stable is None:
        return wait(release, now)
    if stable.template == release.snapshot.digest != digest_of(release.new_template):
        return ensure_stable_updated(release, seen, now)
    rolled = ensure_rolled_out(release, stable, seen, now)
    if rolled:
        return rolled
    if release.new_hash != stable.hash:
        noted = replace(release, new_hash=stable.hash).noted(
            now, Event.STABLE_UPDATED, numbers={"ready": stable.ready, "pods": stable.desired}
        )
        return Decision(noted, None, now)
    return ensure_traffic_on_stable(release, stable, seen, now) or ensure_cleaned_up(release, stable, seen, now)


def ensure_stable_updated(release: Release, seen: Observation, now: float) -> Decision:
    """Only when the last bake, the drain and the hold are over does the stable side stop being the way back."""
    if seen.route.side is not Side.CANDIDATE and (seen.candidate is None or not seen.candidate.ready_of(release.candidate_hash)):
        return Decision(turn_back(release, "the candidate has no ready pod to finish on", now), None, now)
    everybody = Exposure(Side.CANDIDATE, release.candidate_hash)
    if not seen.route.shows(everybody):
        anew = replace(release, shift=None)  # the drain counts from this move
        return act(anew, now, Verb.ROUTE, "all traffic on the candidate while the Deployment rolls", exposure=everybody)
    if unproven := _proven(release, seen, now, everybody):
        return unproven
    if release.paused:
        return wait_while_paused(release, now, release.paused)
    release = enter_phase(release, Phase.FINISHING, now, Event.FINISH_RESUMED)
    over = max(verified_at(release) + release.spec.limits.drain, release.held_until)
    if now < over:
        return wait(note_cold_side(release, seen, now), now, over)
    if unsettled := ensure_settled(release, over, now):
        return unsettled
    release = replace(release, blind_since=0.0)
    if (left := cutover.clinging_pods(release)) and not journal.happened(release.journal, Event.CONNECTIONS_CUT, subject=left):
        return Decision(release.noted(now, Event.CONNECTIONS_CUT, subject=left), None, now)
    held = ", the hold" if release.plan.hold else ""
    anew = replace(release, new_hash="")  # somebody may have set it back after it had rolled out: it rolls once more
    return act(anew, now, Verb.UPDATE_STABLE, f"the last bake{held} and the drain are over")


def ensure_settled(release: Release, over: float, now: float) -> Decision | None:
    """None unless something leans against the version that all users have: while the old side stands, it is not given up.

    The samples of the last seconds are waited for too, as at the end of a bake.
    """
    if guards.any_leaning(release):
        since = release.blind_since or now
        if now - since >= release.spec.analysis.max_blind:
            return Decision(
                turn_back(release, f"{guards.leaning_text(release)}; it did not settle within {words(round(now - since))}", now), None, now
            )
        return wait(replace(release, blind_since=since), now)
    return wait(release, now) if awaiting_samples(release, over) and guards.all_pass(release) else None


def note_cold_side(release: Release, seen: Observation, now: float) -> Release:
    """Whoever counts on the one write back is told, once, when the old side could not take the traffic."""
    ready = seen.stable.ready_of(release.snapshot.hash) if seen.stable else 0
    if has_capacity(ready, release, seen) or journal.happened(release.journal, Event.OLD_SIDE_COLD):
        return release
    return release.noted(now, Event.OLD_SIDE_COLD, numbers={"ready": ready, "pods": release.snapshot.replicas})


def ensure_rolled_out(release: Release, stable: ArmSeen, seen: Observation, now: float) -> Decision | None:
    """None once every pod of the Deployment is of the new template and ready."""
    if (seen.candidate is None or seen.candidate.ready == 0) and stable.ready > 0:
        return None  # nobody else is left to serve
    whole = stable.settled and stable.hash and stable.ready >= stable.desired and len(stable.living) == stable.ready
    if whole or release.new_hash:
        return None
    if final := _final_cause(stable):
        text = f"Deployment {stable.deployment} does not roll out: {final}; {traffic_stays_text(seen)}"
        return Decision(hold(release, text, now), None, now)
    if seen.route.side is Side.CANDIDATE and readiness.waits_for_gates(stable, stable.hash):
        why = "readiness gates of the new pods are set once they are in the Services: whoever is ready serves"
        return act(replace(release, shift=None), now, Verb.ROUTE, why, exposure=ORIGINAL)
    since, limit = readiness.begun(release, updated_at(release)), release.spec.limits.ready + stable.min_ready
    if now - since >= limit:
        return Decision(hold(release, f"{_stuck_text(release, stable)}; {traffic_stays_text(seen)}", now), None, now)
    return wait(release, now)


def _final_cause(stable: ArmSeen) -> str:
    """What time will not mend, "" for nothing. A new pod that crashes may be one that does so while it starts."""
    if stable.problem and stable.problem.certain:
        return stable.problem.message
    new = (pod for pod in stable.of(stable.hash) if not pod.ready and pod.problem and pod.problem.cause not in CAUSES)
    return next((f"pod {pod.name}: {pod.problem.message}" for pod in new if pod.problem and pod.problem.certain), "")


def _stuck_text(release: Release, stable: ArmSeen) -> str:
    """What was waited for in vain, how long by which settings, and what kept the pods."""
    what = f"Deployment {stable.deployment} did not roll out: {stable.ready} of {stable.desired} ready"
    more = ", no more of them" if release.progress.at > updated_at(release) else ""
    besides = f" and {stable.min_ready:g} s (`minReadySeconds`)" if stable.min_ready else ""
    late = f"; {stable.problem.message}" if stable.problem else ""
    return f"{what}{more} within {release.spec.limits.ready:g} s (`limits.ready`){besides}{late}{readiness.why_text(release)}"


def updated_at(release: Release) -> float:
    """Since when the Deployment rolls, as far as this driver knows; a machine that slept before it asked for that has not waited."""
    done = [entry.at for entry in journal.done(release.journal, Verb.UPDATE_STABLE)]
    return max(*done, release.resumed) if done else max(release.since + release.spec.limits.drain + release.plan.hold, release.resumed)


def ensure_traffic_on_stable(release: Release, stable: ArmSeen, seen: Observation, now: float) -> Decision | None:
    """Traffic from the candidate to the Deployment's new pods; then the candidate, drained, can go."""
    if seen.candidate is None:
        return None
    if not stable.paused:
        return act(release, now, Verb.HOLD_STABLE, "its new version is about to be pinned")
    if stable.desired < release.snapshot.replicas and release.snapshot.autoscaler is None:
        why = f"somebody scaled it down to {stable.desired}, and it is to have all the traffic"
        return act(release, now, Verb.SCALE_STABLE, why, pods=release.snapshot.replicas)
    if seen.candidate.ready and serves_nobody(stable, seen):
        anew = replace(release, shift=None)
        why = "the Deployment has lost its last ready pod: the candidate serves on"
        return act(anew, now, Verb.ROUTE, why, exposure=Exposure(Side.CANDIDATE, release.candidate_hash))
    home = Exposure(Side.STABLE, release.new_hash)
    if not seen.route.shows(home):
        if seen.candidate.ready and not _whole(release, stable):
            return _mending(release, stable, now, traffic_stays_text(seen))
        return act(release, now, Verb.ROUTE, "the Deployment takes its traffic back", exposure=home)
    if unproven := _proven(release, seen, now, home):
        return unproven
    over = verified_at(release) + release.spec.limits.drain
    if now < over:
        return wait(release, now, over)
    if seen.candidate.ready and not _whole(release, stable):
        return _mending(release, stable, now, "the candidate stands by")
    return act(release, now, Verb.DELETE_CANDIDATE, "drained; the Deployment serves alone")


def traffic_stays_text(seen: Observation) -> str:
    """Where the traffic is meanwhile, as it was read back."""
    return "all traffic stays on the candidate" if seen.route.side is Side.CANDIDATE else endpoints_text(ready_endpoints(seen))


def _whole(release: Release, stable: ArmSeen) -> bool:
    """As large as before the release; an autoscaler may want more by now than there is room for."""
    return stable.ready >= min(stable.desired, release.snapshot.replicas)


def _mending(release: Release, stable: ArmSeen, now: float, meanwhile: str) -> Decision:
    """It was whole when it had rolled out, and lost pods since: the candidate is there until it is whole again."""
    moved = (entry.at for entry in journal.outcomes(release.journal, Verb.ROUTE))
    began = max([release.resumed, *moved, *journal.times(release.journal, Event.STABLE_UPDATED)])
    if now - readiness.begun(release, began) >= release.spec.limits.ready + release.spec.limits.drain:
        few = f"has {stable.ready} of {stable.desired} pods ready since it rolled out{readiness.why_text(release)}"
        text = f"Deployment {stable.deployment} {few}; {meanwhile}"
        return Decision(hold(release, text, now), None, now)
    return wait(release, now)


def _proven(release: Release, seen: Observation, now: float, wanted: Exposure) -> Decision | None:
    """A shift that nobody sees take effect is left to a person; what the traffic is on stands meanwhile."""
    shift, limit = release.shift, release.spec.limits.shift
    if shift and not shift.verified and shift.exposure == wanted and now - max(shift.written, release.resumed) >= limit:
        text = f"the shift to the {wanted.side} side was not seen to take effect within {limit:g} s: {seen.route.detail}"
        return Decision(hold(release, text, now), None, now)
    return ensure_verified(release, seen, now, wanted)


def ensure_cleaned_up(release: Release, stable: ArmSeen, seen: Observation, now: float) -> Decision:
    """Selector, autoscaler and the hold back to what they were; nothing of ours is left."""
    if unreleased := ensure_released(release, seen, now):
        return unreleased
    if stable.paused or stable.fence:
        return act(release, now, Verb.RELEASE_STABLE, "the Deployment rolls again on its own")
    return Decision(end(release, Outcome.PROMOTED, now, f"all {len(release.plan.steps)} steps passed"), None, now)
