"""What the referee of the judge knows: the store's raw samples as it reads them itself, and exact tests of its own.

Nothing here uses the product's analysis.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from deliver_sandbox.counters import BOUNDS, Row
from deliver_sandbox.traffic import ON
from deliver_sandbox.world import World

FEWEST, TIMES, CHANCE, LIMIT_CHANCE = 5, 2.0, 0.0005, 0.001
ENOUGH = 50  # requests of the stable side below which its past is taken
OFF = "/off"
LEAN = 0.3  # chance above which data do not lean


@dataclass(frozen=True)
class Count:
    bad: int = 0
    total: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.bad + other.bad, self.total + other.total)

    @property
    def share(self) -> float:
        return self.bad / self.total if self.total else 0.0

    def __str__(self) -> str:
        return f"{self.bad} of {self.total}"


@dataclass(frozen=True)
class Measure:
    """What a metric counts. slow: seconds above which a request is bad, 0: errors. limit: share, 0: compared with the stable side.

    compare: over the limit and worse than the stable side is what counts.
    """

    name: str
    slow: float = 0.0
    limit: float = 0.0
    compare: bool = False

    def of(self, row: Row) -> Count:
        if not self.slow:
            return Count(row.bad, row.good + row.bad)
        return Count(row.buckets[-1] - row.buckets[BOUNDS.index(self.slow)], row.buckets[-1])


# ------------------------------------------------------------ exact tests


@lru_cache(maxsize=4096)
def fisher(candidate: Count, stable: Count) -> float:
    """Chance that so many of all bad requests fall on the candidate, were both alike."""
    bad, n, m = candidate.bad + stable.bad, candidate.total, stable.total
    whole = _choose(n + m, bad)
    highest = min(n, bad)
    terms = (_choose(n, x) + _choose(m, bad - x) - whole for x in range(candidate.bad, highest + 1) if bad - x <= m)
    return _sum(terms)


@lru_cache(maxsize=4096)
def binomial(count: Count, limit: float) -> float:
    """Chance of so many bad requests or more at this share."""
    good, bad = math.log1p(-limit), math.log(limit)
    return _sum(_choose(count.total, x) + x * bad + (count.total - x) * good for x in range(count.bad, count.total + 1))


def against(candidate: Count, stable: Count, limit: float) -> float:
    """The chance of such numbers of a version that is no worse; 1 where they do not speak against it at all."""
    if not candidate.bad or not candidate.total:
        return 1.0
    if limit:
        return binomial(candidate, limit) if candidate.share > limit else 1.0
    return fisher(candidate, stable) if stable.total and candidate.share > stable.share else 1.0


def clear(candidate: Count, stable: Count, limit: float, *, chance: float = 0.0) -> bool:
    """Speaks clearly against the candidate."""
    if candidate.bad < FEWEST or (not limit and candidate.share < TIMES * stable.share):
        return False
    return against(candidate, stable, limit) < (chance or (LIMIT_CHANCE if limit else CHANCE))


def _choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _sum(logs: Iterable[float]) -> float:
    """Until terms do not matter any more: they fall from the observed number on."""
    total = 0.0
    for one in logs:
        term = math.exp(min(one, 0.0))
        total += term
        if term < 1e-12 * total or (total == 0.0 and one < -700):
            break
    return min(total, 1.0)


# ------------------------------------------------------------ what the store shows


@dataclass
class Shown:
    """The raw samples of the pods, as the store has them at a moment. lag: seconds before it shows one.

    An arm is an image, or of a flag ON and OFF: users with its treatment and those without.
    """

    world: World
    lag: float = 0.0

    def count(self, arm: str, measure: Measure, since: float, at: float) -> Count:
        """Of one arm: between samples taken since a moment, and shown at another."""
        traffic, found = self.world.traffic, Count()
        for key, rows in traffic.rows.items():
            run = traffic.pods[key.removesuffix(ON)]
            if self.arm(key) == arm:
                found += _grown(_ends(rows, max(since, run.started), at - self.lag), measure, since, run.started)
        return found

    def requests(self, arm: str, since: float, at: float) -> int:
        """The most that the store can show of requests since a moment: a pod that no sample was taken of before counts from zero."""
        traffic, found = self.world.traffic, 0
        for key, rows in traffic.rows.items():
            if self.arm(key) == arm:
                before, later = _ends(rows, 0.0, since), _ends(rows, since, at - self.lag)
                young = not before or not before[-1].good + before[-1].bad
                first, last = (one.good + one.bad for one in later) if later else (0, 0)
                found += max(last - (0 if young or last < first else first), 0)
        return found

    def reached(self, arm: str, since: float, until: float, least: int) -> float:
        """When the store first showed so many requests between samples taken since a moment; `until` where it never did."""
        taken = [row.at for key, rows in self.world.traffic.rows.items() if self.arm(key) == arm for row in rows if row.up]
        measure = Measure("requests")
        for at in sorted(at + self.lag for at in taken if since < at + self.lag <= until):
            if self.count(arm, measure, since, at).total >= least:
                return at
        return until

    def served(self, arm: str) -> int:
        """Requests so far, seen by no store."""
        traffic = self.world.traffic
        traffic.settle()
        return sum(one.good + one.bad for key, one in traffic.counters.items() if self.arm(key) == arm)

    def arm(self, key: str) -> str:
        if not self.world.traffic.varied:
            return self.world.traffic.pods[key].image
        return ON if key.endswith(ON) else OFF


def _ends(rows: list[Row], since: float, until: float) -> list[Row]:
    """The first and the last sample between two moments."""
    low, high = bisect_left(rows, since, key=lambda row: row.at), bisect_right(rows, until, key=lambda row: row.at)
    first = next((at for at in range(low, high) if rows[at].up), high)
    last = next((at for at in range(high - 1, first - 1, -1) if rows[at].up), first)
    return [rows[first], rows[last]] if first < high else []


def _grown(rows: list[Row], measure: Measure, since: float, started: float) -> Count:
    """A pod that started after `since` counts from zero; a fall is a restart."""
    if not rows:
        return Count()
    first, last = measure.of(rows[0]), measure.of(rows[-1])
    base = Count() if started >= since else first
    if last.total < base.total:
        base = Count()
    return Count(max(last.bad - base.bad, 0), last.total - base.total)


# ------------------------------------------------------------ rules


@dataclass
class Numbers:
    """A metric at a moment, of a stretch of time."""

    measure: Measure
    candidate: Count
    stable: Count

    def clear(self, chance: float = 0.0) -> bool:
        if self.measure.limit and self.stable.share > self.measure.limit:
            return False  # both sides are: not the candidate's doing
        found = clear(self.candidate, self.stable, self.measure.limit, chance=chance)
        return found and (not self.measure.compare or clear(self.candidate, self.stable, 0.0, chance=chance))

    @property
    def leans(self) -> bool:
        return against(self.candidate, self.stable, self.measure.limit) < LEAN

    def __str__(self) -> str:
        than = f"limit {100 * self.measure.limit:g} %" if self.measure.limit else f"stable {self.stable}"
        return f"{self.measure.name}: candidate {self.candidate}, {than}"


@dataclass
class Bench:
    """Where the referee sits: counts for a pair of images. past: the stable side counts from so far back where its present is too thin."""

    shown: Shown
    stable: str
    candidate: str
    measures: tuple[Measure, ...]
    broken: list[str] = field(default_factory=list)

    def numbers(self, since: float, at: float) -> list[Numbers]:
        return [self.one(measure, since, at) for measure in self.measures]

    def one(self, measure: Measure, since: float, at: float) -> Numbers:
        return Numbers(measure, self.shown.count(self.candidate, measure, since, at), self.compared(measure, since, at))

    def compared(self, measure: Measure, since: float, at: float) -> Count:
        stable = self.shown.count(self.stable, measure, since, at)
        return stable if stable.total >= ENOUGH else self.shown.count(self.stable, measure, 0.0, at)

    def say(self, rule: str, text: str) -> None:
        """The first of each rule: what follows is mostly the same once more."""
        if not any(line.startswith(f"({rule})") for line in self.broken):
            self.broken.append(f"({rule}) {text}")
