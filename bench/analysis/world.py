"""The simulated world: six hours of history of stable pods, then an hour of canary. Every method sees the same traces."""

from dataclasses import dataclass

import numpy as np

from bench.analysis.arrays import Floats, Ints
from bench.analysis.cells import RAMP, Cell
from bench.analysis.sources import errors

TICK = 10.0  # seconds
TICKS = 360  # an hour of bake
FLEET = 20  # pods of the rollout, each with as much traffic: a weight of 10 % is two of them
PODS = 18  # of these the history has
PAST = 720  # windows of half a minute
WINDOW = 30.0
DAY = 7200.0  # seconds: a day passes in two hours, so that a bake of one sees the rates move
SWING = 0.5
INCIDENT, WORSE = 180.0, 20.0
SPREAD = 0.3  # of the logarithm of a pod's own error share

CANARY, BASELINE, REST = range(3)  # stable is baseline (as large as the canary, for Kayenta) and rest


@dataclass(frozen=True)
class Traces:
    """bad, all: repetitions, arms (or pods), ticks."""

    bad: Ints
    all: Ints

    @property
    def canary(self) -> "Traces":
        return Traces(self.bad[:, CANARY], self.all[:, CANARY])

    @property
    def baseline(self) -> "Traces":
        return Traces(self.bad[:, BASELINE], self.all[:, BASELINE])

    @property
    def stable(self) -> "Traces":
        return Traces(self.bad[:, BASELINE:].sum(axis=1), self.all[:, BASELINE:].sum(axis=1))

    def per(self, ticks: int) -> "Traces":
        """Summed over windows of so many ticks."""
        shape = (*self.bad.shape[:-1], -1, ticks)
        return Traces(self.bad.reshape(shape).sum(axis=-1), self.all.reshape(shape).sum(axis=-1))


def rollout(rng: np.random.Generator, cell: Cell, reps: int) -> Traces:
    """An hour, three arms."""
    weight = np.repeat(RAMP, TICKS // len(RAMP)) if cell.model == "ramp" else np.full(TICKS, cell.weight)
    arms = np.stack((weight, weight, 1 - 2 * weight))
    factor = np.ones((3, TICKS))
    factor[CANARY, round(60 * cell.start / TICK) :] = cell.factor
    share = cell.base * factor * _arm_effects(rng, cell, reps)
    return _draw(rng, cell.model, cell.rps * TICK * arms[None], share, TICK, (reps, 3, TICKS))


def history(rng: np.random.Generator, cell: Cell, reps: int) -> Traces:
    """Six hours of stable pods in windows of half a minute. Weight and factor of the cell do not matter."""
    traffic = np.full((1, 1, PAST), cell.rps * WINDOW / FLEET)
    share = cell.base * (_pod_effects(rng, (reps, PODS, 1)) if cell.model == "podhet" else np.ones((1, 1, 1)))
    return _draw(rng, cell.model, traffic, share, WINDOW, (reps, PODS, PAST))


def _draw(rng: np.random.Generator, model: str, traffic: Floats, share: Floats, tick: float, shape: tuple[int, int, int]) -> Traces:
    reps, _, length = shape
    match model:
        case "diurnal" | "ramp":
            traffic, share = traffic * _waves(rng, reps, length, tick), share * _waves(rng, reps, length, tick)
        case "common":
            share = share * _incidents(rng, reps, length, tick)
        case "traffburst":
            traffic = traffic * rng.standard_exponential(shape)  # a gamma with a coefficient of variation of one
        case _:
            pass
    share = np.minimum(share, 1.0)
    bad = errors(rng, model, np.broadcast_to(traffic * share, shape), tick)
    return Traces(bad, bad + rng.poisson(np.broadcast_to(traffic * (1 - share), shape)))


def _arm_effects(rng: np.random.Generator, cell: Cell, reps: int) -> Floats:
    """What the arms' pods differ by, on average over the pods of each arm."""
    if cell.model != "podhet":
        return np.ones((1, 1, 1))
    few = max(1, round(FLEET * cell.weight))
    sizes = (few, few, max(1, FLEET - 2 * few))
    return np.stack([_pod_effects(rng, (reps, size)).mean(axis=1) for size in sizes], axis=1)[..., None]


def _pod_effects(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return np.exp(SPREAD * rng.standard_normal(shape) - SPREAD**2 / 2)


def _waves(rng: np.random.Generator, reps: int, length: int, tick: float) -> Floats:
    """A sine over the made-up day with a phase of its own for each repetition, the same for all arms."""
    phase = 2 * np.pi * rng.random((reps, 1, 1))
    return 1 + SWING * np.sin(2 * np.pi * tick / DAY * np.arange(length) + phase)


def _incidents(rng: np.random.Generator, reps: int, length: int, tick: float) -> Floats:
    """One incident each hour that all arms share."""
    hour, lasts = round(3600 / tick), round(INCIDENT / tick)
    begin = rng.integers(0, hour - lasts + 1, (reps, 1, length // hour))
    since = np.arange(length) - np.repeat(begin + hour * np.arange(length // hour), hour, axis=2)
    return np.where((since >= 0) & (since < lasts), WORSE, 1.0)
