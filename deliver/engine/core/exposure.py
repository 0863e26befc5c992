"""What a release exposes its users by: the one place of the core that asks whether that is pods or a flag."""

from typing import Protocol

from deliver.engine.core import flag_release, pod_release
from deliver.engine.core.decision import Decision
from deliver.engine.core.guards import Fail, Hold
from deliver.model.analysis_result import ComparedPods, Comparison
from deliver.model.observation import Observation
from deliver.model.release import Release


class ReleaseExposure(Protocol):
    """Two modules implement it, `pod_release` and `flag_release`. Pure."""

    def next_action(self, release: Release, seen: Observation, now: float) -> Decision: ...  # the first goal that does not hold
    def check_guards(self, release: Release, seen: Observation, now: float) -> Fail | Hold | None: ...  # pods that fail, edits by others
    def with_checks(self, release: Release, seen: Observation) -> Release: ...  # and with the observed share
    def can_return(self, release: Release, seen: Observation) -> bool: ...  # users could be given back at once
    def can_wait_to_finish(self, release: Release) -> bool: ...  # all steps have passed, and the old side can be kept whole for long
    def compared_pods(self, release: Release, seen: Observation) -> ComparedPods | None: ...  # None while there is nobody to judge
    def comparison(self, release: Release) -> Comparison: ...


def exposed_by(release: Release) -> ReleaseExposure:
    return flag_release if release.plan.flag else pod_release
