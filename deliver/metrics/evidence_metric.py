"""A metric that is judged by sequential evidence, in one look: count what is new since the last look and update the evidence."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import log

from deliver.analysis import counts, e_process, phrases, selectors, sequential_test, side_by_side
from deliver.analysis.bounds import units_per_second
from deliver.analysis.counts import Counts, Span
from deliver.analysis.leaning import LEANING, GrossHarm, gross_harm, leaning_log_odds
from deliver.analysis.sequential_test import Rules
from deliver.metrics import calibrate, drain
from deliver.metrics.calibrate import CalibrationInputs
from deliver.metrics.candidate_traffic import observed_percent
from deliver.metrics.look import Look, missing_samples_reason, with_sample_times
from deliver.metrics.pod_roster import CANDIDATE, STABLE
from deliver.metrics.step_counts import StepCounts
from deliver.metrics.threshold_metric import MetricOutcome, sample_lines
from deliver.model.evidence import MetricEvidence, Tally, Track
from deliver.model.spec import Analysis, EvidenceMetric
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.plugins.interfaces import Answer, MetricsError

CLOSE_SCRAPES = 10.0  # seconds between two scrapes; in a longer time one client that retries is one among many
MAX_REACH = 3600.0  # seconds of raw samples that are asked for at most, after the provider was away


@dataclass(frozen=True)
class NewCounts:
    """Requests that are new since the last look."""

    tallies: Mapping[float, Tally]  # by bound
    candidate: Counts  # of the first bound
    special: Answer  # samples of the bad requests, or of those at or below the bounds
    total: Answer  # samples of all requests


def rules_of(metric: EvidenceMetric, analysis: Analysis) -> Rules:
    """What the sequential test of this metric tests. Without a wanted proof (`prove` 0) the evidence for a ratio below 3 is shown."""
    return Rules(metric.margin, metric.slo, analysis.prove or 3.0, analysis.acceptable, analysis.alpha)


def judge_by_evidence(
    metric: EvidenceMetric,
    look: Look,
    measure: MetricEvidence,
    analysis: Analysis,
    inputs: CalibrationInputs,
    step: StepCounts,
    *,
    patient: bool = False,
) -> MetricOutcome:
    """step: counts of this step up to the look before; this look is added. patient: see calibrate.calibrated_tracks.

    Raises MetricsError when there is nothing to judge.
    """
    if look.now < look.start:
        raise MetricsError(f"warming up: {look.start - look.now:.0f} s left")
    if not measure.tracks:
        measure = replace(measure, tracks=calibrate.calibrated_tracks(metric, look, inputs, patient=patient))
    elif calibrate.history_may_grow(measure, look):
        measure = replace(measure, tracks=calibrate.with_raw_history(metric, look, measure.tracks))
    rules = rules_of(metric, analysis)
    fresh = _new_counts(metric, look, measure, step)
    seen = {**measure.seen, **counts.newest_samples(fresh.total.series, look.fetch.labels.pod)}
    present = {pod for arm in look.arms.values() for pod in arm}
    newest = max((at for pod, at in seen.items() if pod in present), default=0.0)
    tracks = tuple(
        sequential_test.update(track, fresh.tallies[track.bound], look.start, newest, rules, alone=look.alone) for track in measure.tracks
    )
    measure = MetricEvidence(tracks, {pod: at for pod, at in seen.items() if pod in present})
    judgement = _Judgement(metric, look, measure, rules, fresh, step)
    return MetricOutcome(
        judgement.result(asked=bool(analysis.prove)),
        candidate_percent=observed_percent(fresh.total.series, look, metric.window),
        rates=drain.request_rates(fresh.total.series, look.arms[STABLE], look.past.at, look.now - look.stale, look.fetch.labels.pod),
        measure=measure,
        counted=judgement.counted,
        series=fresh.total.series,
        few=judgement.has_too_few_requests(),
    )


def _new_counts(metric: EvidenceMetric, look: Look, measure: MetricEvidence, step: StepCounts) -> NewCounts:
    known = [at for at in (*measure.seen.values(), *step.seen.values()) if at > look.start]
    reach = min(max(metric.window, look.now - min(known, default=look.start)), MAX_REACH) + look.stale
    bounds = [track.bound for track in measure.tracks]
    bad, total = look.counters(metric, bounds, reach)
    # What one look saw and the next sees again is counted once, across steps too: users are users. Not so after a switch, where what
    # was counted before it may be our own load, and not in a warm-up.
    begin = look.start if look.alone or look.warming else -math.inf
    span = Span(look.start, look.now - reach, measure.seen, begin)
    apart = look.arms[CANDIDATE] != look.arms[STABLE]

    def count(bound: float, arm: str, span: Span) -> Counts:
        counted = look.count(bad, total, bound if metric.histogram else None, arm, span)
        if counted.unmatched:
            raise MetricsError(f"the {arm}'s histogram has no bound {bound:g} any more; name one that both sides have (`slower_than`)")
        # the same pods: there is only the past to compare with
        return counted if apart or arm == CANDIDATE else Counts()

    def both(bound: float) -> tuple[Counts, Counts]:
        """Counts of both sides. A stable side without users brings no evidence: its requests may be probes."""
        one, two = count(bound, CANDIDATE, span), count(bound, STABLE, span)
        return one, Counts() if look.alone else two

    found = {bound: both(bound) for bound in bounds}
    step.add(bounds, total.series, look.arms, replace(span, begin=look.start), look.fetch.labels.pod, count)
    tallies = {bound: Tally(one.bad, one.total, two.bad, two.total) for bound, (one, two) in found.items()}
    return NewCounts(tallies, found[bounds[0]][0], bad, total)


@dataclass(frozen=True)
class _Judgement:
    """What one metric comes to after a look."""

    metric: EvidenceMetric
    look: Look
    measure: MetricEvidence  # with this look
    rules: Rules
    fresh: NewCounts
    step: StepCounts  # with this look

    @cached_property
    def track(self) -> Track:
        return sequential_test.main_track(self.measure)

    @cached_property
    def counted(self) -> Tally:
        """Requests of this step, of the main track."""
        return self.step.of(self.track.bound)

    def result(self, *, asked: bool) -> CheckResult:
        """asked: a proof that the candidate is no worse is wanted."""
        verdict, why, leans = self._verdict()
        fresh, look = self.fresh, self.look
        samples = sample_lines([*fresh.special.series, *fresh.total.series], look.arms[CANDIDATE], look.fetch.labels.pod)
        numbers = numbers_of(self.measure, self.rules, self.counted)
        notes = _sample_notes(self.track, self.rules)
        result = CheckResult(
            self.metric.name,
            "metric",
            verdict,
            why,
            limit=100 * self.metric.slo if self.metric.slo else None,
            unit="%",
            evidence=Evidence(f"{fresh.special.query} / {fresh.total.query}", look.now, numbers, (*samples, *notes)),
            proved=sequential_test.is_proven(self.track, self.rules) if asked else None,
            leans=leans,
        )
        return with_sample_times(_with_both_sides(result, self.counted), look, self.step)

    def has_too_few_requests(self) -> bool:
        """The samples are there and show too few requests of the candidate, or of the stable side to compare with."""
        if self.fresh.candidate.series and missing_samples_reason(self.look, self.fresh.candidate, self.step):
            return False
        return self.counted.candidate_total < self.metric.min_samples or not self._can_compare()

    def _can_compare(self) -> bool:
        return bool(self.metric.slo or self.counted.stable_total or self.track.calibration.total)

    def _blind_reason(self) -> str:
        """Why the candidate cannot be judged now; "" when it can."""
        if nothing := missing_samples_reason(self.look, self.fresh.candidate, self.step):
            return nothing
        if self.counted.candidate_total < self.metric.min_samples:
            return f"{self.counted.candidate_total} candidate requests in this step so far, {self.metric.min_samples} needed"
        if self._can_compare():
            return ""
        if self.look.alone or self.look.arms[CANDIDATE] == self.look.arms[STABLE]:
            return "the stable side had no requests before this step that could be compared with"
        return "no requests of the stable side are seen in this step yet"

    def _verdict(self) -> tuple[Verdict, str, bool]:
        """(verdict, why, whether it is BLIND because the data lean against the candidate)."""
        track, bad, claim = self.track, bad_word(self.metric, self.track), phrases.claim_text(self.rules)
        facts = phrases.counts_text(self.counted, bad)
        if sequential_test.stable_breaks_limit(track, self.rules):
            both = f"both sides have more than {100 * self.metric.slo:.3g} % bad"
            return Verdict.BLIND, f"{both}: {facts}; this looks like the environment's problem", False
        if harm := self._gross_harm():
            return Verdict.FAIL, phrases.harm_text(harm, bad), False
        if (lean := self._lean()) >= LEANING:
            if not self.counted.candidate_bad:  # the steps before have shown it
                facts = f"in this release {phrases.counts_text(track.sum + track.pending, bad)}"
            return Verdict.BLIND, f"{facts}: {phrases.odds(lean)} that {claim}; it leans against the candidate and is not settled", True
        if beside := self._clearly_worse():
            return Verdict.BLIND, phrases.beside_text(beside, bad), True
        if blind := self._blind_reason():
            return Verdict.BLIND, blind, False
        odds = phrases.odds(sequential_test.metric_log_evidence(self.measure, self.rules))
        return Verdict.PASS, f"{facts}; evidence {odds} that {claim}", False

    def _gross_harm(self) -> GrossHarm | None:
        """Gross harm at any bound, in this step or in the whole release; after a cutover only in this step: before, the load may be ours.

        With close scrapes the worst one is left out: a single client that retries cannot spread over more than one.
        """
        close = self.look.cadence.interval < CLOSE_SCRAPES
        for track in self.measure.tracks:
            spared = max(self.step.worst[track.bound], self.fresh.tallies[track.bound].candidate_bad) if close else 0
            for counted in (self.step.of(track.bound), *([] if self.look.alone else [track.sum + track.pending])):
                if found := gross_harm(track, counted, self.rules, spared):
                    return found
        return None

    def _lean(self) -> float:
        """ln of the odds against the candidate: the mean over the bounds."""
        tracks, step = self.measure.tracks, self.step
        odds = [leaning_log_odds(track, step.of(track.bound), self.rules, step.latest(track.bound)) for track in tracks]
        return max(e_process.log_mean(odds), sequential_test.metric_log_evidence(self.measure, self.rules))

    def _clearly_worse(self) -> Tally | None:
        """Counts of both sides in the same time that speak clearly against the candidate: of this step, else of the release.

        The release's do only where the step's go the same way: weights differ between steps, and an incident of both sides falls on
        more of the candidate's requests in some than in others. After a cutover both readings of what the old pods count have to.
        """
        track, rules, step = self.track, self.rules, self.step.beside(self.track.bound)
        if side_by_side.speaks_clearly(step, rules):
            if not self.look.alone or self.counted.stable_total:
                return step
            seconds = max([*self.step.seen.values(), self.look.start + 1]) - self.look.start
            users = side_by_side.of_users_alone(step, track.calibration, seconds)
            return step if side_by_side.speaks_clearly(users, rules) else None
        release = track.sum + track.pending
        return release if side_by_side.looks_worse(step, rules) and side_by_side.speaks_clearly(release, rules) else None


def _with_both_sides(result: CheckResult, total: Tally) -> CheckResult:
    """The result, with the percent of bad requests of both sides, 0..100."""
    return replace(
        result,
        candidate=100 * total.candidate_bad / total.candidate_total if total.candidate_total else None,
        stable=100 * total.stable_bad / total.stable_total if total.stable_total else None,
        samples=total.candidate_total,
    )


def numbers_of(measure: MetricEvidence, rules: Rules, step: Tally) -> dict[str, float]:
    """The numbers that `explain`, `status` and a report show. Odds are odds, not logarithms; `step_...` are counts of this step alone."""
    track = sequential_test.main_track(measure)
    total, calibration = track.sum + track.pending, track.calibration
    known = phrases.ratio_bounds(track, rules)
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
        "odds_worse": sequential_test.capped_odds(sequential_test.metric_log_evidence(measure, rules)),
        "odds_needed": 1 / rules.alpha,
        "odds_no_worse": sequential_test.capped_odds(max(sequential_test.log_evidence_for(track, rules), track.shown)),
        **ratio,
        "margin": rules.limit or rules.margin,
        "dispersion": calibration.phi,
        "block_polls": float(calibration.block),
        "placebo_false_alarms": float(calibration.crossed),
        "placebo_runs": float(calibration.placebos),
    }


def _sample_notes(track: Track, rules: Rules) -> tuple[str, ...]:
    ratio = phrases.ratio_text(track, rules)
    return (*([f"ratio: {ratio} ({100 * (1 - rules.alpha):.3g} % interval, valid at every look)"] if ratio else []),
            f"calibrated on {track.calibration.basis}")  # fmt: skip


def bad_word(metric: EvidenceMetric, track: Track) -> str:
    """`bad`, or `slower than 0.25 s` for the track of a histogram's bound."""
    scale = units_per_second(selectors.histogram(metric.histogram).name) if metric.histogram else 1.0
    return phrases.bad_word(track.bound / scale)


def fail_on_joint_evidence(
    outcomes: tuple[MetricOutcome, ...], metrics: Mapping[str, EvidenceMetric], measures: Mapping[str, MetricEvidence], analysis: Analysis
) -> tuple[MetricOutcome, ...]:
    """Outcomes in which the metrics that carry the evidence FAIL, once the weighted mean over all metrics exceeds 1/alpha.

    The mean bounds the false alarms of all metrics together by alpha, however the metrics depend on each other.
    """
    answered = {one.result.name for one in outcomes if one.measure is not None and one.measure.tracks}
    if not answered & metrics.keys():
        return outcomes
    # one that did not answer in this look keeps its evidence; one that was never counted has none
    each = {
        name: sequential_test.metric_log_evidence(measures[name], rules_of(metric, analysis)) if name in measures else 0.0
        for name, metric in metrics.items()
    }
    weights = {name: metric.weight for name, metric in metrics.items()}
    if e_process.log_mean(list(each.values()), list(weights.values())) < -log(analysis.alpha):
        return outcomes
    carrying = max(each, key=lambda name: each[name] + log(weights[name]))
    failing = {name for name, value in each.items() if value >= -log(analysis.alpha)} | {carrying}
    return tuple(replace(one, result=_failed(one, metrics, analysis)) if one.result.name in failing & answered else one for one in outcomes)


def _failed(one: MetricOutcome, metrics: Mapping[str, EvidenceMetric], analysis: Analysis) -> CheckResult:
    assert one.measure is not None
    metric = metrics[one.result.name]
    rules = rules_of(metric, analysis)
    # of several bounds, the one that shows it
    track = max(one.measure.tracks, key=lambda track: sequential_test.log_evidence_against(track, rules))
    found, ratio = sequential_test.metric_log_evidence(one.measure, rules), phrases.ratio_text(track, rules)
    total = track.sum + track.pending  # of the whole release: this step alone may have nothing yet
    why = f"{phrases.counts_text(total, bad_word(metric, track))}: {phrases.odds(found)} that {phrases.claim_text(rules)}"
    why += f" ({ratio})" if ratio else ""
    return _with_both_sides(replace(one.result, verdict=Verdict.FAIL, why=why, leans=False), total)
