"""The sandbox's Prometheus as a MetricProvider (deliver.plugins.interfaces), with the ways in which one fails."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from deliver.plugins.interfaces import Answer, MetricsError, Series
from deliver_sandbox.clock import Clock
from deliver_sandbox.evaluate import Evaluator, Result
from deliver_sandbox.promql import QueryError, Select, Subquery, parse
from deliver_sandbox.series import Points, SeriesStore


@dataclass
class Ailment:
    """What is wrong with it now. down: the error's text, or "". slow: seconds that an answer takes.

    warnings: of a partial answer. empty: no series at all.
    """

    down: str = ""
    slow: float = 0.0
    warnings: tuple[str, ...] = ()
    empty: bool = False


class SandboxMetrics:
    """raw, value and now as the plugin interface says; sick: turn it to make them fail. asked: every query so far.

    stop() and resume() end and take up scraping; `series.lag` and `series.nan` delay and spoil the samples. latency_offset: seconds, as
    VictoriaMetrics' setting of that name: an instant query gets the value of then, `time()` too, under the time of now; samples of a
    range are all shown.
    """

    name: ClassVar[str] = "sandbox"
    summary: ClassVar[str] = "the sandbox's own time series"
    Options: ClassVar[Any] = None
    namespace_label, pod_label = "namespace", "pod"

    def __init__(self, series: SeriesStore, clock: Clock) -> None:
        self.series, self.clock = series, clock
        self.sick = Ailment()
        self.asked: list[str] = []
        self.latency_offset = 0.0

    def raw(self, selector: str, window: float, timeout: float) -> Answer:
        return self._ask(f"{selector}[{max(round(window), 1)}s]", timeout)

    def value(self, query: str, timeout: float) -> Answer:
        return self._ask(query, timeout)

    def now(self, timeout: float) -> float:
        return self._ask("time()", timeout).series[0].points[0][1]

    def stop(self) -> None:
        """No scrape from now on: what is known grows old."""
        self.series.frozen = self.clock.now()

    def resume(self) -> None:
        self.series.frozen = 0.0

    def _result(self, query: str, at: float) -> Result:
        hidden = at - self.latency_offset
        if not self.latency_offset:
            return Evaluator(self.series, at).run(query)
        node = parse(query)
        if isinstance(node, Subquery):
            return _held(Evaluator(self.series, at).run(query), hidden)
        return Evaluator(self.series, at if isinstance(node, Select) and node.window else hidden).run(query)

    def _ask(self, query: str, timeout: float) -> Answer:
        self.asked.append(query)
        if self.sick.down:
            raise MetricsError(self.sick.down)
        if self.sick.slow:
            self.clock.wait(min(self.sick.slow, timeout))
            if self.sick.slow > timeout:
                raise MetricsError(f"no answer within {timeout:g} s")
        with self.clock.lock:
            at = self.clock.now()
            try:
                result = self._result(query, at)
            except QueryError as error:
                raise MetricsError(str(error), bad_query=error.bad) from error
        series = () if self.sick.empty and isinstance(result, list) else _as_series(result, at)  # a number is no series
        return Answer(query, series, self.sick.warnings)


def _held(result: Result, until: float) -> Result:
    """Series of a subquery: what comes after that moment may be incomplete, and is what was before."""
    if not isinstance(result, list):
        return result
    return [(labels, _steady(points, until)) if isinstance(points, list) else (labels, points) for labels, points in result]  # type: ignore[return-value]


def _steady(points: Points, until: float) -> Points:
    known = [point for point in points if point[0] <= until]
    return known + [(at, known[-1][1]) for at, _ in points[len(known) :]] if known else []


def _as_series(result: Result, at: float) -> tuple[Series, ...]:
    if isinstance(result, str):
        raise MetricsError("the query gives text, not numbers", bad_query=True)
    if isinstance(result, (int, float)):
        return (Series({}, ((at, float(result)),)),)
    found = []
    for labels, value in result:
        points = tuple(value) if isinstance(value, list) else ((at, float(value)),)
        found.append(Series(labels, points))
    return tuple(found)


def text(value: float) -> str:
    """A sample value as Prometheus prints it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:.15g}"
