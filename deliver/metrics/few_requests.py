"""A metric that nobody named must not hold a release up for want of requests: marks its result with `few`."""

from dataclasses import replace

from deliver.analysis import few_requests, sequential_test
from deliver.metrics import queries
from deliver.metrics.evidence_metric import rules_of
from deliver.metrics.look import Look
from deliver.metrics.pod_roster import CANDIDATE
from deliver.metrics.threshold_metric import MetricOutcome
from deliver.metrics.variants import pod_name
from deliver.model import defaults
from deliver.model.evidence import MetricEvidence
from deliver.model.spec import Analysis, EvidenceMetric
from deliver.model.verdict import TooFewRequests, Verdict
from deliver.plugins.interfaces import MetricsError

FIRST_SAMPLES = 60.0  # seconds that the first samples may take where the scrape interval is not known


def mark_too_few(metric: EvidenceMetric, outcome: MetricOutcome, look: Look, analysis: Analysis) -> MetricOutcome:
    """The outcome, marked if its only trouble is too few requests. A FAIL and a lean stay as they are."""
    result = outcome.result
    if metric.duty or result.leans or not _is_unsettled(outcome):
        return outcome
    if not (result.samples or _pods_are_scraped(look)) or _speaks_against(outcome):
        return outcome
    awaits = look.start + (look.cadence.step if look.cadence.known else FIRST_SAMPLES) - look.offset
    return replace(outcome, result=replace(result, few=_too_few(metric, outcome, look, analysis), awaits=awaits))


def _is_unsettled(outcome: MetricOutcome) -> bool:
    """BLIND for too few requests, or PASS without proof."""
    if outcome.result.verdict is Verdict.FAIL:
        return False
    return outcome.few if outcome.result.verdict is Verdict.BLIND else outcome.result.proved is False


def _speaks_against(outcome: MetricOutcome) -> bool:
    """The few requests of this step speak against the candidate, at the metric's main bound."""
    tracks = outcome.measure.tracks if outcome.measure else ()
    return bool(tracks) and few_requests.speaks_against(outcome.counted, sequential_test.main_track(MetricEvidence(tracks)))


def _too_few(metric: EvidenceMetric, outcome: MetricOutcome, look: Look, analysis: Analysis) -> TooFewRequests | None:
    """How many requests are missing; None where a good candidate would have been proved and this one is not."""
    requests, least = outcome.counted.candidate_total, metric.min_samples
    if not (outcome.measure and outcome.measure.tracks and analysis.prove):
        return TooFewRequests(least, requests, least, owed=max(defaults.PROOF_OWED, least) if analysis.prove else 0)
    track, rules = sequential_test.main_track(outcome.measure), rules_of(metric, analysis)
    rests, seconds, owed = track.sum.candidate_total, look.now - look.start, max(few_requests.requests_owed(track, rules), least)
    if outcome.result.verdict is Verdict.PASS and max(rests, requests) >= owed:
        return None
    compared = bool(track.calibration.total or outcome.counted.stable_total) and seconds > 0
    needed = max(few_requests.requests_needed(track, rules), least)
    return TooFewRequests(needed, requests, least, rests, requests / seconds if compared else 0.0, owed)


def _pods_are_scraped(look: Look) -> bool:
    """Every candidate pod has a series of any name: then a pod without this counter has had no request, rather than no scrape."""
    pods = {pod_name(pod) for pod in look.arms[CANDIDATE]}
    try:
        return bool(pods) and pods <= queries.pods_with_series(look.fetch, pods)
    except MetricsError:
        return False
