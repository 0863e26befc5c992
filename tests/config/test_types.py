"""Durations and percentages as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.formatting.durations import show_duration
from deliver.plugins.types import parse_duration, parse_percent, parse_share


@pytest.mark.parametrize(
    ("text", "seconds"), [("5m", 300), ("1h30m", 5400), ("90s", 90), ("500ms", 0.5), ("1.5h", 5400), ("0s", 0), ("1h0m5s", 3605)]
)
def test_a_duration_has_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "value", ["5", 5, 0, 1.5, "-5m", "", "m", "5 m", "5d", "5m1h", "5m5m", "1e3s", "inf", True, None, [], {}, "9" * 50 + "s", "9000h", "٥m"]
)
def test_what_is_no_duration(value: object) -> None:
    with pytest.raises(ValueError, match=r"duration|unit|year"):
        parse_duration(value)


@given(st.integers(min_value=0, max_value=10**9))
def test_a_shown_duration_reads_back(milliseconds: int) -> None:
    assert parse_duration(show_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize(("value", "percent"), [("10%", 10), ("10", 10), (10, 10), (0.5, 0.5), ("0.5 %", 0.5), (0, 0), ("100%", 100)])
def test_a_percentage(value: object, percent: float) -> None:
    assert parse_percent(value) == percent
    assert parse_share(value) == percent / 100


@pytest.mark.parametrize("value", [101, -1, "101%", "abc", "", "%", True, None, [], float("nan"), float("inf"), "1e1", "1_0", "9" * 400])
def test_what_is_no_percentage(value: object) -> None:
    with pytest.raises(ValueError, match="percent"):
        parse_percent(value)
