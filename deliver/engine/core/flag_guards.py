"""What ends the way forward of a flag release."""

from deliver.engine.core import flag_state
from deliver.engine.core.guards import Fail, Hold, lost_deployment
from deliver.model.observation import Observation, Problem
from deliver.model.release import Direction, Release
from deliver.model.verdict import CheckResult, Verdict

MOST_TIMES = 2.0  # as large a part of the requests as of the users
EXPECTED_REQUESTS = 200  # with the treatment in this step, before anything is said of their part
SKEW = 60.0  # seconds by which the clock of a node may be behind ours


def failed_pods(release: Release, seen: Observation) -> Fail | None:
    """The application's own pods: since the first user has the treatment, one that crashes is taken for its fault."""
    if not release.exposed or seen.stable is None:
        return None
    for pod in seen.stable.living:
        if pod.problem and pod.problem.certain and not died_before_treatment(release, pod.problem):
            return Fail(f"pod {pod.name}: {pod.problem.message}")
    if seen.stable.living and all(pod.lost for pod in seen.stable.living):
        return Fail(f"none of the {len(seen.stable.living)} pods of Deployment {seen.stable.deployment} is ready any more")
    return None


def died_before_treatment(release: Release, problem: Problem) -> bool:
    """A container died before anybody had the treatment: its kubelet tells of that for as long as the pod lives."""
    return 0.0 < problem.ended < release.started - SKEW


def exposure_check(release: Release, seen: Observation) -> CheckResult | None:
    """More than twice the requests that a share of users promises: one key stands for many of them. None while there are few requests.

    Everybody who is not logged in has one key in many applications: 10 % of the keys can be 78 % of the requests.
    """
    wanted, observed = release.current.weight, seen.candidate_percent
    counted = max((check.samples for check in seen.checks if check.kind == "metric"), default=0)
    if not release.bake_since or observed is None or counted < EXPECTED_REQUESTS or observed <= MOST_TIMES * wanted:
        return None
    why = f"{observed:.3g} % of the requests get the treatment, {wanted:g} % of the users were wanted: one key stands for many users"
    return CheckResult("exposure", "traffic", Verdict.BLIND, why, candidate=observed, limit=MOST_TIMES * wanted, unit="%", samples=counted)


def foreign_change(release: Release, seen: Observation, now: float) -> Hold | None:
    stable = seen.stable
    if stable is None or stable.uid != release.snapshot.uid:
        return lost_deployment(release, stable)
    if stable.template != release.snapshot.digest:
        return Hold(f"the pod template of Deployment {stable.deployment} was changed{stable.editor}: what users see has two causes now")
    if silent := flag_state.unread_reason(release, seen, now):
        return Hold(silent)
    found = flag_state.known_state(release, seen)
    if found is None:
        return None
    if found.off and flag_state.foreign_write(release, found):
        return Hold(f"flag {flag_state.flag_name(release)} was switched off by somebody: {found.off}")
    if found.percent is None:
        return Hold(f"flag {flag_state.flag_name(release)} has no percentage any more: {found.why}")
    if release.course is Direction.PROMOTING:
        done = flag_state.serves(found, 100.0)
        return (
            None if done else Hold(f"flag {flag_state.flag_name(release)} was changed by somebody else: {flag_state.serving_text(found)}")
        )
    if theirs := flag_state.foreign_write(release, found):
        return Hold(theirs)
    return None
