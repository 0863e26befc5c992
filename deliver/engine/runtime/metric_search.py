"""Metrics that were not there at the start: they are looked for while the release runs, beside the driver's loop, and taken in."""

import threading
from collections.abc import Callable

from deliver.engine.runtime.clock import Background, Clock
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.release import Direction, Release
from deliver.model.spec import Analysis

MetricSearch = Callable[[Release], Analysis | None]
"""One look: how the release is to be judged, None where there is still nothing. Blocks for some seconds, and never raises."""
EVERY = 15.0  # seconds between two looks


class MetricSearcher:
    """Looks until something is found. found: the newest answer."""

    def __init__(self, look: MetricSearch, clock: Clock, background: Background) -> None:
        self._look, self._clock, self._background = look, clock, background
        self.found: Analysis | None = None
        self._due, self._busy = 0.0, False
        self._lock = threading.Lock()

    def consider(self, release: Release) -> None:
        """Start a look if one is due and none is under way."""
        if not is_wanted(release) or self.found is not None:
            return
        with self._lock:
            if self._busy or self._clock.now() < self._due:
                return
            self._busy = True
        self._due = self._clock.now() + EVERY
        self._background.run(lambda: self._seek(release))

    def due(self, release: Release, now: float) -> float:
        """When `consider` wants to be asked again, unix seconds."""
        return max(self._due, now + 0.05) if is_wanted(release) and not self._busy else now + EVERY

    def _seek(self, release: Release) -> None:
        try:
            self.found = self._look(release)
        finally:
            with self._lock:
                self._busy = False
            self._clock.wake()


def is_wanted(release: Release) -> bool:
    """Nobody named a metric, and none was found so far."""
    return release.spec.analysis.seeking and release.course is not Direction.ROLLING_BACK and release.outcome is None


def with_found_metrics(release: Release, found: Analysis | None, now: float) -> Release:
    """Judged by what was found, from now on; itself where there is nothing new."""
    if found is None or not found.metrics or not is_wanted(release):
        return release
    names = " and ".join(metric.name for metric in found.metrics)
    spec = replace(release.spec, analysis=replace(found, seeking=False))
    return replace(release, spec=spec).noted(now, Event.METRICS_FOUND, subject=names)
