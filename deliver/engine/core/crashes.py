"""Whether a container of a candidate pod crashes: by how often it does, beside the stable pods' same container, never by its past alone."""

from collections.abc import Sequence

from deliver.model.observation import Crashes, Observation, PodSeen, Problem
from deliver.model.release import Release

CAUSES = ("crash-loop", "oom-kill")
ONE_MOMENT = 2.0  # seconds between a container's end and what its kubelet makes of it


def judged_problem(release: Release, seen: Observation, pod: PodSeen) -> Problem | None:
    """What is wrong with a candidate pod. A crash that it shares with the stable pods may mend itself."""
    if pod.problem and pod.problem.cause not in CAUSES:
        return pod.problem
    for one in pod.crashes:
        if not pod.over and crashes_too_often(release, seen, pod, one):
            return Problem("oom-kill" if one.oom else "crash-loop", one.message, ended=one.ended)
    down = next((one for one in pod.crashes if one.down and not pod.over), None)
    if down is None or pod.ready:
        return None
    shared = crashes_of_stable(release, seen, down)
    so = f", {'as the stable pods did' if shared else 'and may come up yet'}"
    return Problem("crash-loop", f"{down.message}{so}", certain=False, ended=down.ended)


def crashes_too_often(release: Release, seen: Observation, pod: PodSeen, one: Crashes) -> bool:
    """More often than the stable pods do while they start; the released container once at the most where they never do.

    Of the other containers nothing was changed. What prepares the pod may wait by failing; a sidecar whose like crashes on the stable
    side too is no verdict on the version.
    """
    if pod.ready and not one.down and not crashed_since_ready(release, pod, one):
        return False
    shared = crashes_of_stable(release, seen, one)
    if one.container not in release.snapshot.serving:
        return not (one.init or shared) and one.count > 1
    if one.oom and not shared:
        return True
    return one.count > (shared + 1 if shared else 1)


def crashed_since_ready(release: Release, pod: PodSeen, one: Crashes) -> bool:
    """It ended while it served: after a bake began for which it had to be ready."""
    return 0.0 < pod.since < release.bake_since < one.ended


def crashes_of_stable(release: Release, seen: Observation, one: Crashes) -> int:
    """How often the stable pods' same container ended while they started; the pod that did so most often counts."""
    alike = [(pod, other) for pod in _peers(release, seen) for other in pod.crashes if other.container == one.container]
    return max((other.count for pod, other in alike if other.init or other.ended - pod.since <= _start(release)), default=0)


def excuses_loss(release: Release, seen: Observation, pod: PodSeen) -> bool:
    """It is not ready because a container ended, and that is no verdict on the version: it is waited for."""
    near = [one for one in pod.crashes if abs(pod.turned - one.ended) <= ONE_MOMENT]
    return any(
        not crashes_too_often(release, seen, pod, one)
        and (one.container not in release.snapshot.serving or crashes_of_stable(release, seen, one))
        for one in near
    )


def _peers(release: Release, seen: Observation) -> Sequence[PodSeen]:
    """Pods of the version of before; in the finish there may be none left, and the Deployment's new ones start as the candidate's do."""
    if seen.stable is None:
        return ()
    return tuple(pod for pod in seen.stable.of(release.snapshot.hash) if not pod.over) or seen.stable.living


def _start(release: Release) -> float:
    """Seconds of a pod's life that are its start."""
    return release.spec.limits.ready
