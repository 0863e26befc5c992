"""Response times in the default buckets of Prometheus clients: counts slower than each boundary, a window of half a minute at a time."""

from dataclasses import dataclass
from math import erf, log, sqrt
from zlib import crc32

import numpy as np

from bench.analysis.arrays import Floats, Ints
from bench.analysis.world import FLEET, PAST, PODS, WINDOW

BOUNDARIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
POLLS = 120
MEDIAN, SIGMA = 0.06, 0.7
WEIGHT = 0.1
PAUSE = 1.0  # seconds that a collection stops a pod
PAUSES = 1 / 60  # a second and pod
GRAIN = 200


@dataclass(frozen=True)
class Slow:
    """What is done to the canary: its median times so much, and a share of its requests that take `extra` seconds more.

    pauses: of all pods, healthy ones too.
    """

    name: str
    median: float = 1.0
    share: float = 0.0
    extra: float = 0.0
    pauses: bool = False

    @property
    def null(self) -> bool:
        return self.median == 1 and self.share == 0


KINDS = (
    Slow("null iid"),
    Slow("null gc", pauses=True),
    Slow("slower 1.2", median=1.2),
    Slow("slower 1.5", median=1.5),
    Slow("2 % + 1 s", share=0.02, extra=1.0),
    Slow("10 % + 200 ms", share=0.1, extra=0.2),
)


def seed(kind: Slow, rps: int) -> int:
    return crc32(f"latency {kind.name} {rps}".encode())


def rollout(rng: np.random.Generator, kind: Slow, rps: int, reps: int) -> Ints:
    """Requests in each bucket: repetitions, arms (canary, baseline, rest of stable), polls, buckets."""
    shares = (WEIGHT, WEIGHT, 1 - 2 * WEIGHT)
    plain, arms = Slow(kind.name, pauses=kind.pauses), []
    for arm, share in enumerate(shares):
        arms.append(_draw(rng, kind if arm == 0 else plain, rps * share, round(FLEET * share), (reps, POLLS)))
    return np.stack(arms, axis=1)


def history(rng: np.random.Generator, kind: Slow, rps: int, reps: int) -> Ints:
    """Requests in each bucket: repetitions, pods, windows, buckets."""
    return _draw(rng, Slow(kind.name, pauses=kind.pauses), rps / FLEET, 1, (reps, PODS, PAST))


def _draw(rng: np.random.Generator, kind: Slow, rps: float, pods: int, shape: tuple[int, ...]) -> Ints:
    mean = np.broadcast_to(rps * WINDOW * buckets(kind), (*shape, len(BOUNDARIES) + 1))
    if kind.pauses:
        pauses = rng.poisson(pods * PAUSES * WINDOW, shape)
        mean = mean + pauses[..., None] * rps / pods * PAUSE * paused_buckets(kind)
    return rng.poisson(mean)


def buckets(kind: Slow, later: float = 0.0) -> Floats:
    """The share of requests in each bucket, if all take `later` seconds more."""
    slow = np.array([_below((b - later - kind.extra) / kind.median) for b in BOUNDARIES])
    rest = np.array([_below((b - later) / kind.median) for b in BOUNDARIES])
    below = kind.share * slow + (1 - kind.share) * rest
    return np.diff(np.concatenate(([0.0], below, [1.0])))


def paused_buckets(kind: Slow) -> Floats:
    """A request that meets a pause waits for what is left of it."""
    return np.asarray(np.mean([buckets(kind, PAUSE * (i + 0.5) / GRAIN) for i in range(GRAIN)], axis=0))


def _below(seconds: float) -> float:
    return 0.0 if seconds <= 0 else (1 + erf(log(seconds / MEDIAN) / SIGMA / sqrt(2))) / 2
