"""When and what the analyzer is asked: beside the driver's loop, so that a slow Prometheus never delays a pod fact."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from deliver.engine.core.cutover import judged_by_more_than_pods
from deliver.engine.core.exposure import exposed_by
from deliver.engine.runtime.clock import Background, Clock
from deliver.model.analysis_result import NOT_ANALYZED, AnalysisResult
from deliver.model.observation import Observation, PodSeen
from deliver.model.plan import Step
from deliver.model.release import Direction, Release


class Analyzer(Protocol):
    """Looks at the pods of both sides: deliver.metrics.analyzer.StepAnalyzer, or a test's."""

    def reset(self, at: float) -> None: ...

    def analyze(
        self, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], *, traffic: bool = True
    ) -> AnalysisResult: ...


AnalyzerFactory = Callable[[Release], Callable[[Step], Analyzer]]


def nothing_to_ask(release: Release) -> bool:
    """There is nothing to ask but the pods, or no more to ask."""
    return release.course is Direction.ROLLING_BACK or not judged_by_more_than_pods(release)


def has_requests(release: Release) -> bool:
    """The candidate has requests that the metrics are to judge: users', or those of a preview with users of its own."""
    return release.current.metrics and (release.exposed or release.current.preview)


class AnalysisPoller:
    """Polls the analyzer of the present step while there is a candidate to judge; keeps its newest answer.

    analyzers_of: what makes the analyzers of a release's steps.
    """

    def __init__(self, analyzers_of: AnalyzerFactory, release: Release, clock: Clock, background: Background) -> None:
        self.analyzers_of, self.clock, self.background = analyzers_of, clock, background
        self.make_analyzer = analyzers_of(release)
        self._analyzers: dict[str, Analyzer] = {}
        self.latest = NOT_ANALYZED
        self._due = 0.0
        self._busy = False
        self._bake = 0.0
        self._lock = threading.Lock()

    def renew(self, release: Release) -> None:
        """It is judged by other metrics from now on, and this step's bake by all of its samples."""
        self.make_analyzer = self.analyzers_of(release)
        self._analyzers, self._bake, self._due = {}, 0.0, 0.0

    def consider(self, release: Release, seen: Observation) -> None:
        """Start a look if one is due and none is under way."""
        analysis = release.spec.analysis
        if nothing_to_ask(release):
            self.latest = NOT_ANALYZED  # what an earlier step was told is not about this one
            return
        if self.clock.now() < self._due and release.bake_since in (0.0, self._bake):
            return
        pods = exposed_by(release).compared_pods(release, seen)
        if pods is None:
            return
        analyzer = self._analyzer_of(release.current)
        if release.bake_since and release.bake_since != self._bake:
            self._bake = release.bake_since
            analyzer.reset(release.bake_since)
            self._due = min(self._due, self.clock.now() + analysis.poll)
        with self._lock:
            if self._busy or self.clock.now() < self._due:
                return
            self._busy = True
        self._due = self.clock.now() + analysis.poll
        traffic = has_requests(release)
        self.background.run(lambda: self._analyze(analyzer, release.spec.target.namespace, *pods, traffic))

    def due(self, release: Release, now: float) -> float:
        """When `consider` wants to be asked again, unix seconds."""
        return now + 60.0 if nothing_to_ask(release) else max(self._due, now + 0.05 if not self._busy else now + 1.0)

    def _analyzer_of(self, step: Step) -> Analyzer:
        """What a step does not ask for in a way of its own is asked by one analyzer."""
        key = repr((step.checks, step.baseline, step.probe, step.side, step.by_weight))
        if key not in self._analyzers:
            self._analyzers[key] = made = self.make_analyzer(step)
            made.reset(self.clock.now())  # what was counted before it is not of this step
        return self._analyzers[key]

    def _analyze(self, analyzer: Analyzer, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], traffic: bool) -> None:
        try:
            self.latest = analyzer.analyze(namespace, stable, candidate, traffic=traffic)
        finally:
            with self._lock:
                self._busy = False
            self.clock.wake()
