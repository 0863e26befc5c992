"""How much more unevenly bad events fall on pods than chance would have it: retries, bursts, pods that differ (statistics.md 2e).

Without it the evidence would take bad luck for a bad release: 42 % false rollbacks against 0.45 % with retry clusters (statistics.md
section 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, gcd, sqrt

from deliver.analysis.history import History, coarser

SCALES = (30.0, 60.0, 120.0, 300.0, 600.0, 3600.0)
FEWEST = 50  # events below which nothing can be said of their dispersion
FINE = 60.0  # seconds within which pods are taken to have served at the same time; most scrapes are no further apart
STILL = 1.5  # a block is long enough when longer ones show no more than this times its dispersion


def by_scale(history: History) -> Mapping[float, tuple[float, float]]:
    """seconds -> (dispersion, its upper bound), for the scales that the history has at least two columns of."""
    found = {}
    for scale in SCALES:
        times = max(round(scale / history.step), 1)
        if times * history.step > scale * 1.01 or history.columns < 2 * times:
            continue
        fine = gcd(times, max(round(FINE / history.step), 1))
        if (one := _at(coarser(history, fine), times // fine)) is not None:
            found[scale] = one
    return found


def dispersion(history: History) -> float:
    """The largest upper bound of all scales, at least 1."""
    return max([1.0, *(upper for _, upper in by_scale(history).values())])


def block_seconds(history: History) -> float:
    """The shortest scale at which the dispersion has stopped growing; 0 when it never does: no block is independent of the next."""
    scales = {scale: found for scale, (found, _) in by_scale(history).items()}
    if not scales:
        return 0.0
    longest = scales[max(scales)]
    return next((scale for scale in sorted(scales) if scale < max(scales) and longest <= STILL * scales[scale]), 0.0)


def polls(seconds: float, every: float) -> int:
    """Seconds as a number of polls, at least one."""
    return max(ceil(seconds / every - 0.01), 1)


def _at(history: History, parts: int) -> tuple[float, float] | None:
    """Sum of (x_kp - e_kp)^2 over pods and columns of so many parts, over its expected value. None without two pods or an event.

    e_kp is what chance would give the pod of the bad events of each part, by what it served in that: a bad minute in a longer column
    falls on the pods that were there, and not on those that came after it.
    """
    spread, expected, degrees = 0.0, 0.0, 0
    for begin in range(history.columns % parts, history.columns, parts):
        pods = _pods(history, range(begin, begin + parts))
        spread += sum((pod.bad - pod.due) ** 2 for pod in pods)
        expected += sum(pod.variance for pod in pods)
        degrees += max(len(pods) - 1, 0)
    if not expected:
        return None
    found = spread / expected
    return found, found * (1 + sqrt(2 / min(degrees, history.events)))


@dataclass
class _Pod:
    """Its bad events in one column: those that it had, what chance would have given it, and their variance."""

    bad: int = 0
    due: float = 0.0
    variance: float = 0.0


def _pods(history: History, parts: range) -> list[_Pod]:
    """Those that served. Parts without a bad event, or with a single pod, tell nothing."""
    found = [_Pod() for _ in history.total]
    for at in parts:
        shares = [row[at] for row in history.total]
        requests, bad = sum(shares), sum(row[at] for row in history.bad)
        if not bad or sum(share > 0 for share in shares) < 2:
            continue
        for pod, row, share in zip(found, history.bad, shares, strict=True):
            part = share / requests
            pod.bad, pod.due, pod.variance = pod.bad + row[at], pod.due + bad * part, pod.variance + bad * part * (1 - part)
    return [pod for pod in found if pod.due]
