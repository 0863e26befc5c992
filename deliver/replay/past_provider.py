"""A provider that answers as the real one would have at an earlier time. Each selector is asked once, for the whole stretch."""

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from deliver.plugins.interfaces import Answer, MetricProvider, Series

TIMEOUT = 60.0  # seconds that one query may take: it is about hours
_SUBQUERY = re.compile(r"\[(?P<window>\d+)s:(?P<step>\d+)s\]$")
STEP = 15.0  # seconds between two values of a free query
LOOKBACK = 300.0  # seconds for which a value stands, as Prometheus has it


@dataclass
class Past:
    """since: how far back samples are asked for, on the provider's clock. at: the time that is played. until: no later one will be.

    namespace_label, pod_label: the provider's.
    """

    name: ClassVar[str] = "past"
    summary: ClassVar[str] = "a provider as it was"
    Options: ClassVar[Any] = None

    provider: MetricProvider
    since: float
    at: float
    until: float = 0.0
    end: float = 0.0
    _raw: dict[str, tuple[float, Answer]] = field(default_factory=dict)
    _values: dict[str, Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.end = self.provider.now(TIMEOUT)
        earlier = getattr(self.provider, "as_of", None)
        if earlier and 0 < self.until < self.end:  # a release of last week is not asked for with all that came after it
            self.provider, self.end = earlier(self.until), self.until
        self.namespace_label = getattr(self.provider, "namespace_label", "namespace")
        self.pod_label = getattr(self.provider, "pod_label", "pod")

    def now(self, timeout: float) -> float:
        return self.at

    def raw(self, selector: str, window: float, timeout: float) -> Answer:
        """Samples in (at - window, at]. Asked for again where a look wants older ones than a look before."""
        begin = self.at - window
        if selector not in self._raw or self._raw[selector][0] > begin:
            reach = max(self._reach(window), self.end - begin)
            self._raw[selector] = self.end - reach, self.provider.raw(selector, reach, TIMEOUT)
        return _cut(self._raw[selector][1], begin, self.at)

    def value(self, query: str, timeout: float) -> Answer:
        """A subquery's values up to now; of anything else the newest one, as it was then."""
        if found := _SUBQUERY.search(query):
            wider = f"[{self._reach(float(found['window'])):.0f}s:{found['step']}s]"
            return _cut(self._asked(query, query[: found.start()] + wider), self.at - float(found["window"]), self.at)
        whole = self._asked(query, f"({query})[{self._reach(LOOKBACK):.0f}s:{STEP:.0f}s]")
        return _newest(_cut(whole, self.at - LOOKBACK, self.at))

    def _reach(self, window: float) -> float:
        """Back to the window of the first poll, from where the provider is now."""
        return self.end - self.since + window + LOOKBACK

    def _asked(self, query: str, wider: str) -> Answer:
        if query not in self._values:
            self._values[query] = self.provider.value(wider, TIMEOUT)
        return replace(self._values[query], query=query)


def _cut(answer: Answer, after: float, upto: float) -> Answer:
    found = []
    for series in answer.series:
        points = _between(series.points, after, upto)
        histograms = tuple(one for one in series.histograms if after < one[0] <= upto)
        if points or histograms:
            found.append(Series(series.labels, points, histograms))
    return replace(answer, series=tuple(found))


def _between(points: tuple[tuple[float, float], ...], after: float, upto: float) -> tuple[tuple[float, float], ...]:
    first: Callable[[tuple[float, float]], float] = _at
    return points[bisect_right(points, after, key=first) : bisect_right(points, upto, key=first)]


def _at(point: tuple[float, float]) -> float:
    return point[0]


def _newest(answer: Answer) -> Answer:
    return replace(answer, series=tuple(Series(one.labels, one.points[-1:]) for one in answer.series))
