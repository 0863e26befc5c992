"""The e-value of one poll, as a logarithm: how much more likely its counts are when the candidate is worse (statistics.md 2a, 2b).

Each has an expected value of at most 1 when the candidate's odds of a bad event are at most `margin` times stable's, whatever the
traffic was: only how the bad events fall on the two arms counts, so that load, weight and shared incidents cancel.
"""

from collections.abc import Sequence
from math import exp, lgamma, log, log1p, sqrt

from deliver.model.evidence import Tally

TINY = 1e-18  # of the largest term: what is left out of a sum cannot be seen in a float
MAX_FRACTION = 0.999999  # of bad requests, that an alternative may assume


def poisson(tally: Tally, ratio: float, margin: float) -> float:
    """ln e-value for rare events: given their number, each falls on the candidate with odds margin * kappa. ratio: alternative > margin."""
    if not tally.bad:
        return 0.0
    kappa = tally.candidate_total / tally.stable_total
    return tally.candidate_bad * log(ratio / margin) - tally.bad * log((1 + ratio * kappa) / (1 + margin * kappa))


def hypergeometrics(tally: Tally, ratios: Sequence[float], margin: float) -> list[float]:
    """ln e-values for events that need not be rare: Fisher's noncentral hypergeometric law, exact for independent requests.

    margin, ratios: odds ratios of the hypothesis and of the alternatives; the sum for the margin is computed once.
    """
    if not tally.bad:
        return [0.0] * len(ratios)
    whole = _partition(tally, log(margin))
    return [tally.candidate_bad * log(ratio / margin) - _partition(tally, log(ratio)) + whole for ratio in ratios]


def log_fisher(tally: Tally) -> float:
    """ln of Fisher's one-sided chance: that the candidate has so many of the bad requests or more, were both sides alike."""
    n, m = tally.candidate_total, tally.stable_total
    mine, theirs = min(tally.candidate_bad, n), min(tally.stable_bad, m)  # counters of two scrapes may not fit each other
    x = mine + theirs
    first = _choose(n, mine) + _choose(m, theirs) - _choose(n + m, x)
    total = term = 1.0
    for u in range(mine, min(x, n)):
        term *= (n - u) * (x - u) / ((u + 1) * (m - x + u + 1))
        total += term
        if term < TINY * total:
            break
    return min(first + log(total), 0.0)


def ratio_gains(tally: Tally, ratios: Sequence[float], margin: float, *, exact: bool) -> list[float]:
    """ln e-values for several times the tolerated ratio. exact: the events are not rare."""
    alternatives = [margin * ratio for ratio in ratios]
    return hypergeometrics(tally, alternatives, margin) if exact else [poisson(tally, ratio, margin) for ratio in alternatives]


def bet_on_block(tally: Tally, stake: float, margin: float) -> float:
    """ln e-value of one block. It assumes no law inside the block, only that bad requests fall on the candidate by its odds at most."""
    if not tally.bad:
        return 0.0
    odds = margin * tally.candidate_total / tally.stable_total
    fair = odds / (1 + odds)
    return log1p(stake / fair * (tally.candidate_bad / tally.bad - fair))


def absolute(bad: int, total: int, limit: float, ratio: float) -> float:
    """ln e-value of one arm against a limit (fraction 0..1), for the alternative `ratio` times the limit; ratio < 1 speaks for the arm."""
    other = min(limit * ratio, MAX_FRACTION)
    good = (total - bad) * log((1 - other) / (1 - limit)) if total > bad else 0.0
    return (bad * log(other / limit) if bad else 0.0) + good


def _partition(tally: Tally, psi: float) -> float:
    """ln of the sum over u of C(n_c,u) C(n_s,x-u) e^(psi u): from its largest term outwards, each term out of its neighbour."""
    n, m, x = tally.candidate_total, tally.stable_total, tally.bad
    low, high = max(0, x - m), min(x, n)
    mode = min(max(_mode(n, m, x, exp(psi)), low), high)
    top = _choose(n, mode) + _choose(m, x - mode) + psi * mode
    total, odds = 1.0, exp(psi)
    term, u = 1.0, mode
    while u < high and term > TINY:
        term *= odds * (n - u) * (x - u) / ((u + 1) * (m - x + u + 1))
        u += 1
        total += term
    term, u = 1.0, mode
    while u > low and term > TINY:
        term *= u * (m - x + u) / (odds * (n - u + 1) * (x - u + 1))
        u -= 1
        total += term
    return top + log(total)


def _mode(n: int, m: int, x: int, odds: float) -> int:
    """Where the terms stop growing: the root of (n-u)(x-u) odds = (u+1)(m-x+u+1)."""
    a = odds - 1
    b = -(odds * (n + x) + m - x + 2)
    c = odds * n * x - (m - x + 1)
    if abs(a) < 1e-12:  # a linear equation
        return int(-c / b)
    root = b * b - 4 * a * c
    return int(2 * c / (-b + sqrt(root))) if root >= 0 else 0


def _choose(n: int, k: int) -> float:
    """ln of "n over k", 0 <= k <= n."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
