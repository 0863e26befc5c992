"""Before a release: how long it takes to find a regression of a given size, from the traffic that there is (statistics.md 2d).

The evidence grows by its expected value a poll; it has to pay for the strategy that is right among all that are mixed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

PART = 1 / 18  # of the wealth that the best strategy begins with: half of the mixture, one of nine ratios


@dataclass(frozen=True)
class Stretch:
    """A step in which both sides have users. share: the candidate's part of the requests, 0..1. seconds: its bake."""

    share: float
    seconds: float


@dataclass(frozen=True)
class Traffic:
    """rate: requests a second of both sides. bad: share of bad ones, 0..1. phi: dispersion."""

    rate: float
    bad: float
    phi: float = 1.0


def growth(ratio: float, margin: float, share: float) -> float:
    """Expected ln E for each bad request that the candidate would have had at stable's share; 0 when nothing can be seen."""
    if ratio <= margin:
        return 0.0
    kappa = share / (1 - share)
    return max(ratio * log(ratio / margin) - (ratio + 1 / kappa) * log((1 + ratio * kappa) / (1 + margin * kappa)), 0.0)


def found_after(ratio: float, margin: float, alpha: float, traffic: Traffic, steps: Sequence[Stretch]) -> float | None:
    """Seconds of baking until it is found, None when the bakes are over before."""
    missing, passed = log(1 / (alpha * PART)) * traffic.phi, 0.0
    for step in steps:
        speed = growth(ratio, margin, step.share) * traffic.bad * traffic.rate * step.share
        if speed and missing <= speed * step.seconds:
            return passed + missing / speed
        missing -= speed * step.seconds
        passed += step.seconds
    return None


def bake_for(ratio: float, margin: float, alpha: float, traffic: Traffic, shares: Sequence[float]) -> float | None:
    """Seconds that each step has to bake so that it is found before the last one is over; None when no time would do."""
    speed = sum(growth(ratio, margin, share) * traffic.bad * traffic.rate * share for share in shares)
    return log(1 / (alpha * PART)) * traffic.phi / speed if speed else None
