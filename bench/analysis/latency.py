"""The rules on latency: the hybrid for each bucket boundary, DKW bands, Flagger's and Kayenta's p99. When each rolls back, in minutes."""

import numpy as np

from bench.analysis import kayenta
from bench.analysis.arrays import Bools, Floats, Ints
from bench.analysis.baselines import first, late
from bench.analysis.hybrid import Polls, Tuning, bets, mixed
from bench.analysis.hypergeometric import exact_ratios
from bench.analysis.latency_world import BOUNDARIES, POLLS
from bench.analysis.tuning import tune
from bench.analysis.world import Traces

USEFUL = (0.002, 0.95)  # tail shares of the history
LIMIT = BOUNDARIES.index(0.5)  # Flagger: p99 at most 500 ms
EARLY = 10  # polls: most regressions are found by then
DKW_FIRST = 1612.0


def tail(counts: Ints) -> Ints:
    """Requests slower than each boundary."""
    return np.asarray(counts[..., ::-1].cumsum(axis=-1)[..., ::-1][..., 1:])


def tunings(past: Ints) -> tuple[list[Tuning], Bools]:
    """For each boundary what the history says, and in which repetitions it is useful."""
    slower, served = tail(past), past.sum(axis=-1)
    share = slower.sum(axis=(1, 2)) / np.maximum(served.sum(axis=(1, 2)), 1)[:, None]
    return [tune(Traces(slower[..., i], served)) for i in range(len(BOUNDARIES))], (share > USEFUL[0]) & (share < USEFUL[1])


def hybrid(counts: Ints, tuned: list[Tuning], useful: Bools, alpha: float) -> Floats:
    """The mean of the boundaries' E. Looked at in two goes, because the exact ratio is dear and most regressions are found early."""
    when = np.full(len(counts), np.inf)
    for length in (EARLY, POLLS):
        open_ = np.flatnonzero(np.isinf(when))
        if len(open_):
            when[open_] = first(_evidence(counts[open_, :, :length], [t.take(open_) for t in tuned], useful[open_]) >= 1 / alpha, 0.5)
    return when


def _evidence(counts: Ints, tuned: list[Tuning], useful: Bools) -> Floats:
    slower, served = tail(counts), counts.sum(axis=-1)
    total = np.zeros((len(counts), counts.shape[2]))
    for i, tuning in enumerate(tuned):
        which = np.flatnonzero(useful[:, i])
        if len(which):
            polls = _polls(slower[which, ..., i], served[which])
            at = tuning.take(which)
            total[which] += mixed(bets(polls, at.block), exact_ratios(polls, at), at, POLLS)
    return np.asarray(total / np.maximum(useful.sum(axis=1), 1)[:, None])


def _polls(slower: Ints, served: Ints) -> Polls:
    return Polls(slower[:, 0], served[:, 0], slower[:, 1:].sum(axis=1), served[:, 1:].sum(axis=1))


def dkw(counts: Ints, alpha: float) -> Floats:
    """Howard and Ramdas' time-uniform bands, half of alpha for each arm: rolled back when they are apart at some boundary."""
    both = np.stack((counts[:, 0], counts[:, 1:].sum(axis=1)), axis=1).cumsum(axis=2)
    served = np.maximum(both.sum(axis=-1), 1)
    apart = (tail(both)[:, 0] / served[:, 0, :, None] - tail(both)[:, 1] / served[:, 1, :, None]).max(axis=-1)
    return first(apart > _band(served[:, 0], alpha / 2) + _band(served[:, 1], alpha / 2), 0.5)


def _band(many: Ints, alpha: float) -> Floats:
    return np.asarray(0.85 * np.sqrt((np.log(np.log(np.e * many)) + 0.8 * np.log(DKW_FIRST / alpha)) / many))


def flagger(counts: Ints, threshold: int = 5) -> Floats:
    """p99 over a minute above 500 ms, or no request, is a failed check. 500 ms being a boundary, p99 is above it when 1 % is slower."""
    minute = _minutes(counts[:, 0])
    served = minute.sum(axis=-1)
    failed = (served == 0) | (tail(minute)[..., LIMIT] > 0.01 * served)
    return late(first(np.cumsum(failed, axis=1) >= threshold, 1))


def kayenta_points(counts: Ints) -> tuple[Floats, Floats]:
    """p99 of each minute in milliseconds, canary and baseline, interpolated as histogram_quantile does."""
    return _p99(_minutes(counts[:, 0])), _p99(_minutes(counts[:, 1]))


def kayenta_hourly(counts: Ints) -> Floats:
    return kayenta.hourly(*kayenta_points(counts))


def kayenta_growing(counts: Ints) -> Floats:
    return kayenta.growing(*kayenta_points(counts))


def _minutes(counts: Ints) -> Ints:
    return np.asarray(counts.reshape(len(counts), -1, 2, counts.shape[-1]).sum(axis=2))


def _p99(counts: Ints) -> Floats:
    below = counts.cumsum(axis=-1)
    rank = 0.99 * below[..., -1]
    which = np.minimum((below < rank[..., None]).sum(axis=-1), len(BOUNDARIES))
    ends = np.array((*BOUNDARIES, BOUNDARIES[-1]))
    begins = np.array((0.0, *BOUNDARIES))
    here = np.take_along_axis(counts, which[..., None], axis=-1)[..., 0]
    under = np.take_along_axis(below, which[..., None], axis=-1)[..., 0] - here
    inside = (rank - under) / np.maximum(here, 1)
    value = np.where(which == len(BOUNDARIES), BOUNDARIES[-1], begins[which] + (ends[which] - begins[which]) * inside)
    return np.where(below[..., -1] > 0, 1000 * value, np.nan)
