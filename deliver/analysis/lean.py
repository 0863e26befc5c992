"""What speaks against the candidate and is not settled yet, and harm that is too gross to be waited for.

Both look at one step alone: at the samples that were taken since it began. A lean never takes a release back; it is no PASS either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from deliver.analysis import evidence, increments
from deliver.analysis.evidence import Rules
from deliver.analysis.strategies import LIMITS, RATIOS
from deliver.model.evidence import Calibration, Tally, Track

ODDS = log(3.0)  # from here on the data lean: 3 : 1 that the candidate is worse
FEWEST_BAD = 2  # a single bad request leans nowhere
DOUBTED = 3.0  # dispersion, where the past is too short to tell it: a lean costs one more scrape, an alarm the release
GROSS_SHARE = 0.05  # of bad requests, below which no harm is gross
GROSS_BAD = 5  # bad requests without which it is not
GROSS_TIMES = 3.0  # times what the stable side can have at the most
COMPARED = 50  # requests of the stable side in this step from which they tell what both sides share; else the past says it too


@dataclass(frozen=True)
class Gross:
    """Bad requests of the candidate in one step, and those that they are held against: stable's of the step or of the past."""

    bad: int
    total: int
    stable_bad: int
    stable_total: int


def leaning(track: Track, step: Tally, rules: Rules) -> float:
    """ln of the odds that the candidate is worse, by this step's counts alone or by all of the release that is closed."""
    found = _odds(track.calibration, step, rules) if step.candidate_bad >= FEWEST_BAD else 0.0
    return max(found, evidence.against(track, rules))


def gross(track: Track, step: Tally, rules: Rules) -> Gross | None:
    """Harm that even a lucky candidate could not have: the lowest share that its counts allow, far above the highest of the stable side.

    It needs neither a past nor a dispersion, and so it has no bound on false alarms: the price is a share and a ratio that chance
    alone hardly ever makes.
    """
    calibration = track.calibration
    phi, doubted = (1.0, DOUBTED) if calibration.assumed else (calibration.phi, calibration.phi)
    if step.candidate_bad < GROSS_BAD:
        return None
    bad, total = step.stable_bad, step.stable_total
    if total < COMPARED:
        bad, total = bad + calibration.bad, total + calibration.total
    highest = evidence.upper(bad, total, doubted) if total else 0.0
    lowest = evidence.lower(step.candidate_bad, step.candidate_total, phi)
    if lowest <= max(GROSS_SHARE, GROSS_TIMES * highest, GROSS_TIMES * rules.limit):
        return None
    return Gross(step.candidate_bad, step.candidate_total, bad, total)


def _odds(calibration: Calibration, step: Tally, rules: Rules) -> float:
    phi = DOUBTED if calibration.assumed else calibration.phi
    bad, total = step.candidate_bad, step.candidate_total
    if rules.limit:
        return _mean([increments.absolute(bad, total, rules.limit, ratio) / phi for ratio in LIMITS])
    if step.stable_total:
        alternatives = [rules.margin * ratio for ratio in RATIOS]
        if calibration.exact:
            return _mean([gain / phi for gain in increments.hypergeometrics(step, alternatives, rules.margin)])
        return _mean([increments.poisson(step, ratio, rules.margin) / phi for ratio in alternatives])
    if calibration.total:
        limit = min(rules.margin * evidence.upper(calibration.bad, calibration.total, phi), 0.99)
        return _mean([increments.absolute(bad, total, limit, ratio) / phi for ratio in RATIOS])
    return 0.0


def _mean(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + log(sum(exp(one - top) for one in logs) / len(logs))
