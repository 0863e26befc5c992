"""Preflight: how soon a release by this plan would detect a regression, from the stable side's present traffic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from deliver.analysis import detectability, sequential_test
from deliver.analysis.detectability import SharedStep, Traffic
from deliver.formatting.durations import rough_duration
from deliver.formatting.formats import number
from deliver.metrics import calibrate
from deliver.metrics.evidence_store import calibration_inputs_of
from deliver.metrics.fetch import Fetch
from deliver.metrics.look import Look
from deliver.metrics.pod_roster import STABLE
from deliver.model.evidence import MetricEvidence
from deliver.model.observation import PodSeen
from deliver.model.plan import Plan, Side
from deliver.model.release import Release
from deliver.model.spec import EvidenceMetric
from deliver.plugins.interfaces import Finding, MetricProvider
from deliver.plugins.validation import error_text

RULE = "detectable"
TIMEOUT = 15.0
REGRESSIONS = ((5.0, "a fivefold share"), (2.0, "a doubling"))


@dataclass(frozen=True)
class MetricTraffic:
    """What is known of one metric before the release."""

    metric: EvidenceMetric
    traffic: Traffic
    alpha: float  # its own part of the release's false alarms


def detectability_findings(
    release: Release, provider: MetricProvider, stable: Sequence[PodSeen], timer: Callable[[], float], wanted: float = 0.0
) -> list[Finding]:
    """One finding for each metric. wanted: ratio that the steps should be long enough for; a second finding says how. Never raises."""
    metrics = [metric for metric in release.spec.analysis.metrics if isinstance(metric, EvidenceMetric) and not metric.slo]
    if not (metrics and stable and shared_steps(release.plan)):
        return []
    found, until, whole = [], timer() + TIMEOUT, sum(metric.weight for metric in metrics)
    for metric in metrics:
        try:
            fetch = Fetch.of_pods(provider, release.spec.target.namespace, stable, until - timer(), timer)
            traffic = _traffic(metric, fetch, release, stable)
        except Exception as error:  # a provider is foreign code, and a plan without a promise is still a plan
            found.append(Finding(RULE, "info", f"{metric.name}: how soon a regression is found is not known ({error_text(error)})"))
            continue
        known = MetricTraffic(metric, traffic, release.spec.analysis.alpha * metric.weight / whole)
        found.append(Finding(RULE, "info", describe(known, shared_steps(release.plan), release.spec.analysis.alpha)))
        found += [_bake_advice(known, release.plan, wanted)] if wanted and traffic.bad else []
    return found


def shared_steps(plan: Plan) -> list[SharedStep]:
    """The steps in which both sides have users and can be compared."""
    return [SharedStep(step.endpoints / 100, step.bake) for step in plan.steps if step.side is Side.BOTH and 0 < step.endpoints < 100]


def describe(known: MetricTraffic, steps: Sequence[SharedStep], alpha: float) -> str:
    """`errors: at 20 requests/s, 0.1 % of them bad, a fivefold share is found in about 19 min of baking, a doubling not within ...`"""
    traffic, metric = known.traffic, known.metric
    if not traffic.rate:
        return f"{metric.name}: the past of the stable pods shows no requests yet, so how soon a regression is found cannot be told"
    bad = "slow" if metric.histogram else "bad"
    begin = f"{metric.name}: at {number(traffic.rate)} requests/s, {100 * traffic.bad:.2g} % of them {bad}"
    if not traffic.bad:
        return f"{begin}, a few {bad} ones of the candidate are found within a few polls; false alarms: at most {100 * alpha:g} %"
    times = [f"{name} {_detection_time(known, ratio, steps)}" for ratio, name in REGRESSIONS]
    return f"{begin}, {times[0]}, {times[1]}; false alarms: at most {100 * alpha:g} %"


def _detection_time(known: MetricTraffic, ratio: float, steps: Sequence[SharedStep]) -> str:
    seconds = detectability.seconds_to_detect(ratio, known.metric.margin, known.alpha, known.traffic, steps)
    return f"is found in about {rough_duration(seconds)} of baking" if seconds is not None else "not within the bakes"


def _bake_advice(known: MetricTraffic, plan: Plan, wanted: float) -> Finding:
    """How long the plan's steps have to bake, as options."""
    fractions = [step.fraction for step in shared_steps(plan)]
    seconds = detectability.bake_to_detect(wanted, known.metric.margin, known.alpha, known.traffic, fractions)
    text = f"{known.metric.name}: {wanted:g} times as bad"
    if seconds is None:
        why = "it is within the margin" if wanted <= known.metric.margin else "there are no such requests to compare"
        return Finding(RULE, "info", f"{text} cannot be found however long the bakes are: {why}")
    weights = ",".join(f"{step.weight:g}" for step in plan.steps if step.side is Side.BOTH)
    bake = ceil(seconds / 60)
    return Finding(RULE, "info", f"{text} is found before all users follow with --weight {weights} --bake {bake}m")


def _traffic(metric: EvidenceMetric, fetch: Fetch, release: Release, stable: Sequence[PodSeen]) -> Traffic:
    now = fetch.now()
    look = Look(fetch, {STABLE: {pod.name: pod.since for pod in stable}}, now, now, release.spec.analysis.max_staleness)
    tracks = calibrate.calibrated_tracks(metric, look, calibration_inputs_of(release, started=0.0))
    calibration = sequential_test.main_track(MetricEvidence(tracks)).calibration
    if not (calibration.total and calibration.seconds):
        return Traffic(0.0, 0.0)
    return Traffic(calibration.total / calibration.seconds, calibration.bad / calibration.total, calibration.phi)
