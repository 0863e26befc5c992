"""How many requests it takes to show that a candidate is no worse, if it is just like the stable side."""

from math import ceil, log

from deliver.analysis import evidence, proof
from deliver.analysis.evidence import Rules
from deliver.model.evidence import Tally, Track

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
    past = evidence.lower(calibration.bad, calibration.total, calibration.phi)
    grown = proof.grown((), like, calibration, rules.prove, rules.limit or rules.acceptable, past)
    gain = (proof.good_enough(grown) if rules.limit else proof.strongest(grown)) / SCALE
    return min(ceil(-log(rules.alpha) / gain), NEVER) if gain > 0 else NEVER


def _stable(track: Track) -> float:
    """Its share of bad requests now, else in the past; 0 where neither is known."""
    total, past = track.sum + track.pending, track.calibration
    if total.stable_total >= KNOWN:
        return total.stable_bad / total.stable_total
    return past.bad / past.total if past.total >= KNOWN else 0.0
