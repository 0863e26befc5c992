"""Native histograms as classic counters: all requests, and requests up to a bound.

A bound has to be the end of a bucket: inside a bucket the count could only be guessed.
"""

import math
from collections.abc import Iterable, Iterator, Mapping

from deliver.analysis.counts import increase
from deliver.model.errors import InputError
from deliver.model.series import Histogram, Series

TOLERANCE = 1e-9  # part by which a written bound may miss a bucket's end: 0.1768 s has more digits than anybody writes


def to_classic(series: Iterable[Series], bound: float, scale: float = 1.0) -> tuple[tuple[Series, ...], tuple[Series, ...]]:
    """(requests up to the bound, all requests), as a classic histogram's bucket and count. Raises InputError for a bound inside a bucket.

    scale: how many of the histogram's units make one of those that a person writes.
    """
    fast, total = [], []
    for one in series:
        if one.histograms:
            bucket = {**one.labels, "le": repr(bound)}
            fast.append(Series(bucket, tuple((at, _count_upto(sample, bound, scale)) for at, sample in one.histograms)))
            total.append(Series(one.labels, tuple((at, sample.count) for at, sample in one.histograms)))
    return tuple(fast), tuple(total)


def fractions_above(series: Iterable[Series]) -> tuple[float, Mapping[float, float]]:
    """(requests between each series' first and newest sample, bound -> fraction of them above it, 0..1), for every exact bound."""
    ends = [Series(one.labels, (), (one.histograms[0], one.histograms[-1])) for one in series if len(one.histograms) > 1]
    whole = sum(increase([(at, sample.count) for at, sample in one.histograms], -math.inf, from_zero=False) for one in ends)
    bounds = sorted({high for one in ends for _, sample in one.histograms for high in _ends(sample)})
    fractions = {}
    for bound in bounds:
        try:
            fast, _ = to_classic(ends, bound)
        except InputError:  # an end in one sample, inside a bucket of another
            continue
        under = sum(increase(one.points, -math.inf, from_zero=False) for one in fast)
        fractions[bound] = 1 - under / whole if whole else 0.0
    return whole, fractions


def _count_upto(sample: Histogram, bound: float, scale: float) -> float:
    for low, high, count in sample.buckets:
        if low * (1 + TOLERANCE) < bound < high * (1 - TOLERANCE) and count:
            raise InputError(
                f"{bound / scale:g} s lies inside a bucket of the native histogram",
                why=f"{count:g} requests are somewhere from {low / scale:g} to {high / scale:g} s",
                hint=f"take one of its bounds; the nearest are {low / scale:g}s and {high / scale:g}s",
            )
    return sum(count for _, high, count in sample.buckets if high <= bound * (1 + TOLERANCE))


def _ends(sample: Histogram) -> Iterator[float]:
    for low, high, _ in sample.buckets:
        yield from (end for end in (low, high) if end > 0 and math.isfinite(end))
