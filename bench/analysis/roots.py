"""Brent's method for finding a zero, on many functions at once. As R's zeroin, of which the judge's solver is a copy."""

from collections.abc import Callable

import numpy as np

from bench.analysis.arrays import Floats, Ints

TOLERANCE = 1e-4
STEPS = 1000
EPSILON = np.finfo(np.float64).eps


def zero(value: Callable[[Ints, Floats], Floats], a: Floats, b: Floats, at_a: Floats, at_b: Floats) -> Floats:
    """For each row a place in [a, b] where value(rows, places) changes its sign, to within the tolerance."""
    found = b.copy()
    rows, c, at_c = np.arange(len(a)), a, at_a
    for _ in range(STEPS):
        if not len(rows):
            break
        before = b - a
        swap = np.abs(at_c) < np.abs(at_b)
        a, b, c = np.where(swap, b, a), np.where(swap, c, b), np.where(swap, b, c)
        at_a, at_b, at_c = np.where(swap, at_b, at_a), np.where(swap, at_c, at_b), np.where(swap, at_b, at_c)
        least = 2 * EPSILON * np.abs(b) + TOLERANCE / 2
        half = (c - b) / 2
        done = (np.abs(half) <= least) | (at_b == 0)
        found[rows[done]] = b[done]
        rows, a, b, c, at_a, at_b, at_c, before, least, half = (
            one[~done] for one in (rows, a, b, c, at_a, at_b, at_c, before, least, half)
        )
        step = _step(a, b, c, at_a, at_b, at_c, before, least, half)
        a, at_a = b, at_b
        b = b + np.where(np.abs(step) < least, np.where(step > 0, least, -least), step)
        at_b = value(rows, b)
        outside = at_b * at_c > 0
        c, at_c = np.where(outside, a, c), np.where(outside, at_a, at_c)
    return found


def _step(a: Floats, b: Floats, c: Floats, at_a: Floats, at_b: Floats, at_c: Floats, before: Floats, least: Floats, half: Floats) -> Floats:
    """Interpolated where that is allowed, else half of what is left."""
    span = c - b
    with np.errstate(divide="ignore", invalid="ignore"):
        line_ratio = at_b / at_a
        q3, t1, t2 = at_a / at_c, at_b / at_c, at_b / at_a
        line = a == c
        p = np.where(line, span * line_ratio, t2 * (span * q3 * (q3 - t1) - (b - a) * (t1 - 1)))
        q = np.where(line, 1 - line_ratio, (q3 - 1) * (t1 - 1) * (t2 - 1))
        q, p = np.where(p > 0, -q, q), np.abs(p)
        wanted = (np.abs(before) >= least) & (np.abs(at_a) > np.abs(at_b))
        fits = wanted & (p < 0.75 * span * q - np.abs(least * q) / 2) & (p < np.abs(before * q / 2))
        return np.where(fits, p / q, half)
