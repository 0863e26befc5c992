"""StepCounts: requests counted from samples that were taken since the step began. A PASS rests on these alone.

Growth between a sample from before the step and the first one in it is left out: with scrapes every 30 s most of it would be of the step
before, or of our own load.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from deliver.analysis import counts
from deliver.analysis.counts import Arm, Counts, Span
from deliver.metrics.pod_roster import CANDIDATE, STABLE
from deliver.model.evidence import Tally
from deliver.plugins.interfaces import Series

CountFunction = Callable[[float, str, Span], Counts]
USERS_STAYED = 2.0  # times the candidate's requests; scrapes that came a little earlier make no such difference


@dataclass
class StepCounts:
    seen: dict[str, float] = field(default_factory=dict)  # pod -> unix seconds of its newest sample that was counted
    first: dict[str, float] = field(default_factory=dict)  # pod -> unix seconds of its first sample in the step
    tallies: dict[float, Tally] = field(default_factory=dict)  # by bound: the whole step
    worst: dict[float, int] = field(default_factory=dict)  # by bound: most bad requests of the candidate that one look found new
    newest: dict[float, Tally] = field(default_factory=dict)  # by bound: of the last look that found any request
    alone: bool = False  # all users have been moved to the candidate

    def add(
        self, bounds: Sequence[float], total: Sequence[Series], arms: Mapping[str, Arm], span: Span, pod_label: str, count: CountFunction
    ) -> None:
        """Add what is new in one look. count: (bound, arm, span) -> counts. span.begin: when the step began."""
        mine = Span(span.begin, span.known, dict(self.seen), span.begin)
        for bound in bounds:
            both = [count(bound, arm, mine) for arm in (CANDIDATE, STABLE)]
            fresh = Tally(both[0].bad, both[0].total, both[1].bad, both[1].total)
            self.tallies[bound] = self.tallies.get(bound, Tally()) + fresh
            if self._compared(fresh) != Tally():
                self.newest[bound] = fresh
            self.worst[bound] = max(self.worst.get(bound, 0), fresh.candidate_bad)
        for arm in arms.values():
            for pod, (first, newest) in counts.sample_ranges(total, arm, span.begin, pod_label).items():
                self.first.setdefault(pod, first)
                self.seen[pod] = max(self.seen.get(pod, newest), newest)

    def watched(self, arm: Arm) -> dict[str, float]:
        """pod -> unix seconds of its newest sample, for the pods of the arm that were sampled twice in the step."""
        return {pod: self.seen[pod] for pod in arm if pod in self.seen and self.seen[pod] > self.first[pod]}

    def of(self, bound: float) -> Tally:
        return self._compared(self.beside(bound))

    def beside(self, bound: float) -> Tally:
        """Both sides as they were counted, whoever asked the stable one."""
        return self.tallies.get(bound, Tally())

    def latest(self, bound: float) -> Tally:
        """Requests that are new in the last look that found any."""
        return self._compared(self.newest.get(bound, Tally()))

    def _compared(self, tally: Tally) -> Tally:
        """The tally without the stable side, unless users have stayed on it after the cutover.

        Probes ask both sides alike. If the stable pods count more than USERS_STAYED times the candidate's requests, clients have kept
        their connections, and the stable side can still be compared with. The number of bad requests plays no part in this.
        """
        whole = next(iter(self.tallies.values()), Tally())
        stayed = not self.alone or whole.stable_total > USERS_STAYED * whole.candidate_total
        return tally if stayed else replace(tally, stable_bad=0, stable_total=0)
