"""What raw samples tell of a counter."""

import pytest

from deliver.discovery import counter_behaviour
from deliver.plugins.interfaces import Series


def series(*values: float, every: float = 15.0, pod: str = "a") -> Series:
    return Series({"pod": pod}, tuple((index * every, value) for index, value in enumerate(values)))


def test_a_counter_rises() -> None:
    seen = counter_behaviour.behaviour_of([series(1, 5, 9), series(0, 0, 2, pod="b")], {}, "pod")
    assert (seen.counts, seen.grown, seen.series) == (True, 10.0, 2)


def test_a_restart_counts_from_nothing_and_is_no_fault() -> None:
    seen = counter_behaviour.behaviour_of([series(90, 100, 4)], {"a": 2}, "pod")
    assert (seen.counts, seen.resets, seen.grown) == (True, 1, 14.0)


def test_a_fall_without_a_restart_is_a_gauge() -> None:
    seen = counter_behaviour.behaviour_of([series(90, 100, 4)], {"b": 2}, "pod")
    assert (seen.counts, seen.falls) == (False, 1)


def test_fractions_are_no_count() -> None:
    assert not counter_behaviour.behaviour_of([series(0.5, 1.5)], {}, "pod").counts


@pytest.mark.parametrize("found", [[], [Series({"pod": "a"}, ())]])
def test_without_samples_nothing_counts(found: list[Series]) -> None:
    assert not counter_behaviour.behaviour_of(found, {}, "pod").counts


def test_a_rate_is_of_late() -> None:
    """Users came in the last half minute of ten."""
    points = (*((at, 0.0) for at in range(0, 571, 10)), (580.0, 300.0), (590.0, 600.0), (600.0, 900.0))
    assert counter_behaviour.rate_per_second([Series({}, points)], 60.0) == 15.0
    assert counter_behaviour.rate_per_second([series(1.0)], 60.0) == 0.0
