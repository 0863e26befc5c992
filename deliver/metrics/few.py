"""After a metric was weighed: is its share surely too high, and where nobody named it, were there only too few requests to judge by?"""

from dataclasses import replace

from deliver.analysis import evidence, few
from deliver.metrics import calibrate
from deliver.metrics.arms import CANDIDATE
from deliver.metrics.delay import cadence
from deliver.metrics.judge import Look, Outcome
from deliver.metrics.weigh import deed, rules_of
from deliver.model.evidence import MetricEvidence, Tally
from deliver.model.spec import Analysis, EvidenceMetric
from deliver.model.verdict import CheckResult, Few, Verdict
from deliver.plugins.interfaces import MetricsError

UNKNOWN = 60.0  # seconds that first samples are given where nothing tells how often pods are scraped


def counted(measure: MetricEvidence | None) -> Tally:
    """Everything so far, at the bound that speaks for the metric."""
    if measure is None or not measure.tracks:
        return Tally()
    track = evidence.main(measure)
    return track.sum + track.pending


def settled(metric: EvidenceMetric, outcome: Outcome, look: Look, before: Tally, analysis: Analysis) -> Outcome:
    """before: what had been counted when this step began. A FAIL stays one, whatever else is true."""
    result = outcome.result
    if result.verdict is Verdict.FAIL:
        return outcome
    step = _since(before, counted(outcome.measure))
    if outcome.measure and outcome.measure.tracks:
        track = evidence.main(outcome.measure)
        if step.candidate_total >= metric.min_samples and few.exceeded(step, track.calibration, metric.ceiling):
            return replace(outcome, result=_exceeded(metric, result, step, deed(metric, track)))
        if few.leans(step, track, rules_of(metric, analysis), metric.ceiling):
            return outcome
    if metric.duty or not _open(outcome) or not (outcome.result.samples or _scraped(look)):
        return outcome
    return replace(outcome, result=replace(result, few=_few(metric, outcome, look, step, analysis)))


def _open(outcome: Outcome) -> bool:
    """Too few to judge by, or judged well and not proved."""
    return outcome.few if outcome.result.verdict is Verdict.BLIND else outcome.result.proved is False


def _few(metric: EvidenceMetric, outcome: Outcome, look: Look, step: Tally, analysis: Analysis) -> Few | None:
    """None where there have been enough requests: then it is the candidate's own numbers that prove nothing."""
    found = Few(metric.min_samples, step.candidate_total, _ripe(metric, look))
    if not (outcome.measure and outcome.measure.tracks and analysis.prove):
        return found
    track = evidence.main(outcome.measure)
    needed = max(few.needed(track, rules_of(metric, analysis)), metric.min_samples)
    compared = bool(track.calibration.total or step.stable_total)
    rests = track.sum.candidate_total
    if outcome.result.verdict is Verdict.PASS and rests >= needed:
        return None
    seconds = look.now - look.start
    return replace(found, needed=needed, rests=rests, rate=step.candidate_total / seconds if compared and seconds > 0 else 0.0)


def _ripe(metric: EvidenceMetric, look: Look) -> float:
    total, _ = calibrate.selected(metric)
    try:
        found = cadence(look.fetch.raw(total, metric.window + look.stale).series, look.now)
    except MetricsError:
        return UNKNOWN
    return found.step if found.known else UNKNOWN


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


def _exceeded(metric: EvidenceMetric, result: CheckResult, step: Tally, deed: str) -> CheckResult:
    share = 100 * step.candidate_bad / step.candidate_total
    text = f"{step.candidate_bad} of {step.candidate_total} requests of this step {deed} ({share:.3g} %)"
    why = f"{text}, surely more than {100 * metric.ceiling:.3g} %, and stable has not"
    return replace(result, verdict=Verdict.FAIL, why=why)


def _since(before: Tally, now: Tally) -> Tally:
    return Tally(
        now.candidate_bad - before.candidate_bad,
        now.candidate_total - before.candidate_total,
        now.stable_bad - before.stable_bad,
        now.stable_total - before.stable_total,
    )
