"""A release of pods: its Services lead a growing share of the traffic to a candidate."""

from deliver.engine.core import pod_guards, progress, promote, readiness, rollback
from deliver.engine.core.decision import Decision, wait
from deliver.engine.core.guards import Fail, Hold
from deliver.engine.core.route import empty_behind_weight, has_capacity
from deliver.model import journal
from deliver.model.action import Action, Verb
from deliver.model.analysis_result import BY_PODS, ComparedPods, Comparison
from deliver.model.frozen import replace
from deliver.model.journal import Result
from deliver.model.observation import Observation
from deliver.model.release import Direction, Release


def next_action(release: Release, seen: Observation, now: float) -> Decision:
    ladders = {
        Direction.PROGRESSING: progress.next_action,
        Direction.PROMOTING: promote.next_action,
        Direction.ROLLING_BACK: rollback.next_action,
    }
    decision = ladders[release.course](release, seen, now)
    return wait(decision.release, now) if leads_to_nobody(decision.action, seen) else decision


def leads_to_nobody(action: Action | None, seen: Observation) -> bool:
    """Rule 1, whatever the ladders say: no pin to a version without a ready pod while another has one. Waits end by their limits."""
    wanted = action.exposure if action else None
    if wanted is None:
        return False
    if wanted.weight is not None:
        return empty_behind_weight(seen) != ""
    able = {pod.hash for arm in (seen.stable, seen.candidate) if arm for pod in arm.pods if pod.ready}
    return bool(wanted.hash and able) and wanted.hash not in able


def check_guards(release: Release, seen: Observation, now: float) -> Fail | Hold | None:
    return pod_guards.failed_candidate(release, seen, now) or pod_guards.foreign_change(release, seen)


def with_checks(release: Release, seen: Observation) -> Release:
    """The pods' own check first; pods that we delete do not fail it. And with what its pods are waited for."""
    release = readiness.followed(release, seen)
    if seen.candidate is None or journal.done(release.journal, Verb.DELETE_CANDIDATE):
        return release
    return replace(release, observed=seen.candidate_percent, checks=(pod_guards.pods_check(release, seen), *seen.checks))


def can_return(release: Release, seen: Observation) -> bool:
    return seen.stable is not None and has_capacity(seen.stable.ready_of(release.snapshot.hash), release, seen)


def can_wait_to_finish(release: Release) -> bool:
    """Until the named Deployment is touched the old side is whole."""
    begun = any(entry.result is not Result.FAILED for entry in journal.outcomes(release.journal, Verb.UPDATE_STABLE))
    return release.course is Direction.PROMOTING and not begun


def compared_pods(release: Release, seen: Observation) -> ComparedPods | None:
    """In the finish the Deployment itself gets pods of the new version."""
    stable, candidate = seen.stable, seen.candidate
    if stable is None or candidate is None or not candidate.able:
        return None
    if release.course is not Direction.PROMOTING:
        return stable.pods, tuple([replace(pod, ready=pod.able) for pod in candidate.pods])  # they are asked before their gates are set
    return stable.of(release.snapshot.hash), (*candidate.pods, *(pod for pod in stable.pods if pod.hash != release.snapshot.hash))


def comparison(release: Release) -> Comparison:
    return BY_PODS
