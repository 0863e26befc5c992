"""Dispersion and block length from the history of stable pods (statistics.md 2e), then the placebo check on that same history."""

from functools import cache
from math import comb

import numpy as np

from bench.analysis.arrays import Bools, Floats, Ints
from bench.analysis.hybrid import Polls, Tuning, evidence
from bench.analysis.world import Traces

SCALES = (1, 2, 4, 10, 20, 120)  # polls: 30 s, 1, 2, 5, 10, 60 minutes
FINE = 2  # polls within which pods are taken to have served at the same time
LEVEL = 1.5  # how much the dispersion may still grow from a block to an hour
THIN = 50  # errors
ASSUMED = 12.0  # dispersion where there are fewer
ROLLOUT = 120  # polls of a placebo rollout
GROUP = 2  # pods that play its canary
DOUBT = 0.05  # chance of a placebo check that finds fault where there is none
RAISE = 1.5
RAISES = 8


def tune(history: Traces) -> Tuning:
    """phi, block length, and whether there is history enough for the likelihood ratios."""
    bad = history.bad.sum(axis=(1, 2))
    measured = np.stack([dispersion(history, scale) for scale in SCALES], axis=1)
    upper = np.stack([measured[:, i] * (1 + _error(history, scale, bad)) for i, scale in enumerate(SCALES)], axis=1)
    thin = bad < THIN
    level = measured[:, -1:] <= LEVEL * measured[:, :-1]
    block = np.where(level.any(axis=1), np.array(SCALES)[level.argmax(axis=1)], 0)
    least = np.where(thin, ASSUMED, 1.0)
    return Tuning(np.maximum(least, upper.max(axis=1)), np.where(thin, 1, block), np.ones_like(thin), thin)


def dispersion(history: Traces, scale: int) -> Floats:
    """How much more the pods' errors vary within a window than independent errors would that fall on who serves at their time."""
    fine = min(scale, FINE)
    parts = history.per(fine)
    bad, served = parts.bad.sum(axis=1, keepdims=True), parts.all.sum(axis=1, keepdims=True)
    share = parts.all / np.maximum(served, 1)
    off = parts.bad - bad * share
    spread = (off.reshape(*off.shape[:-1], -1, scale // fine).sum(axis=-1) ** 2).sum(axis=(1, 2))
    expected = (bad * share * (1 - share)).sum(axis=(1, 2))
    return np.asarray(np.divide(spread, expected, out=np.zeros_like(spread), where=expected > 0))


def _error(history: Traces, scale: int, bad: Ints) -> Floats:
    freedom = (history.bad.shape[1] - 1) * (history.bad.shape[2] // scale)
    return np.asarray(np.sqrt(2 / np.maximum(np.minimum(freedom, bad), 1)))


def checked(rng: np.random.Generator, history: Traces, tuning: Tuning) -> Tuning:
    """phi raised where placebo rollouts of the history have more evidence against them than chance has it, until they have not.

    Block bets do not depend on phi: where these are too sure alone, the block is made longer, and beyond ten minutes there are none.
    """
    phi, block = tuning.phi.copy(), tuning.block.copy()
    pods = rng.permuted(np.broadcast_to(np.arange(history.bad.shape[1]), history.bad.shape[:2]), axis=1)
    assumed = np.zeros(len(pods), np.bool_) if tuning.assumed is None else tuning.assumed
    which = np.flatnonzero(too_sure(placebo(history, np.arange(len(pods)), pods, tuning)) & ~assumed)
    for _ in range(RAISES):
        if not len(which):
            break
        bets_alone = Tuning(phi[which], block[which], np.zeros(len(which), np.bool_))
        longer = too_sure(placebo(history, which, pods, bets_alone))
        block[which[longer]] = [_next_scale(one) for one in block[which[longer]]]
        phi[which[~longer]] *= RAISE
        now = Tuning(phi, block, tuning.tempered, assumed).take(which)
        which = which[too_sure(placebo(history, which, pods, now))]
    return Tuning(phi, block, tuning.tempered, assumed)


def placebo(history: Traces, which: Ints, pods: Ints, tuning: Tuning) -> Floats:
    """The highest E of each placebo rollout: each hour, each group of pods in turn as the canary. Repetitions, rollouts."""
    order = pods[which][..., None]
    bad, served = (np.take_along_axis(counts[which], order, axis=1) for counts in (history.bad, history.all))
    groups, hours = bad.shape[1] // GROUP, bad.shape[2] // ROLLOUT
    shape = (len(which), groups, GROUP, hours, ROLLOUT)
    bad, served = (counts.reshape(shape).sum(axis=2) for counts in (bad, served))

    def flat(counts: Ints) -> Ints:
        return counts.reshape(-1, ROLLOUT)

    polls = Polls(flat(bad), flat(served), *(flat(c.sum(axis=1, keepdims=True) - c) for c in (bad, served)))
    many = tuning.take(np.repeat(np.arange(len(which)), groups * hours))
    return np.asarray(evidence(polls, many).max(axis=1).reshape(len(which), -1))


def too_sure(highest: Floats) -> Bools:
    """Whether some of the placebo rollouts went higher than as many of them do by chance, where each reaches E with at most 1/E.

    statistics.md counts those above 1/alpha. Of 54 one does that in four histories of ten at alpha = .01, all being well.
    """
    ordered = -np.sort(-highest, axis=1)
    return np.asarray((ordered > levels(highest.shape[1])).any(axis=1))


@cache
def levels(many: int) -> Floats:
    """What the highest, the two highest, ... of so many rollouts all go above with a chance of DOUBT."""
    return np.array([1 / _chance(many, above) for above in range(1, many + 1)])


def _chance(many: int, above: int) -> float:
    """The probability of each with which that many or more happen with a chance of DOUBT. Bisected."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        fewer = sum(comb(many, j) * middle**j * (1 - middle) ** (many - j) for j in range(above))
        low, high = (middle, high) if 1 - fewer < DOUBT else (low, middle)
    return high


def _next_scale(block: int) -> int:
    return next((scale for scale in SCALES[:-1] if scale > block > 0), 0)
