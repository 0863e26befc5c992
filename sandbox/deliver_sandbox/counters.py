"""What a pod's own /metrics counts: requests by code, and a histogram of their durations, as the images of tests/lab do."""

from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from deliver_sandbox.chance import below, binomial, deal, spread
from deliver_sandbox.images import Behaviour

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LE = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf")
"""As Prometheus 3 stores them."""


@lru_cache(maxsize=256)
def shares(median: float, sigma: float) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """(bucket numbers that can be hit, their shares); a share under one in a million is left out."""
    upto = [*(below(bound, median, sigma) for bound in BOUNDS), 1.0]
    each = [high - low for low, high in zip([0.0, *upto], upto, strict=False)]
    places = tuple(i for i, share in enumerate(each) if share > 1e-6)
    return places, tuple(each[i] for i in places)


@dataclass
class Counters:
    """Cumulative since the container's start. buckets: requests in each bucket alone, not yet summed up.

    owed: by weights, what each place has not had yet for want of a whole request; of requests that are dealt out without chance.
    """

    good: int = 0
    bad: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * len(LE))
    total: float = 0.0
    owed: dict[tuple[float, ...], list[float]] = field(default_factory=dict)

    def serve(self, rng: Random | None, n: int, behaviour: Behaviour, extra_errors: float, slowdown: float) -> int:
        """Count n requests; returns how many were answered 500. rng None: as many of each kind as its share says."""
        bad = self.part(rng, n, 1 - (1 - behaviour.errors) * (1 - extra_errors))
        self.good += n - bad
        self.bad += bad
        places, weights = shares(behaviour.latency * slowdown, behaviour.spread)
        counts = (n,) if len(places) == 1 else spread(rng, n, weights) if rng else self._dealt(n, weights)
        for place, count in zip(places, counts, strict=True):
            self.buckets[place] += count
        self.total += n * behaviour.latency * slowdown
        return bad

    def part(self, rng: Random | None, n: int, share: float) -> int:
        return binomial(rng, n, share) if rng else self._dealt(n, (share, 1 - share))[0]

    def _dealt(self, n: int, weights: tuple[float, ...]) -> list[int]:
        return deal(n, weights, self.owed.setdefault(weights, [0.0] * len(weights)))

    def copy(self) -> "Counters":
        return Counters(self.good, self.bad, list(self.buckets), self.total)

    def row(self, at: float) -> "Row":
        running, upto = 0, []
        for count in self.buckets:
            running += count
            upto.append(running)
        return Row(at, self.good, self.bad, tuple(upto), self.total)


@dataclass(frozen=True, slots=True)
class Row:
    """One scrape of one pod. buckets: cumulative, the last one is the count. up False: the scrape failed and the rest is nothing."""

    at: float
    good: int = 0
    bad: int = 0
    buckets: tuple[int, ...] = ()
    total: float = 0.0
    up: bool = True
