"""How many requests show that a candidate which is like stable is no worse."""

import pytest

from deliver.analysis import few_requests
from deliver.analysis.sequential_test import Rules
from deliver.model.evidence import Calibration, Tally, Track

RULES = Rules()
QUIET = Calibration(phi=1.0, bad=0, total=10_000)


def test_without_a_bad_request_some_hundred_of_them_show_an_acceptable_share() -> None:
    assert 250 < few_requests.requests_needed(Track(calibration=QUIET), RULES) < 500


def test_a_past_too_short_for_a_dispersion_asks_for_more() -> None:
    assumed = Calibration(phi=12.0, assumed=True)
    assert few_requests.requests_needed(Track(calibration=assumed), RULES) > few_requests.requests_needed(Track(calibration=QUIET), RULES)


def test_where_stable_has_bad_requests_the_two_are_compared() -> None:
    past = Calibration(phi=1.0, bad=500, total=10_000)
    beside = Track(calibration=past, sum=Tally(5, 100, 45, 900))
    assert 50 < few_requests.requests_needed(beside, RULES) < few_requests.requests_needed(Track(calibration=QUIET), RULES)


def test_with_nothing_to_show_it_by_no_number_will_do() -> None:
    assert few_requests.requests_needed(Track(calibration=QUIET), Rules(acceptable=0.0)) == few_requests.NEVER


@pytest.mark.parametrize(
    ("bad", "total", "speaks"),
    [(0, 4, False), (1, 1, False), (2, 2, True), (4, 4, True), (2, 10, True), (2, 20, False), (3, 40, False)],
)
def test_few_requests_with_many_bad_ones_are_no_reason_to_go_on(bad: int, total: int, speaks: bool) -> None:
    assert few_requests.speaks_against(Tally(bad, total), Track(calibration=QUIET)) is speaks


def test_what_stable_has_itself_speaks_against_nobody() -> None:
    past = Calibration(phi=1.0, bad=3000, total=10_000)
    assert not few_requests.speaks_against(Tally(4, 12), Track(calibration=past))
