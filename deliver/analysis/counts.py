"""Counts out of raw counter samples, series by series.

Not rate(), which extrapolates to fractions, and not the difference of two sums, which is wrong when pods come and go.

Method: statistics.md section 5. Times are unix seconds of the provider's clock.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from deliver.model.series import Series

Arm = Mapping[str, float]
"""The pods of one arm: name -> unix seconds of creation (0 = unknown)."""


@dataclass(frozen=True)
class Span:
    """The time in which growth of a counter counts. Unix seconds by the provider's clock."""

    start: float  # growth after it counts
    known: float  # samples were asked for from here on: an older one would have been seen
    since: Mapping[str, float] = field(default_factory=dict)  # pod -> its own start
    begin: float = -math.inf  # samples before it are left out altogether, also as the base of growth: part of that growth is older

    def of(self, pod: str) -> float:
        return max(self.since.get(pod, self.start), self.begin)


@dataclass(frozen=True)
class Counts:
    """Requests of one arm in a span."""

    bad: int = 0
    total: int = 0
    newest: float = 0.0  # unix seconds of the newest sample of all requests; 0 = none
    series: int = 0  # of all requests
    pods: int = 0  # that those series come from
    clipped: int = 0  # bad requests beyond the total, which are left out: the two counters are not scraped at the same moment
    unmatched: int = 0  # series of a histogram without a bucket for the bound

    @property
    def bad_fraction(self) -> float:
        """bad/total, 0..1; 0 without a request."""
        return self.bad / self.total if self.total else 0.0


def count_bad(bad: Iterable[Series], total: Iterable[Series], arm: Arm, span: Span, pod_label: str) -> Counts:
    """Bad requests and all requests of an arm. No series of bad ones means 0 bad: most counters appear with their first event."""
    all_total = _of_arm(total, arm, pod_label)
    all_bad = _without_later_scrapes(_of_arm(bad, arm, pod_label), all_total, pod_label)
    delta = _delta(arm, span, _first_seen([*all_bad, *all_total], span.begin, pod_label), pod_label)
    return _counts(sum(map(delta, all_bad)), all_total, delta, pod_label)


def count_slower(buckets: Iterable[Series], total: Iterable[Series], bound: float, arm: Arm, span: Span, pod_label: str) -> Counts:
    """Requests above the bound, as bad ones: the histogram's count less its bucket. A missing bucket counts in `unmatched`."""
    all_total = _of_arm(total, arm, pod_label)
    fast = [series for series in _of_arm(buckets, arm, pod_label) if le_bound(series.labels.get("le", "")) == bound]
    fast = _without_later_scrapes(fast, all_total, pod_label)
    delta = _delta(arm, span, _first_seen([*fast, *all_total], span.begin, pod_label), pod_label)
    known = {_key(series) for series in fast}
    unmatched = sum(_key(series) not in known for series in all_total)
    slow = sum(map(delta, all_total)) - sum(map(delta, fast))
    return _counts(max(slow, 0.0), all_total, delta, pod_label, unmatched)


def newest_samples(total: Iterable[Series], pod_label: str) -> dict[str, float]:
    """pod -> unix seconds of its newest finite sample."""
    found: dict[str, float] = {}
    for series in total:
        at = max((at for at, value in series.points if math.isfinite(value)), default=0.0)
        pod = series.labels.get(pod_label, "")
        found[pod] = max(found.get(pod, 0.0), at)
    return found


def sample_ranges(total: Iterable[Series], arm: Arm, begin: float, pod_label: str) -> dict[str, tuple[float, float]]:
    """pod -> (time of its first sample at or after `begin`, of its newest one), for pods of the arm that have one."""
    found: dict[str, tuple[float, float]] = {}
    for one in _of_arm(total, arm, pod_label):
        times = [at for at, value in one.points if at >= begin and math.isfinite(value)]
        if times:
            pod = one.labels[pod_label]
            first, last = found.get(pod, (math.inf, -math.inf))
            found[pod] = min(first, times[0]), max(last, times[-1])
    return found


def increase(points: Sequence[tuple[float, float]], start: float, *, from_zero: bool, begin: float = -math.inf) -> float:
    """How far a counter went after `start`. A fall is a restart: it then counts from zero. NaN and infinite samples are skipped.

    The base is the last sample at or before `start`; without one, zero (`from_zero`) or the first sample. begin: see Span.
    """
    total, last, seen = 0.0, None, -math.inf
    for at, value in points:
        if not math.isfinite(value) or at <= seen or at < begin:
            continue
        seen = at
        if at > start and (last is not None or from_zero):
            base = last or 0.0
            total += value - base if value >= base else value
        last = value
    return total


def _counts(bad: float, total: list[Series], delta: Callable[[Series], float], pod_label: str, unmatched: int = 0) -> Counts:
    requests = round(sum(map(delta, total)))
    failed = round(bad)
    times = [at for series in total for at, value in series.points if math.isfinite(value)]
    return Counts(
        bad=min(failed, requests),
        total=requests,
        newest=max(times, default=0.0),
        series=len(total),
        pods=len({series.labels[pod_label] for series in total}),
        clipped=max(failed - requests, 0),
        unmatched=unmatched,
    )


def _delta(arm: Arm, span: Span, first: Mapping[str, float], pod_label: str) -> Callable[[Series], float]:
    def of(series: Series) -> float:
        pod = series.labels[pod_label]
        return increase(series.points, span.of(pod), from_zero=_starts_at_zero(series, arm[pod], first[pod], span), begin=span.begin)

    return of


def _starts_at_zero(series: Series, created: float, pod_first: float, span: Span) -> bool:
    """The series was zero before its first sample: its pod is younger than the span, or was scraped before without this series.

    After a gap in the scrapes of an old pod it was not, and its whole past must not count.
    """
    if not series.points:
        return False
    return created > max(span.known, span.begin) or pod_first < series.points[0][0]


def _first_seen(series: Iterable[Series], begin: float, pod_label: str) -> dict[str, float]:
    """Time of each pod's first sample that counts."""
    first: dict[str, float] = {}
    for one in series:
        pod = one.labels[pod_label]
        first[pod] = min(first.get(pod, math.inf), next((at for at, _ in one.points if at >= begin), math.inf))
    return first


def _of_arm(series: Iterable[Series], arm: Arm, pod_label: str) -> list[Series]:
    return [one for one in series if one.labels.get(pod_label) in arm]


def _without_later_scrapes(series: Iterable[Series], total: Iterable[Series], pod_label: str) -> list[Series]:
    """The series without samples that are newer than the pod's total: a scrape may fall between the two queries, total first."""
    newest: dict[str, float] = {}
    for one in total:
        if one.points:
            pod = one.labels[pod_label]
            newest[pod] = max(newest.get(pod, -math.inf), one.points[-1][0])

    def kept(one: Series) -> Series:
        last = newest.get(one.labels[pod_label], math.inf)
        return Series(one.labels, tuple(point for point in one.points if point[0] <= last))

    return [kept(one) for one in series]


def _key(series: Series) -> frozenset[tuple[str, str]]:
    return frozenset((label, value) for label, value in series.labels.items() if label not in {"le", "__name__"})


def le_bound(text: str) -> float:
    """The value of an `le` label, nan for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan
