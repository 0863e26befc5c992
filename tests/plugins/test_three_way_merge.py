"""The three-way merge: what stands as we left it becomes what it was before, what somebody else has changed since stays theirs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.plugins.three_way_merge import MISSING, differences, merge

LEAVES = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3), max_leaves=6
)
OBJECTS = st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3)


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize(
    ("before", "ours", "now", "after"),
    [
        ({"a": 1}, {"a": 2}, {"a": 2}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {"a": 3}, {"a": 3}),
        ({}, {"a": 2}, {"a": 2}, {}),
        ({"a": 1}, {}, {}, {"a": 1}),
        ({"a": 1}, {"a": 1}, {}, {}),
        ({}, {"a": 2}, {"a": 2, "b": 5}, {"b": 5}),
        ({"m": {"a": 1}}, {"m": {"a": 1, "mark": 7}}, {"m": {"a": 9, "mark": 7}}, {"m": {"a": 9}}),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, {"a": [3, 2, 1]}, {"a": [3, 2, 1]}),
        ({"a": True}, {"a": 1}, {"a": 1}, {"a": True}),
        ({"a": 0}, {"a": 1}, {"a": True}, {"a": True}),
        ({"a": None}, {"a": 1}, {"a": 1}, {"a": None}),
    ],
)
def test_field_by_field(before: Any, ours: Any, now: Any, after: Any):
    assert text(merge(before, ours, now)) == text(after)


@given(OBJECTS, OBJECTS)
def test_where_nobody_else_wrote_it_is_what_stood_before(before: Any, ours: Any):
    assert text(merge(before, ours, ours)) == text(before)


@given(OBJECTS, OBJECTS)
def test_where_we_wrote_nothing_it_is_what_stands(before: Any, now: Any):
    assert text(merge(before, before, now)) == text(now)


@given(OBJECTS, OBJECTS, OBJECTS)
def test_twice_does_no_harm(before: Any, ours: Any, now: Any):
    once = merge(before, ours, now)
    assert not [*differences(once, merge(before, before, once))]


@given(OBJECTS, OBJECTS)
def test_every_field_that_differs_is_told_and_no_other(before: Any, after: Any):
    told = {path[0] for path, _, _ in differences(before, after)}
    assert told == {key for key in {*before, *after} if text(before.get(key, "-")) != text(after.get(key, "-"))}


def test_a_field_that_is_not_there_is_told_apart_from_one_that_is_null():
    assert [*differences({"a": None}, {})] == [(("a",), None, MISSING)]
    assert [*differences({}, {"a": None})] == [(("a",), MISSING, None)]
