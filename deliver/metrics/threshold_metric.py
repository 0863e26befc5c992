"""A metric with a fixed limit (max, min) in one look: fetch, count, judge, and keep what it was judged from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from deliver.analysis import selectors, threshold
from deliver.analysis.bounds import le_value
from deliver.analysis.counts import Arm, Counts, Span
from deliver.analysis.selectors import Matcher
from deliver.analysis.threshold import BreachStreak, Judgement
from deliver.metrics import drain
from deliver.metrics.baseline import samples_until
from deliver.metrics.candidate_traffic import observed_percent
from deliver.metrics.look import Look, missing_samples_reason, with_sample_times
from deliver.metrics.pod_roster import CANDIDATE, STABLE
from deliver.metrics.step_counts import StepCounts
from deliver.model.evidence import MetricEvidence, Tally
from deliver.model.spec import LatencyMetric, QueryMetric, RatioMetric
from deliver.model.verdict import CheckResult, Evidence
from deliver.plugins.interfaces import MetricsError, Series

MAX_SAMPLES = 6
NONE = Tally()
THE_COUNT = 0.0  # the one count of a metric with a fixed limit


@dataclass(frozen=True)
class MetricOutcome:
    """What one look finds of one metric."""

    result: CheckResult
    streak: BreachStreak = field(default_factory=BreachStreak)  # of a metric with a fixed limit
    candidate_percent: float | None = None  # the candidate's part of all requests in the window, 0..100
    rates: Mapping[str, float] | None = None  # requests a second by stable pod since the cutover; None where requests are not counted
    measure: MetricEvidence | None = None  # of a metric that is judged by evidence: its state after this look
    counted: Tally = NONE  # requests of both sides since the step began
    series: tuple[Series, ...] = ()  # raw samples of all requests
    few: bool = False  # BLIND because there were too few requests, and for no other reason


def judge_by_threshold(
    metric: RatioMetric | LatencyMetric | QueryMetric, look: Look, streak: BreachStreak, step: StepCounts
) -> MetricOutcome:
    """step: counts of this step up to the look before; this look is added. Raises MetricsError or InputError if nothing can be judged."""
    if look.now < look.start:
        raise MetricsError(f"warming up: {look.start - look.now:.0f} s left")
    if isinstance(metric, QueryMetric):
        return _query(metric, look, streak)
    return _counted(metric, look, streak, step)


def arm_matchers(look: Look, namespace: str, arm: str) -> tuple[Matcher, ...]:
    """Matchers that `{candidate}` or `{stable}` in a free query stand for."""
    if look.fetch.variants:
        return look.fetch.variants.matchers(look.fetch.labels, namespace, look.fetch.pods, arm)
    return look.fetch.labels.matchers(namespace, tuple(sorted(look.arms[arm])))


def _counted(metric: RatioMetric | LatencyMetric, look: Look, streak: BreachStreak, step: StepCounts) -> MetricOutcome:
    known = [at for at in step.seen.values() if at > look.start]
    reach = max(metric.window, look.now - min(known, default=look.now)) + look.stale
    # as in evidence_metric.py: what was counted across the step's beginning may fail the release, unless it may be our own load
    begin = look.start if look.alone or look.warming else -math.inf
    span = Span(max(look.start, look.now - metric.window), look.now - reach, begin=begin)
    bounds = _bounds(metric)
    special, total = look.counters(metric, bounds, reach)

    def count(_: float, arm: str, span: Span) -> Counts:
        return look.count(special, total, next(iter(bounds), None), arm, span)

    step.add([THE_COUNT], total.series, look.arms, replace(span, begin=look.start), look.fetch.labels.pod, count)
    whole = step.of(THE_COUNT)
    candidate, stable = (count(THE_COUNT, arm, span) for arm in (CANDIDATE, STABLE))
    if candidate.total < min(metric.min_samples, whole.candidate_total):  # too few in the window: all of the step's then
        candidate = replace(candidate, bad=whole.candidate_bad, total=whole.candidate_total)
        stable = replace(stable, bad=whole.stable_bad, total=whole.stable_total)
    past = look.past.of(metric.name, lambda begin, span: _baseline_counts(metric, look, begin, span)) if metric.compare else None
    compared = stable if past is None else past
    judgement = threshold.judge_counts(
        metric, candidate, compared, streak, whole, now=look.now, stale=look.stale, unseen=missing_samples_reason(look, candidate, step)
    )
    why = judgement.why if total.series else _no_series_text(metric, look)
    if past is not None:
        why += f" (stable: {past.bad} of {past.total} in the {look.past.seconds / 60:g} min before)"
    numbers = _numbers(candidate, compared, look, span, metric)
    kept = sample_lines([*special.series, *total.series], look.arms[CANDIDATE], look.fetch.labels.pod)
    evidence = Evidence(f"{special.query} / {total.query}", look.now, numbers, kept)
    rates = drain.request_rates(total.series, look.arms[STABLE], look.past.at, look.now - look.stale, look.fetch.labels.pod)
    return MetricOutcome(
        with_sample_times(_result(metric, judgement, why, evidence, candidate.total), look, step),
        judgement.streak,
        observed_percent(total.series, look, metric.window),
        rates,
        counted=whole,
        series=total.series,
    )


def _baseline_counts(metric: RatioMetric | LatencyMetric, look: Look, begin: float, span: Span) -> Counts:
    """Counts of the stable side from before the cutover, and not a sample later."""
    bounds, until = _bounds(metric), look.past.at
    special, total = (samples_until(answer, until) for answer in look.counters(metric, bounds, look.now - begin))
    return look.count(special, total, next(iter(bounds), None), STABLE, span)


def _no_series_text(metric: RatioMetric | LatencyMetric, look: Look) -> str:
    labelled = f" with a label `{look.fetch.variants.label}`" if look.fetch.variants else ""
    named = metric.total if isinstance(metric, RatioMetric) else metric.histogram
    return f"no series{labelled} matches {named} for the pods of either side; are the pods scraped?"


def _bounds(metric: RatioMetric | LatencyMetric) -> list[float]:
    """The one bound of a histogram, as its `le` has it; none for a counter of bad requests."""
    return [le_value(selectors.histogram(metric.histogram).name, metric.bound)] if isinstance(metric, LatencyMetric) else []


def _result(metric: RatioMetric | LatencyMetric, judgement: Judgement, why: str, evidence: Evidence, samples: int) -> CheckResult:
    return CheckResult(
        metric.name,
        "metric",
        judgement.verdict,
        why,
        candidate=None if judgement.value is None else 100 * judgement.value,
        stable=None if judgement.stable is None else 100 * judgement.stable,
        limit=100 * metric.max,
        unit="%",
        samples=samples,
        evidence=evidence,
        leans=judgement.leans,
    )


def _numbers(candidate: Counts, stable: Counts, look: Look, span: Span, metric: RatioMetric | LatencyMetric) -> dict[str, float]:
    numbers = {
        "candidate_bad": candidate.bad,
        "candidate_total": candidate.total,
        "stable_bad": stable.bad,
        "stable_total": stable.total,
        "limit": metric.max,
        "min_samples": metric.min_samples,
        "seconds": round(look.now - span.start, 1),
        "candidate_pods": len(look.arms[CANDIDATE]),
        "candidate_pods_with_samples": candidate.pods,
    }
    if candidate.newest:
        numbers["newest_sample_age"] = round(look.now - candidate.newest, 1)
    if candidate.clipped:
        numbers["candidate_bad_clipped"] = candidate.clipped
    return {name: float(value) for name, value in numbers.items()}


def _query(metric: QueryMetric, look: Look, streak: BreachStreak) -> MetricOutcome:
    asked = selectors.arms_in(metric.query)
    if missing := sorted(arm for arm in asked if not look.arms[arm]):
        raise MetricsError(f"the query asks for {missing[0]} pods, and there are none")
    query = selectors.fill(metric.query, {arm: arm_matchers(look, look.fetch.namespace, arm) for arm in asked})
    answer = look.fetch.value(query)
    judgement = threshold.judge_query(metric, answer, streak, now=look.now)
    limit = metric.max if metric.max is not None else metric.min
    numbers = {name: value for name, value in (("value", judgement.value), ("max", metric.max), ("min", metric.min)) if value is not None}
    evidence = Evidence(query, look.now, numbers, tuple(sample_line(series) for series in answer.series[:MAX_SAMPLES]))
    result = CheckResult(
        metric.name, "metric", judgement.verdict, judgement.why, candidate=judgement.value, limit=limit, samples=len(answer.series),
        evidence=evidence,
    )  # fmt: skip
    return MetricOutcome(result, judgement.streak)


def sample_lines(series: Sequence[Series], arm: Arm, pod_label: str) -> tuple[str, ...]:
    """The samples that `explain` shows: the candidate's before the stable side's, large before small; the newest last."""
    filled = {tuple(sorted(one.labels.items())): one for one in series if one.points}.values()
    best = sorted(filled, key=lambda one: (one.labels.get(pod_label) not in arm, -one.points[-1][1]))[:MAX_SAMPLES]
    return tuple(sample_line(one) for one in sorted(best, key=lambda one: one.points[-1][0]))


def sample_line(series: Series) -> str:
    """First and last sample in the text form of an exposition: `name{labels} 3 @1700000000.0 .. 7 @1700000060.0`."""
    name = series.labels.get("__name__", "")
    rest = ",".join(str(Matcher(label, "=", value)) for label, value in sorted(series.labels.items()) if label != "__name__")
    (t0, v0), (t1, v1) = series.points[0], series.points[-1]
    first = f"{v0:g} @{t0:.1f} .. " if len(series.points) > 1 else ""
    text = f"{name}{{{rest}}} {first}{v1:g} @{t1:.1f}"
    return text if len(text) <= 400 else f"{text[:300]}... {first}{v1:g} @{t1:.1f}"
