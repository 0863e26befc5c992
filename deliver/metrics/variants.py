"""Arms that share their pods: users with a feature flag's treatment and those without, told apart by a label of the series."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from deliver.analysis.counts import Arm
from deliver.analysis.selectors import Labels, Matcher
from deliver.metrics.pod_roster import CANDIDATE, STABLE
from deliver.plugins.interfaces import Answer, Series


@dataclass(frozen=True)
class Variants:
    """label: of the series. treatment: its value for users who have the treatment; any other value is the safe side."""

    label: str
    treatment: str

    def arms(self, pods: Mapping[str, float]) -> dict[str, Arm]:
        """Both arms out of the same pods, under names that `told_apart` gives their series."""
        return {arm: Arm({self._name(pod, arm): since for pod, since in pods.items()}) for arm in (CANDIDATE, STABLE)}

    def told_apart(self, answer: Answer, pod_label: str) -> Answer:
        """Each series under a pod name of its arm. One without the label belongs to neither: requests that no flag was asked for."""
        known = [one for one in answer.series if one.labels.get(self.label)]
        return replace(answer, series=tuple(self._renamed(known, pod_label)))

    def matchers(self, labels: Labels, namespace: str, pods: tuple[str, ...], arm: str) -> tuple[Matcher, ...]:
        """For a free query: `{candidate}` and `{stable}` are the same pods, with and without the treatment."""
        there = (Matcher(self.label, "=", self.treatment),) if arm == CANDIDATE else self._others()
        return (*labels.matchers(namespace, pods), *there)

    def _others(self) -> tuple[Matcher, ...]:
        return Matcher(self.label, "!=", self.treatment), Matcher(self.label, "!=", "")

    def _renamed(self, series: Iterable[Series], pod_label: str) -> Iterable[Series]:
        for one in series:
            arm = CANDIDATE if one.labels[self.label] == self.treatment else STABLE
            yield replace(one, labels={**one.labels, pod_label: self._name(one.labels.get(pod_label, ""), arm)})

    @staticmethod
    def _name(pod: str, arm: str) -> str:
        return f"{pod}/{arm}"  # no pod's name has a slash
