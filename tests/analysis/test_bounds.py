"""The bounds of a histogram at which a release is judged."""

import math
from itertools import pairwise

import pytest

from deliver.analysis.bounds import MAX_BOUNDS, informative_bounds, le_value
from deliver.analysis.native_histogram import fractions_above, to_classic
from deliver.model.errors import InputError
from deliver.plugins.interfaces import Histogram, Series


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
    assert informative_bounds(shares) == wanted


def test_a_bound_inside_a_bucket_is_refused_in_the_seconds_that_a_person_writes():
    """The histogram itself counts in milliseconds."""
    series = Series({"pod": "a"}, (), ((1.0, Histogram(30.0, ((100.0, 250.0, 30.0),))),))
    with pytest.raises(InputError) as caught:
        to_classic([series], 200.0, 1000.0)
    assert caught.value.what == "0.2 s lies inside a bucket of the native histogram"
    assert caught.value.why == "30 requests are somewhere from 0.1 to 0.25 s"
    assert caught.value.hint == "take one of its bounds; the nearest are 0.1s and 0.25s"


def test_an_end_that_is_none_is_no_bound():
    """The bucket around zero and the last one."""
    first, last = Histogram(0.0), Histogram(10.0, ((-0.1, 0.1, 4.0), (0.1, 0.2, 4.0), (0.2, math.inf, 2.0)))
    whole, shares = fractions_above([Series({"pod": "a"}, (), ((1.0, first), (2.0, last))), Series({"pod": "new"}, (), ((2.0, last),))])
    assert (whole, shares) == (10.0, pytest.approx({0.1: 0.6, 0.2: 0.2})), "one sample of a pod is no increase"
    assert fractions_above([Series({"pod": "a"}, (), ((1.0, last), (2.0, last)))]) == (0.0, {0.1: 0.0, 0.2: 0.0})


@pytest.mark.parametrize(
    ("histogram", "seconds", "le"),
    [
        ("http_duration_seconds", 0.25, 0.25),
        ("http_duration_milliseconds", 0.25, 250.0),
        ("istio_request_duration_ms", 0.0123, 12.3),
        ("took_millis", 1.0, 1000.0),
        ("envoy_cluster_upstream_rq_time", 0.25, 250.0),
        ("envoy_http_downstream_rq_time", 0.25, 250.0),
        ("milliseconds_of_something", 0.25, 0.25),
        ("http_duration_seconds", 0.17677669529663687, 0.17677669529663687),
    ],
)
def test_what_a_bound_is_in(histogram, seconds, le):
    assert le_value(histogram, seconds) == le


def test_of_many_an_even_choice():
    found = informative_bounds({n / 100: 0.5 for n in range(1, 41)})
    assert len(found) == MAX_BOUNDS
    assert (found[0], found[-1]) == (0.01, 0.4)
    assert max(after - before for before, after in pairwise(found)) < 0.07, "39 in seven strides"
    few = {n / 100: 0.5 for n in range(1, MAX_BOUNDS + 1)}
    assert informative_bounds(few) == list(few)
