"""The way back. Order (design.md rule 4): stable has capacity, traffic moves, the move is verified, only then the candidate goes.

Nothing here waits for the candidate, for metrics, for an approval or for another driver.
"""

from deliver.engine.core import readiness
from deliver.engine.core.cleanup import ensure_released
from deliver.engine.core.decision import Decision, act, end, enter_phase, last_refusal, wait
from deliver.engine.core.route import SECOND_LOOK, ensure_verified, has_capacity, moves_to, serves_nobody, verified_at
from deliver.model import journal
from deliver.model.action import Verb
from deliver.model.frozen import replace
from deliver.model.journal import Event, Result
from deliver.model.observation import ArmSeen, Observation
from deliver.model.plan import ORIGINAL, Exposure, Side
from deliver.model.release import Outcome, Phase, Release

LIMIT = 1800.0  # seconds after which a rollback that cannot get done says so, with exit code 4
MAX_UNDONE_MOVES = 5  # moves to the stable side that did not last: somebody undoes them
MAX_RESTORE_TRIES = 5  # tries to keep the pods of before, before users are sent to them all the same
_MOVE = (Event.STABLE_SERVES, Event.SERVICES_BESIDE, Event.TRAFFIC_OFF_RETRACTED)
LEAVING_LIMIT = LIMIT / 2  # seconds that pods on their way out are waited for: they get users only where nobody else is ready


def next_action(release: Release, seen: Observation, now: float) -> Decision:
    release = enter_phase(release, Phase.ROLLING_BACK, now, Event.ROLLBACK_RESUMED)
    stable = seen.stable
    if stable is None or stable.uid != release.snapshot.uid:
        gone = f"Deployment {release.spec.target.deployment} is not the one that stood before; traffic was left where it is"
        return Decision(end(release, Outcome.ROLLBACK_FAILED, now, f"{gone} (rolling back because {release.reason})"), None, now)
    if now - max(release.since, release.progress.at) >= LIMIT:
        late = f"not done within {LIMIT:g} s{_since_progress(release)}"
        why = f"{late}: {_hindrance(release, stable, seen)} (rolling back because {release.reason})"
        return Decision(end(release, Outcome.ROLLBACK_FAILED, now, why), None, now)
    return (
        ensure_traffic_on_stable(release, stable, seen, now)
        or ensure_candidate_gone(release, stable, seen, now)
        or ensure_restored(release, stable, seen, now)
    )


def _since_progress(release: Release) -> str:
    return " since the last pod got ready" if release.progress.at > release.since else ""


def _hindrance(release: Release, stable: ArmSeen, seen: Observation) -> str:
    """Why the rollback does not get done, the cause before what follows from it: without stable pods the others cannot go."""
    able = has_capacity(stable.ready_of(release.snapshot.hash), release, seen)
    few = "" if able else f"the stable side has too few ready pods{readiness.why_text(release)}"
    found = last_refusal(release) or seen.route.foreign or seen.route.detail or few or remaining_pods_text(seen)
    return found or ("not everything stands as before" if release.traffic_off else "the Services do not lead to the stable pods alone")


def ensure_traffic_on_stable(release: Release, stable: ArmSeen, seen: Observation, now: float) -> Decision | None:
    """Traffic on the stable pods of before, and seen to be there."""
    home = Exposure(Side.STABLE, release.snapshot.hash)
    if seen.route.gone:
        return act(release, now, Verb.RESTORE_STABLE, "the template that stood before") if needs_restoring(release, stable) else None
    if stable.template != release.snapshot.digest and not stable.paused and not restored_or_refused(release):
        return act(release, now, Verb.RESTORE_STABLE, "its pods of before are rolling away: they must stay before anybody is sent to them")
    restoring = seen.route.side is None and not seen.route.foreign and release.traffic_off  # one Service is as before, another not yet
    whole = seen.candidate is None and not seen.remains and not seen.strays and stable.template == release.snapshot.digest
    if whole and (seen.route.shows(ORIGINAL) or restoring):
        return None  # the original selectors, and nothing of ours that they could lead to
    if not seen.route.shows(home):
        return move_to_stable(retract_proof(release, "the Services were led away from the stable side", now), stable, seen, now)
    if serves_nobody(stable, seen):
        why = "the stable side has lost its last ready pod"
        return act(retract_proof(release, why, now), now, Verb.ROUTE, f"{why}: whoever is ready serves", exposure=ORIGINAL)
    if is_contested(release) and seen.route.agreed:  # it will not last until it is proven: the new version's pods go while it does
        if seen.candidate is None and needs_restoring(release, stable):  # else its selectors come back and are taken away again at once
            return act(release, now, Verb.RESTORE_STABLE, "the template that stood before")
        return None
    if release.traffic_off and seen.route.beside:
        return Decision(retract_proof(release, f"{beside_text(seen)} to it", now), None, now)
    if unproven := ensure_verified(release, seen, now, home):
        return replace(unproven, release=note_move(unproven.release, seen, now))
    if (noted := note_move(release, seen, now)) is not release:
        return Decision(noted, None, now)
    if _newest_move(release) is not None and not release.traffic_off and not seen.route.beside:
        return wait(release, now, now + SECOND_LOOK)  # the nodes follow the last Service beside, too
    if needs_restoring(release, stable):
        return act(release, now, Verb.RESTORE_STABLE, "the template that stood before")
    over = verified_at(release) + release.spec.limits.drain
    if release.exposed and seen.candidate is not None and seen.candidate.pods and now < over:
        return wait(release, now, over)
    return None


def note_move(release: Release, seen: Observation, now: float) -> Release:
    """What the move has come to: said of all Services that lead to the application, or of none.

    Where the release's own were led home long ago and no other leads to the candidate nothing is said: nobody was moved.
    """
    shift, newest = release.shift, _newest_move(release)
    if shift is None or not shift.switched or release.traffic_off:
        return release
    if seen.route.beside:
        known = newest is not None and newest.event is Event.SERVICES_BESIDE
        return release if known else release.noted(now, Event.SERVICES_BESIDE, reason=beside_text(seen))
    if newest is None and shift.verified and shift.verified < now:
        return release
    if newest is None or newest.event is not Event.STABLE_SERVES:
        return release.noted(now, Event.STABLE_SERVES, reason=seen.route.strangers_named)
    if shift.verified and abs(now - newest.at) >= SECOND_LOOK:  # a clock that was set back must not keep users waiting
        return replace(release, traffic_off=now).noted(now, Event.TRAFFIC_OFF, reason=seen.route.strangers_named)
    return release


def _newest_move(release: Release) -> journal.Entry | None:
    """Of this way back: what this driver said last of where the Services lead."""
    turned = journal.newest(release.journal, (Event.TURNED_BACK,), release.fence)
    said = journal.newest(release.journal, _MOVE, release.fence)
    return said if said is not None and (turned is None or said.seq > turned.seq) else None


def beside_text(seen: Observation) -> str:
    """Which Services lead to the new version and are not moved with the release, "" for none."""
    names = seen.route.beside
    several = f"Services {', '.join(names)} are not part of the release and lead"
    return several if len(names) > 1 else f"Service {names[0]} is not part of the release and leads" if names else ""


def is_contested(release: Release) -> bool:
    """Somebody keeps leading the Services away again."""
    home, anybody = Exposure(Side.STABLE), ORIGINAL  # the latter for want of ready pods
    return moves_to(release, home, release.since) - moves_to(release, anybody, release.since) > MAX_UNDONE_MOVES


def retract_proof(release: Release, why: str, now: float) -> Release:
    """What was proven of the move does not hold any more, and what was said of it is taken back."""
    if not release.traffic_off:
        return replace(release, shift=None)
    return replace(release, shift=None, traffic_off=0.0).noted(now, Event.TRAFFIC_OFF_RETRACTED, reason=why)


def move_to_stable(release: Release, stable: ArmSeen, seen: Observation, now: float) -> Decision:
    """The one guarded write that takes users off the candidate; where the stable side cannot take them yet, what brings it there."""
    home = release.snapshot.hash
    if has_capacity(stable.ready_of(home), release, seen):
        return act(release, now, Verb.ROUTE, release.reason, exposure=Exposure(Side.STABLE, home))
    if seen.route.side is Side.CANDIDATE and readiness.waits_for_gates(stable, home):
        why = "readiness gates of the stable pods are set once they are in the Services: whoever is ready serves"
        return act(release, now, Verb.ROUTE, why, exposure=ORIGINAL)
    if serves_nobody(stable, seen):
        return act(release, now, Verb.ROUTE, "no pod that has the traffic is ready: whoever is ready serves", exposure=ORIGINAL)
    if needs_restoring(release, stable):
        if seen.route.pinned and seen.route.pinned == stable.hash != home:  # else a crash after the next write leads them to nobody
            why = "the pods that have the traffic are about to roll back: whoever is ready serves"
            return act(release, now, Verb.ROUTE, why, exposure=ORIGINAL)
        return act(release, now, Verb.RESTORE_STABLE, "the stable side needs its pods before it can take the traffic")
    return wait(note_stable_awaited(release, stable.ready_of(home), now), now)


def note_stable_awaited(release: Release, ready: int, now: float) -> Release:
    """Who looks on is told, once, why the users are not moved yet."""
    if journal.happened(release.journal, Event.STABLE_AWAITED, release.since):
        return release
    return release.noted(now, Event.STABLE_AWAITED, numbers={"ready": ready, "pods": release.snapshot.replicas})


def needs_restoring(release: Release, stable: ArmSeen) -> bool:
    shrunk = stable.desired < release.snapshot.replicas and release.snapshot.autoscaler is None
    return stable.template != release.snapshot.digest or shrunk


def was_restored(release: Release) -> bool:
    """We have made the Deployment roll back: then it is whole before the end."""
    return any(entry.result is not Result.FAILED for entry in journal.outcomes(release.journal, Verb.RESTORE_STABLE))


def restored_or_refused(release: Release) -> bool:
    """Once carried out, what stands there is somebody else's wish; what is refused again and again keeps no user on the new version."""
    tries = journal.outcomes(release.journal, Verb.RESTORE_STABLE)
    return len(tries) >= MAX_RESTORE_TRIES or any(entry.result is Result.DONE for entry in tries)


def ensure_candidate_gone(release: Release, stable: ArmSeen, seen: Observation, now: float) -> Decision | None:
    candidate = seen.candidate
    if candidate is None:
        return None
    if candidate.ready and not stable.ready_of(release.snapshot.hash) and not seen.route.gone:
        return wait(release, now)  # the only side that could serve stays until the other one can (safety.md F23)
    if not journal.outcomes(release.journal, Verb.KEEP_EVIDENCE) and any(pod.problem or not pod.ready for pod in candidate.pods):
        return act(release, now, Verb.KEEP_EVIDENCE, "the candidate's last log lines, before its pods go")
    undone = "somebody keeps leading the Services away from the stable side: it goes while they lead there"
    return act(release, now, Verb.DELETE_CANDIDATE, undone if is_contested(release) else "it has no traffic any more")


def ensure_no_remaining_pods(release: Release, stable: ArmSeen, seen: Observation, now: float) -> Decision | None:
    """None once no pod is left that the original selectors would lead to and that runs what is taken back, whoever made it."""
    if now <= release.since and release.snapshot.services:
        return wait(release, now, now + SECOND_LOOK)  # the look was made before it turned back, and did not ask for them
    if not seen.remains:
        return wait(release, now) if seen.leaving and now - release.since < LEAVING_LIMIT else None
    if release.lingering:
        return wait(release, now)
    noted = replace(release, lingering=now).noted(
        now, Event.PODS_REMAIN, numbers={"pods": len(seen.remains)}, reason=remaining_pods_text(seen)
    )
    return Decision(noted, None, now)


def remaining_pods_text(seen: Observation) -> str:
    """Which pods of what is taken back there are yet, "" for none."""
    count = len(seen.remains)
    if count > 1:
        return f"{count} pods of the new version ({seen.remains[0]}, ...) are still there"
    return f"a pod of the new version ({seen.remains[0]}) is still there" if count else ""


def ensure_restored(release: Release, stable: ArmSeen, seen: Observation, now: float) -> Decision:
    """Everything as it stood before."""
    if kept := ensure_no_remaining_pods(release, stable, seen, now):
        return kept
    if unreleased := ensure_released(release, seen, now):
        return unreleased
    rolling = not stable.settled or any(pod.hash != stable.hash for pod in stable.living)
    if rolling or (was_restored(release) and stable.ready < stable.desired):
        return wait(release, now)  # still rolling back to the template of before
    surge = release.snapshot.replicas < stable.desired <= release.stable_size
    surge = surge and (release.snapshot.autoscaler is None or (seen.autoscaler is not None and not seen.autoscaler.measures))
    if stable.paused or stable.fence or surge:
        return act(release, now, Verb.RELEASE_STABLE, "replicas and the hold as before")
    if seen.route.gone and release.snapshot.services:
        release = release.noted(now, Event.UNSERVED, reason=seen.route.foreign)
    return Decision(end(release, Outcome.ROLLED_BACK, now), None, now)
