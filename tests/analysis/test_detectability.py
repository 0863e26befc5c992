"""How soon a regression would be found: the table of statistics.md 2d, and what follows from it."""

import pytest

from deliver.analysis import detectability
from deliver.analysis.detectability import SharedStep, Traffic

DAY = 86400.0


@pytest.mark.parametrize(
    ("ratio", "at_10", "at_50"), [(1.5, 78, 149), (2, 22, 44), (3, 6.8, 14), (5, 2.3, 5.2), (10, 0.7, 1.8), (50, 0.08, 0.25)]
)
def test_bad_requests_that_stable_would_have_had_until_it_is_found(ratio, at_10, at_50):
    """Row "roll back: N (50 % share)" at alpha 1 %."""
    for share, wanted in ((0.1, at_10), (0.5, at_50)):
        traffic = Traffic(rate=1.0, bad=0.001)
        seconds = detectability.seconds_to_detect(ratio, 1.0, 0.01, traffic, [SharedStep(share, 1e9)])
        assert seconds is not None
        assert seconds * share * 0.001 == pytest.approx(wanted, rel=0.06)


def test_more_steps_add_up_and_a_later_one_may_find_it():
    traffic = Traffic(rate=20.0, bad=0.001)
    alone = detectability.seconds_to_detect(5, 1.0, 0.01, traffic, [SharedStep(0.1, DAY)])
    assert alone == pytest.approx(18 * 60, rel=0.1), "18 min measured (section 3)"
    assert detectability.seconds_to_detect(5, 1.0, 0.01, traffic, [SharedStep(0.1, 600)]) is None
    later = detectability.seconds_to_detect(5, 1.0, 0.01, traffic, [SharedStep(0.1, 600), SharedStep(0.5, 600)])
    assert later is not None
    assert 600 < later < alone


def test_steps_that_can_see_nothing_only_take_their_time():
    """When it is found is the time it takes, and what was baked before in vain."""
    traffic = Traffic(rate=20.0, bad=0.001, phi=1.5)
    bake = detectability.bake_to_detect(5, 1.0, 0.05, traffic, [0.2])
    assert bake is not None
    assert detectability.seconds_to_detect(5, 1.0, 0.05, traffic, [SharedStep(0.2, DAY)]) == pytest.approx(bake)
    nobody = SharedStep(0.0001, 600)
    assert detectability.seconds_to_detect(5, 1.0, 0.05, traffic, [nobody, SharedStep(0.2, DAY)]) == pytest.approx(bake + 600, rel=1e-3)


def test_what_was_seen_in_one_step_counts_in_the_next():
    traffic = Traffic(rate=20.0, bad=0.001)
    bake = detectability.bake_to_detect(5, 1.0, 0.05, traffic, [0.2])
    assert bake is not None
    found = detectability.seconds_to_detect(5, 1.0, 0.05, traffic, [SharedStep(0.2, bake / 2), SharedStep(0.2, bake)])
    assert found == pytest.approx(bake)


def test_the_bake_that_is_proposed_finds_it_and_not_much_earlier():
    traffic, shares = Traffic(rate=50.0, bad=0.01, phi=2.0), [0.1, 0.5]
    bake = detectability.bake_to_detect(2.0, 1.2, 0.05, traffic, shares)
    assert bake is not None
    found = detectability.seconds_to_detect(2.0, 1.2, 0.05, traffic, [SharedStep(share, bake * 1.001) for share in shares])
    assert found is not None
    assert detectability.seconds_to_detect(2.0, 1.2, 0.05, traffic, [SharedStep(share, bake * 0.98) for share in shares]) is None


def test_nothing_is_promised_within_the_margin_or_without_bad_requests():
    assert detectability.expected_growth(1.2, 1.2, 0.1) == detectability.expected_growth(1.1, 1.2, 0.1) == 0.0
    assert detectability.bake_to_detect(2.0, 1.2, 0.05, Traffic(50.0, 0.0), [0.1]) is None
