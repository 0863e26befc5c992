"""When and what the examiner is asked: beside the driver's loop, so that a slow Prometheus never delays a pod fact."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from deliver.engine.clock import Background, Clock
from deliver.model.release import Course, Release
from deliver.model.seen import PodSeen, Seen
from deliver.model.verdict import CheckResult


class Judged(Protocol):
    """One examination. at: when its data was asked for, unix seconds."""

    @property
    def results(self) -> tuple[CheckResult, ...]: ...

    @property
    def share(self) -> float | None: ...

    @property
    def at(self) -> float: ...


@dataclass(frozen=True)
class Nothing:
    """Not judged yet."""

    results: tuple[CheckResult, ...] = ()
    share: float | None = None
    at: float = 0.0


class Examines(Protocol):
    """deliver.metrics.examiner.Examiner, or a test's."""

    def reset(self, at: float) -> None: ...

    def examine(self, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], *, traffic: bool = True) -> Judged: ...


class Watching:
    """Polls the examiner while there is a candidate to judge; keeps its newest answer."""

    def __init__(self, examiner: Examines, clock: Clock, background: Background) -> None:
        self.examiner, self.clock, self.background = examiner, clock, background
        self.latest: Judged = Nothing()
        self._due = 0.0
        self._busy = False
        self._bake = 0.0
        self._lock = threading.Lock()

    def consider(self, release: Release, seen: Seen) -> None:
        """Start an examination if one is due and none is under way."""
        analysis = release.spec.analysis
        if not (analysis.metrics or analysis.health) or release.course is Course.BACK:
            return
        judged = seen.stable if release.plan.flag else seen.candidate  # a flag's users are served by the pods that are there
        if judged is None or judged.ready == 0 or seen.stable is None:
            return
        if release.bake_since and release.bake_since != self._bake:
            self._bake = release.bake_since
            self.examiner.reset(release.bake_since)
            self._due = min(self._due, self.clock.now() + analysis.poll)
        with self._lock:
            if self._busy or self.clock.now() < self._due:
                return
            self._busy = True
        self._due = self.clock.now() + analysis.poll
        stable, candidate, traffic = seen.stable.pods, judged.pods, release.exposed
        self.background.run(lambda: self._examine(release.spec.target.namespace, stable, candidate, traffic))

    def due(self, release: Release, now: float) -> float:
        """When `consider` wants to be asked again, unix seconds."""
        analysis = release.spec.analysis
        idle = release.course is Course.BACK or not (analysis.metrics or analysis.health)
        return now + 60.0 if idle else max(self._due, now + 0.05 if not self._busy else now + 1.0)

    def _examine(self, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], traffic: bool) -> None:
        try:
            self.latest = self.examiner.examine(namespace, stable, candidate, traffic=traffic)
        finally:
            with self._lock:
                self._busy = False
            self.clock.wake()
