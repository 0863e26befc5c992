"""One metric that is judged by evidence, in one look: count what is new since the last look, and weigh it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from deliver.analysis import counts, evidence, native, selectors, words
from deliver.analysis.counts import Counts, Span
from deliver.analysis.evidence import Rules
from deliver.analysis.selectors import Matcher
from deliver.analysis.units import per_second
from deliver.metrics import calibrate, drain
from deliver.metrics.arms import CANDIDATE, STABLE
from deliver.metrics.calibrate import Beginning
from deliver.metrics.judge import Look, Outcome, lines
from deliver.model.evidence import MetricEvidence, Tally, Track
from deliver.model.spec import Analysis, EvidenceMetric
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.plugins.interfaces import Answer, MetricsError

REACH = 3600.0  # seconds of raw samples asked for at most, after a time in which nothing could be asked


@dataclass(frozen=True)
class Fresh:
    """What is new since the last look, one count a bound. newest: time of the candidate's newest sample, 0 = none."""

    tallies: Mapping[float, Tally]
    candidate: Counts
    stable: Counts
    special: Answer
    total: Answer


def rules_of(metric: EvidenceMetric, analysis: Analysis) -> Rules:
    return Rules(metric.margin, metric.slo, analysis.prove or 3.0, analysis.acceptable, analysis.alpha)


def weigh(
    metric: EvidenceMetric,
    look: Look,
    measure: MetricEvidence,
    analysis: Analysis,
    beginning: Beginning,
    before: int,
    *,
    patient: bool = False,
) -> Outcome:
    """before: candidate requests that had been counted when this step began. patient: see calibrate.tracks.

    Raises MetricsError when there is nothing to judge.
    """
    if look.now < look.start:
        raise MetricsError(f"warming up: {look.start - look.now:.0f} s left")
    if not measure.tracks:
        measure = replace(measure, tracks=calibrate.tracks(metric, look, beginning, patient=patient))
    rules = rules_of(metric, analysis)
    fresh = _fresh(metric, look, measure)
    seen = {**measure.seen, **counts.newest(fresh.total.series, look.fetch.labels.pod)}
    present = {pod for arm in look.arms.values() for pod in arm.pods}
    newest = max((at for pod, at in seen.items() if pod in present), default=0.0)
    tracks = tuple(evidence.fed(track, fresh.tallies[track.bound], look.start, newest, rules) for track in measure.tracks)
    measure = MetricEvidence(tracks, {pod: at for pod, at in seen.items() if pod in present})
    blind = _blind(metric, look, measure, fresh, before)
    return Outcome(
        _result(metric, look, measure, rules, fresh, blind, asked=bool(analysis.prove)),
        share=_share(look, fresh),
        rates=drain.rates(fresh.total.series, look.arms[STABLE], look.past.at, look.now - look.stale, look.fetch.labels.pod),
        measure=measure,
        fresh=(fresh.candidate.total, fresh.stable.total),
        few=_few(metric, look, measure, fresh, before),
    )


def requests(measure: MetricEvidence | None) -> int:
    """Candidate requests counted so far."""
    if measure is None or not measure.tracks:
        return 0
    track = measure.tracks[0]
    return track.sum.candidate_total + track.pending.candidate_total


def _fresh(metric: EvidenceMetric, look: Look, measure: MetricEvidence) -> Fresh:
    known = [at for pod, at in measure.seen.items() if at > look.start]
    reach = min(max(metric.window, look.now - min(known, default=look.start)), REACH) + look.stale
    bounds = [track.bound for track in measure.tracks]
    bad, total = _asked(metric, look, bounds, reach)
    span = Span(look.start, look.now - reach, measure.seen)
    apart = look.arms[CANDIDATE] != look.arms[STABLE] and not look.alone
    found: dict[float, tuple[Counts, Counts]] = {}
    for bound in bounds:
        both = [_count(metric, bad, total, bound, look, arm, span) for arm in (CANDIDATE, STABLE)]
        for arm, counted in zip((CANDIDATE, STABLE), both, strict=True):
            if counted.unmatched:
                raise MetricsError(f"the {arm}'s histogram has no bound {bound:g} any more; name one that both sides have (`slower_than`)")
        found[bound] = both[0], both[1] if apart else Counts()  # the same pods, or idle ones: there is only the past to compare with
    first = next(iter(found.values()))
    tallies = {bound: Tally(one.bad, one.total, two.bad, two.total) for bound, (one, two) in found.items()}
    return Fresh(tallies, *first, bad, total)


def _asked(metric: EvidenceMetric, look: Look, bounds: Sequence[float], reach: float) -> tuple[Answer, Answer]:
    """(what is bad, or at or below the bounds; all). The total first, as in judge.py."""
    selector, special = calibrate.selected(metric)
    total = look.fetch.raw(selector, reach)
    if not metric.histogram:
        return look.fetch.raw(special, reach), total
    if not total.series and (whole := look.fetch.raw(selectors.histogram(metric.histogram), reach, native=True)).series:
        pairs = [native.classic(whole.series, bound) for bound in bounds]
        return replace(whole, series=tuple(one for fast, _ in pairs for one in fast)), replace(whole, series=pairs[0][1])
    return look.fetch.raw(special.where(Matcher("le", "=~", "|".join(map(selectors.bounds, bounds)))), reach), total


def _count(metric: EvidenceMetric, bad: Answer, total: Answer, bound: float, look: Look, arm: str, span: Span) -> Counts:
    pod = look.fetch.labels.pod
    if metric.histogram:
        return counts.slower(bad.series, total.series, bound, look.arms[arm], span, pod)
    return counts.ratio(bad.series, total.series, look.arms[arm], span, pod)


def _blind(metric: EvidenceMetric, look: Look, measure: MetricEvidence, fresh: Fresh, before: int) -> str:
    """Why nothing can be said of the candidate now, "" when something can."""
    candidate, counted = fresh.candidate, requests(measure) - before
    if not candidate.series:
        return "no samples of the candidate's pods"
    if look.now - candidate.newest > look.stale:
        return f"the candidate's newest sample is {look.now - candidate.newest:.0f} s old, more than {look.stale:.0f} s"
    if counted < metric.min_samples:
        return f"{counted} candidate requests in this step so far, {metric.min_samples} needed"
    track = evidence.main(measure)
    if not (metric.slo or track.sum.stable_total or track.pending.stable_total or track.calibration.total):
        return "the stable side has no requests to compare with, neither now nor in the past hour"
    return ""


def _few(metric: EvidenceMetric, look: Look, measure: MetricEvidence, fresh: Fresh, before: int) -> bool:
    """The candidate has had fewer requests than are asked for, as far as its newest samples tell; none at all may be an unseen pod."""
    stands = not fresh.candidate.series or look.now - fresh.candidate.newest <= look.stale
    return stands and requests(measure) - before < metric.min_samples


def _result(
    metric: EvidenceMetric, look: Look, measure: MetricEvidence, rules: Rules, fresh: Fresh, blind: str, *, asked: bool
) -> CheckResult:
    track = evidence.main(measure)
    total = track.sum + track.pending
    why = words.facts(total, deed(metric, track))
    if evidence.environment(track, rules):
        blind = f"both sides have more than {100 * metric.slo:.3g} % bad: {why}; this looks like the environment's problem"
    return CheckResult(
        metric.name,
        "metric",
        Verdict.BLIND if blind else Verdict.PASS,
        blind or f"{why}; evidence {words.odds(evidence.whole(measure, rules))} that {words.claim(rules)}",
        candidate=100 * total.candidate_bad / total.candidate_total if total.candidate_total else None,
        stable=100 * total.stable_bad / total.stable_total if total.stable_total else None,
        limit=100 * metric.slo if metric.slo else None,
        unit="%",
        samples=total.candidate_total,
        evidence=Evidence(
            f"{fresh.special.query} / {fresh.total.query}",
            look.now,
            numbers(measure, rules),
            (*lines([*fresh.special.series, *fresh.total.series], look.arms[CANDIDATE], look.fetch.labels.pod), *_said(track, rules)),
        ),
        proved=evidence.proven(track, rules) if asked else None,
    )


def numbers(measure: MetricEvidence, rules: Rules) -> dict[str, float]:
    """What `explain`, `status` and a report show: odds as such, counts of the whole release."""
    track = evidence.main(measure)
    total, calibration = track.sum + track.pending, track.calibration
    known = words.bounds(track, rules)
    ratio = {"ratio_low": known[0], "ratio_high": known[1]} if known else {}
    return {
        "candidate_bad": float(total.candidate_bad),
        "candidate_total": float(total.candidate_total),
        "stable_bad": float(total.stable_bad),
        "stable_total": float(total.stable_total),
        "odds_worse": evidence.odds(evidence.whole(measure, rules)),
        "odds_needed": 1 / rules.alpha,
        "odds_no_worse": evidence.odds(max(evidence.shown(track, rules), track.shown)),
        **ratio,
        "margin": rules.limit or rules.margin,
        "dispersion": calibration.phi,
        "block_polls": float(calibration.block),
        "placebo_false_alarms": float(calibration.crossed),
        "placebo_runs": float(calibration.placebos),
    }


def _said(track: Track, rules: Rules) -> tuple[str, ...]:
    ratio = words.ratio(track, rules)
    return (*([f"ratio: {ratio} ({100 * (1 - rules.alpha):.3g} % interval, valid at every look)"] if ratio else []),
            f"calibrated on {track.calibration.basis}")  # fmt: skip


def deed(metric: EvidenceMetric, track: Track) -> str:
    return f"slower than {track.bound / per_second(selectors.histogram(metric.histogram).name):g} s" if metric.histogram else "bad"


def _share(look: Look, fresh: Fresh) -> float | None:
    both = fresh.candidate.total + fresh.stable.total if look.arms[CANDIDATE] != look.arms[STABLE] else 0
    return 100 * fresh.candidate.total / both if both else None
