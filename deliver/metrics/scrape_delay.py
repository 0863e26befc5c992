"""Cadence: how often pods are scraped, and how late the provider's store shows the samples. Pure."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from deliver.plugins.interfaces import Series

YOUNG_PODS = 120.0  # seconds within which a pod may not have been scraped yet: two of the slowest usual scrapes
MAX_DELAY = 150.0  # seconds that a store may be late; with older samples the scrapes have stopped


@dataclass(frozen=True)
class Cadence:
    interval: float = 0.0  # seconds between two samples of a series, the median; 0 = not known
    delay: float = 0.0  # seconds that the newest sample is older than one interval: a lower bound of the store's delay

    @property
    def known(self) -> bool:
        return self.interval > 0

    @property
    def step(self) -> float:
        """Shortest time of a step in seconds: two scrapes since it began, and the store's delay; 0 = not known."""
        return 2 * self.interval + self.delay if self.known else 0.0


UNKNOWN_CADENCE = Cadence()


def cadence(series: Sequence[Series], now: float) -> Cadence:
    """series: raw samples of some minutes. now: unix seconds by the provider's clock.

    The delay is that of the newest sample of all: a missed scrape of one pod, or a pod that is gone, adds nothing to it.
    """
    interval = sample_spacing(series)
    if not interval:
        return Cadence()
    newest = max(samples[-1][0] for one in series if (samples := one.points or one.histograms))
    return Cadence(interval, max(0.0, now - newest - interval))


def sample_spacing(series: Iterable[Series]) -> float:
    """Seconds between two samples of a series, the median over all of them; 0 while no series has two."""
    times = [[at for at, _ in (one.points or one.histograms)] for one in series]
    gaps = [later - earlier for row in times for earlier, later in pairwise(row) if later > earlier]
    return statistics.median(gaps) if gaps else 0.0
