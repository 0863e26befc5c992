"""Argo Rollouts' conditions: which values pass."""

import pytest

from deliver.importing.condition import condition
from deliver.importing.pieces import NotTaken
from deliver.importing.ratio import Bounds


@pytest.mark.parametrize(
    ("success", "bounds"),
    [
        ("result[0] >= 0.95", Bounds(min=0.95)),
        ("result > 0.95", Bounds(min=0.95)),
        ("result[0]<5", Bounds(max=5)),
        ("asFloat(result[0]) <= .5", Bounds(max=0.5)),
        ("default(result, 0) < 0.05", Bounds(max=0.05)),
        ("0.95 <= result[0]", Bounds(min=0.95)),
        ("result[0] >= 1 && result[0] <= 2", Bounds(1, 2)),
        ("(result[0] < 1e3)", Bounds(max=1000)),
        ("len(result) > 0 && result[0] < 1", Bounds(max=1)),
        ("!isNaN(result[0]) && (result[0] < 1)", Bounds(max=1)),
    ],
)
def test_a_success_condition(success: str, bounds: Bounds):
    found = condition(success, "")
    assert (found.bounds, found.empty) == (bounds, False)


@pytest.mark.parametrize("empty", ["isNaN(result[0])", "len(result) == 0", "result == nil", "isNil(result)", "isInf(result[0])"])
def test_no_data_that_passes_is_noticed(empty: str):
    found = condition(f"{empty} || result[0] >= 0.9", "")
    assert (found.bounds, found.empty) == (Bounds(min=0.9), True)


@pytest.mark.parametrize(
    ("failure", "bounds"),
    [
        ("result[0] >= 10", Bounds(max=10)),
        ("result[0] < 0.9", Bounds(min=0.9)),
        ("result[0] < 1 || result[0] > 2", Bounds(1, 2)),
        ("isNaN(result[0]) || result[0] > 2", Bounds(max=2)),
    ],
)
def test_a_failure_condition_is_turned_round(failure: str, bounds: Bounds):
    assert condition("", failure).bounds == bounds


def test_with_both_the_success_condition_says_what_passes():
    assert condition("result[0] >= 0.9", "result[0] < 0.5").bounds == Bounds(min=0.9)


@pytest.mark.parametrize(
    ("success", "failure"),
    [
        ("", ""),
        ("all(result, # < 1000)", ""),
        ("result[0] == 'true'", ""),
        ("result[0] < 1 || result[0] > 5", ""),
        ("result[1] < 1", ""),
        ("", "result[0] > 1 && result[0] < 2"),
        ("result[0] < 1 &&", ""),
    ],
)
def test_other_shapes_are_refused(success: str, failure: str):
    with pytest.raises(NotTaken):
        condition(success, failure)
