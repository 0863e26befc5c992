"""The stable side's own past, to compare with while it has no traffic any more."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from deliver.analysis.counts import Counts, Span
from deliver.plugins.interfaces import Answer, Series

MARGIN = 60.0  # seconds asked for beyond the past: the base of each counter is a sample before it


@dataclass
class Past:
    """at: its end, on the provider's clock once it is shifted. seconds: its length, 0 = no such comparison. Counted once a step."""

    at: float = 0.0
    seconds: float = 0.0
    counts: dict[str, Counts] = field(default_factory=dict)

    def shifted(self, offset: float) -> "Past":
        """On the provider's clock: its time less ours. The same counts."""
        return replace(self, at=self.at + offset, counts=self.counts)

    def of(self, name: str, count: Callable[[float, Span], Counts]) -> Counts | None:
        """Of one metric; None without a past. count: takes the time to ask from, and what counts; after it raised, it is called again."""
        if not self.seconds:
            return None
        if name not in self.counts:
            begin = self.at - self.seconds
            self.counts[name] = count(begin - MARGIN, Span(begin, begin - MARGIN))
        return self.counts[name]


def before(answer: Answer, until: float) -> Answer:
    """Without the samples after `until`."""
    return replace(
        answer, series=tuple(Series(one.labels, tuple(point for point in one.points if point[0] <= until)) for one in answer.series)
    )
