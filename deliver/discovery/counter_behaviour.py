"""Does a series behave like a counter of requests? By its raw samples. Pure."""

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from deliver.analysis.counts import increase
from deliver.plugins.interfaces import Series


@dataclass(frozen=True)
class CounterBehaviour:
    """What the raw samples of one name show."""

    series: int = 0  # that have samples
    falls: int = 0  # a value is below the one before it, in a pod that did not restart
    resets: int = 0  # the same in a pod that did
    fractional: int = 0  # series with a value that is no whole number
    grown: float = 0.0  # increase of all of them together

    @property
    def counts(self) -> bool:
        """Nothing speaks against a counter of events."""
        return bool(self.series) and not self.falls and not self.fractional


def behaviour_of(series: Iterable[Series], restarts: Mapping[str, int], pod_label: str) -> CounterBehaviour:
    """restarts: pod -> restarts of its containers."""
    filled = [one for one in series if one.points]
    falls, resets, fractional, grown = 0, 0, 0, 0.0
    for one in filled:
        values = [value for _, value in one.points if math.isfinite(value)]
        fractional += any(value != int(value) for value in values)
        for before, after in itertools.pairwise(values):
            grown += after - before if after >= before else after
            fell = after < before
            restarted = restarts.get(one.labels.get(pod_label, ""), 0) > 0
            falls += fell and not restarted
            resets += fell and restarted
    return CounterBehaviour(
        series=len(filled),
        falls=falls,
        resets=resets,
        fractional=fractional,
        grown=grown,
    )


def rate_per_second(series: Iterable[Series], seconds: float) -> float:
    """Increase of all series together, a second, over the last `seconds` before the newest sample."""
    filled = [one for one in series if len(one.points) > 1]
    newest = max((one.points[-1][0] for one in filled), default=0.0)
    begin = max(newest - seconds, min((one.points[0][0] for one in filled), default=0.0))
    grown = sum(increase(one.points, begin, from_zero=False) for one in filled)
    return grown / (newest - begin) if newest > begin else 0.0
