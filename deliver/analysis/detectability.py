"""How long a release takes to detect a regression of a given size, from the present traffic (statistics.md 2d).

The evidence grows by its expected value in each poll. It starts at the part of the wealth that the best bet of the mixture begins with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

BEST_START = 1 / 18  # of the wealth that the best strategy begins with: half of the mixture, one of nine ratios


@dataclass(frozen=True)
class SharedStep:
    """A step in which both sides have users."""

    fraction: float  # the candidate's part of the requests, 0..1
    seconds: float  # of its bake


@dataclass(frozen=True)
class Traffic:
    """Requests of both sides together."""

    rate: float  # a second
    bad: float  # fraction of them that is bad, 0..1
    phi: float = 1.0  # dispersion


def expected_growth(ratio: float, margin: float, fraction: float) -> float:
    """Expected growth of ln E for each bad request that the candidate would have at the stable side's rate; 0 within the margin.

    ratio: candidate to stable. fraction: the candidate's part of the requests, 0..1.
    """
    if ratio <= margin:
        return 0.0
    kappa = fraction / (1 - fraction)
    return max(ratio * log(ratio / margin) - (ratio + 1 / kappa) * log((1 + ratio * kappa) / (1 + margin * kappa)), 0.0)


def seconds_to_detect(ratio: float, margin: float, alpha: float, traffic: Traffic, steps: Sequence[SharedStep]) -> float | None:
    """Seconds of baking until a regression of `ratio` is detected; None when the bakes are over before."""
    missing, passed = log(1 / (alpha * BEST_START)) * traffic.phi, 0.0
    for step in steps:
        speed = expected_growth(ratio, margin, step.fraction) * traffic.bad * traffic.rate * step.fraction
        if speed and missing <= speed * step.seconds:
            return passed + missing / speed
        missing -= speed * step.seconds
        passed += step.seconds
    return None


def bake_to_detect(ratio: float, margin: float, alpha: float, traffic: Traffic, fractions: Sequence[float]) -> float | None:
    """Seconds that each step has to bake so that `ratio` is detected before the last one ends; None when no time is enough."""
    speed = sum(expected_growth(ratio, margin, fraction) * traffic.bad * traffic.rate * fraction for fraction in fractions)
    return log(1 / (alpha * BEST_START)) * traffic.phi / speed if speed else None
