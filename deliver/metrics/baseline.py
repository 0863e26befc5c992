"""The baseline: counts of the stable side from before the cutover, for the time in which it has no traffic."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from deliver.analysis.counts import Counts, Span
from deliver.plugins.interfaces import Answer, Series

MARGIN = 60.0  # seconds asked for beyond the past: the base of each counter is a sample before it


@dataclass
class StableBaseline:
    """A stretch of the stable side's past. Each metric is counted in it once a step."""

    at: float = 0.0  # unix seconds: its end, by the provider's clock after `shifted`
    seconds: float = 0.0  # its length; 0 = the candidate is compared with the present
    counts: dict[str, Counts] = field(default_factory=dict)  # by metric

    def shifted(self, offset: float) -> "StableBaseline":
        """The same by the provider's clock. offset: seconds that it is ahead of ours."""
        return replace(self, at=self.at + offset, counts=self.counts)

    def of(self, name: str, count: Callable[[float, Span], Counts]) -> Counts | None:
        """Counts of one metric; None without a baseline. count: (time to ask from, span that counts) -> counts; repeated if it raises."""
        if not self.seconds:
            return None
        if name not in self.counts:
            begin = self.at - self.seconds
            self.counts[name] = count(begin - MARGIN, Span(begin, begin - MARGIN))
        return self.counts[name]


def samples_until(answer: Answer, until: float) -> Answer:
    """The answer without samples that are newer than `until`, unix seconds."""
    return replace(
        answer, series=tuple(Series(one.labels, tuple(point for point in one.points if point[0] <= until)) for one in answer.series)
    )
