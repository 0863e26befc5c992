"""Argo Rollouts' conditions: which values pass."""

import pytest

from deliver.importers.condition import condition
from deliver.importers.deliver_yaml import NotTaken
from deliver.importers.ratio import Bounds


@pytest.mark.parametrize(
    ("success", "bounds"),
    [
        ("result[0] >= 0.95", Bounds(min=0.95)),
        ("result > 0.95", Bounds(min=0.95, above=True)),
        ("result[0]<5", Bounds(max=5, below=True)),
        ("asFloat(result[0]) <= .5", Bounds(max=0.5)),
        ("default(result, 1) <= 0.05", Bounds(max=0.05)),
        ("0.95 <= result[0]", Bounds(min=0.95)),
        ("result[0] >= 1 && result[0] <= 2", Bounds(1, 2)),
        ("(result[0] < 1e3)", Bounds(max=1000, below=True)),
        ("len(result) > 0 && result[0] < 1", Bounds(max=1, below=True)),
        ("!isNaN(result[0]) && (result[0] < 1)", Bounds(max=1, below=True)),
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
    ("success", "failure", "empty"),
    [
        ("default(result, 0) < 0.05", "", True),
        ("default(result[0], 1) < 0.05", "", False),
        ("", "default(result, 0) > 0.05", True),
        ("", "default(result, 1) > 0.05", False),
        ("", "!isNaN(result[0]) && result[0] > 5", True),
        ("", "isNaN(result[0]) || result[0] > 5", False),
        ("len(result) == 0 || result[0] < 9", "result[0] > 9", False),
        ("len(result) == 0 || result[0] < 0.05", "len(result) > 0 && result[0] >= 0.10", True),
        ("len(result) > 0 ? result[0] >= 0.95 : false", "", False),
        ("len(result) > 0 ? result[0] >= 0.95 : true", "", True),
        ("(isNaN(result[0]) ? true : (result[0] >= 0.95))", "", True),
        ("", "len(result) == 0 ? false : result[0] > 5", True),
        ("", "len(result) == 0 ? true : result[0] > 5", False),
    ],
)
def test_what_a_default_stands_for_says_whether_no_data_passed(success: str, failure: str, empty: bool):
    assert condition(success, failure).empty is empty


@pytest.mark.parametrize(
    ("failure", "bounds"),
    [
        ("result[0] >= 10", Bounds(max=10, below=True)),
        ("result[0] < 0.9", Bounds(min=0.9)),
        ("result[0] < 1 || result[0] > 2", Bounds(1, 2)),
        ("isNaN(result[0]) || result[0] > 2", Bounds(max=2)),
    ],
)
def test_a_failure_condition_is_turned_round(failure: str, bounds: Bounds):
    assert condition("", failure).bounds == bounds


@pytest.mark.parametrize(
    ("success", "failure", "bounds", "between"),
    [
        ("result[0] >= 0.9", "result[0] < 0.5", Bounds(min=0.9), True),
        ("result[0] >= 0.9", "result[0] < 0.9", Bounds(min=0.9), False),
        ("result[0] < 100", "result[0] < 10", Bounds(10, 100, below=True), True),  # what fails there fails here too
        ("result[0] <= 100", "result[0] > 50", Bounds(max=50), False),
        ("result[0] <= 100", "false", Bounds(max=100), True),  # what does not pass is inconclusive
        ("len(result) > 0 ? result[0] >= 0.95 : false", "", Bounds(min=0.95), False),
    ],
)
def test_with_both_what_passes_is_what_one_lets_pass_and_the_other_does_not_fail(success: str, failure: str, bounds: Bounds, between: bool):
    found = condition(success, failure)
    assert (found.bounds, found.between) == (bounds, between)


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
        ("result[0] < 5", "result[0] matches 'x'"),  # a condition that cannot be read is not left out
        ("result[0] < 1e999", ""),
        ("", "false"),
        ("true", ""),
        ("result[0] > 1 ? true : false", ""),
        ("default(result, [5]) < 9", ""),
        ("isNaN(result[0]) && (result[0] < 1) || result[0] < 2", ""),
    ],
)
def test_other_shapes_are_refused(success: str, failure: str):
    with pytest.raises(NotTaken):
        condition(success, failure)
