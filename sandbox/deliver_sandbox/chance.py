"""Random counts from a seeded generator, in time that does not grow with the count."""

import math
from collections.abc import Sequence
from random import Random

_SMALL = 12.0


def binomial(rng: Random, n: int, p: float) -> int:
    """Successes in n trials. Exact by inversion where few are expected, a rounded normal otherwise."""
    if n <= 0 or p <= 0:
        return 0
    if p >= 1:
        return n
    if p > 0.5:
        return n - binomial(rng, n, 1 - p)
    if n * p > _SMALL:
        draw = round(rng.gauss(n * p, math.sqrt(n * p * (1 - p))))
        return min(n, max(0, draw))
    odds, chance, u, k = p / (1 - p), (1 - p) ** n, rng.random(), 0
    while u > chance and k < n:
        u -= chance
        k += 1
        chance *= odds * (n - k + 1) / k
    return k


def spread(rng: Random, n: int, weights: Sequence[float]) -> list[int]:
    """n things over places with these weights: a multinomial draw."""
    left, total, result = n, math.fsum(weights), []
    for weight in weights:
        count = binomial(rng, left, min(1.0, weight / total)) if total > 0 and left else 0
        result.append(count)
        left -= count
        total -= weight
    if left and result:
        result[-1] += left
    return result


def deal(n: int, weights: Sequence[float], owed: list[float]) -> list[int]:
    """n things over places with these weights, one by one to whom most is owed: no chance in it, however many come at a time."""
    result = [0] * len(weights)
    for _ in range(n):
        for place, weight in enumerate(weights):
            owed[place] += weight
        place = max(range(len(owed)), key=owed.__getitem__)
        owed[place] -= 1
        result[place] += 1
    return result


def below(bound: float, median: float, sigma: float) -> float:
    """Share of log-normal values that are at most `bound`."""
    if sigma <= 0:
        return 1.0 if bound >= median else 0.0
    return 0.5 * (1 + math.erf(math.log(bound / median) / (sigma * math.sqrt(2))))
