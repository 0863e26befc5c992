"""How often pods are scraped, and how late the store shows what was scraped. Pure: raw samples and the store's own clock."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from deliver.plugins.interfaces import Series

BELIEVED = 150.0  # seconds that a store may be late; what is older has stopped


@dataclass(frozen=True)
class Cadence:
    """interval: seconds between two samples of a series, as most of them are apart; 0 = not known.

    delay: seconds that the newest sample is older than one interval explains; 0 = no later than that, or not known. It is a lower
    bound: a sample that was taken just now and is not shown yet makes it as much as one interval shorter than it is.
    """

    interval: float = 0.0
    delay: float = 0.0

    @property
    def known(self) -> bool:
        return self.interval > 0

    @property
    def step(self) -> float:
        """Seconds that a step takes at the least: two samples that were taken since it began, and the store's delay; 0 = not known."""
        return 2 * self.interval + self.delay if self.known else 0.0


def cadence(series: Sequence[Series], now: float) -> Cadence:
    """series: raw samples of some minutes. now: the store's clock, unix seconds.

    The series with the newest sample tells the delay: a scrape that one pod missed, or a pod that is gone, makes none.
    """
    times = [[at for at, _ in (one.points or one.histograms)] for one in series]
    gaps = [later - earlier for row in times for earlier, later in pairwise(row) if later > earlier]
    if not gaps:
        return Cadence()
    interval = statistics.median(gaps)
    newest = max(row[-1] for row in times if row)
    return Cadence(interval, max(0.0, now - newest - interval))
