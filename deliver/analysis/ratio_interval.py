"""The ratio candidate : stable of bad requests with an interval that holds at every look: a mixture against each ratio of a grid."""

from collections.abc import Sequence
from math import exp, log

from deliver.model.evidence import Calibration, Tally

GRID = tuple(round(0.1 * 10 ** (at / 14), 4) for at in range(43))  # 0.1 .. 100, 14 a decade


def update(profile: Sequence[float], poll: Tally, calibration: Calibration) -> tuple[float, ...]:
    """Log-likelihood of each ratio of GRID after one more poll."""
    before = profile or (0.0,) * len(GRID)
    if not (poll.bad and poll.candidate_total and poll.stable_total):
        return tuple(before)
    kappa = poll.candidate_total / poll.stable_total
    gains = [(poll.candidate_bad * log(r) - poll.bad * log(1 + r * kappa)) / calibration.phi for r in GRID]
    return tuple(one + gain for one, gain in zip(before, gains, strict=True))


def interval(profile: Sequence[float], alpha: float) -> tuple[float, float] | None:
    """(lowest, highest) ratio that is not refuted at alpha; the ends of GRID mean "or less" and "or more". None without counts."""
    if not profile or not any(profile):
        return None
    top = max(profile)
    mixture = top + log(sum(exp(one - top) for one in profile) / len(profile))
    kept = [r for r, one in zip(GRID, profile, strict=True) if mixture - one < -log(alpha)]
    return min(kept), max(kept)  # the likeliest is never refuted
