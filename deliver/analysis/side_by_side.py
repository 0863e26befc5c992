"""What both sides showed at the same time, compared directly: no PASS beside numbers that speak clearly, however noisy the past was."""

from math import log

from deliver.analysis import e_values, sequential_test
from deliver.analysis.leaning import GROSS_TIMES, LEAN_RATIOS
from deliver.analysis.sequential_test import Rules
from deliver.model.evidence import Calibration, Tally

CHANCE = 0.1  # of so many clusters on the candidate, were both alike; what clusters cannot be halved to is rarer: under 1 in 20
CLUSTER = 5  # bad requests that come together: retries of one client
FEWEST_BAD = 5  # bad requests of the candidate, a cluster


def speaks_clearly(both: Tally, rules: Rules) -> bool:
    """The candidate is at least GROSS_TIMES as bad as stable, and that is no chance even if bad requests come in fives.

    By Fisher's exact test (Fisher 1935) of the two shares, p = P(X >= candidate_bad) for X hypergeometric: of all requests of both
    sides, those that are bad fall on the candidate at random. p^(1/CLUSTER) is its chance for clusters (the tempering of statistics.md
    2e, by a fixed dispersion instead of a learnt one); it has to be below CHANCE. With a limit, the candidate's share alone is held
    against it, by the bound of `sequential_test.lower_bound`, unless stable breaks it too.
    """
    if both.candidate_bad < FEWEST_BAD or not looks_worse(both, rules):
        return False
    if rules.limit:
        return sequential_test.lower_bound(both.candidate_bad, both.candidate_total, CLUSTER, CHANCE) > rules.limit
    return e_values.log_fisher(both) < CLUSTER * log(CHANCE)


def looks_worse(both: Tally, rules: Rules) -> bool:
    """By the shares alone."""
    if rules.limit:
        return both.candidate_bad > rules.limit * both.candidate_total and both.stable_bad <= rules.limit * both.stable_total
    times = max(GROSS_TIMES, LEAN_RATIOS[0] * rules.margin)
    return both.candidate_bad * both.stable_total > times * both.stable_bad * both.candidate_total


def of_users_alone(both: Tally, past: Calibration, seconds: float) -> Tally:
    """After a cutover, if all that the old pods still count were probes: the candidate's users, against those of the past.

    Probes ask both sides alike, now and in the past. seconds: in which both sides were counted.
    """
    probes, before = both.stable_total, round(both.stable_total * past.seconds / seconds)
    users, earlier = max(both.candidate_total - probes, both.candidate_bad), max(past.total - before, past.bad)
    return Tally(both.candidate_bad, users, past.bad, earlier)
