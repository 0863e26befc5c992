"""Kayenta's judge (NetflixACAJudge-v1.0) for one critical metric that must not increase: a port, many repetitions at once.

A point each minute for canary and for a baseline of the same size. Fail when the lower end of the Mann-Whitney confidence interval of
the shift (confidence .98, as R's wilcox.test has it) is above a quarter of the Hodges-Lehmann estimate, and the mean has not fallen.
"""

import numpy as np

from bench.analysis.arrays import Bools, Floats, Ints
from bench.analysis.baselines import MINUTE, first
from bench.analysis.roots import zero
from bench.analysis.world import Traces

CONFIDENT = 2.3263478740408408  # normal quantile of .99: both tails of .98
TOLERANCE = 0.25
EFFECT = 1.0  # allowed increase, as a ratio of the means
NOISE = 1e-5
LOOK = 10  # points


def hourly(canary: Floats, baseline: Floats) -> Floats:
    """When it rolls back, judged once with all points."""
    return first(high(canary, baseline)[:, None], canary.shape[1])


def growing(canary: Floats, baseline: Floats) -> Floats:
    """When it rolls back, judged each ten points with all points so far."""
    when = np.full(len(canary), np.inf)
    for length in range(LOOK, canary.shape[1] + 1, LOOK):
        open_ = np.flatnonzero(np.isinf(when))
        bad = high(canary[open_, :length], baseline[open_, :length])
        when[open_[bad]] = length
    return when


def percent(arm: Traces) -> Floats:
    """Errors of each minute in percent; NaN where there was no request."""
    windows = arm.per(MINUTE)
    return np.where(windows.all > 0, 100 * windows.bad / np.maximum(windows.all, 1), np.nan)


def high(experiment: Floats, control: Floats) -> Bools:
    """Classified High: repetitions. NaN points are left out, as its default does."""
    sorted_ = np.sort(experiment, axis=1), np.sort(control, axis=1)
    found = np.zeros(len(experiment), np.bool_)
    if not len(experiment):
        return found
    same = ((sorted_[0] == sorted_[1]) | (np.isnan(sorted_[0]) & np.isnan(sorted_[1]))).all(axis=1)
    judged = np.flatnonzero(_any(experiment) & _any(control) & ~same)
    x, y = _wiggled(experiment[judged], control[judged])
    varied = np.fmax(np.nanmax(x, axis=1), np.nanmax(y, axis=1)) > np.fmin(np.nanmin(x, axis=1), np.nanmin(y, axis=1))
    judged, x, y = judged[varied], x[varied], y[varied]
    means = np.nanmean(x, axis=1), np.nanmean(y, axis=1)
    grown = (means[0] == 0) | (means[1] == 0) | (means[0] >= EFFECT * means[1])
    low = shift(x, y, CONFIDENT)
    hopeful = grown & (low > 0)
    estimate = shift(x[hopeful], y[hopeful], 0.0)
    found[judged[hopeful]] = low[hopeful] > TOLERANCE * np.abs(estimate)
    return found


def shift(x: Floats, y: Floats, quantile: float) -> Floats:
    """The shift of x against y of which the standardized rank sum is the quantile: 0 the estimate, the rest ends of the interval."""
    lowest, highest = np.nanmin(x, axis=1) - np.nanmax(y, axis=1), np.nanmax(x, axis=1) - np.nanmin(y, axis=1)
    copies = _copies(x), _copies(y)
    at_lowest, at_highest = (_standardized(x, y, copies, end, quantile) for end in (lowest, highest))
    inside = (at_lowest > 0) & (at_highest < 0)
    found = np.asarray(np.where(at_lowest <= 0, lowest, highest))
    rows = np.flatnonzero(inside)

    def value(which: Ints, shifts: Floats) -> Floats:
        here = rows[which]
        return _standardized(x[here], y[here], (copies[0][here], copies[1][here]), shifts, quantile)

    found[inside] = zero(value, lowest[inside], highest[inside], at_lowest[inside], at_highest[inside])
    return found


def _standardized(x: Floats, y: Floats, copies: tuple[Ints, Ints], shifts: Floats, quantile: float) -> Floats:
    moved = (x - shifts[:, None])[:, :, None]
    above, equal = moved > y[:, None, :], moved == y[:, None, :]
    many, others = (~np.isnan(x)).sum(axis=1), (~np.isnan(y)).sum(axis=1)
    u = above.sum(axis=(1, 2)) + equal.sum(axis=(1, 2)) / 2 - many * others / 2
    ties = _cubes(copies[0] + equal.sum(axis=2)) + _cubes(copies[1] + equal.sum(axis=1))
    total = many + others
    sigma = np.sqrt(many * others / 12 * (total + 1 - ties / np.maximum(total * (total - 1), 1)))
    return np.asarray((u - np.sign(u) / 2) / np.where(sigma > 0, sigma, np.inf) - quantile)


def _copies(values: Floats) -> Ints:
    """How often each value is there; 0 for NaN."""
    return np.asarray((values[:, :, None] == values[:, None, :]).sum(axis=2))


def _cubes(copies: Ints) -> Ints:
    """A group of t equal values counts t**3 - t: each of its t members t**2 - 1."""
    return np.asarray(np.where(copies > 0, copies**2 - 1, 0).sum(axis=1))


def _any(values: Floats) -> Bools:
    return np.asarray((~np.isnan(values)).any(axis=1))


def _wiggled(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Where each arm is a constant, a little noise: a rank test has nothing to rank there."""
    constant = (np.nanmax(x, axis=1) == np.nanmin(x, axis=1)) & (np.nanmax(y, axis=1) == np.nanmin(y, axis=1))
    noise = np.random.default_rng(0).standard_normal((2, *x.shape)) * NOISE
    noisy = [np.where(constant[:, None], arm + noise[i] * np.abs(arm), arm) for i, arm in enumerate((x, y))]
    return noisy[0], noisy[1]
