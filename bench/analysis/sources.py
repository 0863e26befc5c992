"""Where errors come from: alone, in clusters of retries, or from one client for three minutes. Same mean, other dispersion."""

import numpy as np

from bench.analysis.arrays import Floats, Ints

CLUSTER = 5  # errors of one cluster, on average
STICKY = 20  # errors of one client, on average
STAY = 180.0  # seconds that client keeps at it


def errors(rng: np.random.Generator, model: str, mean: Floats, tick: float) -> Ints:
    """Errors of each tick, `mean` being how many are expected. Clusters and clients never spread over two arms or pods."""
    match model:
        case "cluster":
            return _grouped(rng, mean, CLUSTER)
        case "sticky":
            return _spread(rng, mean, round(STAY / tick))
        case _:
            return rng.poisson(mean)


def _grouped(rng: np.random.Generator, mean: Floats, size: int) -> Ints:
    """Groups arrive as Poisson, their sizes are geometric: a sum of n of those is n plus a negative binomial."""
    groups = rng.poisson(mean / size)
    found = groups.copy()
    some = groups > 0
    found[some] += rng.negative_binomial(groups[some], 1 / size)
    return found


def _spread(rng: np.random.Generator, mean: Floats, ticks: int) -> Ints:
    """Each error of a group falls on one of the next `ticks` ticks. The past is as long, so that the first tick is like the last."""
    past = np.repeat(mean[..., :1], ticks - 1, axis=-1)
    left = _grouped(rng, np.concatenate((past, mean), axis=-1), STICKY)
    length = left.shape[-1]
    found = np.zeros(left.shape, np.int64)
    where = np.nonzero(left)
    many = left[where]
    for later in range(ticks):
        now = rng.binomial(many, 1 / (ticks - later))
        many = many - now
        inside = where[-1] + later < length
        found[(*(axis[inside] for axis in where[:-1]), where[-1][inside] + later)] += now[inside]
    return found[..., ticks - 1 :]
