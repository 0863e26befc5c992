"""The reverse of the evidence against a canary (statistics.md 2d): it is proved to be less than so many times as bad as stable.

By the exact law: the one of rare events is safe in the other direction only.
"""

import numpy as np

from bench.analysis.arrays import Floats
from bench.analysis.hybrid import HUGE, Polls, Tuning
from bench.analysis.hypergeometric import log_masses, tempered

BETTER = np.array([0.5, 1.0])  # the alternatives, times stable
STAGES = (4, 12, 40)  # polls: where much happens, proof or rollback come early, and the law is dear


def proof(polls: Polls, tuning: Tuning, worse: float) -> Floats:
    """Evidence after each poll that the canary's odds are less than `worse` times stable's. Nothing is proved on a thin history."""
    masses = log_masses(polls, np.append(BETTER, worse))
    steps = polls.canary_bad[..., None] * np.log(BETTER / worse) - masses[..., :-1] + masses[..., -1:]
    total = np.cumsum(tempered(polls, tuning, steps), axis=1)
    return np.asarray(np.exp(np.minimum(total, np.log(HUGE))).mean(axis=2))


def proved(polls: Polls, tuning: Tuning, worse: float, beta: float, back: Floats) -> Floats:
    """The number of polls after which it is proved, infinity for never. back: when it is rolled back, after which nobody asks."""
    found = np.full(len(back), np.inf)
    for stage in (*STAGES, polls.canary.shape[1]):
        open_ = np.flatnonzero(np.isinf(found) & (back > _before(stage)))
        if len(open_):
            enough = proof(polls.until(stage).take(open_), tuning.take(open_), worse) >= 1 / beta
            found[open_] = np.where(enough.any(axis=1), enough.argmax(axis=1) + 1.0, np.inf)
    return found


def _before(stage: int) -> int:
    return max((one for one in STAGES if one < stage), default=0)
