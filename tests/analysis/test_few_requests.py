"""How many requests show that a candidate which is like stable is no worse."""

from dataclasses import replace
from random import Random

import pytest

from deliver.analysis import few_requests, noninferiority, sequential_test
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


def _played(random: Random, fraction: float, past: int) -> tuple[int, bool]:
    """A good candidate beside as many requests of stable, a hundred each in a poll: (requests until it is proved or missed, proved)."""

    def bad(requests: int) -> int:
        """A Poisson number: how many steps of an exponential length there are."""
        at, found = random.expovariate(1.0), 0
        while at < fraction * requests:
            at, found = at + random.expovariate(1.0), found + 1
        return found

    calibration = Calibration(phi=1.2, bad=bad(past), total=past)
    track = Track(calibration=calibration)
    while True:
        poll = Tally(bad(100), 100, bad(100), 100)
        proof = noninferiority.update(track.proof, poll, calibration, RULES.prove, RULES.acceptable)
        track = replace(track, sum=track.sum + poll, proof=proof)
        track = replace(track, shown=sequential_test.log_evidence_for(track, RULES))
        if (proved := sequential_test.is_proven(track, RULES)) or track.sum.candidate_total >= few_requests.requests_owed(track, RULES):
            return track.sum.candidate_total, proved


@pytest.mark.parametrize(("fraction", "past"), [(0.0, 0), (0.0005, 0), (0.002, 10_000)])
def test_proof_is_missed_only_where_nineteen_good_candidates_of_twenty_have_it(fraction: float, past: int) -> None:
    random = Random(11)
    runs = [_played(random, fraction, past) for _ in range(60)]
    assert sum(proved for _, proved in runs) >= 57
    assert all(requests >= 1000 for requests, proved in runs if not proved)


def test_it_is_missed_at_some_number() -> None:
    seen = Track(calibration=QUIET, sum=Tally(0, 1000, 0, 1000))
    assert few_requests.requests_owed(seen, RULES) < 1500
    assert few_requests.requests_owed(seen, Rules(acceptable=0.0)) == few_requests.NEVER


@pytest.mark.parametrize(
    ("bad", "total", "speaks"),
    [(0, 4, False), (1, 1, False), (2, 2, True), (4, 4, True), (2, 10, True), (2, 20, False), (3, 40, False)],
)
def test_few_requests_with_many_bad_ones_are_no_reason_to_go_on(bad: int, total: int, speaks: bool) -> None:
    assert few_requests.speaks_against(Tally(bad, total), Track(calibration=QUIET)) is speaks


def test_what_stable_has_itself_speaks_against_nobody() -> None:
    past = Calibration(phi=1.0, bad=3000, total=10_000)
    assert not few_requests.speaks_against(Tally(4, 12), Track(calibration=past))
