"""All metrics of a release that are judged by evidence, together: one chance of a false alarm for the whole release."""

from collections.abc import Mapping
from dataclasses import replace
from math import log

from deliver.analysis import evidence, wealth, words
from deliver.metrics.judge import Outcome
from deliver.metrics.weigh import deed, rules_of
from deliver.model.spec import Analysis, EvidenceMetric
from deliver.model.verdict import CheckResult, Verdict


def combined(outcomes: tuple[Outcome, ...], metrics: Mapping[str, EvidenceMetric], analysis: Analysis) -> tuple[Outcome, ...]:
    """The release's evidence is the weighted mean of its metrics': over 1/alpha, those that carry it FAIL.

    So the false alarms of all metrics together stay below alpha, however they depend on each other.
    """
    weighed = [one for one in outcomes if one.measure is not None and one.result.name in metrics and one.measure.tracks]
    if not weighed:
        return outcomes
    each = {one.result.name: _log(one, metrics, analysis) for one in weighed}
    weights = {name: metrics[name].weight for name in each}

    if wealth.mean(list(each.values()), list(weights.values())) < -log(analysis.alpha):
        return outcomes
    carrying = max(each, key=lambda name: each[name] + log(weights[name]))
    failing = {name for name, value in each.items() if value >= -log(analysis.alpha)} | {carrying}
    return tuple(replace(one, result=_failed(one, metrics, analysis)) if one.result.name in failing else one for one in outcomes)


def _log(one: Outcome, metrics: Mapping[str, EvidenceMetric], analysis: Analysis) -> float:
    assert one.measure is not None
    rules = rules_of(metrics[one.result.name], analysis)
    return 0.0 if evidence.environment(evidence.main(one.measure), rules) else evidence.whole(one.measure, rules)


def _failed(one: Outcome, metrics: Mapping[str, EvidenceMetric], analysis: Analysis) -> CheckResult:
    assert one.measure is not None
    metric = metrics[one.result.name]
    rules = rules_of(metric, analysis)
    track = max(one.measure.tracks, key=lambda track: evidence.against(track, rules))  # of several bounds, the one that shows it
    found = evidence.whole(one.measure, rules)
    ratio = words.ratio(track, rules)
    text = f"{words.facts(track.sum + track.pending, deed(metric, track))}: {words.odds(found)} that {words.claim(rules)}"
    return replace(one.result, verdict=Verdict.FAIL, why=f"{text}{f' ({ratio})' if ratio else ''}")
