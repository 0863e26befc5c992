"""Variants of a feature flag: both arms are the same pods; a label of their series says which users a request is of.

A pod gets two names, POD/candidate and POD/stable, so that counting works as for arms of different pods.
"""

from dataclasses import dataclass, replace

from deliver.analysis.counts import Arm
from deliver.analysis.selectors import Matcher, PodLabels
from deliver.metrics.pod_roster import CANDIDATE, STABLE
from deliver.plugins.interfaces import Answer


@dataclass(frozen=True)
class Variants:
    label: str  # of the series
    treatment: str  # value of the label for users with the treatment; any other value is the safe variant

    def arms(self, pods: Arm) -> dict[str, Arm]:
        """Both arms out of the same pods, under names that `split` gives their series."""
        return {arm: {_name(pod, arm): since for pod, since in pods.items()} for arm in (CANDIDATE, STABLE)}

    def split(self, answer: Answer, pod_label: str) -> Answer:
        """The answer with each series under the pod name of its arm. Series without the label are left out: they asked no flag."""
        found = []
        for one in answer.series:
            if value := one.labels.get(self.label):
                arm = CANDIDATE if value == self.treatment else STABLE
                found.append(replace(one, labels={**one.labels, pod_label: _name(one.labels.get(pod_label, ""), arm)}))
        return replace(answer, series=tuple(found))

    def matchers(self, labels: PodLabels, namespace: str, pods: tuple[str, ...], arm: str) -> tuple[Matcher, ...]:
        """For a free query: `{candidate}` and `{stable}` are the same pods, with and without the treatment."""
        others = Matcher(self.label, "!=", self.treatment), Matcher(self.label, "!=", "")
        return (*labels.matchers(namespace, pods), *((Matcher(self.label, "=", self.treatment),) if arm == CANDIDATE else others))


def _name(pod: str, arm: str) -> str:
    return f"{pod}/{arm}"  # no pod's name has a slash


def pod_name(pod: str) -> str:
    """The pod itself, whichever of its names this is."""
    return pod.partition("/")[0]
