"""Which histogram times these requests, and above which of its bounds a request is slow. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deliver.analysis import native_histogram
from deliver.analysis.bounds import per_second
from deliver.analysis.counts import increase
from deliver.analysis.selectors import Matcher, Selector
from deliver.discovery.catalog import may_time
from deliver.discovery.requests import Counter
from deliver.discovery.types import Choice, Family, Question
from deliver.plugins.types import parse_duration
from deliver.text.durations import show_duration

SLOW = 0.05  # at most this share of the stable side's requests is above the bound
FEW = 20  # requests below which their times say nothing


@dataclass(frozen=True)
class Timed:
    """A histogram with its bounds. base: its selector. bounds: seconds -> share of the stable side's requests above. count: requests."""

    base: Selector
    bounds: Mapping[float, float]
    count: int
    native: bool = False


def find(families: Sequence[Family], counter: Counter | None) -> tuple[Timed, ...]:
    """Every histogram of request times among these, with the counter's own matchers where its labels have them."""
    found = [timed for family in families if (timed := _timed(family, counter))]
    return tuple(one for one in found if one.bounds)


def choose(found: Sequence[Timed], counter: Counter | None) -> Timed | Question | None:
    """The one that belongs to the chosen counter; else the only one that has as many requests; else a question."""
    own = [one for one in found if counter and one.base.name == counter.histogram]
    busy = [one for one in found if one.count >= FEW] or list(found)
    alike = [one for one in busy if counter and counter.requests and abs(one.count - counter.requests) <= 0.2 * counter.requests]
    for some in (own, alike, busy):
        if len(some) == 1:
            return some[0]
        if some:
            return Question("Which of these times the requests that users send", tuple(Choice(_words(one), how(one), one) for one in some))
    return None


def bound(timed: Timed) -> float | None:
    """The smallest bound that nearly all stable requests stay under: there a slower version moves most of them across."""
    if timed.count < FEW:
        return None
    exact = [at for at in sorted(timed.bounds) if same(parse_duration(written(at)), at)]
    exact = [at for at in exact if _neat(at)] or exact
    under = [at for at in exact if timed.bounds[at] <= SLOW]
    return under[0] if under else exact[-1] if exact else None


def written(bound: float) -> str:
    """As deliver.yaml has it: 250ms, 2.5ms, 1s."""
    text = show_duration(bound)
    return text if same(parse_duration(text), bound) else f"{bound * 1000:.15g}ms"


def _neat(bound: float) -> bool:
    """Native histograms have bounds such as 0.177 s with ten digits more beside those that a person can read."""
    return same(float(f"{bound * 1000:.9g}") / 1000, bound)


def same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-12 * max(one, other)


def how(timed: Timed) -> str:
    return f"--latency-histogram '{timed.base}' --slower-than 250ms (one of its bounds)"


def _words(timed: Timed) -> str:
    return f"{timed.base} ({timed.count} requests)"


def _timed(family: Family, counter: Counter | None) -> Timed | None:
    if family.native:
        return _native(family, counter)
    if not family.name.endswith("_bucket") or not may_time(base := family.name.removesuffix("_bucket")):
        return None
    where = _where(family, counter)
    counts: dict[float, float] = {}
    for one in family.where(*where).series:
        at = _number(one.labels.get("le", ""))
        counts[at] = counts.get(at, 0.0) + increase(one.points, float("-inf"), from_zero=False)
    whole = counts.pop(float("inf"), 0.0)
    scale = per_second(base)
    shares = {at / scale: 1 - count / whole if whole else 0.0 for at, count in counts.items() if at == at and at > 0}  # noqa: PLR0124  not NaN
    return Timed(Selector(base, where), shares, round(whole))


def _native(family: Family, counter: Counter | None) -> Timed | None:
    if not may_time(family.name):
        return None
    where = _where(family, counter)
    inner = family.where(*where)
    whole, bounds = native_histogram.grown(inner.series)
    scale = per_second(family.name)
    return Timed(Selector(family.name, where), {at / scale: share for at, share in bounds.items()}, round(whole), native=True)


def _where(family: Family, counter: Counter | None) -> tuple[Matcher, ...]:
    """What singles out the users' requests in the counter does so here, if the histogram has that label."""
    return tuple(one for one in counter.selector.matchers if one.label in family.labels) if counter else ()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
