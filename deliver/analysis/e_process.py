"""The evidence over time: wealth of every strategy, mixed over effect sizes and over when the regression began.

E is a nonnegative supermartingale that starts at 1 when the candidate is no worse, so that it ever reaches 1/alpha with a
probability of at most alpha, whatever the number of looks (Ville 1939; statistics.md 2a (v)).
"""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, log, log1p

from deliver.analysis import e_values
from deliver.model.evidence import NOTHING, Calibration, Tally, Wealth


def relative(wealth: Wealth, poll: Tally, calibration: Calibration, margin: float) -> Wealth:
    """After one more poll in which both arms had requests."""
    tally, held = wealth.tally + poll, wealth.held + 1
    full = calibration.block > 0 and held >= calibration.block
    bets = [e_values.bet(tally, stake, margin) if full else 0.0 for stake in BETS]
    if calibration.likelihood and poll.bad:
        ratios = [gain / calibration.phi for gain in _gains(poll, calibration, margin)]
    else:
        ratios = [0.0] * len(RATIOS)
    kept = replace(wealth, tally=Tally(), held=0) if full or not calibration.block else replace(wealth, tally=tally, held=held)
    return _grown(kept, [*bets, *ratios], shares(calibration), calibration.planned)


def _gains(poll: Tally, calibration: Calibration, margin: float) -> list[float]:
    alternatives = [margin * ratio for ratio in RATIOS]
    if calibration.exact:
        return e_values.hypergeometrics(poll, alternatives, margin)
    return [e_values.poisson(poll, ratio, margin) for ratio in alternatives]


def alone(wealth: Wealth, bad: int, total: int, limit: float, calibration: Calibration) -> Wealth:
    """After one more poll without stable traffic, in a process that compares otherwise: against a limit that the past gives."""
    ratios = [e_values.absolute(bad, total, limit, ratio) / calibration.phi for ratio in RATIOS]
    return _grown(wealth, [0.0] * len(BETS) + ratios, shares(calibration), calibration.planned)


def absolute(wealth: Wealth, bad: int, total: int, limit: float, calibration: Calibration) -> Wealth:
    """After one more poll of an arm that is held against an absolute limit, share 0..1."""
    return _grown(
        wealth, [e_values.absolute(bad, total, limit, ratio) / calibration.phi for ratio in LIMITS], ABSOLUTE, calibration.planned
    )


def evidence(wealth: Wealth, begun: Sequence[float]) -> float:
    """ln E: what a gambler who began with 1 has now. begun: what each strategy began with, shares(calibration) or ABSOLUTE.

    In the middle of a block its bets count as lost. Else a look at half a block could choose to stop while they still stand, and the
    bound would not hold at every look.
    """
    if not wealth.logs:
        return 0.0
    sure = [log1p(-stake) for stake in BETS] if wealth.held and begun is not ABSOLUTE else []
    lost = [*sure, *[0.0] * (len(wealth.logs) - len(sure))]
    now = [share + one + loss for share, one, loss in zip(begun, wealth.logs, lost, strict=True)]
    return _sum(now + ([log(wealth.cash)] if wealth.cash > 0 else []))


def capped(wealth: Wealth, begun: Sequence[float], most: float) -> Wealth:
    """With so much given away that ln E is `most` at the highest: what is given away can only withhold an alarm."""
    excess = evidence(wealth, begun) - most
    if excess <= 0:
        return wealth
    return replace(wealth, logs=tuple(max(one - excess, NOTHING) for one in wealth.logs), cash=wealth.cash * exp(-excess))


def mean(logs: Sequence[float], weights: Sequence[float]) -> float:
    """ln of the weighted mean of e-values: valid however they depend on each other (Vovk and Wang 2021)."""
    total = sum(weights)
    return _sum([one + log(weight / total) for one, weight in zip(logs, weights, strict=True) if weight > 0])


def _grown(wealth: Wealth, gains: Sequence[float], begun: Sequence[float], planned: int) -> Wealth:
    """Every strategy begins anew at every poll with a part of the cash: a regression that comes late is not held back by a good past."""
    logs = wealth.logs or (NOTHING,) * len(gains)
    begin = _begins(wealth, planned)
    added = [gain + (_sum((one, log(begin))) if begin > 0 else one) for gain, one in zip(gains, logs, strict=True)]
    after = replace(wealth, logs=tuple(max(one, NOTHING) for one in added), cash=max(wealth.cash - begin, 0.0), polls=wealth.polls + 1)
    return replace(after, peak=max(wealth.peak, evidence(after, begun)))


def _begins(wealth: Wealth, planned: int) -> float:
    if wealth.polls >= planned:
        return 0.0
    return min(0.5 / planned + (0.5 if wealth.polls == 0 else 0.0), wealth.cash)


def _sum(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + log(sum(exp(one - top) for one in logs))


BETS = (0.15, 0.4, 0.7, 0.9)


RATIOS = (1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # times the tolerated ratio


LIMITS = (1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)  # times an absolute limit (2b)


CAREFUL = 0.95  # of the wealth on bets where the dispersion is only assumed: they need none


def _shares(bets: float) -> tuple[float, ...]:
    """Logarithms of what each strategy begins with. bets: the part of all of them."""
    parts = ((bets, len(BETS)), (1 - bets, len(RATIOS)))
    return tuple(log(part / many) if part else NOTHING for part, many in parts for _ in range(many))


RELATIVE = _shares(0.5)


ABSOLUTE = tuple([log(1 / len(LIMITS))] * len(LIMITS))


_BY_KIND = {"both": RELATIVE, "bets": _shares(1.0), "ratios": _shares(0.0), "assumed": _shares(CAREFUL)}


def shares(calibration: Calibration) -> tuple[float, ...]:
    """What may not be bet on one half is the other's: else it would be cash that waits for nothing."""
    if not calibration.block or not calibration.likelihood:
        return _BY_KIND["ratios" if calibration.likelihood else "bets" if calibration.block else "both"]
    return _BY_KIND["assumed" if calibration.assumed else "both"]
