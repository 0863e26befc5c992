"""What speaks against the candidate and is not settled yet, and harm that is too gross to be waited for.

Both look at one step alone: at the samples that were taken since it began. A lean never takes a release back; it is no PASS either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log

from deliver.analysis import e_values, sequential_test
from deliver.analysis.e_process import LIMITS
from deliver.analysis.sequential_test import Rules
from deliver.model.evidence import Calibration, Tally, Track

NOTHING = Tally()
LATE_ODDS = log(20.0)  # of one scrape alone, which is one of many
ODDS = log(3.0)  # from here on the data lean: 3 : 1 that the candidate is worse
TIMES = (1.5, 2.0, 3.0, 6.0, 20.0)  # the tolerated ratio, that a lean may be about
FEWEST_BAD = 2  # a single bad request leans nowhere
DOUBTED = 2.0  # dispersion, where the past is too short to tell it: a lean costs one more scrape, an alarm the release
GROSS_SHARE = 0.05  # of bad requests, below which no harm is gross
GROSS_BAD = 8  # bad requests without which it is not
GROSS_TIMES = 2.0  # times what the stable side has, at the least
LIMIT_TIMES = 1.2  # times an absolute limit
SELDOM = 0.02  # share of bad requests of a stable side of which a candidate that is gross is no part, however little more it is
CLUSTERED, GROSS_CLUSTERED = 10.0, 4.0  # dispersion at the most that a past is believed: one bad minute in it makes hundreds
GROSS_DOUBTED = 1.5  # dispersion at the least, of how bad requests fall on the two sides
COMPARED = 50  # requests of the stable side in this step from which they tell what both sides share; else the past says it too


@dataclass(frozen=True)
class Gross:
    """Bad requests of the candidate in one step, and those that they are held against: stable's of the step or of the past."""

    bad: int
    total: int
    stable_bad: int
    stable_total: int


def leaning(track: Track, step: Tally, rules: Rules, newest: Tally = NOTHING) -> float:
    """ln of the odds that the candidate is worse: by this step's counts, by those of the whole release, or by its evidence.

    newest: what the last scrape brought: what begins late is not to pass because much was well before.
    """
    tallies = [one for one in (step, track.sum + track.pending) if one.candidate_bad >= FEWEST_BAD]
    late = _odds(track.calibration, newest, rules) if newest.candidate_bad >= FEWEST_BAD else 0.0
    return max(
        [
            sequential_test.against(track, rules),
            late if late >= LATE_ODDS else 0.0,
            *(_odds(track.calibration, one, rules) for one in tallies),
        ]
    )


def gross(track: Track, step: Tally, rules: Rules, spared: int = 0) -> Gross | None:
    """Harm that even a lucky candidate could not have: a share above a twentieth for certain, and above twice stable's.

    It needs neither a past nor a dispersion, and so it has no bound on false alarms: the price is a share and a ratio that chance
    alone hardly ever makes. spared: bad requests of the candidate that one client may have made by trying again and again.
    """
    calibration, bad, total = track.calibration, step.candidate_bad - spared, step.candidate_total
    phi = 1.0 if calibration.assumed else min(calibration.phi, GROSS_CLUSTERED)
    if step.candidate_bad < GROSS_BAD or sequential_test.lower(bad, total, phi) <= max(GROSS_SHARE, LIMIT_TIMES * rules.limit):
        return None
    theirs, their_total = step.stable_bad, step.stable_total
    if their_total < COMPARED:
        theirs, their_total = theirs + calibration.bad, their_total + calibration.total
    if theirs > 1 or their_total >= COMPARED:  # else so few that they are no more than nothing
        times = rules.margin if theirs <= SELDOM * their_total else GROSS_TIMES
        if not worse((bad, total), (theirs, their_total), times, max(phi, 1.0 if spared else GROSS_DOUBTED)):
            return None
    return Gross(step.candidate_bad, total, theirs, their_total)


def worse(candidate: tuple[int, int], stable: tuple[int, int], times: float = GROSS_TIMES, phi: float = GROSS_DOUBTED) -> bool:
    """(bad, total) of both sides. Bad requests fall on the candidate as they would hardly ever, were it `times` as bad as stable."""
    odds = times * candidate[1] / stable[1]
    return sequential_test.lower(candidate[0], candidate[0] + stable[0], phi) > odds / (1 + odds)


def _odds(calibration: Calibration, counted: Tally, rules: Rules) -> float:
    """Without requests of the stable side, its past stands for them; without a past, a share that is gross."""
    phi = DOUBTED if calibration.assumed else min(calibration.phi, CLUSTERED)
    if not (rules.limit or counted.stable_total):
        counted = replace(counted, stable_bad=calibration.bad, stable_total=calibration.total)
    if rules.limit or not counted.stable_total:
        limit = rules.limit or GROSS_SHARE
        gains = [e_values.absolute(counted.candidate_bad, counted.candidate_total, limit, ratio) for ratio in LIMITS]
        return _mean([gain / phi for gain in gains])
    alternatives = [rules.margin * ratio for ratio in TIMES]
    if calibration.exact:
        return _mean([gain / phi for gain in e_values.hypergeometrics(counted, alternatives, rules.margin)])
    return _mean([e_values.poisson(counted, ratio, rules.margin) / phi for ratio in alternatives])


def _mean(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + log(sum(exp(one - top) for one in logs) / len(logs))
