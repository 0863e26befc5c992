"""One metric in one look: fetch, count, judge, and keep the evidence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from deliver.analysis import counts, selectors, threshold
from deliver.analysis.bounds import le_of
from deliver.analysis.counts import Arm, Counts, Span
from deliver.analysis.selectors import Matcher
from deliver.analysis.threshold import Judgement, Streak
from deliver.metrics import drain
from deliver.metrics.baseline import before
from deliver.metrics.look import Look, told_by, unseen
from deliver.metrics.pod_roster import CANDIDATE, STABLE
from deliver.metrics.step_counts import Gathered
from deliver.metrics.traffic_share import share
from deliver.model.evidence import MetricEvidence, Tally
from deliver.model.spec import LatencyMetric, QueryMetric, RatioMetric
from deliver.model.verdict import CheckResult, Evidence
from deliver.plugins.interfaces import Answer, MetricsError, Series

KEPT = 6
NONE = Tally()
WHOLE = 0.0  # the one count of a metric with a fixed limit


@dataclass(frozen=True)
class Outcome:
    """share: the candidate's percent of the requests that were counted. rates: requests a second of the stable pods, since `past.at`.

    measure: of a metric that is judged by evidence, its state after this look. counted: requests of both sides since the step began.
    series: of all requests, as they were read. few: it is blind for want of requests, and for nothing else.
    """

    result: CheckResult
    streak: Streak = field(default_factory=Streak)
    share: float | None = None
    rates: Mapping[str, float] | None = None
    measure: MetricEvidence | None = None
    counted: Tally = NONE
    series: tuple[Series, ...] = ()
    few: bool = False


def judge(metric: RatioMetric | LatencyMetric | QueryMetric, look: Look, streak: Streak, step: Gathered) -> Outcome:
    """step: what this step has seen before this look; it is added to. Raises MetricsError or InputError when there is nothing to judge."""
    if look.now < look.start:
        raise MetricsError(f"warming up: {look.start - look.now:.0f} s left")
    if isinstance(metric, QueryMetric):
        return _query(metric, look, streak)
    return _counted(metric, look, streak, step)


def matchers(look: Look, namespace: str, arm: str) -> tuple[Matcher, ...]:
    if look.fetch.variants:
        return look.fetch.variants.matchers(look.fetch.labels, namespace, look.fetch.pods, arm)
    return look.fetch.labels.matchers(namespace, tuple(sorted(look.arms[arm].pods)))


def _counted(metric: RatioMetric | LatencyMetric, look: Look, streak: Streak, step: Gathered) -> Outcome:
    known = [at for at in step.seen.values() if at > look.start]
    reach = max(metric.window, look.now - min(known, default=look.now)) + look.stale
    # as in evidence_metric.py: what was counted across the step's beginning may fail the release, unless it may be our own load
    begin = look.start if look.alone or look.warming else -math.inf
    span = Span(max(look.start, look.now - metric.window), look.now - reach, begin=begin)
    special, total = _asked(metric, look, reach)

    def count(_: float, arm: str, span: Span) -> Counts:
        return _count(metric, special, total, look, arm, span)

    step.add([WHOLE], total.series, look.arms, replace(span, begin=look.start), look.fetch.labels.pod, count)
    whole = step.of(WHOLE)
    candidate, stable = (count(WHOLE, arm, span) for arm in (CANDIDATE, STABLE))
    if candidate.total < min(metric.min_samples, whole.candidate_total):  # too few in the window: all of the step's then
        candidate = replace(candidate, bad=whole.candidate_bad, total=whole.candidate_total)
        stable = replace(stable, bad=whole.stable_bad, total=whole.stable_total)
    past = look.past.of(metric.name, lambda begin, span: _past(metric, look, begin, span)) if metric.compare else None
    compared = stable if past is None else past
    judgement = threshold.judge_counts(
        metric, candidate, compared, streak, whole, now=look.now, stale=look.stale, unseen=unseen(look, candidate, step)
    )
    why = judgement.why if total.series else _nothing(metric, look)
    if past is not None:
        why += f" (stable: {past.bad} of {past.total} in the {look.past.seconds / 60:g} min before)"
    numbers = _numbers(candidate, compared, look, span, metric)
    kept = lines([*special.series, *total.series], look.arms[CANDIDATE], look.fetch.labels.pod)
    evidence = Evidence(f"{special.query} / {total.query}", look.now, numbers, kept)
    rates = drain.rates(total.series, look.arms[STABLE], look.past.at, look.now - look.stale, look.fetch.labels.pod)
    return Outcome(
        replace(_result(metric, judgement, why, evidence, candidate.total), **told_by(look, step)),
        judgement.streak,
        share(total.series, look, metric.window),
        rates,
        counted=whole,
        series=total.series,
    )


def _past(metric: RatioMetric | LatencyMetric, look: Look, begin: float, span: Span) -> Counts:
    """The stable side's counts of before the switch, and not a sample later."""
    special, total = _asked(metric, look, look.now - begin)
    until = look.past.at
    return _count(metric, before(special, until), before(total, until), look, STABLE, span)


def _asked(metric: RatioMetric | LatencyMetric, look: Look, reach: float) -> tuple[Answer, Answer]:
    """(what counts as bad, all). The total first: analysis/counts.py leaves out what a scrape in between has added to the second."""
    if isinstance(metric, LatencyMetric):
        return look.fetch.timed(selectors.histogram(metric.histogram), metric.bound, reach)
    total = look.fetch.raw(selectors.parse(metric.total), reach)
    return look.fetch.raw(selectors.parse(metric.bad), reach), total


def _nothing(metric: RatioMetric | LatencyMetric, look: Look) -> str:
    labelled = f" with a label `{look.fetch.variants.label}`" if look.fetch.variants else ""
    return f"no series{labelled} matches {metric_selector(metric)} for the pods of either side; are the pods scraped?"


def metric_selector(metric: RatioMetric | LatencyMetric) -> str:
    return metric.total if isinstance(metric, RatioMetric) else metric.histogram


def _count(metric: RatioMetric | LatencyMetric, special: Answer, total: Answer, look: Look, arm: str, span: Span) -> Counts:
    pod = look.fetch.labels.pod
    if isinstance(metric, LatencyMetric):
        bound = le_of(selectors.histogram(metric.histogram).name, metric.bound)
        return counts.slower(special.series, total.series, bound, look.arms[arm], span, pod)
    return counts.ratio(special.series, total.series, look.arms[arm], span, pod)


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
        "candidate_pods": len(look.arms[CANDIDATE].pods),
        "candidate_pods_with_samples": candidate.pods,
    }
    if candidate.newest:
        numbers["newest_sample_age"] = round(look.now - candidate.newest, 1)
    if candidate.clipped:
        numbers["candidate_bad_clipped"] = candidate.clipped
    return {name: float(value) for name, value in numbers.items()}


def _query(metric: QueryMetric, look: Look, streak: Streak) -> Outcome:
    asked = selectors.arms_in(metric.query)
    if missing := sorted(arm for arm in asked if not look.arms[arm].pods):
        raise MetricsError(f"the query asks for {missing[0]} pods, and there are none")
    query = selectors.fill(metric.query, {arm: matchers(look, look.fetch.namespace, arm) for arm in asked})
    answer = look.fetch.value(query)
    judgement = threshold.judge_query(metric, answer, streak, now=look.now)
    limit = metric.max if metric.max is not None else metric.min
    numbers = {name: value for name, value in (("value", judgement.value), ("max", metric.max), ("min", metric.min)) if value is not None}
    evidence = Evidence(query, look.now, numbers, tuple(line(series) for series in answer.series[:KEPT]))
    result = CheckResult(
        metric.name, "metric", judgement.verdict, judgement.why, candidate=judgement.value, limit=limit, samples=len(answer.series),
        evidence=evidence,
    )  # fmt: skip
    return Outcome(result, judgement.streak)


def lines(series: Sequence[Series], arm: Arm, pod_label: str) -> tuple[str, ...]:
    """The candidate's first, then the largest: what a person asks for; newest last."""
    filled = {tuple(sorted(one.labels.items())): one for one in series if one.points}.values()
    best = sorted(filled, key=lambda one: (one.labels.get(pod_label) not in arm.pods, -one.points[-1][1]))[:KEPT]
    return tuple(line(one) for one in sorted(best, key=lambda one: one.points[-1][0]))


def line(series: Series) -> str:
    """In the text form of an exposition, first and last sample: `name{labels} 3 @1700000000.0 .. 7 @1700000060.0`."""
    name = series.labels.get("__name__", "")
    rest = ",".join(str(Matcher(label, "=", value)) for label, value in sorted(series.labels.items()) if label != "__name__")
    (t0, v0), (t1, v1) = series.points[0], series.points[-1]
    first = f"{v0:g} @{t0:.1f} .. " if len(series.points) > 1 else ""
    text = f"{name}{{{rest}}} {first}{v1:g} @{t1:.1f}"
    return text if len(text) <= 400 else f"{text[:300]}... {first}{v1:g} @{t1:.1f}"
