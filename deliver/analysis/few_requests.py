"""What few requests say: how many would show that a candidate is no worse, if it is like stable; whether these speak against it."""

from math import ceil, log

from deliver.analysis import noninferiority, sequential_test
from deliver.analysis.sequential_test import Rules
from deliver.analysis.wilson import wilson
from deliver.model.evidence import Tally, Track

BAD = 2  # bad requests from which a share is more than one user's bad luck
HIGH = 0.05  # a share of them below which few requests speak against nobody
KNOWN = 50  # stable requests from which its share is taken from them, and not from its past
SCALE = 1000  # requests of the candidate that a proof's growth is measured on
BESIDE = 20.0  # requests of stable for one of the candidate, at the most
NEVER = 1_000_000


def needed(track: Track, rules: Rules) -> int:
    """Candidate requests; NEVER where there is nothing to show it by."""
    total, calibration = track.sum + track.pending, track.calibration
    beside = min(total.stable_total / total.candidate_total, BESIDE) if total.candidate_total else 1.0
    share = _stable(track)
    like = Tally(round(share * SCALE), SCALE, round(share * SCALE * beside), round(SCALE * beside))
    past = sequential_test.lower(calibration.bad, calibration.total, calibration.phi)
    grown = noninferiority.grown((), like, calibration, rules.prove, rules.limit or rules.acceptable, past)
    gain = (noninferiority.good_enough(grown) if rules.limit else noninferiority.strongest(grown)) / SCALE
    return min(ceil(-log(rules.alpha) / gain), NEVER) if gain > 0 else NEVER


def against(step: Tally, track: Track) -> bool:
    """So few requests, and surely more of them bad than is usual: too few to be judged, and no reason to go on."""
    found = wilson(step.candidate_bad, step.candidate_total)
    return found is not None and step.candidate_bad >= BAD and found[0] > max(HIGH, _stable(track))


def _stable(track: Track) -> float:
    """Its share of bad requests now, else in the past; 0 where neither is known."""
    total, past = track.sum + track.pending, track.calibration
    if total.stable_total >= KNOWN:
        return total.stable_bad / total.stable_total
    return past.bad / past.total if past.total >= KNOWN else 0.0
