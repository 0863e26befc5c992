"""Count deltas from raw samples: resets, births, gaps, churn. Time 100 is the start of the step."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.analysis.counts import Counts, Span, count_bad, count_slower, increase, newest_samples
from deliver.plugins.interfaces import Series

ARM = {"p": 10.0, "q": 10.0}
SPAN = Span(start=100.0, known=40.0)


def series(pod, *points, **labels):
    return Series({"pod": pod, **labels}, tuple((float(at), float(value)) for at, value in points))


@pytest.mark.parametrize(
    ("points", "from_zero", "expected"),
    [
        ([(90, 5), (110, 8)], False, 3),
        ([(80, 1), (100, 5), (110, 8)], False, 3),  # a sample at the start is the base
        ([(90, 50), (110, 4), (120, 6)], False, 6),  # a restart counts from zero
        ([(110, 7), (120, 9)], True, 9),  # born after the start
        ([(110, 7), (120, 9)], False, 2),  # was there before, unseen
        ([(90, 5), (105, math.nan), (110, 8)], False, 3),
        ([(90, 5), (105, math.inf), (110, 8)], False, 3),
        ([(90, 5), (95, 30)], False, 0),  # nothing after the start
        ([(90, 5), (110, 8), (110, 9), (108, 99)], False, 3),  # repeated and late samples
        ([], True, 0),
    ],
)
def test_increase(points, from_zero, expected):
    assert increase(points, 100.0, from_zero=from_zero) == expected


@given(
    gains=st.lists(st.integers(0, 50), min_size=2, max_size=20),
    restarts=st.sets(st.integers(1, 19)),
)
def test_no_request_is_lost_or_invented_by_restarts_right_after_a_scrape(gains, restarts):
    value, points = 0, [(100.0, 0.0)]
    for index, gain in enumerate(gains):
        value = gain + (0 if index in restarts and gain < value else value)
        points.append((101.0 + index, float(value)))
    assert increase(points, 100.0, from_zero=False) == sum(gains)


def test_deltas_are_summed_over_series_so_that_a_pod_that_goes_takes_nothing_away():
    total = [series("p", (90, 100), (110, 110)), series("q", (90, 500), (105, 520))]
    assert count_bad([], total, ARM, SPAN, "pod").total == 30


def test_pods_of_the_other_arm_do_not_count():
    assert count_bad([], [series("other", (90, 0), (110, 50))], ARM, SPAN, "pod").total == 0


def test_no_bad_series_is_no_bad_request():
    counts = count_bad([], [series("p", (90, 0), (110, 50))], ARM, SPAN, "pod")
    assert (counts.bad, counts.total, counts.bad_fraction, counts.newest) == (0, 50, 0.0, 110.0)


def test_the_first_errors_of_a_counter_that_is_born_with_them_count():
    total = [series("p", (90, 10), (110, 50), code="200"), series("p", (110, 3), code="500")]
    counts = count_bad([total[1]], total, ARM, SPAN, "pod")
    assert (counts.bad, counts.total) == (3, 43)


def test_the_first_sample_of_a_young_pod_counts_from_zero():
    counts = count_bad([], [series("p", (110, 30))], {"p": 95.0}, SPAN, "pod")
    assert counts.total == 30


def test_a_gap_in_the_scrapes_does_not_count_an_old_pods_whole_past():
    total = [series("p", (110, 100_000), (112, 100_010))]
    assert count_bad([], total, ARM, SPAN, "pod").total == 10


def test_more_bad_than_all_is_clipped_and_said():
    counts = count_bad([series("p", (90, 0), (110, 12))], [series("p", (90, 0), (110, 10))], ARM, SPAN, "pod")
    assert (counts.bad, counts.total, counts.clipped) == (10, 10, 2)


def test_a_series_without_a_sample_says_nothing_of_its_pod():
    """Not that it was scraped before, and not that it was not."""
    young = {"p": 95.0}
    assert count_bad([], [series("p"), series("p", (110, 30), code="200")], young, SPAN, "pod").total == 30
    assert count_bad([], [series("p"), series("p", (110, 30), (111, 31), code="200")], ARM, SPAN, "pod").total == 1
    assert count_bad([series("p")], [series("p", (90, 0), (110, 30))], ARM, SPAN, "pod") == Counts(0, 30, 110.0, series=1, pods=1)


def test_each_pod_counts_from_its_own_start():
    span = Span(100.0, 40.0, {"q": 120.0, "p": 50.0})
    total = [series(pod, (90, 0), (110, 10), (130, 11)) for pod in ("p", "q")]
    assert count_bad([], total, ARM, span, "pod").total == 11 + 1, "later than the common one, never earlier"


def test_how_many_series_and_pods_the_counts_come_from():
    total = [series("p", (90, 1), (110, 2), code="200"), series("p", (90, 1), (112, 2), code="500"), series("q", (90, 1), (111, math.nan))]
    assert count_bad([], total, ARM, SPAN, "pod") == Counts(0, 2, 112.0, series=3, pods=2)


def test_the_newest_sample_of_each_pod():
    total = [series("p", (90, 1), (112, 2)), series("p", (90, 1), (110, 2), (115, math.nan)), series("q", (91, 1)), series("r")]
    assert newest_samples(total, "pod") == {"p": 112.0, "q": 91.0, "r": 0.0}
    assert newest_samples([Series({}, ((90.0, 1.0),))], "pod") == {"": 90.0}, "of a pod that is not named"


def test_nothing_at_all():
    assert count_bad([], [], ARM, SPAN, "pod") == Counts()


@pytest.mark.parametrize("le", ["1", "1.0", "1e0"])
def test_slow_is_all_less_the_bucket_whose_number_is_the_bound(le):
    buckets = [series("p", (90, 5), (110, 85), le=le), series("p", (90, 5), (110, 6), le="0.5")]
    counts = count_slower(buckets, [series("p", (90, 5), (110, 105))], 1.0, ARM, SPAN, "pod")
    assert (counts.bad, counts.total, counts.unmatched) == (20, 100, 0)


def test_none_is_slow_when_all_are_in_the_bucket():
    total, fast = series("p", (90, 5), (110, 105)), series("p", (90, 5), (110, 105), le="1")
    assert count_slower([fast], [total], 1.0, ARM, SPAN, "pod") == Counts(0, 100, 110.0, series=1, pods=1)
    ahead = series("p", (90, 5), (110, 109), le="1")
    assert count_slower([ahead], [total], 1.0, ARM, SPAN, "pod").bad == 0, "scrapes do not line up"


def test_a_series_whose_bound_is_no_number_is_no_bucket():
    buckets = [series("p", (90, 5), (110, 105)), series("p", (90, 5), (110, 105), le="all")]
    counts = count_slower(buckets, [series("p", (90, 5), (110, 105))], 1.0, ARM, SPAN, "pod")
    assert (counts.bad, counts.unmatched) == (100, 1)


def test_a_missing_bucket_is_told_apart_from_all_being_slow():
    assert count_slower([], [series("p", (90, 5), (110, 105))], 1.0, ARM, SPAN, "pod").unmatched == 1


def test_a_scrape_that_came_in_between_the_two_queries_is_left_out():
    """The total is asked for first; what the second answer has beyond it has no total to be held against."""
    total, more = series("p", (90, 0), (110, 50)), series("p", (90, 0), (110, 2), (111, 60))
    assert count_bad([more], [total], ARM, SPAN, "pod") == Counts(bad=2, total=50, newest=110.0, series=1, pods=1)
    fast = series("p", (90, 0), (110, 40), (111, 140), le="0.25")
    assert count_slower([fast], [total], 0.25, ARM, SPAN, "pod").bad == 10
