"""StepAnalyzer: fetches what the analysis asks for and turns it into verdicts with their evidence. It never raises."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from deliver.analysis.threshold import BreachStreak
from deliver.metrics import drain, few_requests
from deliver.metrics.baseline import StableBaseline
from deliver.metrics.calibrate import HistoryUnavailable, NoRequestsYet
from deliver.metrics.candidate_traffic import check_exposure
from deliver.metrics.evidence_metric import fail_on_joint_evidence, judge_by_evidence
from deliver.metrics.evidence_store import EvidenceStore
from deliver.metrics.fetch import Fetch
from deliver.metrics.look import Look
from deliver.metrics.pod_probes import PROBE_TIMEOUT, ConsecutiveFailures, probe_all
from deliver.metrics.pod_roster import CANDIDATE, STABLE, PodRoster
from deliver.metrics.scrape_delay import MAX_DELAY
from deliver.metrics.service_checks import ServiceChecks, ServiceProbe
from deliver.metrics.step_counts import StepCounts
from deliver.metrics.threshold_metric import MetricOutcome, judge_by_threshold
from deliver.metrics.variants import Variants
from deliver.model.analysis_result import AnalysisResult
from deliver.model.evidence import MetricEvidence
from deliver.model.observation import CutoverSeen, PodSeen
from deliver.model.spec import Analysis, EvidenceMetric, Metric
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.plugins.interfaces import Check, MetricProvider
from deliver.plugins.validation import error_text

TIMEOUT = 10.0
STALE_SCRAPES = 2.5  # scrape intervals after which a pod's newest sample is old, however slow its scrapes are
MAX_UNREAD_LOOKS = 3  # looks that wait for the history of the stable side; then the release goes on without it


@dataclass
class _StepState:
    """State of one step. A new step gets a new object, so that a look at the old step that ends late changes nothing."""

    start: float  # unix seconds by our clock: end of the warm-up
    offset: float | None = None  # seconds that the provider's clock is ahead of ours; None until it is measured
    streaks: dict[str, BreachStreak] = field(default_factory=dict)
    roster: PodRoster = field(default_factory=PodRoster)
    failures: ConsecutiveFailures = field(default_factory=ConsecutiveFailures)
    past: StableBaseline = field(default_factory=StableBaseline)
    services: ServiceChecks = field(default_factory=ServiceChecks)
    counts: dict[str, StepCounts] = field(default_factory=dict)


@dataclass(frozen=True)
class StepSetup:
    """What is special about the step that an analyzer looks at."""

    baseline: float = 0.0  # seconds of the stable side's past that the candidate is compared with; 0 = the stable side's present
    until: float = 0.0  # unix seconds: end of that past; 0 = the step's beginning
    service_probes: Sequence[ServiceProbe] = ()  # how each Service is asked whether it answers
    variants: Variants | None = None  # of a feature flag: both sides are the same pods, a label of their series tells them apart
    shared: bool = False  # the Services send users to both sides, by the number of their endpoints
    alone: bool = False  # all users are on the candidate: what stable pods count are probes


class StepAnalyzer:
    """Looks at the metrics, the health checks and the Services in one step of a release."""

    def __init__(
        self,
        analysis: Analysis,
        provider: MetricProvider | None,
        checks: Sequence[tuple[str, Check]],
        clock: Callable[[], float],
        setup: StepSetup = StepSetup(),
        *,
        evidence_store: EvidenceStore | None = None,
        timeout: float = TIMEOUT,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """clock: unix seconds. evidence_store: of the whole release. timeout: seconds that one look may take. timer: monotonic seconds."""
        self._analysis, self._provider, self._checks, self._setup = analysis, provider, tuple(checks), setup
        self._clock, self._timer, self._timeout = clock, timer, timeout
        self._store = evidence_store or EvidenceStore()
        self._step = _StepState(0.0)

    def reset(self, at: float) -> None:
        """A new step begins at `at`, unix seconds. Samples from before the end of its warm-up no longer count."""
        self._step = _StepState(at + self._analysis.warmup, past=StableBaseline(self._setup.until or at, self._setup.baseline))

    def analyze(self, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], *, traffic: bool = True) -> AnalysisResult:
        """One look; it blocks for `timeout` seconds at most. traffic: False while the candidate has no requests: health checks alone."""
        step, at = self._step, self._clock()
        pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="deliver-health")
        try:
            probes, limit = self._setup.service_probes, min(PROBE_TIMEOUT, self._timeout)
            asked = pool.submit(step.services.ask, probes, limit, self._clock) if traffic else None
            health = pool.submit(probe_all, self._checks, namespace, candidate, step.failures, self._timeout, self._clock)
            outcomes = self._metrics(step, at, namespace, stable, candidate) if traffic else ()
            results = tuple(outcome.result for outcome in outcomes) + self._exposure(outcomes, stable, candidate, at)
            results += self._health(health, at)
            answered, unasked = asked.result() if asked else ((), "")
            percent = next((outcome.candidate_percent for outcome in outcomes if outcome.candidate_percent is not None), None)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        rates = drain.first_rates(outcome.rates for outcome in outcomes)
        cutover = CutoverSeen(at, *rates, unasked) if self._setup.baseline or self._setup.service_probes else None
        return AnalysisResult(results + answered, percent, at, cutover, dict(self._store.measures))

    def _metrics(
        self, step: _StepState, at: float, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]
    ) -> tuple[MetricOutcome, ...]:
        metrics = self._analysis.metrics
        if not metrics:
            return ()
        if self._provider is None:
            return tuple(MetricOutcome(blind_result(metric.name, "metric", "no metric provider is configured", at)) for metric in metrics)
        widest = max((getattr(metric, "window", 0.0) for metric in metrics), default=0.0)
        step.roster.note(at, stable, candidate, widest + self._analysis.max_staleness)
        until = self._timer() + self._timeout
        try:
            fetch = Fetch(self._provider, namespace, step.roster.names(), lambda: until - self._timer(), self._setup.variants)
            look = self._look(step, fetch, (*stable, *candidate))
        except Exception as error:  # a provider is foreign code: whatever it raises, the release goes on blind
            return tuple(MetricOutcome(blind_result(metric.name, "metric", error_text(error), at)) for metric in metrics)
        outcomes = tuple(self._metric(step, look, metric, at) for metric in metrics)
        self._store.learn_cadence(next((one.series for one in outcomes if one.series), ()), look.now)
        if step is not self._step:
            return outcomes  # a late look at an old step: the evidence goes on without it
        self._store.note({one.result.name: one.measure for one in outcomes if one.measure})
        by_evidence = {one.name: one for one in metrics if isinstance(one, EvidenceMetric)}
        found = fail_on_joint_evidence(outcomes, by_evidence, self._store.measures, self._analysis)
        judged = ((by_evidence.get(one.result.name), one) for one in found)
        return tuple(few_requests.mark_too_few(metric, one, look, self._analysis) if metric else one for metric, one in judged)

    def _look(self, step: _StepState, fetch: Fetch, pods: Sequence[PodSeen]) -> Look:
        """The look that the metrics are judged in. The difference between the provider's clock and ours is measured once a step.

        A provider whose clock is less than MAX_DELAY behind ours is taken for late instead: VictoriaMetrics answers as of some seconds
        ago, and its samples carry the right time. To shift them would count samples from before the step.
        """
        if step.offset is None:
            before = self._clock()
            ahead = fetch.now() - (before + self._clock()) / 2
            step.offset = 0.0 if -MAX_DELAY <= ahead < 0 else ahead
        arms = {name: step.roster.arm(name, step.offset) for name in (CANDIDATE, STABLE)}
        arms = self._setup.variants.arms(arms[STABLE]) if self._setup.variants else arms
        cadence = self._store.cadence
        return Look(
            fetch,
            arms,
            start=step.start + step.offset,
            now=self._clock() + step.offset,
            stale=max(self._analysis.max_staleness, STALE_SCRAPES * cadence.interval + cadence.delay),
            past=step.past.shifted(step.offset),
            offset=step.offset,
            alone=self._setup.alone,
            ready=frozenset(pod.name for pod in pods if pod.ready),
            cadence=cadence,
            warming=self._analysis.warmup > 0,
        )

    def _metric(self, step: _StepState, look: Look, metric: Metric, at: float) -> MetricOutcome:
        try:
            if isinstance(metric, EvidenceMetric):
                return self._by_evidence(step, look, metric)
            counts = step.counts.setdefault(metric.name, StepCounts())
            outcome = judge_by_threshold(metric, look, step.streaks.get(metric.name, BreachStreak()), counts)
        except Exception as error:  # as above
            found = blind_result(metric.name, "metric", error_text(error), at, getattr(metric, "total", getattr(metric, "query", "")))
            return MetricOutcome(found, few=isinstance(error, NoRequestsYet))
        step.streaks[metric.name] = outcome.streak
        return outcome

    def _by_evidence(self, step: _StepState, look: Look, metric: EvidenceMetric) -> MetricOutcome:
        measure = self._store.measures.get(metric.name, MetricEvidence())
        counts = step.counts.setdefault(metric.name, StepCounts(alone=self._setup.alone))
        patient = self._store.unread.get(metric.name, 0) < MAX_UNREAD_LOOKS
        try:
            return judge_by_evidence(metric, look, measure, self._analysis, self._store.inputs, counts, patient=patient)
        except HistoryUnavailable:
            self._store.unread[metric.name] = self._store.unread.get(metric.name, 0) + 1
            raise

    def _exposure(
        self, outcomes: Sequence[MetricOutcome], stable: Sequence[PodSeen], candidate: Sequence[PodSeen], at: float
    ) -> tuple[CheckResult, ...]:
        judged = next((outcome for outcome in outcomes if outcome.measure), None)
        found = check_exposure(judged.candidate_percent, judged.counted, stable, candidate, at) if self._setup.shared and judged else None
        return (found,) if found else ()

    def _health(self, health: "Future[tuple[CheckResult, ...]]", at: float) -> tuple[CheckResult, ...]:
        try:
            return health.result()
        except Exception as error:  # as above
            return tuple(blind_result(name, "health", error_text(error), at) for name, _ in self._checks)


def blind_result(name: str, kind: str, why: str, at: float, query: str = "") -> CheckResult:
    return CheckResult(name, kind, Verdict.BLIND, why, evidence=Evidence(query=query, at=at))
