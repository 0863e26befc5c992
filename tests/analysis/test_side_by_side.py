"""What both sides showed in the same time, compared without a past."""

from math import comb, exp, factorial

import pytest

from deliver.analysis import e_values, side_by_side
from deliver.analysis.sequential_test import Rules
from deliver.model.evidence import Calibration, Tally

RULES = Rules(margin=1.2)


@pytest.mark.parametrize(
    ("counts", "rules", "clear"),
    [
        ((22, 1464, 0, 1511), RULES, True),
        ((22, 1464, 22, 1511), RULES, False),  # an incident of both sides
        ((300, 1000, 300, 1000), RULES, False),
        ((40, 400, 4, 400), RULES, True),
        ((10, 1000, 0, 1000), RULES, False),  # two clients that try again
        ((4, 20, 0, 2000), RULES, False),  # one
        ((900, 10_000, 500, 10_000), RULES, False),  # not twice stable's, however sure
        ((1100, 10_000, 500, 10_000), RULES, True),
        ((1100, 10_000, 500, 10_000), Rules(margin=2.0), False),  # more of it is tolerated
        ((30, 100, 0, 0), RULES, False),  # nothing beside it
        ((30, 400, 0, 400), Rules(limit=0.01), True),
        ((30, 400, 30, 400), Rules(limit=0.01), False),
        ((6, 400, 0, 400), Rules(limit=0.01), False),
    ],
)
def test_what_speaks_clearly(counts, rules, clear):
    assert side_by_side.speaks_clearly(Tally(*counts), rules) is clear


@pytest.mark.parametrize("counts", [(3, 3, 0, 3), (5, 40, 2, 90), (1, 10, 9, 10), (7, 30, 7, 30), (12, 12, 3, 200)])
def test_fishers_chance_is_exact(counts):
    both = Tally(*counts)
    n, m, x = both.candidate_total, both.stable_total, both.bad
    ways = sum(comb(n, u) * comb(m, x - u) for u in range(both.candidate_bad, min(n, x) + 1))
    assert exp(e_values.log_fisher(both)) == pytest.approx(ways / comb(n + m, x), rel=1e-9)


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("part", [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.6, 0.8, 0.9])
def test_a_good_version_leans_in_one_step_of_twenty_at_the_most_though_its_errors_come_in_fives(size: int, part: float):
    """Every number of clusters and every way they fall on the two sides, by its chance. part: the candidate's, of 100,000 requests."""
    total = (round(100_000 * part), round(100_000 * (1 - part)))

    def clear(bad: int, other: int) -> bool:
        return side_by_side.speaks_clearly(Tally(size * bad, total[0], size * other, total[1]), RULES)

    falls = [
        (many, sum(comb(many, bad) * part**bad * (1 - part) ** (many - bad) for bad in range(many + 1) if clear(bad, many - bad)))
        for many in range(1, 90)
    ]
    for expected in (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 40.0):
        leans = sum(exp(-expected) * expected**many / factorial(many) * chance for many, chance in falls)
        assert leans < 0.05, (expected, leans)


def test_if_the_old_pods_requests_were_probes_the_users_errors_are_held_against_the_pasts():
    usual = Calibration(bad=500, total=10_000, seconds=1000.0)  # 5 %, as ever
    both = Tally(50, 1500, 0, 500)
    users = side_by_side.of_users_alone(both, usual, 100.0)
    assert users == Tally(50, 1000, 500, 5000)
    assert side_by_side.speaks_clearly(both, RULES)
    assert not side_by_side.speaks_clearly(users, RULES)
