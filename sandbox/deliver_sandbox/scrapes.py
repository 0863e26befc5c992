"""Rows of the pods' counters, one a scrape, made out when somebody reads them.

Between two changes of the world requests come evenly, so what a stretch of time brought may be drawn at once, and each scrape in it
gets its part when a query asks: an hour that nobody queries costs what its changes cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from deliver_sandbox.chance import binomial
from deliver_sandbox.counters import Counters, Row

Marks = tuple[tuple[float, bool], ...]
"""Scrapes of one pod: unix seconds, and whether it came about."""


@dataclass(frozen=True)
class Scraping:
    """How samples come about, as a real Prometheus' targets have it. every: seconds between two scrapes of a pod, 0 = none.

    apart: each pod has a place of its own in the interval; else all are scraped at one moment. jitter: share (0..0.5) of the interval by
    which a scrape may be late. missed: chance that one fails (`up` is 0 then). discovery: seconds that a pod serves before it is a
    target; late: by image, seconds on top of that. born: a counter is there from its first event on, not from the pod's start on.
    """

    every: float = 0.0
    apart: bool = False
    jitter: float = 0.0
    missed: float = 0.0
    discovery: float = 0.0
    late: Mapping[str, float] = field(default_factory=dict)
    born: bool = False


@dataclass
class Target:
    """A pod's own place in the interval, seconds, its chance, and its next scrape: which, and when."""

    place: float
    random: Random
    number: int = 0
    due: float = 0.0


class Timetable:
    """When each pod is scraped. What chance does to one pod does not depend on the others, nor on when somebody looks."""

    def __init__(self, seed: int) -> None:
        self.scraping = Scraping()
        self._seed, self._begin = seed, 0.0
        self._targets: dict[str, Target] = {}

    def begin(self, scraping: Scraping, now: float) -> None:
        self.scraping, self._begin = scraping, now
        self._targets.clear()

    def marks(self, uid: str, name: str, known: float, since: float, now: float) -> Marks:
        """Of a pod in (since, now]. known: since when it has been a target."""
        how, target = self.scraping, self._targets.get(uid) or self._new(uid, name)
        if target.due <= since:  # not a target until now
            self._first(target, max(known, since))
        found, by_chance = [], how.missed or how.jitter
        while target.due <= now:
            found.append((target.due, not (by_chance and how.missed and target.random.random() < how.missed)))
            target.number += 1
            target.due = max(self._moment(target), target.due + 0.001) if by_chance else self._regular(target)
        return tuple(found)

    def waits(self, uid: str, now: float) -> bool:
        """Its next scrape is still to come."""
        target = self._targets.get(uid)
        return target is not None and target.due > now

    def drop(self, uid: str) -> None:
        self._targets.pop(uid, None)

    def _new(self, uid: str, name: str) -> Target:
        chance = Random(f"scrapes of {name} {self._seed}")
        made = self._targets[uid] = Target(chance.random() * self.scraping.every if self.scraping.apart else 0.0, chance)
        return made

    def _first(self, target: Target, after: float) -> None:
        target.number = int((after - self._begin - target.place) // self.scraping.every) + 1
        target.due = max(self._moment(target), after + 0.001)

    def _regular(self, target: Target) -> float:
        return self._begin + target.place + target.number * self.scraping.every

    def _moment(self, target: Target) -> float:
        how = self.scraping
        return self._regular(target) + (target.random.random() * how.jitter * how.every if how.jitter else 0.0)


@dataclass(frozen=True)
class Stretch:
    """(since, until], in which each of the `live` pods went from one count to the other, with its scrapes; `down` did not answer theirs."""

    since: float
    until: float
    live: Mapping[str, tuple[Counters, Counters, Marks]]
    down: Mapping[str, Marks]


class Scrapes:
    def __init__(self, seed: int) -> None:
        self.known: set[str] = set()
        self._random = Random(f"scrapes {seed}")
        self._unread: list[Stretch] = []
        self._rows: dict[str, list[Row]] = {}

    def add(self, stretch: Stretch) -> None:
        self._unread.append(stretch)
        self.known.update(stretch.live, stretch.down)

    def rows(self) -> dict[str, list[Row]]:
        """Uid -> its rows, oldest first."""
        unread, self._unread = self._unread, []
        for stretch in unread:
            for uid, marks in stretch.down.items():
                self._rows.setdefault(uid, []).extend(Row(at, up=False) for at, _ in marks)
            for uid, (before, after, marks) in stretch.live.items():
                self._rows.setdefault(uid, []).extend(self._parted(stretch, before, after, marks))
        return self._rows

    def drop(self, uid: str) -> None:
        self._rows.pop(uid, None)
        self.known.discard(uid)

    def _parted(self, stretch: Stretch, before: Counters, after: Counters, marks: Marks) -> list[Row]:
        """Each request falls into any moment of the stretch alike."""
        found, here, count, since = [], before.copy(), sum(before.buckets), stretch.since
        whole = sum(after.buckets)
        for at, up in marks:
            share = 1.0 if at >= stretch.until else (at - since) / (stretch.until - since)
            came = [binomial(self._random, end - now, share) for now, end in zip(here.buckets, after.buckets, strict=True)]
            n, since = sum(came), at
            here.buckets = [now + more for now, more in zip(here.buckets, came, strict=True)]
            bad = binomial(self._random, after.bad - here.bad, n / (whole - count)) if n else 0
            bad = min(n, max(bad, n - (after.good - here.good)))
            here.total += (after.total - here.total) * n / (whole - count) if n else 0.0
            here.good, here.bad, count = here.good + n - bad, here.bad + bad, count + n
            found.append(here.row(at) if up else Row(at, up=False))
        return found
