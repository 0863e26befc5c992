"""When there are few requests: how many would prove that a candidate like stable is no worse, and whether these speak against it."""

from math import ceil, log, sqrt

from deliver.analysis import noninferiority, sequential_test
from deliver.analysis.sequential_test import Rules
from deliver.analysis.wilson import wilson_interval
from deliver.model import defaults
from deliver.model.evidence import Tally, Track

FEWEST_BAD = 2  # a single bad request may be one user's bad luck
HIGH_FRACTION = 0.05  # of bad requests; few requests with less than that do not speak against the candidate
KNOWN_REQUESTS = 50  # of the stable side, from which on its fraction is taken from the present and not from the past
SCALE = 1000  # requests of the candidate that a proof's growth is measured on
MAX_STABLE_RATIO = 20.0  # requests of stable for one of the candidate, at the most
NEVER = 1_000_000
UNLUCKY = 1.645  # standard deviations: one good candidate in twenty has more bad requests than that
GROWTH = 1.1  # from one number of requests that is tried to the next


def requests_needed(track: Track, rules: Rules) -> int:
    """Requests that the proof of a candidate takes that has just stable's fraction, and so of one in two; NEVER where none are enough."""
    gain = _log_evidence_of(track, rules, SCALE, round(_stable_fraction(track) * SCALE)) / SCALE
    return min(ceil(-log(rules.alpha) / gain), NEVER) if gain > 0 else NEVER


def requests_owed(track: Track, rules: Rules) -> int:
    """Requests from which on the proof of a candidate like stable is missed: 19 of 20 have it by then. NEVER where none are enough.

    The first number n, no less than defaults.PROOF_OWED, at which one is proved that is unlucky: m + 1.645 sqrt(m) + 1 clusters of bad
    requests, m = n fraction / dispersion (the normal bound of a Poisson number). The fraction is (bad + 1) / (total + 1) of stable: that
    it had no bad request yet does not say that it has none.
    """
    phi = noninferiority.dispersion(track.calibration)
    bad, total = _stable_counts(track)
    fraction = (bad + 1) / (total + 1) if total else 0.0
    owed = max(requests_needed(track, rules), defaults.PROOF_OWED)
    while owed < NEVER:
        clusters = owed * fraction / phi
        unlucky = min(round(phi * (clusters + UNLUCKY * sqrt(clusters) + 1)), owed)
        if _log_evidence_of(track, rules, owed, unlucky) >= -log(rules.alpha):
            return owed
        owed = ceil(owed * GROWTH)
    return NEVER


def _log_evidence_of(track: Track, rules: Rules, requests: int, bad: int) -> float:
    """ln E for a candidate with these requests, beside stable as it is."""
    total, calibration, fraction = track.sum + track.pending, track.calibration, _stable_fraction(track)
    beside = min(total.stable_total / total.candidate_total, MAX_STABLE_RATIO) if total.candidate_total else 1.0
    like = Tally(bad, requests, round(fraction * requests * beside), round(requests * beside))
    past = sequential_test.lower_bound(calibration.bad, calibration.total, calibration.phi)
    grown = noninferiority.update((), like, calibration, rules.prove, rules.limit or rules.acceptable, past)
    return noninferiority.good_enough(grown) if rules.limit else noninferiority.strongest(grown)


def speaks_against(step: Tally, track: Track) -> bool:
    """The candidate surely has more bad requests than usual, although they are too few to be judged: no reason to go on."""
    found = wilson_interval(step.candidate_bad, step.candidate_total)
    return found is not None and step.candidate_bad >= FEWEST_BAD and found[0] > max(HIGH_FRACTION, _stable_fraction(track))


def _stable_fraction(track: Track) -> float:
    """The stable side's fraction of bad requests, 0..1; 0 where it is not known."""
    bad, total = _stable_counts(track)
    return bad / total if total else 0.0


def _stable_counts(track: Track) -> tuple[int, int]:
    """(bad, all) requests of the stable side: now, else in the past; none where neither has enough."""
    now, past = track.sum + track.pending, track.calibration
    if now.stable_total >= KNOWN_REQUESTS:
        return now.stable_bad, now.stable_total
    return (past.bad, past.total) if past.total >= KNOWN_REQUESTS else (0, 0)
