"""The evidence for the candidate, the reverse of that against it: it is shown not to be `prove` times worse, or to be good enough.

Nothing bad seen is no proof: with 20 requests a second and one bad in a thousand, a doubling cannot be told within an hour
(statistics.md 2d). Where bad events are too rare to compare, the candidate can show that its own share is acceptable.
"""

from collections.abc import Sequence
from math import exp, log

from deliver.analysis import e_values
from deliver.model.evidence import Calibration, Tally

NO_WORSE = (0.5, 1.0)  # times stable: the alternatives to "at least `prove` times worse"
ASSUMED = 2.0  # dispersion, where the past is too short to tell it: the care that delays an alarm must not delay every promotion as much
FAR_BELOW = (0.05, 0.3)  # times the acceptable share


def grown(
    proof: Sequence[float], poll: Tally, calibration: Calibration, prove: float, acceptable: float, past: float = 0.0
) -> tuple[float, ...]:
    """ln of each e-value after one more poll. By the exact law: the one of rare events is safe in the other direction only.

    past: stable's share of before, at its lowest: what the candidate is compared with while stable has no requests.
    """
    before = proof or (0.0,) * 4
    phi = ASSUMED if calibration.assumed else calibration.phi
    both = poll.candidate_total and poll.stable_total
    if both:
        ratios = [gain / phi for gain in e_values.hypergeometrics(poll, NO_WORSE, prove)]
    elif not poll.stable_total and 0 < prove * past < 1:
        ratios = [e_values.absolute(poll.candidate_bad, poll.candidate_total, prove * past, one / prove) / phi for one in NO_WORSE]
    else:
        ratios = [0.0] * len(NO_WORSE)
    shares = [
        e_values.absolute(poll.candidate_bad, poll.candidate_total, acceptable, part) / phi if acceptable else 0.0 for part in FAR_BELOW
    ]
    return tuple(one + gain for one, gain in zip(before, [*ratios, *shares], strict=True))


def no_worse(proof: Sequence[float]) -> float:
    """ln E that it is not `prove` times worse than stable."""
    return _mean(proof[:2])


def good_enough(proof: Sequence[float]) -> float:
    """ln E that its share of bad events is below the acceptable one."""
    return _mean(proof[2:])


def strongest(proof: Sequence[float]) -> float:
    """Of the two claims; each is its own, so that none has to pay for the other."""
    return max(no_worse(proof), good_enough(proof)) if proof else 0.0


def _mean(logs: Sequence[float]) -> float:
    if not logs:
        return 0.0
    top = max(logs)
    return top + log(sum(exp(one - top) for one in logs) / len(logs))
