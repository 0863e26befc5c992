"""Which bounds of a histogram a release is judged at, by the fraction of stable requests above each (statistics.md 2c)."""

from collections.abc import Mapping, Sequence

INFORMATIVE = (0.002, 0.95)  # fractions above a bound, from which a change can be seen
MAX_BOUNDS = 8  # each bound is a track of its own


def informative_bounds(fractions: Mapping[float, float]) -> list[float]:
    """The bounds to judge by, rising. fractions: bound -> fraction of requests above it, 0..1.

    If nearly all requests are below every bound, the lowest one is taken: a slower version exceeds it at once.
    """
    found = sorted(bound for bound, fraction in fractions.items() if INFORMATIVE[0] < fraction < INFORMATIVE[1])
    if not found:
        return sorted(bound for bound, fraction in fractions.items() if fraction <= INFORMATIVE[0])[:1]
    return _evenly_spaced(found)


def _evenly_spaced(bounds: Sequence[float]) -> list[float]:
    """At most MAX_BOUNDS of them, evenly spread, the first and the last included."""
    if len(bounds) <= MAX_BOUNDS:
        return list(bounds)
    return [bounds[round(at * (len(bounds) - 1) / (MAX_BOUNDS - 1))] for at in range(MAX_BOUNDS)]


MILLISECONDS = ("_milliseconds", "_ms", "_millis", "_upstream_rq_time", "_downstream_rq_time")  # the last two: Envoy's


def units_per_second(histogram: str) -> float:
    """Units of the histogram in a second: 1000 for one in milliseconds. histogram: base name."""
    return 1000.0 if histogram.endswith(MILLISECONDS) else 1.0


def le_value(histogram: str, seconds: float) -> float:
    """A bound in seconds as the value of the histogram's `le`."""
    scale = units_per_second(histogram)
    return seconds if scale == 1 else round(seconds * scale, 9)
