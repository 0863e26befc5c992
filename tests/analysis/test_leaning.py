"""What leans against the candidate, and harm that is not weighed first."""

import dataclasses

import pytest

from deliver.analysis.leaning import LEANING, gross_harm, leaning_log_odds
from deliver.analysis.sequential_test import Rules
from deliver.model.evidence import Calibration, Tally, Track

RULES = Rules(margin=1.2)
YOUNG = Track(0.0, Calibration(phi=12.0, assumed=True, likelihood=True))
KNOWN = Track(0.0, Calibration(phi=1.2, likelihood=True, bad=10, total=20_000, seconds=3600.0))


def leans(track: Track, *counts: int, rules: Rules = RULES) -> bool:
    return leaning_log_odds(track, Tally(*counts), rules) >= LEANING


@pytest.mark.parametrize(
    ("counts", "lean"),
    [
        ((0, 500, 0, 2000), False),
        ((1, 50, 0, 450), False),  # a single bad request
        ((3, 50, 0, 450), True),
        ((97, 499, 0, 2000), True),  # "candidate 19.4 %, stable 0 %"
        ((55, 247, 0, 500), True),  # S4: 22.3 % against 0
        ((5, 500, 20, 2000), False),  # both alike
        ((20, 500, 80, 2000), False),
        ((9, 50, 9, 50), False),
        ((12, 100, 0, 100), True),
    ],
)
def test_three_to_one_by_this_steps_counts_leans(counts, lean):
    assert leans(YOUNG, *counts) is lean


def test_a_dispersion_that_was_measured_is_believed():
    clustered = dataclasses.replace(KNOWN, calibration=dataclasses.replace(KNOWN.calibration, phi=25.0))
    assert leans(KNOWN, 6, 200, 2, 800)
    assert not leans(clustered, 6, 200, 2, 800)


def test_without_requests_of_stable_its_past_is_what_it_leans_against():
    assert leans(KNOWN, 9, 52, 0, 0)
    assert not leans(KNOWN, 2, 4000, 0, 0)


def test_with_nothing_to_compare_with_a_share_that_is_gross_is_leant_against():
    assert leans(YOUNG, 4, 4, 0, 0)
    assert leans(YOUNG, 9, 52, 0, 0)
    assert not leans(YOUNG, 3, 60, 0, 0)


def test_what_the_steps_before_have_shown_leans_too():
    earlier = dataclasses.replace(YOUNG, sum=Tally(24, 456, 3, 1139))
    assert leans(earlier, 0, 60, 0, 54)


def test_an_absolute_limit_is_leant_against_without_stable():
    assert leans(YOUNG, 8, 100, 0, 0, rules=Rules(limit=0.01))
    assert not leans(YOUNG, 1, 100, 0, 0, rules=Rules(limit=0.01))


@pytest.mark.parametrize(
    ("counts", "harm"),
    [
        ((10, 50, 0, 450), True),  # 20 % of fifty requests
        ((10, 50, 0, 0), True),  # and nothing to compare with
        ((20, 20, 0, 80), True),
        ((7, 7, 0, 30), False),  # a client that tries again seven times
        ((10, 200, 0, 800), False),  # 5 %: weighed
        ((50, 250, 45, 250), False),  # both have it
        ((50, 250, 0, 60), True),
        ((50, 250, 3, 60), False),  # a stable side that has them too is told by more requests
        ((50, 250, 0, 21), True),  # and hardly any is as good as nothing to compare with
        ((50, 250, 0, 250), True),
    ],
)
def test_gross_harm_needs_no_past(counts, harm):
    assert (gross_harm(YOUNG, Tally(*counts), RULES) is not None) is harm


def test_gross_harm_is_told_with_what_it_is_held_against():
    found = gross_harm(KNOWN, Tally(20, 100, 0, 0), RULES)
    assert found is not None
    assert (found.bad, found.total, found.stable_bad, found.stable_total) == (20, 100, 10, 20_000)


def test_a_side_that_was_always_like_that_does_no_harm():
    usual = dataclasses.replace(YOUNG, calibration=dataclasses.replace(YOUNG.calibration, bad=1200, total=6000, seconds=600.0))
    assert gross_harm(usual, Tally(40, 200, 0, 0), RULES) is None


def test_an_absolute_limit_that_is_high_is_no_gross_harm():
    assert gross_harm(YOUNG, Tally(20, 100, 0, 450), Rules(limit=0.1)) is None
