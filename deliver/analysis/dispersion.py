"""Dispersion: how much more unevenly bad requests fall on pods than independent ones would (statistics.md 2e).

Retries, bursts and differing pods raise it. Without it clustered errors look like a regression: with retry clusters 42 % false rollbacks
instead of 0.45 % (statistics.md 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, gcd, sqrt

from deliver.analysis.history import History, coarser

SCALES = (30.0, 60.0, 120.0, 300.0, 600.0, 3600.0)
FEWEST_EVENTS = 50  # events below which nothing can be said of their dispersion
SAME_TIME = 60.0  # seconds within which pods are taken to have served at the same time; most scrapes are no further apart
STILL_GROWING = 1.5  # a block is long enough when longer ones show no more than this times its dispersion


def dispersion_by_scale(history: History) -> Mapping[float, tuple[float, float]]:
    """Column length in seconds -> (dispersion, its upper bound), for those lengths of which the history has two columns."""
    found = {}
    for scale in SCALES:
        times = max(round(scale / history.step), 1)
        if times * history.step > scale * 1.01 or history.columns < 2 * times:
            continue
        fine = gcd(times, max(round(SAME_TIME / history.step), 1))
        if (one := _at(coarser(history, fine), times // fine)) is not None:
            found[scale] = one
    return found


def dispersion(history: History) -> float:
    """The largest upper bound over all column lengths; at least 1."""
    return max([1.0, *(upper for _, upper in dispersion_by_scale(history).values())])


def block_seconds(history: History) -> float:
    """Shortest column length at which the dispersion has stopped growing; 0 when it never stops: no block is independent of the next."""
    scales = {scale: found for scale, (found, _) in dispersion_by_scale(history).items()}
    if not scales:
        return 0.0
    longest = scales[max(scales)]
    return next((scale for scale in sorted(scales) if scale < max(scales) and longest <= STILL_GROWING * scales[scale]), 0.0)


def polls_of(seconds: float, every: float) -> int:
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
    """A pod in one column."""

    bad: int = 0  # bad requests that it had
    due: float = 0.0  # bad requests that chance would have given it
    variance: float = 0.0  # of that number


def _pods(history: History, parts: range) -> list[_Pod]:
    """The pods that served in these columns. A column without a bad request, or of a single pod, says nothing and is left out."""
    found = [_Pod() for _ in history.total]
    for at in parts:
        served = [row[at] for row in history.total]
        requests, bad = sum(served), sum(row[at] for row in history.bad)
        if not bad or sum(one > 0 for one in served) < 2:
            continue
        for pod, row, one in zip(found, history.bad, served, strict=True):
            part = one / requests
            pod.bad, pod.due, pod.variance = pod.bad + row[at], pod.due + bad * part, pod.variance + bad * part * (1 - part)
    return [pod for pod in found if pod.due]
