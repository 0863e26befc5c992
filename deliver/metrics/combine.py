"""All metrics of a release that are judged by evidence, together: one chance of a false alarm for the whole release."""

from collections.abc import Mapping
from dataclasses import replace
from math import log

from deliver.analysis import evidence, wealth, words
from deliver.metrics.judge import Outcome
from deliver.metrics.weigh import deed, rules_of
from deliver.model.evidence import MetricEvidence
from deliver.model.spec import Analysis, EvidenceMetric
from deliver.model.verdict import CheckResult, Verdict


def combined(
    outcomes: tuple[Outcome, ...], metrics: Mapping[str, EvidenceMetric], measures: Mapping[str, MetricEvidence], analysis: Analysis
) -> tuple[Outcome, ...]:
    """The release's evidence is the weighted mean of its metrics': over 1/alpha, those that carry it FAIL.

    So the false alarms of all metrics together stay below alpha, however they depend on each other.
    """
    answered = {one.result.name for one in outcomes if one.measure is not None and one.measure.tracks}
    if not answered & metrics.keys():
        return outcomes
    each = {name: _log(metric, measures.get(name), analysis) for name, metric in metrics.items()}
    weights = {name: metric.weight for name, metric in metrics.items()}
    if wealth.mean(list(each.values()), list(weights.values())) < -log(analysis.alpha):
        return outcomes
    carrying = max(each, key=lambda name: each[name] + log(weights[name]))
    failing = {name for name, value in each.items() if value >= -log(analysis.alpha)} | {carrying}
    return tuple(replace(one, result=_failed(one, metrics, analysis)) if one.result.name in failing & answered else one for one in outcomes)


def _log(metric: EvidenceMetric, measure: MetricEvidence | None, analysis: Analysis) -> float:
    """A metric that did not answer keeps the evidence it had; one that was never counted has none."""
    return evidence.whole(measure, rules_of(metric, analysis)) if measure is not None else 0.0


def _failed(one: Outcome, metrics: Mapping[str, EvidenceMetric], analysis: Analysis) -> CheckResult:
    assert one.measure is not None
    metric = metrics[one.result.name]
    rules = rules_of(metric, analysis)
    track = max(one.measure.tracks, key=lambda track: evidence.against(track, rules))  # of several bounds, the one that shows it
    found = evidence.whole(one.measure, rules)
    ratio = words.ratio(track, rules)
    text = f"{words.facts(track.sum + track.pending, deed(metric, track))}: {words.odds(found)} that {words.claim(rules)}"
    total = track.sum + track.pending  # of the whole release: this step alone may have nothing yet
    return replace(
        one.result,
        verdict=Verdict.FAIL,
        why=f"{text}{f' ({ratio})' if ratio else ''}",
        candidate=100 * total.candidate_bad / total.candidate_total if total.candidate_total else None,
        stable=100 * total.stable_bad / total.stable_total if total.stable_total else None,
        samples=total.candidate_total,
        leans=False,
    )
