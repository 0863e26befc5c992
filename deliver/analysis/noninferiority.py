"""Evidence for the candidate: it is not `prove` times worse than stable, or its fraction of bad requests is acceptable in itself.

That no bad request was seen is no proof: with 20 requests a second and one bad in a thousand, a doubling cannot be told within an hour
(statistics.md 2d). Where bad requests are too rare to compare, the second claim can still be shown.
"""

from collections.abc import Sequence

from deliver.analysis import e_values
from deliver.analysis.e_process import log_mean
from deliver.model.evidence import Calibration, Tally

NO_WORSE = (0.5, 1.0)  # times stable: the alternatives to "at least `prove` times worse"
ASSUMED_DISPERSION = (
    2.0  # dispersion, where the past is too short to tell it: the care that delays an alarm must not delay every promotion as much
)
FAR_BELOW = (0.05, 0.3)  # times the acceptable fraction


def update(
    proof: Sequence[float], poll: Tally, calibration: Calibration, prove: float, acceptable: float, past: float = 0.0
) -> tuple[float, ...]:
    """ln of the four e-values after one more poll, by the exact law: the one for rare events is safe only against the candidate.

    acceptable: fraction, 0..1. past: lower bound of the stable side's fraction in its history, used while it has no requests.
    """
    before = proof or (0.0,) * 4
    phi = dispersion(calibration)
    both = poll.candidate_total and poll.stable_total
    if both:
        ratios = [gain / phi for gain in e_values.hypergeometrics(poll, NO_WORSE, prove)]
    elif not poll.stable_total and 0 < prove * past < 1:
        ratios = [e_values.absolute(poll.candidate_bad, poll.candidate_total, prove * past, one / prove) / phi for one in NO_WORSE]
    else:
        ratios = [0.0] * len(NO_WORSE)
    fractions = [
        e_values.absolute(poll.candidate_bad, poll.candidate_total, acceptable, part) / phi if acceptable else 0.0 for part in FAR_BELOW
    ]
    return tuple(one + gain for one, gain in zip(before, [*ratios, *fractions], strict=True))


def dispersion(calibration: Calibration) -> float:
    """What a proof is divided by."""
    return ASSUMED_DISPERSION if calibration.assumed else calibration.phi


def no_worse(proof: Sequence[float]) -> float:
    """ln E that the candidate is not `prove` times worse than stable."""
    return log_mean(proof[:2])


def good_enough(proof: Sequence[float]) -> float:
    """ln E that the candidate's fraction of bad requests is below the acceptable one."""
    return log_mean(proof[2:])


def strongest(proof: Sequence[float]) -> float:
    """ln E of the stronger claim. Each claim is tested on its own, so that neither pays for the other."""
    return max(no_worse(proof), good_enough(proof)) if proof else 0.0
