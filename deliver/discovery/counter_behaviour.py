"""How a counter behaves, out of its raw samples: whether it is one, how often it is scraped, how old it is."""

import itertools
import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from deliver.analysis.counts import increase
from deliver.plugins.interfaces import Series


@dataclass(frozen=True)
class Behaviour:
    """series: how many have samples. falls: a value below the one before it, in a pod that did not restart. resets: in one that did.

    fractional: values that are no whole number. grown: how far all went. spacing: median seconds between two samples, 0 = unknown.
    newest: unix seconds of the newest sample, 0 = none.
    """

    series: int = 0
    falls: int = 0
    resets: int = 0
    fractional: int = 0
    grown: float = 0.0
    spacing: float = 0.0
    newest: float = 0.0

    @property
    def counts(self) -> bool:
        """Nothing speaks against a counter of events."""
        return bool(self.series) and not self.falls and not self.fractional


def of(series: Iterable[Series], restarts: Mapping[str, int], pod_label: str) -> Behaviour:
    """restarts: of each pod's containers, by its name."""
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
    return Behaviour(
        series=len(filled),
        falls=falls,
        resets=resets,
        fractional=fractional,
        grown=grown,
        spacing=spacing(filled),
        newest=max((one.points[-1][0] for one in filled), default=0.0),
    )


def spacing(series: Iterable[Series]) -> float:
    """Seconds between two samples of a series, as most of them are apart."""
    gaps = [later[0] - earlier[0] for one in series for earlier, later in itertools.pairwise(one.points)]
    return statistics.median(gaps) if gaps else 0.0


def rate(series: Iterable[Series], seconds: float) -> float:
    """How much all of them together grow a second, over so many seconds before the newest sample, or what there is of them."""
    filled = [one for one in series if len(one.points) > 1]
    newest = max((one.points[-1][0] for one in filled), default=0.0)
    begin = max(newest - seconds, min((one.points[0][0] for one in filled), default=0.0))
    grown = sum(increase(one.points, begin, from_zero=False) for one in filled)
    return grown / (newest - begin) if newest > begin else 0.0
