"""Which bounds of a histogram a release is judged at, by the share of requests that are slower than each (statistics.md 2c)."""

from collections.abc import Mapping, Sequence

USEFUL = (0.002, 0.95)  # shares that tell something
MOST = 8  # bounds at most: each is a track of its own


def useful(shares: Mapping[float, float]) -> list[float]:
    """Rising. Where every request is fast, the lowest bound that hardly any exceeds: a version that is slow exceeds it at once."""
    found = sorted(bound for bound, share in shares.items() if USEFUL[0] < share < USEFUL[1])
    if not found:
        return sorted(bound for bound, share in shares.items() if share <= USEFUL[0])[:1]
    return _spread(found)


def _spread(bounds: Sequence[float]) -> list[float]:
    """Not more than MOST of them, evenly, the outer ones among them."""
    if len(bounds) <= MOST:
        return list(bounds)
    return [bounds[round(at * (len(bounds) - 1) / (MOST - 1))] for at in range(MOST)]


MILLISECONDS = ("_milliseconds", "_ms", "_millis", "_upstream_rq_time", "_downstream_rq_time")  # the last two: Envoy's


def per_second(histogram: str) -> float:
    """How many of its units make a second. histogram: its base name."""
    return 1000.0 if histogram.endswith(MILLISECONDS) else 1.0


def le_of(histogram: str, seconds: float) -> float:
    """A bound given in seconds, as the histogram's `le` has it."""
    scale = per_second(histogram)
    return seconds if scale == 1 else round(seconds * scale, 9)
