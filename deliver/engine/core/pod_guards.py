"""What ends the way forward of a release of pods: a candidate that fails turns it back, edits by others hold it."""

from deliver.engine.core import readiness
from deliver.engine.core.crashes import excuses_loss, judged_problem
from deliver.engine.core.guards import Fail, Hold, lost_deployment
from deliver.engine.core.route import empty_behind_weight
from deliver.model import journal
from deliver.model.action import Verb
from deliver.model.frozen import replace
from deliver.model.names import is_ours
from deliver.model.observation import ArmSeen, Observation, PodSeen, Problem
from deliver.model.plan import Side
from deliver.model.release import Direction, Release, digest_of
from deliver.model.verdict import CheckResult, Verdict

PODS_CHECK = CheckResult("pods", "pods", Verdict.BLIND)


def failed_candidate(release: Release, seen: Observation, now: float) -> Fail | None:
    """Deterministic facts from the API server; Prometheus has no say in them."""
    candidate = seen.candidate
    if candidate is None:
        served = release.candidate_hash and (release.course is Direction.PROGRESSING or seen.route.side is Side.CANDIDATE)
        return Fail(f"the candidate Deployment {release.candidate} is gone: somebody deleted it") if served else None
    if edited := edited_candidate(release, candidate):
        return Fail(edited)
    if candidate.problem and candidate.problem.certain:
        return Fail(f"candidate: {candidate.problem.message}")
    if bad := broken_pod(release, seen):
        return Fail(f"candidate pod {bad[0].name}: {bad[1].message}")
    if waited := readiness.given_up(release, now):
        setting = f"within {waited.patience:g} s" if waited.patience else f"within {release.spec.limits.ready:g} s (`limits.ready`)"
        return Fail(f"{waited}; that did not mend itself {setting}")
    if scaled_down(release, seen):
        return Fail(f"the candidate Deployment {release.candidate} was scaled to {candidate.desired} by somebody")
    if seen.route.side is Side.CANDIDATE and candidate.ready == 0 and seen.stable and seen.stable.ready_of(release.snapshot.hash):
        return Fail("the candidate has all the traffic and no ready pod")
    if seen.stable and seen.route.side is Side.BOTH and seen.route.weight is not None and (empty := empty_behind_weight(seen)):
        return Fail(f"the router sends requests to both sides by weight, and the {empty} has no ready pod")
    if lost := lost_readiness(release, seen):
        gates = f": {readiness.gates_text(lost[0])}" if lost[0].gates else ""
        return Fail(f"candidate pod {lost[0].name} lost its readiness ({candidate.ready} of {len(candidate.pods)} are ready){gates}")
    return None


def edited_candidate(release: Release, candidate: ArmSeen) -> str:
    """What somebody made of the candidate's template, "" for nothing; with the container's name where several are released.

    What admission made of it when it was created is ours, and so is what an API server fills in that newer defaults came to: the pods
    are the same. A write of ours after somebody's edit makes us its last editor: that tells only of a template that has no pods yet.
    """
    ours, made = is_ours(candidate.editor), release.candidate_digest
    has_pods = bool(made and release.candidate_hash and candidate.hash)  # "": its ReplicaSet is not seen yet
    same_pods = has_pods and candidate.hash == release.candidate_hash
    if candidate.template == made or same_pods or (ours and not has_pods):
        return ""
    by, wanted = " by somebody" if ours or not candidate.editor else candidate.editor, (release.candidate_image or release.spec.image)
    if len(candidate.places) < 2:
        edited = candidate.image if candidate.image and candidate.image != wanted else ""
    else:
        edited = next((f"{one.image} in container {one}" for one in candidate.places if one.image not in (wanted, release.spec.image)), "")
    if edited:
        return f"the candidate's image was changed to {edited}{by}"
    return f"the candidate's pod template was changed{by}" if made else ""


def broken_pod(release: Release, seen: Observation) -> tuple[PodSeen, Problem] | None:
    """A candidate pod that time will not mend."""
    for pod in seen.candidate.pods if seen.candidate else ():
        problem = judged_problem(release, seen, pod)
        if problem and problem.certain:
            return pod, problem
    return None


def scaled_down(release: Release, seen: Observation) -> bool:
    """Somebody made the candidate smaller after it had been given its size and its traffic."""
    given = release.bake_since or (release.course is Direction.PROMOTING and seen.route.side is Side.CANDIDATE)
    return bool(given and seen.candidate and seen.candidate.desired < release.current.candidate_pods)


def lost_readiness(release: Release, seen: Observation) -> list[PodSeen]:
    """Pods that had been ready and are not. One that an eviction replaced is terminating, and its heir may still start.

    Readiness gates may be taken back from pods that the Services do not lead to any more: that is nobody's failure.
    """
    if seen.candidate is None or not (release.exposed or (release.current.preview and release.bake_since)):
        return []
    led = seen.route.side is not Side.STABLE
    return [pod for pod in seen.candidate.living if pod.lost and (led or not pod.gates) and not excuses_loss(release, seen, pod)]


def pods_check(release: Release, seen: Observation) -> CheckResult:
    """The candidate's pods as a check of their own, so that a release without metrics is judged by something."""
    wanted, candidate = release.current.candidate_pods, seen.candidate
    ready = readiness.ready_as_led(candidate, candidate.hash, seen, Side.CANDIDATE) if candidate else 0
    restarts = candidate.restarts if candidate else 0
    why = f"{ready} of {wanted} candidate pods ready, restarts: {restarts}"
    bad = broken_pod(release, seen)
    verdict = Verdict.FAIL if bad or lost_readiness(release, seen) else Verdict.PASS if ready >= wanted else Verdict.BLIND
    if bad:
        why = f"{bad[0].name}: {bad[1].message}"
    stable = float(seen.stable.ready if seen.stable else 0)
    said = replace(PODS_CHECK, verdict=verdict, why=why, candidate=float(ready), stable=stable, limit=float(wanted), samples=ready)
    return release.checks[0] if release.checks[:1] == (said,) else said  # what says the same need not be saved anew


def foreign_change(release: Release, seen: Observation) -> Hold | None:
    """Changes that are not ours. We touch nothing then: a person decides."""
    stable = seen.stable
    if stable is None or stable.uid != release.snapshot.uid:
        return lost_deployment(release, stable)
    ours = release.course is Direction.PROMOTING
    if stable.template != release.snapshot.digest and not (ours and stable.template == digest_of(release.new_template)):
        return Hold(f"the pod template of Deployment {stable.deployment} was changed{stable.editor}: its image is now {stable.image}")
    if release.course is Direction.PROGRESSING and stable.desired < release.snapshot.replicas and stable.paused:
        return Hold(
            f"Deployment {stable.deployment} was scaled down to {stable.desired}, {release.snapshot.replicas} stood before the release"
        )
    scaler, before = seen.autoscaler, release.snapshot.autoscaler
    if scaler and before and scaler.minimum not in {before.minimum, autoscaler_floor(release), *asked_floors(release)}:
        return Hold(f"minReplicas of HorizontalPodAutoscaler {scaler.name} was changed to {scaler.minimum}")
    if seen.route.foreign:
        return Hold(seen.route.foreign)
    if seen.preview and seen.preview.foreign and release.current.preview and release.course is Direction.PROGRESSING:
        return Hold(seen.preview.foreign)
    return None


def autoscaler_floor(release: Release, candidate: ArmSeen | None = None) -> int:
    """The stable side's size during the release; an HPA cannot be asked for more than its own maximum.

    It holds the surge of the present step too. With the candidate: as large as that is, once it is to have all the traffic. Its size
    is what the load needed by then, and the stable side, whose load is going, has to be able to take it back.
    """
    scaler, size = release.snapshot.autoscaler, max(release.snapshot.replicas, release.current.stable_pods)
    if candidate is not None and release.current.side is Side.CANDIDATE:
        size = max(size, candidate.desired)
    return min(size, scaler.maximum) if scaler else size


def asked_floors(release: Release) -> set[int]:
    """What we have asked of the autoscaler so far."""
    return {entry.action.pods for entry in journal.attempts(release.journal, Verb.HOLD_AUTOSCALER) if entry.action}
