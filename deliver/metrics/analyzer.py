"""The examiner: fetches what the analysis asks for, and turns it into verdicts with their evidence. It never raises."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from deliver.analysis.threshold import Streak
from deliver.metrics import drain, few_requests
from deliver.metrics.baseline import Past
from deliver.metrics.calibrate import NothingYet, PastUnread
from deliver.metrics.evidence_metric import combined, weigh
from deliver.metrics.evidence_store import Ledger
from deliver.metrics.fetch import Fetch
from deliver.metrics.look import Look
from deliver.metrics.pod_probes import PROBE_TIMEOUT, Failures, probe_all
from deliver.metrics.pod_roster import CANDIDATE, STABLE, Roster
from deliver.metrics.scrape_delay import BELIEVED
from deliver.metrics.service_checks import Asker, Services
from deliver.metrics.step_counts import Gathered
from deliver.metrics.threshold_metric import Outcome, judge
from deliver.metrics.traffic_share import exposure
from deliver.metrics.variants import Variants
from deliver.model.analysis_result import AnalysisResult
from deliver.model.evidence import MetricEvidence
from deliver.model.observation import CutoverSeen, PodSeen
from deliver.model.spec import Analysis, EvidenceMetric, Metric
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.plugins.interfaces import Check, MetricProvider, MetricsError
from deliver.plugins.validation import said

TIMEOUT = 10.0
LATE = 2.5  # scrapes after which a pod's newest sample is old, however slow its scrapes are
TRIES = 3  # looks that wait for the past of the stable side, before a release goes on without it


@dataclass
class _Step:
    """What is remembered within one step; a new step starts with a new one, so that a late look at the old step leaves no trace."""

    start: float
    offset: float | None = None
    streaks: dict[str, Streak] = field(default_factory=dict)
    roster: Roster = field(default_factory=Roster)
    failures: Failures = field(default_factory=Failures)
    past: Past = field(default_factory=Past)
    services: Services = field(default_factory=Services)
    gathered: dict[str, Gathered] = field(default_factory=dict)


class Examiner:
    """clock: unix seconds. timer: seconds that only go forward. timeout: seconds that one look may take, health checks beside metrics.

    baseline: seconds of the stable side's past that it is compared by, 0 = its present; until: its end, 0 = the step's begin.
    askers: how each Service is asked, by a name. variants: the arms share the pods, and a label tells them apart.
    ledger: the evidence of the whole release. shared: users are spread over both sides by their endpoints. alone: all are
    on the candidate: what the stable pods count are probes.
    """

    def __init__(
        self,
        analysis: Analysis,
        provider: MetricProvider | None,
        checks: Sequence[tuple[str, Check]],
        clock: Callable[[], float],
        *,
        timeout: float = TIMEOUT,
        timer: Callable[[], float] = time.monotonic,
        baseline: float = 0.0,
        until: float = 0.0,
        askers: Sequence[Asker] = (),
        variants: Variants | None = None,
        ledger: Ledger | None = None,
        shared: bool = False,
        alone: bool = False,
    ) -> None:
        self._analysis, self._provider, self._checks = analysis, provider, tuple(checks)
        self._clock, self._timer, self._timeout = clock, timer, timeout
        self._baseline, self._until, self._askers, self._variants = baseline, until, tuple(askers), variants
        self._ledger, self._shared, self._alone = ledger or Ledger(), shared, alone
        self._step = _Step(0.0)

    def reset(self, at: float) -> None:
        """A new step began at `at`: no sample older than that, and the warm-up, counts any more."""
        self._step = _Step(at + self._analysis.warmup, past=Past(self._until or at, self._baseline))

    def examine(self, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], *, traffic: bool = True) -> AnalysisResult:
        """Blocks for `timeout` seconds at the most. traffic False: only health checks, the candidate has no requests to judge yet."""
        step, at = self._step, self._clock()
        pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="deliver-health")
        try:
            asked = pool.submit(step.services.ask, self._askers, min(PROBE_TIMEOUT, self._timeout), self._clock) if traffic else None
            health = pool.submit(probe_all, self._checks, namespace, candidate, step.failures, self._timeout, self._clock)
            outcomes = self._metrics(step, at, namespace, stable, candidate) if traffic else ()
            results = tuple(outcome.result for outcome in outcomes) + self._exposed(outcomes, stable, candidate, at)
            results += self._health(health, at)
            through, unasked = asked.result() if asked else ((), "")
            share = next((outcome.share for outcome in outcomes if outcome.share is not None), None)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        found = CutoverSeen(at, *drain.told(outcomes), unasked) if self._baseline or self._askers else None
        return AnalysisResult(results + through, share, at, found, dict(self._ledger.measures))

    def _metrics(
        self, step: _Step, at: float, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]
    ) -> tuple[Outcome, ...]:
        metrics = self._analysis.metrics
        if not metrics:
            return ()
        if self._provider is None:
            return tuple(Outcome(blind(metric.name, "metric", "no metric provider is configured", at)) for metric in metrics)
        widest = max((getattr(metric, "window", 0.0) for metric in metrics), default=0.0)
        step.roster.note(at, stable, candidate, widest + self._analysis.max_staleness)
        until = self._timer() + self._timeout
        try:
            fetch = Fetch(self._provider, namespace, step.roster.names(), lambda: until - self._timer(), self._variants)
            look = self._look(step, fetch, (*stable, *candidate))
        except Exception as error:  # a provider is foreign code: whatever it raises, the release goes on blind
            return tuple(Outcome(blind(metric.name, "metric", _reason(error), at)) for metric in metrics)
        outcomes = tuple(self._metric(step, look, metric, at) for metric in metrics)
        self._ledger.timed(next((one.series for one in outcomes if one.series), ()), look.now)
        if step is not self._step:
            return outcomes  # a late look at an old step: the evidence goes on without it
        self._ledger.note({one.result.name: one.measure for one in outcomes if one.measure})
        weighed = {one.name: one for one in metrics if isinstance(one, EvidenceMetric)}
        found = combined(outcomes, weighed, self._ledger.measures, self._analysis)
        return tuple(self._settled(look, weighed.get(one.result.name), one) for one in found)

    def _settled(self, look: Look, metric: EvidenceMetric | None, outcome: Outcome) -> Outcome:
        if metric is None:
            return outcome
        return few_requests.settled(metric, outcome, look, self._analysis)

    def _look(self, step: _Step, fetch: Fetch, pods: Sequence[PodSeen]) -> Look:
        """Samples carry the provider's clock, everything else ours: the difference is measured once a step.

        A store whose clock is behind ours may have a right clock, and answer as of a while ago: VictoriaMetrics does. Then its samples
        have our time, and what was taken before the step would be counted in it. So little is taken for lateness, and waited for.
        """
        if step.offset is None:
            before = self._clock()
            ahead = fetch.now() - (before + self._clock()) / 2
            step.offset = 0.0 if -BELIEVED <= ahead < 0 else ahead
        arms = {name: step.roster.arm(name, step.offset) for name in (CANDIDATE, STABLE)}
        arms = self._variants.arms(arms[STABLE].pods) if self._variants else arms
        cadence = self._ledger.cadence
        return Look(
            fetch,
            arms,
            start=step.start + step.offset,
            now=self._clock() + step.offset,
            stale=max(self._analysis.max_staleness, LATE * cadence.interval + cadence.delay),
            past=step.past.shifted(step.offset),
            offset=step.offset,
            alone=self._alone,
            ready=frozenset(pod.name for pod in pods if pod.ready),
            cadence=cadence,
            warming=self._analysis.warmup > 0,
        )

    def _metric(self, step: _Step, look: Look, metric: Metric, at: float) -> Outcome:
        try:
            if isinstance(metric, EvidenceMetric):
                return self._weighed(step, look, metric)
            gathered = step.gathered.setdefault(metric.name, Gathered())
            outcome = judge(metric, look, step.streaks.get(metric.name, Streak()), gathered)
        except Exception as error:  # as above
            found = blind(metric.name, "metric", _reason(error), at, getattr(metric, "total", getattr(metric, "query", "")))
            return Outcome(found, few=isinstance(error, NothingYet))
        step.streaks[metric.name] = outcome.streak
        return outcome

    def _weighed(self, step: _Step, look: Look, metric: EvidenceMetric) -> Outcome:
        measure = self._ledger.measures.get(metric.name, MetricEvidence())
        gathered = step.gathered.setdefault(metric.name, Gathered(alone=self._alone))
        patient = self._ledger.unread.get(metric.name, 0) < TRIES
        try:
            return weigh(metric, look, measure, self._analysis, self._ledger.beginning, gathered, patient=patient)
        except PastUnread:
            self._ledger.unread[metric.name] = self._ledger.unread.get(metric.name, 0) + 1
            raise

    def _exposed(
        self, outcomes: Sequence[Outcome], stable: Sequence[PodSeen], candidate: Sequence[PodSeen], at: float
    ) -> tuple[CheckResult, ...]:
        told = next((outcome for outcome in outcomes if outcome.measure), None)
        found = exposure(told.share, told.counted, stable, candidate, at) if self._shared and told else None
        return (found,) if found else ()

    def _health(self, health: "Future[tuple[CheckResult, ...]]", at: float) -> tuple[CheckResult, ...]:
        try:
            return health.result()
        except Exception as error:  # as above
            return tuple(blind(name, "health", _reason(error), at) for name, _ in self._checks)


def blind(name: str, kind: str, why: str, at: float, query: str = "") -> CheckResult:
    return CheckResult(name, kind, Verdict.BLIND, why, evidence=Evidence(query=query, at=at))


def _reason(error: Exception) -> str:
    """Texts of unknown errors may hold a URL or a secret: only their type is told."""
    known = error if isinstance(error, MetricsError) else getattr(error, "what", "")
    return said(known) or f"internal error: {type(error).__name__}"
