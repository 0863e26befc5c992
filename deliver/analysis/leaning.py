"""Two early signs: a lean (the data speak against the candidate, unsettled) and gross harm (too much to wait for the sequential test).

A lean makes a metric BLIND: it neither takes the release back nor lets it go on. Gross harm is a FAIL.
"""

from dataclasses import dataclass, replace
from math import log

from deliver.analysis import e_values, sequential_test
from deliver.analysis.e_process import LIMITS, log_mean
from deliver.analysis.sequential_test import Rules
from deliver.model.evidence import Calibration, Tally, Track

NO_EVENTS = Tally()
LATE_ODDS = log(20.0)  # of one scrape alone, which is one of many
LEANING = log(3.0)  # from here on the data lean: 3 : 1 that the candidate is worse
LEAN_RATIOS = (1.5, 2.0, 3.0, 6.0, 20.0)  # the tolerated ratio, that a lean may be about
FEWEST_BAD = 2  # a single bad request leans nowhere
DOUBTED = 2.0  # dispersion, where the past is too short to tell it: a lean costs one more scrape, an alarm the release
GROSS_FRACTION = 0.05  # of bad requests, below which no harm is gross
GROSS_BAD = 8  # bad requests without which it is not
GROSS_TIMES = 2.0  # times what the stable side has, at the least
LIMIT_TIMES = 1.2  # times an absolute limit
RARE_FRACTION = 0.02  # fraction of bad requests of a stable side of which a candidate that is gross is no part, however little more it is
CLUSTERED, GROSS_CLUSTERED = 10.0, 4.0  # dispersion at the most that a past is believed: one bad minute in it makes hundreds
GROSS_DOUBTED = 1.5  # dispersion at the least, of how bad requests fall on the two sides
ENOUGH_STABLE = 50  # requests of the stable side in this step from which they tell what both sides share; else the past says it too


@dataclass(frozen=True)
class GrossHarm:
    """Bad requests of the candidate, and those of the stable side (of the step, or of the past) that they are compared with."""

    bad: int
    total: int
    stable_bad: int
    stable_total: int


def leaning_log_odds(track: Track, step: Tally, rules: Rules, newest: Tally = NO_EVENTS) -> float:
    """ln of the odds that the candidate is worse: the highest of this step's counts, the whole release's, and the sequential evidence.

    newest: requests of the last scrape alone, so that a regression that begins late does not drown in good requests from before.
    """
    tallies = [one for one in (step, track.sum + track.pending) if one.candidate_bad >= FEWEST_BAD]
    late = _log_odds(track.calibration, newest, rules) if newest.candidate_bad >= FEWEST_BAD else 0.0
    return max(
        [
            sequential_test.log_evidence_against(track, rules),
            late if late >= LATE_ODDS else 0.0,
            *(_log_odds(track.calibration, one, rules) for one in tallies),
        ]
    )


def gross_harm(track: Track, step: Tally, rules: Rules, spared: int = 0) -> GrossHarm | None:
    """Harm beyond bad luck: surely more than GROSS_FRACTION of the requests are bad, and GROSS_TIMES as many as on the stable side.

    This needs neither history nor dispersion, so that nothing bounds its false alarms but thresholds that chance alone hardly reaches.
    spared: bad requests of the candidate that a single retrying client may have made; they are left out.
    """
    calibration, bad, total = track.calibration, step.candidate_bad - spared, step.candidate_total
    phi = 1.0 if calibration.assumed else min(calibration.phi, GROSS_CLUSTERED)
    if step.candidate_bad < GROSS_BAD or sequential_test.lower_bound(bad, total, phi) <= max(GROSS_FRACTION, LIMIT_TIMES * rules.limit):
        return None
    theirs, their_total = step.stable_bad, step.stable_total
    if their_total < ENOUGH_STABLE:
        theirs, their_total = theirs + calibration.bad, their_total + calibration.total
    if theirs > 1 or their_total >= ENOUGH_STABLE:  # else so few that they are no more than nothing
        times = rules.margin if theirs <= RARE_FRACTION * their_total else GROSS_TIMES
        if not clearly_worse((bad, total), (theirs, their_total), times, max(phi, 1.0 if spared else GROSS_DOUBTED)):
            return None
    return GrossHarm(step.candidate_bad, total, theirs, their_total)


def clearly_worse(candidate: tuple[int, int], stable: tuple[int, int], times: float = GROSS_TIMES, phi: float = GROSS_DOUBTED) -> bool:
    """Bad requests fall on the candidate more often than they would if it were `times` as bad as stable. Both sides: (bad, total)."""
    odds = times * candidate[1] / stable[1]
    return sequential_test.lower_bound(candidate[0], candidate[0] + stable[0], phi) > odds / (1 + odds)


def _log_odds(calibration: Calibration, counted: Tally, rules: Rules) -> float:
    """ln of the odds of these counts. Without stable requests the past is compared with; without a past, GROSS_FRACTION."""
    phi = DOUBTED if calibration.assumed else min(calibration.phi, CLUSTERED)
    if not (rules.limit or counted.stable_total):
        counted = replace(counted, stable_bad=calibration.bad, stable_total=calibration.total)
    if rules.limit or not counted.stable_total:
        limit = rules.limit or GROSS_FRACTION
        gains = [e_values.absolute(counted.candidate_bad, counted.candidate_total, limit, ratio) for ratio in LIMITS]
        return log_mean([gain / phi for gain in gains])
    return log_mean([gain / phi for gain in e_values.ratio_gains(counted, LEAN_RATIOS, rules.margin, exact=calibration.exact)])
