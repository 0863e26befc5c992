"""Other tools' rules, plain, from their documented behaviour. Each says at which minute it rolls back; infinity: never."""

import numpy as np

from bench.analysis.arrays import Bools, Floats, Ints
from bench.analysis.hybrid import Polls
from bench.analysis.world import TICK, Traces

MINUTE = round(60 / TICK)  # ticks
Z = 2.3263478740408408  # of a one-sided .01


def first(crossed: Bools, minutes: float) -> Floats:
    """When it first holds, looked at each so many minutes."""
    return np.where(crossed.any(axis=1), minutes * (crossed.argmax(axis=1) + 1), np.inf)


def argo(canary: Traces, minutes: int, least: float, failure_limit: int) -> Floats:
    """Argo Rollouts: a measurement each interval, aborted once more of them failed than the limit. No traffic is NaN, and NaN fails."""
    return first(_failures(canary, minutes, least) > failure_limit, minutes)


def flagger(canary: Traces, least: float = 0.99, threshold: int = 5) -> Floats:
    """Flagger: checks that failed are counted and never forgotten; the rollback comes on the tick after the threshold is reached."""
    return late(first(_failures(canary, 1, least) >= threshold, 1))


def late(when: Floats) -> Floats:
    """A minute later, if the hour lasts that long."""
    return np.where(when < 60, when + 1, np.inf)


def naive_z(polls: Polls) -> Floats:
    """A one-sided two-proportion z test at .01 on all counts so far, tested anew at each poll: what one must not do."""
    xc, nc, xs, ns = (np.cumsum(counts, axis=1) for counts in (polls.canary_bad, polls.canary, polls.stable_bad, polls.stable))
    pooled = (xc + xs) / np.maximum(nc + ns, 1)
    error = np.sqrt(pooled * (1 - pooled) * (1 / np.maximum(nc, 1) + 1 / np.maximum(ns, 1)))
    return first((nc > 0) & (ns > 0) & (xc / np.maximum(nc, 1) - xs / np.maximum(ns, 1) > Z * error), 0.5)


def _failures(canary: Traces, minutes: int, least: float) -> Ints:
    """Measurements that failed so far."""
    windows = canary.per(minutes * MINUTE)
    good = (windows.all > 0) & (windows.all - windows.bad >= least * windows.all)
    return np.cumsum(~good, axis=1)
