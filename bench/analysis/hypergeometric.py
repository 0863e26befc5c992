"""The exact conditional likelihood ratio (statistics.md 2a ii), for events that are not rare: requests slower than a bucket's boundary."""

import numpy as np

from bench.analysis.arrays import Floats, Ints
from bench.analysis.hybrid import RATIOS, Polls, Tuning

CELLS = 1_500_000  # numbers held at once


def exact_ratios(polls: Polls, tuning: Tuning) -> Floats:
    """Tempered logarithms for each of the nine odds ratios against one: repetitions, polls, nine."""
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, int((polls.canary + polls.stable).max()) + 1)))))
    bad = polls.canary_bad + polls.stable_bad
    normal = np.empty((bad.size, len(RATIOS)))
    at_once = max(1, CELLS // (int(np.minimum(bad, polls.canary).max()) + 1))
    for begin in range(0, bad.size, at_once):
        some = slice(begin, begin + at_once)
        normal[some] = _log_mass(bad.ravel()[some], polls.canary.ravel()[some], polls.stable.ravel()[some], log_factorial)
    plain = polls.canary_bad.ravel()[:, None] * np.log(RATIOS) - normal
    counts = polls.both & tuning.tempered[:, None]
    return np.where(counts[..., None], plain.reshape(*bad.shape, -1) / tuning.phi[:, None, None], 0.0)


def _log_mass(bad: Ints, canary: Ints, stable: Ints, log_factorial: Floats) -> Floats:
    """ln of sum over u of C(canary, u) C(stable, bad - u) ratio**u, over the same at ratio one."""
    least, most = np.maximum(0, bad - stable), np.minimum(bad, canary)
    u = np.arange(int(most.max()) + 1)[None]
    fits = (u >= least[:, None]) & (u <= most[:, None])

    def choose(n: Ints, k: Ints) -> Floats:
        k = np.clip(k, 0, n[:, None])
        return np.asarray(log_factorial[n][:, None] - log_factorial[k] - log_factorial[n[:, None] - k])

    at_one = np.where(fits, choose(canary, np.broadcast_to(u, fits.shape)) + choose(stable, bad[:, None] - u), -np.inf)
    total = _log_sum(at_one)
    return np.stack([_log_sum(at_one + u * np.log(ratio)) - total for ratio in RATIOS], axis=1)


def _log_sum(values: Floats) -> Floats:
    top = values.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(values - top).sum(axis=1)) + top[:, 0])
