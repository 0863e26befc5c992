"""Pod counts for a wanted share of traffic of a plain Service: exposure is c/(s+c) of ready endpoints (traffic-and-flags.md section 4)."""

import math


def share(candidate: int, stable: int) -> float:
    return 100.0 * candidate / (candidate + stable)


def solve(weight: float, stable: int, surge: int = 0) -> tuple[int, int]:
    """(candidate pods, stable pods) nearest to `weight` percent, stable never below its live count; ties go to fewer pods.

    weight: above 0, below 100. stable: at least 1. surge: stable pods that may be added.
    """
    options = [
        (abs(share(candidate, side) - weight), candidate + side, candidate, side)
        for side in range(stable, stable + surge + 1)
        for candidate in around(side * weight / (100.0 - weight))
    ]
    _, _, candidate, side = min(options, key=lambda option: (round(option[0], 9), option[1]))
    return candidate, side


def around(exact: float) -> set[int]:
    """The whole pod counts next to an exact one, never none."""
    return {max(1, math.floor(exact)), max(1, math.ceil(exact))}


def achievable(stable: int, surge: int = 0, most: int = 8) -> list[float]:
    """The lowest shares up to one half that pods can give, in whole and half percents as they round."""
    shares = {round(share(c, s), 1) for s in range(stable, stable + surge + 1) for c in range(1, s + 1)}
    return sorted(shares)[:most]


def surge_for(weight: float, stable: int, overshoot: float) -> int:
    """The fewest temporary stable pods with which one candidate pod is within `overshoot` points of `weight`."""
    needed = math.ceil(100.0 / (weight + overshoot)) - 1
    return max(1, needed - stable)
