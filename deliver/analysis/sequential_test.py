"""The sequential test of one metric: counts in, evidence out.

A poll is closed by the times of its samples and its number of requests, never by its errors: a stopping rule that looked at errors would
void the error bound.
"""

from dataclasses import dataclass, replace
from math import exp, log

from deliver.analysis import e_process, noninferiority, ratio_interval
from deliver.analysis.e_process import ABSOLUTE, starting_logs
from deliver.model import defaults
from deliver.model.evidence import MetricEvidence, Tally, Track, Wealth

NEARLY_A_POLL = 0.9  # of a poll's length, from which on it may be closed: scrapes jitter
POLLS_ALONE = 3.0  # lengths of a poll without stable traffic, after which the candidate is compared with the past
FEWEST_BAD = 3  # bad requests of the candidate without which nothing is evidence
DOUBT = 0.005  # chance that the stable side's true fraction in the past is above its upper bound; it comes on top of alpha
USUAL_TAIL = 0.05  # fraction above the bound that proof is asked of: a p95


@dataclass(frozen=True)
class Rules:
    margin: float = 1.0  # tolerated ratio candidate to stable
    limit: float = 0.0  # fraction of bad requests, 0..1, that is tolerated instead; 0 = none
    prove: float = defaults.PROVE  # ratio that the candidate has to be shown to stay below
    acceptable: float = defaults.ACCEPTABLE  # or fraction of bad requests, 0..1, that it has to be shown to stay below
    alpha: float = defaults.FALSE_ALARMS  # highest chance of a false alarm


def update(track: Track, fresh: Tally, begin: float, newest: float, rules: Rules, *, alone: bool = False) -> Track:
    """The track after one more look. fresh: requests since the look before. begin, newest: unix seconds of the first sample that may count,
    and of the newest one. alone: the stable side has no users any more; nothing waits for its samples.
    """
    track = replace(track, since=max(track.since, begin), pending=track.pending + fresh)
    poll, elapsed = track.pending, newest - track.since
    if elapsed < NEARLY_A_POLL * track.calibration.every or not poll.candidate_total:
        return track
    waited = alone or elapsed >= POLLS_ALONE * track.calibration.every
    if not (poll.stable_total or rules.limit or (track.calibration.total and waited)):
        return track
    return replace(_close_poll(track, poll, rules), since=newest, pending=Tally(), sum=track.sum + poll)


def log_evidence_against(track: Track, rules: Rules) -> float:
    """ln E that the candidate is worse than is tolerated. One or two bad requests are never evidence, whatever their odds."""
    found = e_process.log_evidence(track.wealth, ABSOLUTE if rules.limit else starting_logs(track.calibration))
    return found if track.sum.candidate_bad >= FEWEST_BAD else min(found, 0.0)


def stable_breaks_limit(track: Track, rules: Rules) -> bool:
    """The stable side breaks the limit as well: the cause is not the candidate."""
    return bool(rules.limit) and e_process.log_evidence(track.alike, ABSOLUTE) >= -log(rules.alpha)


def log_evidence_for(track: Track, rules: Rules) -> float:
    """ln E for the candidate: with a limit, that it is below it; else of the stronger claim of noninferiority.py."""
    if not track.proof:
        return 0.0
    return noninferiority.good_enough(track.proof) if rules.limit else noninferiority.strongest(track.proof)


def is_proven(track: Track, rules: Rules) -> bool:
    """The candidate was shown to be no worse, at some look so far."""
    return track.shown >= -log(rules.alpha)


def metric_log_evidence(evidence: MetricEvidence, rules: Rules) -> float:
    """ln E of one metric: the mean over its bounds, valid however they depend on each other."""
    return e_process.log_mean([log_evidence_against(track, rules) for track in evidence.tracks])


def main_track(evidence: MetricEvidence) -> Track:
    """The track that speaks for the metric: of several bounds, the one with nearest to USUAL_TAIL above it in the past. Needs one."""
    return min(evidence.tracks, key=lambda track: abs(log(max(_past_fraction(track), 1e-6) / USUAL_TAIL)))


def upper_bound(bad: int, total: int, phi: float, doubt: float = DOUBT) -> float:
    """Highest fraction of bad requests that these counts do not refute, by Chernoff's bound: total KL(bad/total, p) = ln(1/doubt)."""
    return _bisected(bad, total, phi, doubt, 1.0)[1] if total else 1.0


def lower_bound(bad: int, total: int, phi: float, doubt: float = DOUBT) -> float:
    """Lowest fraction of bad requests that these counts do not refute: see `upper_bound`."""
    return _bisected(bad, total, phi, doubt, 0.0)[0] if bad else 0.0


def _bisected(bad: int, total: int, phi: float, doubt: float, end: float) -> tuple[float, float]:
    """(the last fraction from bad/total towards `end`, 0 or 1, that is not refuted, the first one that is)."""
    fraction, need = bad / total, -log(doubt) * phi / total
    kept, refuted = fraction, end
    for _ in range(60):
        middle = (kept + refuted) / 2
        kept, refuted = (middle, refuted) if _kl(fraction, middle) < need else (kept, middle)
    return kept, refuted


def _close_poll(track: Track, poll: Tally, rules: Rules) -> Track:
    calibration = track.calibration
    past = lower_bound(calibration.bad, calibration.total, calibration.phi)
    grown = noninferiority.update(track.proof, poll, calibration, rules.prove, rules.limit or rules.acceptable, past)
    alike = _alike(track, poll, rules)
    now = replace(
        track,
        wealth=_wealth(track, poll, rules, alike),
        alike=alike,
        proof=grown,
        profile=ratio_interval.update(track.profile, poll, calibration),
    )
    return replace(now, shown=max(track.shown, log_evidence_for(now, rules)))


def _wealth(track: Track, poll: Tally, rules: Rules, alike: Wealth) -> Wealth:
    calibration = track.calibration
    if rules.limit:
        grown = e_process.compare_with_limit(track.wealth, poll.candidate_bad, poll.candidate_total, rules.limit, calibration)
        # while the stable side seems to break the limit too, no evidence piles up against the candidate
        return e_process.cap(grown, ABSOLUTE, 0.0) if e_process.log_evidence(alike, ABSOLUTE) > 0 else grown
    if poll.stable_total:
        return e_process.compare(track.wealth, poll, calibration, rules.margin)
    limit = min(rules.margin * upper_bound(calibration.bad, calibration.total, calibration.phi), 0.99)
    return e_process.compare_with_past(track.wealth, poll.candidate_bad, poll.candidate_total, limit, calibration)


def _alike(track: Track, poll: Tally, rules: Rules) -> Wealth:
    """Wealth of the stable side against the limit, capped a little above what is needed: it falls soon after an incident ends."""
    if not (rules.limit and poll.stable_total):
        return track.alike
    grown = e_process.compare_with_limit(track.alike, poll.stable_bad, poll.stable_total, rules.limit, track.calibration)
    return e_process.cap(grown, ABSOLUTE, -log(rules.alpha) + 1)


def _past_fraction(track: Track) -> float:
    calibration = track.calibration
    return calibration.bad / calibration.total if calibration.total else 0.0


def _kl(p: float, q: float) -> float:
    left = p * log(p / q) if p > 0 else 0.0
    right = (1 - p) * log((1 - p) / (1 - q)) if p < 1 and q < 1 else 0.0 if p >= 1 else 700.0
    return left + right


def capped_odds(log_evidence: float) -> float:
    """E itself, cut at a billion. log_evidence: ln E."""
    return exp(min(log_evidence, log(1e9)))
