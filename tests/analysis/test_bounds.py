"""The bounds of a histogram at which a release is judged."""

import pytest

from deliver.analysis.bounds import MOST, useful


@pytest.mark.parametrize(
    ("shares", "wanted"),
    [
        ({0.1: 0.5, 0.25: 0.04, 0.5: 0.003, 1.0: 0.001, 10.0: 0.0}, [0.1, 0.25, 0.5]),
        ({0.005: 0.99, 0.01: 0.96, 0.1: 0.2}, [0.1]),
        ({0.005: 0.0, 0.01: 0.0, 10.0: 0.0}, [0.005]),
        ({0.1: 0.97, 0.5: 0.001, 1.0: 0.0}, [0.5]),
        ({0.1: 1.0, 10.0: 0.96}, []),
        ({}, []),
    ],
)
def test_those_that_tell_something_else_the_lowest_that_hardly_any_request_exceeds(shares, wanted):
    assert useful(shares) == wanted


def test_of_many_an_even_choice():
    found = useful({n / 100: 0.5 for n in range(1, 41)})
    assert len(found) == MOST
    assert (found[0], found[-1]) == (0.01, 0.4)
