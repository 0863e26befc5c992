"""What a trail says: shares with an interval that is never too sure, counts that add up, the evidence that a release is taken back by."""

from dataclasses import replace
from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.analysis.wilson import wilson_interval
from deliver.model.evidence import Point
from deliver.report import trail

ONE = Point(10.0, "errors", 0, 1, 100, 2, 400, 20.0)


@pytest.mark.parametrize(
    ("bad", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (15, 148, 0.0624, 0.1605)],
)
def test_the_interval_is_wilsons(bad: int, total: int, low: float, high: float):
    """Newcombe 1998, table I, has the last one."""
    assert wilson_interval(bad, total) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_the_interval_holds_the_share_and_stays_between_nothing_and_all(bad: int, total: int):
    bad = min(bad, total)
    found = wilson_interval(bad, total)
    assert found is not None
    assert 0.0 <= found[0] <= bad / total <= found[1] <= 1.0
    assert found[1] > found[0]


def test_without_a_request_there_is_no_share():
    assert wilson_interval(0, 0) is None
    assert trail.shares([replace(ONE, candidate_total=0, candidate_bad=0)], "candidate") == ()


def test_each_arm_has_its_own_share():
    (candidate,), (stable,) = trail.shares([ONE], "candidate"), trail.shares([ONE], "stable")
    assert (candidate.percent, candidate.bad, candidate.total) == (1.0, 1, 100)
    assert (stable.percent, stable.bad, stable.total) == (0.5, 2, 400)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), max_size=200))
def test_putting_stretches_together_loses_no_request_and_mixes_no_steps(counts: list[tuple[int, int]]):
    steps = sorted(step for step, _ in counts)
    points = [replace(ONE, at=5.0 * n, step=steps[n], candidate_total=total) for n, (_, total) in enumerate(counts)]
    found = trail.merged(points)
    assert sum(one.candidate_total for one in found) == sum(one.candidate_total for one in points)
    for step in range(4):
        assert sum(one.candidate_total for one in found if one.step == step) == sum(p.candidate_total for p in points if p.step == step)
    assert len(found) <= trail.BINS + 1 + 4


def test_a_metric_with_a_fixed_limit_alone_has_no_curve():
    assert trail.curve([ONE, replace(ONE, at=20.0)]) == trail.Curve()


def test_a_long_curve_keeps_its_peak_and_its_end():
    points = [replace(ONE, at=float(n), against=0.001) for n in range(5000)]
    points[1237] = replace(points[1237], against=1.4)
    found = trail.curve(points).against
    assert len(found) <= trail.CURVE + 3
    assert (1237.0, 1.4) in found
    assert found[-1] == (4999.0, 0.001)


def test_together_is_the_weighted_mean_of_the_evidence():
    errors, latency = replace(ONE, against=2.0), replace(ONE, at=20.0, metric="latency", against=-300.0)
    found = trail.together([latency, errors], {"errors": 3.0, "latency": 1.0, "queue": 0.0})
    (first, before), (second, after) = found.against
    assert (first, second) == (10.0, 20.0)
    assert before == pytest.approx(log10((3 * 100 + 1) / 4))  # latency has not been counted: its evidence is 1
    assert after == pytest.approx(log10(3 * 100 / 4))


def test_metrics_of_one_look_are_one_point_of_the_curve():
    """Between the first and the last of them it is nothing that the release ever came to."""
    looks = [replace(ONE, at=at, metric=name, against=against) for at in (10.0, 20.0) for name, against in (("a", at / 10), ("b", at / 10))]
    found = trail.together(looks, {"a": 1.0, "b": 1.0})
    assert [at for at, _ in found.against] == [10.0, 20.0]
    assert [value for _, value in found.against] == pytest.approx([1.0, 2.0])


def test_what_was_observed_comes_from_the_first_metric_that_tells_it():
    silent = replace(ONE, metric="first", share=None)
    assert trail.observed([silent, ONE]) == ((10.0, 20.0),)
    assert trail.observed([]) == ()
