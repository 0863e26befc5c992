"""A release of a flag: a growing share of users gets the treatment, from pods that stay as they are."""

from deliver.engine.core import flag_guards, flag_release
from deliver.engine.core.comparison import ComparedPods, Comparison
from deliver.engine.core.decision import Decision
from deliver.engine.core.guards import Fail, Hold
from deliver.model.frozen import replace
from deliver.model.observation import Observation
from deliver.model.release import Release


def next_action(release: Release, seen: Observation, now: float) -> Decision:
    return flag_release.next_action(release, seen, now)


def check_guards(release: Release, seen: Observation, now: float) -> Fail | Hold | None:
    return flag_guards.failed_pods(release, seen) or flag_guards.foreign_change(release, seen, now)


def with_checks(release: Release, seen: Observation) -> Release:
    return replace(release, observed=seen.share, checks=seen.checks)


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


def check_snapshot(release: Release) -> None:
    """The template plays no part in it."""
