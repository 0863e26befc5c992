"""Chooses the histogram that times the requests, and the bound above which a request is slow. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deliver.analysis import native_histogram
from deliver.analysis.bounds import units_per_second
from deliver.analysis.counts import increase, le_bound
from deliver.analysis.selectors import Matcher, Selector
from deliver.discovery.catalog import may_time_requests
from deliver.discovery.requests import RequestCounter
from deliver.discovery.types import Choice, Family, Question
from deliver.formatting.durations import show_duration
from deliver.plugins.types import parse_duration

SLOW_FRACTION = 0.05  # of the stable side's requests, that may be above the chosen bound
FEWEST_REQUESTS = 20  # requests below which their times say nothing


@dataclass(frozen=True)
class LatencyHistogram:
    """A histogram of request times, as the stable pods have it."""

    base: Selector  # of its base name
    bounds: Mapping[float, float]  # seconds -> fraction of the requests above, 0..1
    count: int  # requests
    native: bool = False


def find_histograms(families: Sequence[Family], counter: RequestCounter | None) -> tuple[LatencyHistogram, ...]:
    """Every histogram of request times among these, with the counter's own matchers where its labels have them."""
    found = [timed for family in families if (timed := _classic(family, counter))]
    return tuple(one for one in found if one.bounds)


def choose_histogram(found: Sequence[LatencyHistogram], counter: RequestCounter | None) -> LatencyHistogram | Question | None:
    """The histogram that belongs to the counter; else the only one with as many requests; else a question."""
    own = [one for one in found if counter and one.base.name == counter.by.histogram]
    busy = [one for one in found if one.count >= FEWEST_REQUESTS] or list(found)
    alike = [one for one in busy if counter and counter.requests and abs(one.count - counter.requests) <= 0.2 * counter.requests]
    for some in (own, alike, busy):
        if len(some) == 1:
            return some[0]
        if some:
            return Question(
                "Which of these times the requests that users send", tuple(Choice(_words(one), options_for(one), one) for one in some)
            )
    return None


def choose_bound(timed: LatencyHistogram) -> float | None:
    """The smallest bound, in seconds, above which at most SLOW_FRACTION of the stable requests are: a slower version crosses it first."""
    if timed.count < FEWEST_REQUESTS:
        return None
    exact = [at for at in sorted(timed.bounds) if nearly_equal(parse_duration(bound_text(at)), at)]
    exact = [at for at in exact if _neat(at)] or exact
    under = [at for at in exact if timed.bounds[at] <= SLOW_FRACTION]
    return under[0] if under else exact[-1] if exact else None


def bound_text(bound: float) -> str:
    """As deliver.yaml has it: 250ms, 2.5ms, 1s."""
    text = show_duration(bound)
    return text if nearly_equal(parse_duration(text), bound) else f"{bound * 1000:.15g}ms"


def _neat(bound: float) -> bool:
    """Native histograms have bounds such as 0.177 s with ten digits more beside those that a person can read."""
    return nearly_equal(float(f"{bound * 1000:.9g}") / 1000, bound)


def nearly_equal(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-12 * max(one, other)


def options_for(timed: LatencyHistogram) -> str:
    return f"--latency-histogram '{timed.base}' --slower-than 250ms (one of its bounds)"


def _words(timed: LatencyHistogram) -> str:
    return f"{timed.base} ({timed.count} requests)"


def _classic(family: Family, counter: RequestCounter | None) -> LatencyHistogram | None:
    if family.native:
        return _native(family, counter)
    if not family.name.endswith("_bucket") or not may_time_requests(base := family.name.removesuffix("_bucket")):
        return None
    where = _where(family, counter)
    counts: dict[float, float] = {}
    for one in family.where(*where).series:
        at = le_bound(one.labels.get("le", ""))
        counts[at] = counts.get(at, 0.0) + increase(one.points, float("-inf"), from_zero=False)
    whole = counts.pop(float("inf"), 0.0)
    scale = units_per_second(base)
    above = {at / scale: 1 - count / whole if whole else 0.0 for at, count in counts.items() if at == at and at > 0}  # noqa: PLR0124  not NaN
    return LatencyHistogram(Selector(base, where), above, round(whole))


def _native(family: Family, counter: RequestCounter | None) -> LatencyHistogram | None:
    if not may_time_requests(family.name):
        return None
    where = _where(family, counter)
    inner = family.where(*where)
    whole, bounds = native_histogram.fractions_above(inner.series)
    scale = units_per_second(family.name)
    return LatencyHistogram(
        Selector(family.name, where), {at / scale: fraction for at, fraction in bounds.items()}, round(whole), native=True
    )


def _where(family: Family, counter: RequestCounter | None) -> tuple[Matcher, ...]:
    """The counter's matchers that select users' requests, as far as the histogram has their labels."""
    return tuple(one for one in counter.selector.matchers if one.label in family.labels) if counter else ()
