"""Counts in, evidence out: polls are closed by their sample times and numbers of requests alone, never by what was bad in them."""

from dataclasses import dataclass, replace
from math import exp, log

from deliver.analysis import e_process, noninferiority, ratio_interval
from deliver.analysis.e_process import ABSOLUTE, shares
from deliver.model.evidence import MetricEvidence, Tally, Track, Wealth

NEARLY = 0.9  # of a poll's length: scrapes jitter
ALONE = 3.0  # polls' lengths without stable traffic after which the candidate is held against the past
FEWEST_BAD = 3  # bad requests of the candidate without which nothing is evidence
DOUBT = 0.005  # chance that the past's share is above the bound taken for it; it comes on top of alpha
USUAL = 0.05  # the tail whose bound is asked for proof: a p95


@dataclass(frozen=True)
class Rules:
    """margin: tolerated ratio to stable. limit: an absolute share instead, 0 = none. prove, acceptable: see noninferiority.py.

    alpha: highest chance of a false alarm.
    """

    margin: float = 1.0
    limit: float = 0.0
    prove: float = 3.0
    acceptable: float = 0.01
    alpha: float = 0.05


def fed(track: Track, fresh: Tally, begin: float, newest: float, rules: Rules, *, alone: bool = False) -> Track:
    """After one more look. fresh: events since the look before. begin: nothing before it counted. newest: time of the newest sample.

    alone: stable has no users any more, so that nobody waits for its samples.
    """
    track = replace(track, since=max(track.since, begin), pending=track.pending + fresh)
    poll, elapsed = track.pending, newest - track.since
    if elapsed < NEARLY * track.calibration.every or not poll.candidate_total:
        return track
    waited = alone or elapsed >= ALONE * track.calibration.every
    if not (poll.stable_total or rules.limit or (track.calibration.total and waited)):
        return track
    return replace(_closed(track, poll, rules), since=newest, pending=Tally(), sum=track.sum + poll)


def against(track: Track, rules: Rules) -> float:
    """ln E that the candidate is worse than is tolerated. One or two bad requests never say so, whatever the odds of two."""
    found = e_process.evidence(track.wealth, ABSOLUTE if rules.limit else shares(track.calibration))
    return found if track.sum.candidate_bad >= FEWEST_BAD else min(found, 0.0)


def environment(track: Track, rules: Rules) -> bool:
    """The stable side breaks the absolute limit too: not the candidate's doing."""
    return bool(rules.limit) and e_process.evidence(track.alike, ABSOLUTE) >= -log(rules.alpha)


def shown(track: Track, rules: Rules) -> float:
    """ln E for the candidate, of the claim that counts."""
    if not track.proof:
        return 0.0
    return noninferiority.good_enough(track.proof) if rules.limit else noninferiority.strongest(track.proof)


def proven(track: Track, rules: Rules) -> bool:
    """The candidate has been shown not to be worse; what has been shown once stays shown."""
    return track.shown >= -log(rules.alpha)


def whole(evidence: MetricEvidence, rules: Rules) -> float:
    """ln E of one metric: the mean over its bounds, valid however they depend on each other."""
    return e_process.mean([against(track, rules) for track in evidence.tracks], [1.0] * len(evidence.tracks)) if evidence.tracks else 0.0


def main(evidence: MetricEvidence) -> Track:
    """The one that speaks for the metric: of several bounds, that with the tail nearest to 5 % in the past. Needs one."""
    return min(evidence.tracks, key=lambda track: abs(log(max(_past_share(track), 1e-6) / USUAL)))


def upper(bad: int, total: int, phi: float, doubt: float = DOUBT) -> float:
    """The highest share that the past does not refute, by Chernoff's bound: total KL(bad/total, p) = ln(1/doubt). Bisected."""
    if not total:
        return 1.0
    share, need = bad / total, -log(doubt) * phi / total
    low, high = share, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _kl(share, middle) < need else (low, middle)
    return high


def lower(bad: int, total: int, phi: float, doubt: float = DOUBT) -> float:
    """The lowest share that the past does not refute, as `upper`."""
    if not bad:
        return 0.0
    share, need = bad / total, -log(doubt) * phi / total
    low, high = 0.0, share
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _kl(share, middle) < need else (middle, high)
    return high


def _closed(track: Track, poll: Tally, rules: Rules) -> Track:
    calibration = track.calibration
    past = lower(calibration.bad, calibration.total, calibration.phi)
    grown = noninferiority.grown(track.proof, poll, calibration, rules.prove, rules.limit or rules.acceptable, past)
    alike = _alike(track, poll, rules)
    now = replace(
        track,
        wealth=_wealth(track, poll, rules, alike),
        alike=alike,
        proof=grown,
        profile=ratio_interval.grown(track.profile, poll, calibration),
    )
    return replace(now, shown=max(track.shown, shown(now, rules)))


def _wealth(track: Track, poll: Tally, rules: Rules, alike: Wealth) -> Wealth:
    calibration = track.calibration
    if rules.limit:
        grown = e_process.absolute(track.wealth, poll.candidate_bad, poll.candidate_total, rules.limit, calibration)
        # while stable seems to break the limit too, nothing is piled up against the candidate
        return e_process.capped(grown, ABSOLUTE, 0.0) if e_process.evidence(alike, ABSOLUTE) > 0 else grown
    if poll.stable_total:
        return e_process.relative(track.wealth, poll, calibration, rules.margin)
    limit = min(rules.margin * upper(calibration.bad, calibration.total, calibration.phi), 0.99)
    return e_process.alone(track.wealth, poll.candidate_bad, poll.candidate_total, limit, calibration)


def _alike(track: Track, poll: Tally, rules: Rules) -> Wealth:
    """Never far above what is needed, so that it is over soon after the incident is."""
    if not (rules.limit and poll.stable_total):
        return track.alike
    grown = e_process.absolute(track.alike, poll.stable_bad, poll.stable_total, rules.limit, track.calibration)
    return e_process.capped(grown, ABSOLUTE, -log(rules.alpha) + 1)


def _past_share(track: Track) -> float:
    calibration = track.calibration
    return calibration.bad / calibration.total if calibration.total else 0.0


def _kl(p: float, q: float) -> float:
    left = p * log(p / q) if p > 0 else 0.0
    right = (1 - p) * log((1 - p) / (1 - q)) if p < 1 and q < 1 else 0.0 if p >= 1 else 700.0
    return left + right


def odds(log_evidence: float) -> float:
    """E itself, cut at a billion: what is said as "412 : 1"."""
    return exp(min(log_evidence, log(1e9)))
