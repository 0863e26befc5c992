"""One look at the samples of a step, and the reasons why they may say nothing yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from deliver.analysis import selectors
from deliver.analysis.bounds import units_per_second
from deliver.analysis.counts import Arm, Counts, Span, count_bad, count_slower
from deliver.metrics.baseline import StableBaseline
from deliver.metrics.fetch import Fetch
from deliver.metrics.pod_roster import CANDIDATE
from deliver.metrics.scrape_delay import UNKNOWN_CADENCE, Cadence
from deliver.metrics.step_counts import StepCounts
from deliver.metrics.variants import pod_name
from deliver.model.spec import EvidenceMetric, LatencyMetric, RatioMetric
from deliver.model.verdict import CheckResult
from deliver.plugins.interfaces import Answer


@dataclass(frozen=True)
class Look:
    """What a metric is judged from in one look."""

    fetch: Fetch
    arms: Mapping[str, Arm]  # by CANDIDATE and STABLE
    start: float  # unix seconds by the provider's clock: when the step began, after its warm-up
    now: float  # unix seconds by the provider's clock
    stale: float  # seconds after which a pod's newest sample is too old
    past: StableBaseline = field(default_factory=StableBaseline)  # of the stable side, from before the cutover
    offset: float = 0.0  # seconds that the provider's clock is ahead of ours
    alone: bool = False  # the stable side has no users any more: compare with `past`
    ready: frozenset[str] = frozenset()  # names of the ready pods of both arms
    cadence: Cadence = UNKNOWN_CADENCE  # of the scrapes, as the looks before have learnt it
    warming: bool = False  # the step has a warm-up; requests counted during it are left out

    def count(self, bad: Answer, total: Answer, bound: float | None, arm: str, span: Span) -> Counts:
        """Requests of one arm in a span. bound: of a histogram: requests above it are the bad ones; None for a counter of bad ones."""
        label = self.fetch.labels.pod
        if bound is None:
            return count_bad(bad.series, total.series, self.arms[arm], span, label)
        return count_slower(bad.series, total.series, bound, self.arms[arm], span, label)

    def counters(
        self, metric: RatioMetric | LatencyMetric | EvidenceMetric, bounds: Sequence[float], reach: float
    ) -> tuple[Answer, Answer]:
        """(bad requests, or of a histogram those at or below the bounds, as its `le` has them; all requests). All are asked for first:
        analysis/counts.py leaves out what a scrape in between has added to the second.
        """
        if isinstance(metric, LatencyMetric) or (isinstance(metric, EvidenceMetric) and metric.histogram):
            base = selectors.histogram(metric.histogram)
            return self.fetch.latency_counts(base, bounds, reach, units_per_second(base.name))
        total = self.fetch.raw(selectors.parse(metric.total), reach)
        return self.fetch.raw(selectors.parse(metric.bad), reach), total


def with_sample_times(result: CheckResult, look: Look, step: StepCounts) -> CheckResult:
    """The result, with until when the candidate's samples speak, and from when on two samples of this step can be there."""
    ready = [at for pod, at in step.watched(look.arms[CANDIDATE]).items() if not look.ready or pod_name(pod) in look.ready]
    watched = [at for at in ready if at >= look.now - look.stale]
    until = min(watched) + look.cadence.interval if watched else look.start
    return replace(result, seen_to=until - look.offset, awaits=look.start + look.cadence.step - look.offset)


def missing_samples_reason(look: Look, candidate: Counts, step: StepCounts) -> str:
    """Why the candidate cannot be judged by this step's samples yet; "" when it can."""
    if candidate.series and look.now - candidate.newest > look.stale:
        return f"the candidate's newest sample is {look.now - candidate.newest:.0f} s old, more than {look.stale:.0f} s"
    if step.watched(look.arms[CANDIDATE]):
        return ""
    waits = look.start + look.cadence.step - look.now
    if waits > 0:
        return f"the candidate's pods were not scraped twice since the step began: {scrape_words(look.cadence)}; {waits:.0f} s at the least"
    if not candidate.series:
        return "no samples of the candidate's pods"
    return "the candidate's pods were not scraped twice since the step began"


def scrape_words(cadence: Cadence) -> str:
    """`scraped every 30 s, shown 30 s late`."""
    late = f", shown {cadence.delay:.0f} s late" if cadence.delay >= 1 else ""
    return f"scraped every {cadence.interval:.3g} s{late}"
