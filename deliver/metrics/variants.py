"""Variants of a feature flag: both arms are the same pods; a label of their series says which users a request is of.

A pod gets two names, POD/candidate and POD/stable, so that counting works as for arms of different pods.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from deliver.analysis.counts import Arm
from deliver.analysis.selectors import Matcher, PodLabels
from deliver.metrics.pod_roster import CANDIDATE, STABLE
from deliver.plugins.interfaces import Answer, Series


@dataclass(frozen=True)
class Variants:
    """How series tell the variants apart."""

    label: str  # of the series
    treatment: str  # value of the label for users with the treatment; any other value is the safe variant

    def arms(self, pods: Mapping[str, float]) -> dict[str, Arm]:
        """Both arms out of the same pods, under names that `split` gives their series."""
        return {arm: Arm({self._name(pod, arm): since for pod, since in pods.items()}) for arm in (CANDIDATE, STABLE)}

    def split(self, answer: Answer, pod_label: str) -> Answer:
        """The answer with each series under the pod name of its arm. Series without the label are left out: they asked no flag."""
        known = [one for one in answer.series if one.labels.get(self.label)]
        return replace(answer, series=tuple(self._renamed(known, pod_label)))

    def matchers(self, labels: PodLabels, namespace: str, pods: tuple[str, ...], arm: str) -> tuple[Matcher, ...]:
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
