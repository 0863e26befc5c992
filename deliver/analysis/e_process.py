"""The e-process of one count: the wealth of several bets against "the candidate is no worse", over all polls.

The bets mix effect sizes (RATIOS, or stakes on blocks: BETS) and starting times. E is a nonnegative supermartingale that starts at 1
when the candidate is no worse, so that it ever reaches 1/alpha with a probability of at most alpha, whatever the number of looks (Ville
1939; statistics.md 2a (v)).
"""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, log, log1p

from deliver.analysis import e_values
from deliver.model.evidence import NOTHING, Calibration, Tally, Wealth

BETS = (0.15, 0.4, 0.7, 0.9)
RATIOS = (1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # times the tolerated ratio
LIMITS = (1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)  # times an absolute limit (2b)
BETS_IF_ASSUMED = 0.95  # of the starting wealth, on bets on blocks, where the dispersion is assumed: these bets need none


def _starting_logs(bets: float) -> tuple[float, ...]:
    """ln of what each bet begins with. bets: fraction of the wealth, 0..1, for the bets on blocks; the rest is for the ratios."""
    parts = ((bets, len(BETS)), (1 - bets, len(RATIOS)))
    return tuple(log(part / many) if part else NOTHING for part, many in parts for _ in range(many))


RELATIVE = _starting_logs(0.5)
ABSOLUTE = tuple([log(1 / len(LIMITS))] * len(LIMITS))
_BY_KIND = {"both": RELATIVE, "bets": _starting_logs(1.0), "ratios": _starting_logs(0.0), "assumed": _starting_logs(BETS_IF_ASSUMED)}


def compare(wealth: Wealth, poll: Tally, calibration: Calibration, margin: float) -> Wealth:
    """Wealth after one more poll in which both arms had requests. margin: tolerated ratio candidate to stable."""
    tally, held = wealth.tally + poll, wealth.held + 1
    full = calibration.block > 0 and held >= calibration.block
    bets = [e_values.bet_on_block(tally, stake, margin) if full else 0.0 for stake in BETS]
    if calibration.likelihood and poll.bad:
        ratios = [gain / calibration.phi for gain in e_values.ratio_gains(poll, RATIOS, margin, exact=calibration.exact)]
    else:
        ratios = [0.0] * len(RATIOS)
    kept = replace(wealth, tally=Tally(), held=0) if full or not calibration.block else replace(wealth, tally=tally, held=held)
    return _grow(kept, [*bets, *ratios], starting_logs(calibration), calibration.planned)


def compare_with_past(wealth: Wealth, bad: int, total: int, limit: float, calibration: Calibration) -> Wealth:
    """Wealth after one more poll without stable traffic. limit: fraction of bad requests, 0..1, that the stable side's past allows."""
    ratios = [e_values.absolute(bad, total, limit, ratio) / calibration.phi for ratio in RATIOS]
    return _grow(wealth, [0.0] * len(BETS) + ratios, starting_logs(calibration), calibration.planned)


def compare_with_limit(wealth: Wealth, bad: int, total: int, limit: float, calibration: Calibration) -> Wealth:
    """Wealth after one more poll of an arm that is held against a fixed limit. limit: fraction of bad requests, 0..1."""
    return _grow(wealth, [e_values.absolute(bad, total, limit, ratio) / calibration.phi for ratio in LIMITS], ABSOLUTE, calibration.planned)


def log_evidence(wealth: Wealth, begun: Sequence[float]) -> float:
    """ln E: the wealth of all bets, with a start of 1. begun: ln of what each bet began with, starting_logs(calibration) or ABSOLUTE.

    In the middle of a block its bets count as lost: a look that could choose to stop before they are settled would void the bound.
    """
    if not wealth.logs:
        return 0.0
    sure = [log1p(-stake) for stake in BETS] if wealth.held and begun is not ABSOLUTE else []
    lost = [*sure, *[0.0] * (len(wealth.logs) - len(sure))]
    now = [start + one + loss for start, one, loss in zip(begun, wealth.logs, lost, strict=True)]
    return log_sum(now + ([log(wealth.cash)] if wealth.cash > 0 else []))


def cap(wealth: Wealth, begun: Sequence[float], most: float) -> Wealth:
    """Scale the bets down so that ln E <= `most`. To discard wealth keeps the test valid: it may delay an alarm, never cause one."""
    excess = log_evidence(wealth, begun) - most
    if excess <= 0:
        return wealth
    return replace(wealth, logs=tuple(max(one - excess, NOTHING) for one in wealth.logs), cash=wealth.cash * exp(-excess))


def log_mean(logs: Sequence[float], weights: Sequence[float] = ()) -> float:
    """ln of the weighted mean of e-values, which are given as logarithms: valid however they depend on each other (Vovk and Wang 2021).

    weights: () = all alike. Without an e-value there is no evidence: 0.
    """
    if not logs:
        return 0.0
    weights = weights or [1.0] * len(logs)
    total = sum(weights)
    return log_sum([one + log(weight / total) for one, weight in zip(logs, weights, strict=True) if weight > 0])


def _grow(wealth: Wealth, gains: Sequence[float], begun: Sequence[float], planned: int) -> Wealth:
    """Wealth after the gains of one poll. Each bet also starts anew with some cash, for a regression that begins late."""
    logs = wealth.logs or (NOTHING,) * len(gains)
    begin = _cash_to_start(wealth, planned)
    added = [gain + (log_sum((one, log(begin))) if begin > 0 else one) for gain, one in zip(gains, logs, strict=True)]
    after = replace(wealth, logs=tuple(max(one, NOTHING) for one in added), cash=max(wealth.cash - begin, 0.0), polls=wealth.polls + 1)
    return replace(after, peak=max(wealth.peak, log_evidence(after, begun)))


def _cash_to_start(wealth: Wealth, planned: int) -> float:
    if wealth.polls >= planned:
        return 0.0
    return min(0.5 / planned + (0.5 if wealth.polls == 0 else 0.0), wealth.cash)


def log_sum(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + log(sum(exp(one - top) for one in logs))


def starting_logs(calibration: Calibration) -> tuple[float, ...]:
    """ln of what each bet begins with. If one family of bets is disabled its part goes to the other: unused cash only lowers power."""
    if not calibration.block or not calibration.likelihood:
        return _BY_KIND["ratios" if calibration.likelihood else "bets" if calibration.block else "both"]
    return _BY_KIND["assumed" if calibration.assumed else "both"]
