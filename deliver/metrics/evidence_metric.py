"""One metric that is judged by evidence, in one look: count what is new since the last look, and weigh it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log

from deliver.analysis import counts, e_process, native_histogram, phrases, selectors, sequential_test
from deliver.analysis.bounds import per_second
from deliver.analysis.counts import Counts, Span
from deliver.analysis.leaning import ODDS, Gross, gross, leaning
from deliver.analysis.selectors import Matcher
from deliver.analysis.sequential_test import Rules
from deliver.metrics import calibrate, drain
from deliver.metrics.calibrate import Beginning
from deliver.metrics.look import Look, told_by, unseen
from deliver.metrics.pod_roster import CANDIDATE, STABLE
from deliver.metrics.step_counts import Gathered
from deliver.metrics.threshold_metric import Outcome, lines
from deliver.metrics.traffic_share import share
from deliver.model.evidence import MetricEvidence, Tally, Track
from deliver.model.spec import Analysis, EvidenceMetric
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.plugins.interfaces import Answer, MetricsError

NONE = Tally()
CLOSE = 10.0  # seconds between two scrapes; in more, a client that tries again is among many others
REACH = 3600.0  # seconds of raw samples asked for at most, after a time in which nothing could be asked


@dataclass(frozen=True)
class Fresh:
    """What is new since the last look, one count a bound."""

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
    step: Gathered,
    *,
    patient: bool = False,
) -> Outcome:
    """step: what this step has seen before this look; it is added to. patient: see calibrate.tracks.

    Raises MetricsError when there is nothing to judge.
    """
    if look.now < look.start:
        raise MetricsError(f"warming up: {look.start - look.now:.0f} s left")
    if not measure.tracks:
        measure = replace(measure, tracks=calibrate.tracks(metric, look, beginning, patient=patient))
    elif calibrate.unsettled(measure, look):
        measure = replace(measure, tracks=calibrate.recalled(metric, look, measure.tracks))
    rules = rules_of(metric, analysis)
    fresh = _fresh(metric, look, measure, step)
    seen = {**measure.seen, **counts.newest(fresh.total.series, look.fetch.labels.pod)}
    present = {pod for arm in look.arms.values() for pod in arm.pods}
    newest = max((at for pod, at in seen.items() if pod in present), default=0.0)
    tracks = tuple(
        sequential_test.fed(track, fresh.tallies[track.bound], look.start, newest, rules, alone=look.alone) for track in measure.tracks
    )
    measure = MetricEvidence(tracks, {pod: at for pod, at in seen.items() if pod in present})
    return Outcome(
        _result(metric, look, measure, rules, fresh, step, asked=bool(analysis.prove)),
        share=share(fresh.total.series, look, metric.window),
        rates=drain.rates(fresh.total.series, look.arms[STABLE], look.past.at, look.now - look.stale, look.fetch.labels.pod),
        measure=measure,
        counted=step.of(sequential_test.main(measure).bound),
        series=fresh.total.series,
        few=_few(metric, look, measure, fresh, step),
    )


def _fresh(metric: EvidenceMetric, look: Look, measure: MetricEvidence, step: Gathered) -> Fresh:
    known = [at for at in (*measure.seen.values(), *step.seen.values()) if at > look.start]
    reach = min(max(metric.window, look.now - min(known, default=look.start)), REACH) + look.stale
    bounds = [track.bound for track in measure.tracks]
    bad, total = _asked(metric, look, bounds, reach)
    # What one look saw and the next sees again is counted once, across steps too: users are users. Not so after a switch, where what
    # was counted before it may be our own load, and not in a warm-up.
    begin = look.start if look.alone or look.warming else -math.inf
    span = Span(look.start, look.now - reach, measure.seen, begin)
    apart = look.arms[CANDIDATE] != look.arms[STABLE]

    def count(bound: float, arm: str, span: Span) -> Counts:
        counted = _count(metric, bad, total, bound, look, arm, span)
        if counted.unmatched:
            raise MetricsError(f"the {arm}'s histogram has no bound {bound:g} any more; name one that both sides have (`slower_than`)")
        # the same pods: there is only the past to compare with
        return counted if apart or arm == CANDIDATE else Counts()

    def weighed(bound: float) -> tuple[Counts, Counts]:
        """Idle pods bring no evidence: what they count may be probes."""
        one, two = count(bound, CANDIDATE, span), count(bound, STABLE, span)
        return one, Counts() if look.alone else two

    found = {bound: weighed(bound) for bound in bounds}
    step.add(bounds, total.series, look.arms, replace(span, begin=look.start), look.fetch.labels.pod, count)
    first = next(iter(found.values()))
    tallies = {bound: Tally(one.bad, one.total, two.bad, two.total) for bound, (one, two) in found.items()}
    return Fresh(tallies, *first, bad, total)


def _asked(metric: EvidenceMetric, look: Look, bounds: Sequence[float], reach: float) -> tuple[Answer, Answer]:
    """(what is bad, or at or below the bounds; all). The total first, as in threshold_metric.py."""
    selector, special = calibrate.selected(metric)
    total = look.fetch.raw(selector, reach)
    if not metric.histogram:
        return look.fetch.raw(special, reach), total
    if not total.series and (whole := look.fetch.raw(selectors.histogram(metric.histogram), reach, native=True)).series:
        pairs = [native_histogram.classic(whole.series, bound) for bound in bounds]
        return replace(whole, series=tuple(one for fast, _ in pairs for one in fast)), replace(whole, series=pairs[0][1])
    return look.fetch.raw(special.where(Matcher("le", "=~", "|".join(map(selectors.bounds, bounds)))), reach), total


def _count(metric: EvidenceMetric, bad: Answer, total: Answer, bound: float, look: Look, arm: str, span: Span) -> Counts:
    pod = look.fetch.labels.pod
    if metric.histogram:
        return counts.slower(bad.series, total.series, bound, look.arms[arm], span, pod)
    return counts.ratio(bad.series, total.series, look.arms[arm], span, pod)


def _blind(metric: EvidenceMetric, look: Look, measure: MetricEvidence, fresh: Fresh, step: Gathered) -> str:
    """Why nothing can be said of the candidate now, "" when something can."""
    track = sequential_test.main(measure)
    counted = step.of(track.bound)
    if nothing := unseen(look, fresh.candidate, step):
        return nothing
    if counted.candidate_total < metric.min_samples:
        return f"{counted.candidate_total} candidate requests in this step so far, {metric.min_samples} needed"
    if metric.slo or counted.stable_total or track.calibration.total:
        return ""
    if look.alone or look.arms[CANDIDATE] == look.arms[STABLE]:
        return "the stable side had no requests before this step that could be compared with"
    return "no requests of the stable side are seen in this step yet"


def _verdict(
    metric: EvidenceMetric, look: Look, measure: MetricEvidence, rules: Rules, fresh: Fresh, step: Gathered
) -> tuple[Verdict, str, bool]:
    """(verdict, why, whether it is BLIND for a lean)."""
    track = sequential_test.main(measure)
    facts = phrases.facts(step.of(track.bound), deed(metric, track))
    if sequential_test.environment(track, rules):
        why = f"both sides have more than {100 * metric.slo:.3g} % bad: {facts}; this looks like the environment's problem"
        return Verdict.BLIND, why, False
    if harm := _harm(measure, look, fresh, step, rules):
        return Verdict.FAIL, phrases.harm(harm, deed(metric, track)), False
    if (lean := _lean(measure, step, rules)) >= ODDS:
        if not step.of(track.bound).candidate_bad:  # the steps before have shown it
            facts = f"in this release {phrases.facts(track.sum + track.pending, deed(metric, track))}"
        return (
            Verdict.BLIND,
            f"{facts}: {phrases.odds(lean)} that {phrases.claim(rules)}; it leans against the candidate and is not settled",
            True,
        )
    if blind := _blind(metric, look, measure, fresh, step):
        return Verdict.BLIND, blind, False
    return Verdict.PASS, f"{facts}; evidence {phrases.odds(sequential_test.whole(measure, rules))} that {phrases.claim(rules)}", False


def _harm(measure: MetricEvidence, look: Look, fresh: Fresh, step: Gathered, rules: Rules) -> Gross | None:
    """At any of the bounds, in this step or in the whole release; after a switch, what was counted before it may be our own load.

    Where looks are close to each other, the worst of them is left out: one client that tries again and again is in no more than that.
    """
    close = look.cadence.interval < CLOSE
    for track in measure.tracks:
        spared = max(step.worst[track.bound], fresh.tallies[track.bound].candidate_bad) if close else 0
        for counted in (step.of(track.bound), *([] if look.alone else [track.sum + track.pending])):
            if found := gross(track, counted, rules, spared):
                return found
    return None


def _lean(measure: MetricEvidence, step: Gathered, rules: Rules) -> float:
    """ln of the odds against the candidate: of several bounds the mean, as of their evidence."""
    odds = [leaning(track, step.of(track.bound), rules, step.latest(track.bound)) for track in measure.tracks]
    return max(e_process.mean(odds, [1.0] * len(odds)), sequential_test.whole(measure, rules))


def _few(metric: EvidenceMetric, look: Look, measure: MetricEvidence, fresh: Fresh, step: Gathered) -> bool:
    """Too few requests of the candidate, or of stable to compare with, as its samples tell. None at all may be an unseen pod."""
    track = sequential_test.main(measure)
    counted = step.of(track.bound)
    if fresh.candidate.series and unseen(look, fresh.candidate, step):
        return False
    compared = metric.slo or counted.stable_total or track.calibration.total
    return counted.candidate_total < metric.min_samples or not compared


def _result(
    metric: EvidenceMetric, look: Look, measure: MetricEvidence, rules: Rules, fresh: Fresh, step: Gathered, *, asked: bool
) -> CheckResult:
    track = sequential_test.main(measure)
    total = step.of(track.bound)
    verdict, why, leans = _verdict(metric, look, measure, rules, fresh, step)
    return CheckResult(
        metric.name,
        "metric",
        verdict,
        why,
        candidate=100 * total.candidate_bad / total.candidate_total if total.candidate_total else None,
        stable=100 * total.stable_bad / total.stable_total if total.stable_total else None,
        limit=100 * metric.slo if metric.slo else None,
        unit="%",
        samples=total.candidate_total,
        evidence=Evidence(
            f"{fresh.special.query} / {fresh.total.query}",
            look.now,
            numbers(measure, rules, total),
            (*lines([*fresh.special.series, *fresh.total.series], look.arms[CANDIDATE], look.fetch.labels.pod), *_said(track, rules)),
        ),
        proved=sequential_test.proven(track, rules) if asked else None,
        leans=leans,
        **told_by(look, step),
    )


def numbers(measure: MetricEvidence, rules: Rules, step: Tally = NONE) -> dict[str, float]:
    """What `explain`, `status` and a report show: odds as such, counts of the whole release, and those of this step."""
    track = sequential_test.main(measure)
    total, calibration = track.sum + track.pending, track.calibration
    known = phrases.bounds(track, rules)
    ratio = {"ratio_low": known[0], "ratio_high": known[1]} if known else {}
    return {
        "candidate_bad": float(total.candidate_bad),
        "candidate_total": float(total.candidate_total),
        "stable_bad": float(total.stable_bad),
        "stable_total": float(total.stable_total),
        "step_candidate_bad": float(step.candidate_bad),
        "step_candidate_total": float(step.candidate_total),
        "step_stable_bad": float(step.stable_bad),
        "step_stable_total": float(step.stable_total),
        "odds_worse": sequential_test.odds(sequential_test.whole(measure, rules)),
        "odds_needed": 1 / rules.alpha,
        "odds_no_worse": sequential_test.odds(max(sequential_test.shown(track, rules), track.shown)),
        **ratio,
        "margin": rules.limit or rules.margin,
        "dispersion": calibration.phi,
        "block_polls": float(calibration.block),
        "placebo_false_alarms": float(calibration.crossed),
        "placebo_runs": float(calibration.placebos),
    }


def _said(track: Track, rules: Rules) -> tuple[str, ...]:
    ratio = phrases.ratio(track, rules)
    return (*([f"ratio: {ratio} ({100 * (1 - rules.alpha):.3g} % interval, valid at every look)"] if ratio else []),
            f"calibrated on {track.calibration.basis}")  # fmt: skip


def deed(metric: EvidenceMetric, track: Track) -> str:
    return f"slower than {track.bound / per_second(selectors.histogram(metric.histogram).name):g} s" if metric.histogram else "bad"


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
    if e_process.mean(list(each.values()), list(weights.values())) < -log(analysis.alpha):
        return outcomes
    carrying = max(each, key=lambda name: each[name] + log(weights[name]))
    failing = {name for name, value in each.items() if value >= -log(analysis.alpha)} | {carrying}
    return tuple(replace(one, result=_failed(one, metrics, analysis)) if one.result.name in failing & answered else one for one in outcomes)


def _log(metric: EvidenceMetric, measure: MetricEvidence | None, analysis: Analysis) -> float:
    """A metric that did not answer keeps the evidence it had; one that was never counted has none."""
    return sequential_test.whole(measure, rules_of(metric, analysis)) if measure is not None else 0.0


def _failed(one: Outcome, metrics: Mapping[str, EvidenceMetric], analysis: Analysis) -> CheckResult:
    assert one.measure is not None
    metric = metrics[one.result.name]
    rules = rules_of(metric, analysis)
    track = max(one.measure.tracks, key=lambda track: sequential_test.against(track, rules))  # of several bounds, the one that shows it
    found = sequential_test.whole(one.measure, rules)
    ratio = phrases.ratio(track, rules)
    text = f"{phrases.facts(track.sum + track.pending, deed(metric, track))}: {phrases.odds(found)} that {phrases.claim(rules)}"
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
