"""After a metric was weighed that nobody named: were there only too few requests to judge by? Then it holds nothing up."""

from dataclasses import replace

from deliver.analysis import few_requests, sequential_test
from deliver.metrics.evidence_metric import rules_of
from deliver.metrics.look import Look
from deliver.metrics.pod_roster import CANDIDATE
from deliver.metrics.threshold_metric import Outcome
from deliver.model.evidence import MetricEvidence
from deliver.model.spec import Analysis, EvidenceMetric
from deliver.model.verdict import TooFewRequests, Verdict
from deliver.plugins.interfaces import MetricsError

UNKNOWN = 60.0  # seconds that first samples are given where nothing tells how often pods are scraped


def settled(metric: EvidenceMetric, outcome: Outcome, look: Look, analysis: Analysis) -> Outcome:
    """A FAIL stays one, and so does what leans."""
    result = outcome.result
    if metric.duty or result.leans or not _open(outcome):
        return outcome
    if not (result.samples or _scraped(look)) or _against(outcome):
        return outcome
    awaits = look.start + (look.cadence.step if look.cadence.known else UNKNOWN) - look.offset
    return replace(outcome, result=replace(result, few=_few(metric, outcome, look, analysis), awaits=awaits))


def _open(outcome: Outcome) -> bool:
    """Too few to judge by, or judged well and not proved."""
    if outcome.result.verdict is Verdict.FAIL:
        return False
    return outcome.few if outcome.result.verdict is Verdict.BLIND else outcome.result.proved is False


def _against(outcome: Outcome) -> bool:
    """At the bound that speaks for the metric, in this step."""
    tracks = outcome.measure.tracks if outcome.measure else ()
    return bool(tracks) and few_requests.against(outcome.counted, sequential_test.main(MetricEvidence(tracks)))


def _few(metric: EvidenceMetric, outcome: Outcome, look: Look, analysis: Analysis) -> TooFewRequests | None:
    """None where there have been enough requests: then it is the candidate's own numbers that prove nothing."""
    step = outcome.counted
    if not (outcome.measure and outcome.measure.tracks and analysis.prove):
        return TooFewRequests(metric.min_samples, step.candidate_total, metric.min_samples)
    track = sequential_test.main(outcome.measure)
    needed = max(few_requests.needed(track, rules_of(metric, analysis)), metric.min_samples)
    rests, seconds = track.sum.candidate_total, look.now - look.start
    if outcome.result.verdict is Verdict.PASS and rests >= needed:
        return None
    compared = bool(track.calibration.total or step.stable_total) and seconds > 0
    return TooFewRequests(needed, step.candidate_total, metric.min_samples, rests, step.candidate_total / seconds if compared else 0.0)


def _scraped(look: Look) -> bool:
    """Every pod of the candidate has series of some name: one that has none of this counter has had no request. Else nobody has looked."""
    pods = {pod.partition("/")[0] for pod in look.arms[CANDIDATE].pods}
    if not pods:
        return False
    label = look.fetch.labels.pod
    inside = ",".join(map(str, look.fetch.labels.matchers(look.fetch.namespace, tuple(sorted(pods)))))
    try:
        return pods <= {one.labels.get(label, "") for one in look.fetch.value(f"count by ({label}) ({{{inside}}})").series}
    except MetricsError:
        return False
