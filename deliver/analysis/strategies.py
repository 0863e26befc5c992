"""What the evidence bets on: 4 block bets and 9 ratios, half of the wealth each (research/statistics.md 2a (v)).

No single effect size has to be guessed: the wealth of the right one grows, and the others cost a constant.
"""

from math import log

from deliver.model.evidence import NOTHING, Calibration

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
