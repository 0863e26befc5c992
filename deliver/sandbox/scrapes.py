"""Rows of the pods' counters, one a scrape, made out when somebody reads them.

Between two changes of the world requests come evenly, so what a stretch of time brought may be drawn at once, and each scrape in it
gets its part when a query asks: an hour that nobody queries costs what its changes cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from deliver.sandbox.chance import binomial
from deliver.sandbox.counters import Counters, Row


@dataclass(frozen=True)
class Stretch:
    """Scrapes at `marks` in (since, until], in which each of the `live` pods went from one count to the other; `down` did not answer."""

    since: float
    until: float
    marks: tuple[float, ...]
    live: Mapping[str, tuple[Counters, Counters]]
    down: tuple[str, ...]


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
            for uid in stretch.down:
                self._rows.setdefault(uid, []).extend(Row(at, up=False) for at in stretch.marks)
            for uid, (before, after) in stretch.live.items():
                self._rows.setdefault(uid, []).extend(self._parted(stretch, before, after))
        return self._rows

    def drop(self, uid: str) -> None:
        self._rows.pop(uid, None)
        self.known.discard(uid)

    def _parted(self, stretch: Stretch, before: Counters, after: Counters) -> list[Row]:
        """Each request falls into any moment of the stretch alike."""
        found, here, count, since = [], before.copy(), sum(before.buckets), stretch.since
        whole = sum(after.buckets)
        for at in stretch.marks:
            share = 1.0 if at >= stretch.until else (at - since) / (stretch.until - since)
            came = [binomial(self._random, end - now, share) for now, end in zip(here.buckets, after.buckets, strict=True)]
            n, since = sum(came), at
            here.buckets = [now + more for now, more in zip(here.buckets, came, strict=True)]
            bad = binomial(self._random, after.bad - here.bad, n / (whole - count)) if n else 0
            bad = min(n, max(bad, n - (after.good - here.good)))
            here.total += (after.total - here.total) * n / (whole - count) if n else 0.0
            here.good, here.bad, count = here.good + n - bad, here.bad + bad, count + n
            found.append(here.row(at))
        return found
