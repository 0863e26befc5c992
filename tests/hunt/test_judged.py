"""Worlds in which the real judge judges real samples (judged.py), and what its referee goes by."""

from dataclasses import replace

import pytest

from deliver_sandbox import fixtures
from deliver_sandbox.images import Behaviour
from deliver_sandbox.scrapes import Scraping
from tests.hunt.judged import kept
from tests.hunt.judged_play import play
from tests.hunt.judged_worlds import OLD, story
from tests.hunt.judging_rules import Count, Measure, Shown, binomial, clear, fisher

ERRORS = Measure("errors")


@pytest.mark.parametrize("seed", kept())
def test_what_the_judged_worlds_once_found(seed: int):
    result = play(story(seed))
    assert not result.broken, f"{result.story}"


def test_a_story_is_told_by_its_seed_alone():
    assert story(7) == story(7) != story(8)
    assert replace(story(7), seed=8) != story(8)


def test_fishers_chance_is_exact():
    assert fisher(Count(3, 3), Count(0, 3)) == pytest.approx(1 / 20)
    assert fisher(Count(1, 2), Count(1, 2)) == pytest.approx(5 / 6)
    assert fisher(Count(20, 100), Count(0, 400)) < 1e-12


def test_the_chance_of_a_share_is_exact():
    assert binomial(Count(2, 2), 0.1) == pytest.approx(0.01)
    assert binomial(Count(1, 3), 0.5) == pytest.approx(7 / 8)


@pytest.mark.parametrize(
    ("candidate", "stable", "limit", "is_clear"),
    [
        (Count(97, 499), Count(0, 2000), 0.0, True),
        (Count(4, 4), Count(0, 2000), 0.0, False),  # too few to be sure of, whatever the odds
        (Count(30, 1000), Count(80, 4000), 0.0, False),  # not twice stable's
        (Count(7, 90), Count(1, 90), 0.0, False),
        (Count(20, 400), Count(0, 0), 0.01, True),
        (Count(6, 400), Count(0, 0), 0.01, False),
    ],
)
def test_what_speaks_clearly(candidate: Count, stable: Count, limit: float, is_clear: bool):
    assert clear(candidate, stable, limit) is is_clear


def test_the_referee_counts_between_samples_taken_since_a_moment_and_shown_at_another():
    made = fixtures.world(2, {OLD: Behaviour(errors=0.5)}, rps=100.0, fresh=1.0, scrape=0.0)
    made.traffic.scrape(Scraping(10.0))
    began = made.clock.now()
    made.clock.wait(65.0)
    shown, late = Shown(made), Shown(made, lag=30.0)
    whole = shown.count(OLD, ERRORS, 0.0, began + 60.0)
    since = shown.count(OLD, ERRORS, began + 15.0, began + 60.0)
    assert whole.total == pytest.approx(6000, rel=0.02)  # pods that started before any sample count from zero
    assert since.total == pytest.approx(4000, rel=0.05)  # from the sample at 20 s on
    assert since.share == pytest.approx(0.5, abs=0.05)
    assert late.count(OLD, ERRORS, began + 15.0, began + 60.0).total == pytest.approx(1000, rel=0.1)  # from that at 20 s to that at 30 s
    assert shown.requests(OLD, began + 61.0, began + 65.0) == 0
