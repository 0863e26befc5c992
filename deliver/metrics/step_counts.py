"""What one step has seen so far: counts of samples that were taken since it began, whatever the store showed of before.

A PASS rests on these alone. Growth between a sample of before the step and one in it belongs to neither: with scrapes of 30 s it would
be mostly of the step before, or of our own load.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from deliver.analysis import counts
from deliver.analysis.counts import Arm, Counts, Span
from deliver.metrics.pod_roster import CANDIDATE, STABLE
from deliver.model.evidence import Tally
from deliver.plugins.interfaces import Series

Count = Callable[[float, str, Span], Counts]
STAYED = 2.0  # times the candidate's requests; scrapes that came a little earlier make no such difference


@dataclass
class Gathered:
    """Of one metric in one step. seen: newest sample counted, unix seconds, by pod. tallies: by bound.

    first: each pod's first sample of the step. A pod is watched from its second one on. worst: the most bad requests of the candidate
    that one look found new, by bound. newest: what the last look found new, that found anything. alone: all users were moved.
    """

    seen: dict[str, float] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    tallies: dict[float, Tally] = field(default_factory=dict)
    worst: dict[float, int] = field(default_factory=dict)
    newest: dict[float, Tally] = field(default_factory=dict)
    alone: bool = False

    def add(
        self, bounds: Sequence[float], total: Sequence[Series], arms: Mapping[str, Arm], span: Span, pod_label: str, count: Count
    ) -> None:
        """count: (bound, arm, span) -> what it counts. span.begin: when the step began; span.known: samples were asked for from then on."""
        mine = Span(span.begin, span.known, dict(self.seen), span.begin)
        for bound in bounds:
            both = [count(bound, arm, mine) for arm in (CANDIDATE, STABLE)]
            fresh = Tally(both[0].bad, both[0].total, both[1].bad, both[1].total)
            self.tallies[bound] = self.tallies.get(bound, Tally()) + fresh
            if self._compared(fresh) != Tally():
                self.newest[bound] = fresh
            self.worst[bound] = max(self.worst.get(bound, 0), fresh.candidate_bad)
        for arm in arms.values():
            for pod, (first, newest) in counts.inside(total, arm, span.begin, pod_label).items():
                self.first.setdefault(pod, first)
                self.seen[pod] = max(self.seen.get(pod, newest), newest)

    def watched(self, arm: Arm) -> dict[str, float]:
        """pod -> its newest sample, of the arm's pods with two samples in the step."""
        return {pod: self.seen[pod] for pod in arm.pods if pod in self.seen and self.seen[pod] > self.first[pod]}

    def of(self, bound: float) -> Tally:
        return self._compared(self.tallies.get(bound, Tally()))

    def latest(self, bound: float) -> Tally:
        """What the last look found new, that found anything."""
        return self._compared(self.newest.get(bound, Tally()))

    def _compared(self, tally: Tally) -> Tally:
        """Without the stable side where nobody is known to be left on it.

        Probes ask both sides alike: where the old pods count more than the new ones, users have stayed (connections that are kept
        open), and are among its requests no less than among the candidate's. No number of bad requests decides it.
        """
        whole = next(iter(self.tallies.values()), Tally())
        stayed = not self.alone or whole.stable_total > STAYED * whole.candidate_total
        return tally if stayed else replace(tally, stable_bad=0, stable_total=0)
