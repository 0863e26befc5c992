"""Quantities as the API writes them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.cluster.quantity import quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", "0.5"),
        ("1Gi", str(2**30)),
        ("2", "2"),
        ("1e3", "1000"),
        ("1E", "1e18"),
        ("1.5k", "1500"),
        ("-1", "-1"),
        ("12E6", "12e6"),
        ("100n", "1e-7"),
        (4, "4"),
    ],
)
def test_quantities(text: str | int, value: str):
    assert quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "Gi", "1GiB", "one", "1 Gi", "nan", "inf", "1kk", "1Kim"])
def test_what_is_not_a_quantity(text: str):
    with pytest.raises(ValueError):
        quantity(text)


@given(st.integers(-(10**9), 10**9), st.sampled_from(["", "k", "Ki", "M", "Mi", "m"]))
def test_a_quantity_is_its_number_times_its_suffix(number: int, suffix: str):
    factor = {"": 1, "k": 1000, "Ki": 1024, "M": 10**6, "Mi": 2**20, "m": Decimal("0.001")}[suffix]
    assert quantity(f"{number}{suffix}") == number * factor
