"""When there are few requests: how many would prove that a candidate like stable is no worse, and whether these speak against it."""

from math import ceil, log

from deliver.analysis import noninferiority, sequential_test
from deliver.analysis.sequential_test import Rules
from deliver.analysis.wilson import wilson_interval
from deliver.model.evidence import Tally, Track

FEWEST_BAD = 2  # a single bad request may be one user's bad luck
HIGH_FRACTION = 0.05  # of bad requests; few requests with less than that do not speak against the candidate
KNOWN_REQUESTS = 50  # of the stable side, from which on its fraction is taken from the present and not from the past
SCALE = 1000  # requests of the candidate that a proof's growth is measured on
MAX_STABLE_RATIO = 20.0  # requests of stable for one of the candidate, at the most
NEVER = 1_000_000


def requests_needed(track: Track, rules: Rules) -> int:
    """Requests of the candidate that a proof takes; NEVER where no number is enough."""
    total, calibration = track.sum + track.pending, track.calibration
    beside = min(total.stable_total / total.candidate_total, MAX_STABLE_RATIO) if total.candidate_total else 1.0
    fraction = _stable_fraction(track)
    like = Tally(round(fraction * SCALE), SCALE, round(fraction * SCALE * beside), round(SCALE * beside))
    past = sequential_test.lower_bound(calibration.bad, calibration.total, calibration.phi)
    grown = noninferiority.update((), like, calibration, rules.prove, rules.limit or rules.acceptable, past)
    gain = (noninferiority.good_enough(grown) if rules.limit else noninferiority.strongest(grown)) / SCALE
    return min(ceil(-log(rules.alpha) / gain), NEVER) if gain > 0 else NEVER


def speaks_against(step: Tally, track: Track) -> bool:
    """The candidate surely has more bad requests than usual, although they are too few to be judged: no reason to go on."""
    found = wilson_interval(step.candidate_bad, step.candidate_total)
    return found is not None and step.candidate_bad >= FEWEST_BAD and found[0] > max(HIGH_FRACTION, _stable_fraction(track))


def _stable_fraction(track: Track) -> float:
    """The stable side's fraction of bad requests, 0..1: now, else in the past; 0 where neither is known."""
    total, past = track.sum + track.pending, track.calibration
    if total.stable_total >= KNOWN_REQUESTS:
        return total.stable_bad / total.stable_total
    return past.bad / past.total if past.total >= KNOWN_REQUESTS else 0.0
