"""The exact conditional likelihood ratio (statistics.md 2a ii), for events that are not rare: requests slower than a bucket's boundary."""

import numpy as np

from bench.analysis.arrays import Floats, Ints
from bench.analysis.hybrid import RATIOS, Polls, Tuning

CELLS = 1_500_000  # numbers held at once


def exact_ratios(polls: Polls, tuning: Tuning) -> Floats:
    """Tempered logarithms for each of the nine odds ratios against one: repetitions, polls, nine."""
    return tempered(polls, tuning, polls.canary_bad[..., None] * np.log(RATIOS) - log_masses(polls, RATIOS))


def tempered(polls: Polls, tuning: Tuning, plain: Floats) -> Floats:
    """Over phi; nothing where a poll or the whole history does not count."""
    counts = (polls.both & tuning.tempered[:, None])[..., None]
    return np.where(counts, plain / tuning.phi[:, None, None], 0.0)


def log_masses(polls: Polls, ratios: Floats) -> Floats:
    """ln of sum over u of C(canary, u) C(stable, bad - u) ratio**u, over the same at ratio one: repetitions, polls, ratios."""
    bad, canary, stable = ((polls.canary_bad + polls.stable_bad).ravel(), polls.canary.ravel(), polls.stable.ravel())
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, int((canary + stable).max()) + 1)))))
    found = np.empty((bad.size, len(ratios)))
    at_once = max(1, CELLS // (int(np.minimum(bad, canary).max()) + 1))
    for begin in range(0, bad.size, at_once):
        some = slice(begin, begin + at_once)
        found[some] = _log_mass(bad[some], canary[some], stable[some], ratios, log_factorial)
    return found.reshape(*polls.canary.shape, -1)


def _log_mass(bad: Ints, canary: Ints, stable: Ints, ratios: Floats, log_factorial: Floats) -> Floats:
    least, most = np.maximum(0, bad - stable), np.minimum(bad, canary)
    u = np.arange(int(most.max()) + 1)[None]
    fits = (u >= least[:, None]) & (u <= most[:, None])

    def choose(n: Ints, k: Ints) -> Floats:
        k = np.clip(k, 0, n[:, None])
        return np.asarray(log_factorial[n][:, None] - log_factorial[k] - log_factorial[n[:, None] - k])

    at_one = np.where(fits, choose(canary, np.broadcast_to(u, fits.shape)) + choose(stable, bad[:, None] - u), -np.inf)
    total = _log_sum(at_one)
    return np.stack([_log_sum(at_one + u * np.log(ratio)) - total if ratio != 1 else np.zeros(len(bad)) for ratio in ratios], axis=1)


def _log_sum(values: Floats) -> Floats:
    top = values.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(values - top).sum(axis=1)) + top[:, 0])
