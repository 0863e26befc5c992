"""Pod counts for a wanted share of traffic of a plain Service: exposure is c/(s+c) of ready endpoints (traffic-and-flags.md section 4)."""

import math
from collections.abc import Sequence

Pair = tuple[int, int]  # candidate pods, stable pods


def share(candidate: int, stable: int) -> float:
    return 100.0 * candidate / (candidate + stable)


def solve(weight: float, stable: int, surge: int = 0) -> Pair:
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


def rising(weights: Sequence[float], stable: int, most: int) -> list[Pair]:
    """`solve` for one weight after the other: the stable side grows up to `most` pods, and never shrinks on the way."""
    found: list[Pair] = []
    for weight in weights:
        floor = found[-1][1] if found else stable
        found.append(solve(weight, floor, max(0, most - floor)))
    return found


def fits(weights: Sequence[float], found: Sequence[Pair], overshoot: float) -> bool:
    """No real share exceeds the wanted one by more than `overshoot` points."""
    return all(share(*pair) - weight <= overshoot for weight, pair in zip(weights, found, strict=True))


def nearest(weights: Sequence[float], stable: int, sizes: Sequence[int], overshoot: float, most: int) -> list[Pair] | None:
    """With the stable side at one of `sizes` from the first step on: what fits and is nearest, at most `most` pods at a time.

    None when none does; ties go to fewer pods.
    """
    options = [[solve(weight, side) for weight in weights] for side in sizes if side > stable]
    can = [pairs for pairs in options if fits(weights, pairs, overshoot) and max(map(sum, pairs), default=0) <= most]
    return min(can, key=lambda pairs: (round(off(weights, pairs), 9), max(map(sum, pairs))), default=None)


def off(weights: Sequence[float], found: Sequence[Pair]) -> float:
    """Points between the real shares and the wanted ones, in all."""
    return sum(abs(share(*pair) - weight) for weight, pair in zip(weights, found, strict=True))
