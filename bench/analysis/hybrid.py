"""The hybrid e-process of statistics.md 2a, for many repetitions at once.

Half of the stake is on block bets (valid however errors cluster within a block), half on conditional likelihood ratios of which the
logarithm is divided by the dispersion; both are spread over sizes of effect and over the poll at which the regression begins.
Written from the description, without a look at deliver/analysis: each is the other's check.
"""

from dataclasses import dataclass

import numpy as np

from bench.analysis.arrays import Bools, Floats, Ints

BETS = np.array([0.15, 0.4, 0.7, 0.9])
RATIOS = np.array([1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0])
CAREFUL = 0.95  # of the stake on bets where phi is assumed
AT_ONCE = 128  # repetitions: what the processor's cache holds
HUGE = 1e150  # wealth is cut here: far above every threshold, and the next step still fits a double


@dataclass(frozen=True)
class Polls:
    """Counts of each poll: repetitions, polls."""

    canary_bad: Ints
    canary: Ints
    stable_bad: Ints
    stable: Ints

    @property
    def both(self) -> Bools:
        """Polls that count: both sides had traffic."""
        return (self.canary > 0) & (self.stable > 0)

    def take(self, which: Ints | slice) -> "Polls":
        return Polls(self.canary_bad[which], self.canary[which], self.stable_bad[which], self.stable[which])

    def until(self, length: int) -> "Polls":
        return Polls(*(counts[:, :length] for counts in (self.canary_bad, self.canary, self.stable_bad, self.stable)))


@dataclass(frozen=True)
class Tuning:
    """Of each repetition, from its history. block: polls, 0 for none. tempered False: no likelihood ratios.

    assumed: the history was too thin to measure phi.
    """

    phi: Floats
    block: Ints
    tempered: Bools
    assumed: Bools | None = None

    @property
    def stakes(self) -> Floats:
        """Of each strategy: half on the bets and half on the ratios; what one half may not have is the other's.

        Where phi is assumed, the bets, which need none, have more.
        """
        halves = np.stack((self.block > 0, self.tempered), axis=1).astype(np.float64)
        if self.assumed is not None:
            halves = np.where(self.assumed[:, None], halves * (CAREFUL, 1 - CAREFUL), halves)
        halves /= np.maximum(halves.sum(axis=1, keepdims=True), 1)
        return np.repeat(halves / (len(BETS), len(RATIOS)), (len(BETS), len(RATIOS)), axis=1)

    def take(self, which: Ints | slice) -> "Tuning":
        return Tuning(self.phi[which], self.block[which], self.tempered[which], None if self.assumed is None else self.assumed[which])


def evidence(polls: Polls, tuning: Tuning, *, margin: float = 1.0, planned: int | None = None) -> Floats:
    """E after each poll, against "the canary is at most `margin` times as bad"."""
    found = []
    for begin in range(0, len(polls.canary), AT_ONCE):
        some = slice(begin, begin + AT_ONCE)
        now, at = polls.take(some), tuning.take(some)
        found.append(mixed(bets(now, at.block, margin), ratios(now, at, margin), at, planned))
    return np.concatenate(found)


def ratios(polls: Polls, tuning: Tuning, margin: float = 1.0) -> Floats:
    """Tempered log likelihood ratios: repetitions, polls, nine alternatives."""
    bad, kappa = polls.canary_bad + polls.stable_bad, margin * _kappa(polls)
    plain = polls.canary_bad[..., None] * np.log(RATIOS) - bad[..., None] * np.log(1 + (RATIOS - 1) * (kappa / (1 + kappa))[..., None])
    counts = (polls.both & tuning.tempered[:, None])[..., None]
    return np.where(counts, plain / tuning.phi[:, None, None], 0.0)


def bets(polls: Polls, block: Ints, margin: float = 1.0) -> Floats:
    """Logarithms of what each bet is multiplied by: at the last poll of a block by the block's counts, else nothing."""
    reps, length = polls.canary.shape
    end = np.arange(1, length + 1)
    due = (block[:, None] > 0) & (end % np.maximum(block, 1)[:, None] == 0)
    begin = np.where(due, end - block[:, None], 0)

    def inside(counts: Ints) -> Ints:
        total = np.concatenate((np.zeros((reps, 1), np.int64), np.cumsum(np.where(polls.both, counts, 0), axis=1)), axis=1)
        return np.asarray(total[:, 1:] - np.take_along_axis(total, begin, axis=1))

    bad, canary, stable = (inside(counts) for counts in (polls.canary_bad + polls.stable_bad, polls.canary, polls.stable))
    counts = due & (bad > 0) & (canary > 0) & (stable > 0)
    share = inside(polls.canary_bad) / np.maximum(bad, 1)
    fair = margin * canary / np.maximum(margin * canary + stable, 1)
    return np.where(counts[..., None], np.log(1 + BETS * ((share - fair) / np.where(counts, fair, 1.0))[..., None]), 0.0)


def mixed(block_bets: Floats, likelihood: Floats, tuning: Tuning, planned: int | None = None, stakes: Floats | None = None) -> Floats:
    """E after each poll: the stakes enter bit by bit, half with the first poll; what is not staked yet, or never, is cash.

    In the middle of a block its bets count as lost: else one could choose to stop while they still stand.
    """
    steps = np.exp(np.minimum(np.concatenate((block_bets, likelihood), axis=2), np.log(HUGE)))
    reps, length, strategies = steps.shape
    planned, stakes = planned or length, tuning.stakes if stakes is None else stakes
    wealth, cash, idle = np.zeros((reps, strategies)), 1.0, 1 - stakes.sum(axis=1)
    lost = np.concatenate((1 - BETS, np.ones(strategies - len(BETS))))
    open_ = np.arange(1, length + 1) % np.maximum(tuning.block, 1)[:, None] > 0
    some_open = np.asarray(open_.any(axis=0))
    found = np.empty((reps, length))
    for k in range(length):
        enters = (0.5 / planned + (0.5 if k == 0 else 0.0)) if k < planned else 0.0
        cash -= enters
        wealth = np.minimum(steps[:, k] * (wealth + enters), HUGE)
        sure = np.where(open_[:, k, None], stakes * lost, stakes) if some_open[k] else stakes
        found[:, k] = (wealth * sure).sum(axis=1) + cash * (1 - idle) + idle
    return found


def _kappa(polls: Polls) -> Floats:
    return polls.canary / np.maximum(polls.stable, 1)
