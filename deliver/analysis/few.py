"""What few requests can say: a share that is surely too high, one that leans against the candidate, how many would prove it."""

from math import ceil, log

from deliver.analysis import evidence, proof
from deliver.analysis.evidence import FEWEST_BAD, Rules
from deliver.analysis.wilson import wilson
from deliver.model.evidence import Calibration, Tally, Track

LEANS = 3.0  # odds against the candidate from which it is not said that nothing speaks against it
PAIR = 2  # bad requests from which a share is more than one user's bad luck
KNOWN = 50  # stable requests from which its share is known well enough to excuse the candidate
SCALE = 1000  # requests of the candidate that a proof's growth is measured on
NEVER = 1_000_000


def exceeded(step: Tally, past: Calibration, ceiling: float) -> bool:
    """The share of this step's requests is surely above the ceiling, and stable's is not."""
    found = wilson(step.candidate_bad, step.candidate_total)
    if not ceiling or found is None or step.candidate_bad < FEWEST_BAD:
        return False
    return found[0] > ceiling and _stable(step, past) <= ceiling


def leans(step: Tally, track: Track, rules: Rules, ceiling: float) -> bool:
    """Not settled, and what there is speaks against the candidate."""
    if evidence.against(track, rules) >= log(LEANS):
        return True
    many = step.candidate_bad >= PAIR and step.candidate_bad > (ceiling or 1.0) * step.candidate_total
    return many and _stable(step, track.calibration) <= ceiling


def needed(track: Track, rules: Rules) -> int:
    """Candidate requests with which one that is just like stable is shown to be no worse; NEVER where there is nothing to show it by."""
    total, calibration = track.sum + track.pending, track.calibration
    beside = min(max(total.stable_total / total.candidate_total if total.candidate_total else 1.0, 0.0), 20.0)
    share = _stable(total, calibration)
    like = Tally(round(share * SCALE), SCALE, round(share * SCALE * beside), round(SCALE * beside))
    past = evidence.lower(calibration.bad, calibration.total, calibration.phi)
    grown = proof.grown((), like, calibration, rules.prove, rules.limit or rules.acceptable, past)
    gain = (proof.good_enough(grown) if rules.limit else proof.strongest(grown)) / SCALE
    return min(ceil(-log(rules.alpha) / gain), NEVER) if gain > 0 else NEVER


def _stable(counted: Tally, past: Calibration) -> float:
    """Its share now, else in the past; 0 where neither is known."""
    if counted.stable_total >= KNOWN:
        return counted.stable_bad / counted.stable_total
    return past.bad / past.total if past.total >= KNOWN else 0.0
