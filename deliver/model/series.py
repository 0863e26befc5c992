"""Samples as a metric provider returns them: counters, numbers and native histograms."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Histogram:
    """One sample of a native histogram."""

    count: float  # of all observations
    buckets: tuple[tuple[float, float, float], ...] = ()  # (low, high, observations in this bucket alone); empty buckets are left out


@dataclass(frozen=True)
class Series:
    """One time series; the oldest sample first."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]  # (unix seconds, value)
    histograms: tuple[tuple[float, Histogram], ...] = ()  # (unix seconds, sample): native histograms, in the place of points


@dataclass(frozen=True)
class Answer:
    """A metric provider's answer to one query."""

    query: str  # as it was sent
    series: tuple[Series, ...] = ()
    warnings: tuple[str, ...] = ()  # a provider that answers in part says so here; a metric is BLIND then
