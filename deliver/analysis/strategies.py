"""What the evidence bets on: 4 block bets and 9 ratios, half of the wealth each (research/statistics.md 2a (v)).

No single effect size has to be guessed: the wealth of the right one grows, and the others cost a constant.
"""

from math import log

BETS = (0.15, 0.4, 0.7, 0.9)
RATIOS = (1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # times the tolerated ratio
LIMITS = (1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)  # times an absolute limit (2b)

RELATIVE = tuple([log(0.5 / len(BETS))] * len(BETS) + [log(0.5 / len(RATIOS))] * len(RATIOS))
ABSOLUTE = tuple([log(1 / len(LIMITS))] * len(LIMITS))
