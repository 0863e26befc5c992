"""Other tools' rules as they document them."""

import numpy as np
import pytest

from bench.analysis import baselines, kayenta, latency, latency_world
from bench.analysis.hybrid import Polls
from bench.analysis.roots import zero
from bench.analysis.world import Traces

NEVER = np.inf


def minutes(*bad, of=100):
    """A canary with so many bad requests in each minute of the hour; the last number goes on to its end."""
    per_minute = np.array([*bad, *[bad[-1]] * (60 - len(bad))])
    errors = np.zeros((1, 60, 6), np.int64)
    errors[0, :, 0] = per_minute
    served = np.zeros_like(errors)
    served[0, :, 0] = of
    return Traces(errors.reshape(1, 360), served.reshape(1, 360))


@pytest.mark.parametrize(
    ("canary", "when"),
    [
        (minutes(5), NEVER),  # 95 % is enough
        (minutes(6), 20),  # the fourth measurement of five minutes
        (minutes(*[6] * 15, 0), NEVER),  # three may fail
        (minutes(*[0] * 10, *[6] * 5, *[0] * 5, *[6] * 15, 0), 35),  # not in a row
        (minutes(0, of=0), 20),  # no traffic is NaN, and NaN fails
    ],
)
def test_argo_aborts_when_more_measurements_failed_than_the_limit(canary, when):
    assert baselines.argo(canary, 5, 0.95, 3)[0] == when


def test_argo_with_its_default_limit_aborts_at_the_first_failure():
    assert baselines.argo(minutes(0, 0, 2, 0), 1, 0.99, 0)[0] == 3


@pytest.mark.parametrize(
    ("canary", "when"),
    [
        (minutes(1), NEVER),
        (minutes(2), 6),  # five failed checks, and one tick more
        (minutes(2, 2, 0, 0, 2, 2, 0, 2, 0), 9),  # a pass does not make it forget
        (minutes(2, 2, 2, 2, 0), NEVER),
        (minutes(*[0] * 55, 2), NEVER),  # the tick after is past the hour
        (minutes(0, of=0), 6),  # no values are a failed check
    ],
)
def test_flagger_counts_failed_checks_and_rolls_back_on_the_tick_after(canary, when):
    assert baselines.flagger(canary)[0] == when


def test_the_naive_test_alarms_ever_more_often_the_more_often_it_looks():
    rng = np.random.default_rng(1)
    canary, stable = rng.poisson(60, (1000, 120)), rng.poisson(540, (1000, 120))
    counts = Polls(rng.binomial(canary, 0.01), canary, rng.binomial(stable, 0.01), stable)
    when = baselines.naive_z(counts)
    assert (when <= 60).mean() > 0.08
    assert (when <= 60).mean() > 1.3 * (when <= 5).mean() > 0


def test_kayenta_passes_seven_bad_points_of_ten_as_its_issue_shows():
    """The interval of spinnaker/spinnaker issue 6278, digit for digit."""
    x, y = np.array([[100.0] * 7 + [1.0] * 3]), np.ones((1, 10))
    assert kayenta.shift(x, y, kayenta.CONFIDENT)[0] == pytest.approx(6.825022991538781e-05, abs=1e-12)
    assert kayenta.shift(x, y, -kayenta.CONFIDENT)[0] == 99
    assert kayenta.shift(x, y, 0.0)[0] == pytest.approx(98.99992904170193, abs=1e-9)
    assert not kayenta.high(x, y)[0]


def test_kayenta_fails_eight_of_ten():
    assert kayenta.high(np.array([[100.0] * 8 + [1.0] * 2]), np.ones((1, 10)))[0]


@pytest.mark.parametrize(
    ("x", "y", "high"),
    [
        ([1.0, 2.0, 3.0] * 5, [3.0, 1.0, 2.0] * 5, False),  # the same values
        ([4.0] * 10, [4.0] * 10, False),
        ([9.0] * 10, [4.0] * 10, True),  # two constants
        ([4.0] * 10, [9.0] * 10, False),  # it fell
        ([np.nan] * 10, [4.0] * 10, False),  # no data
        ([np.nan] * 5 + [9.0] * 10, [1.0] * 8 + [2.0] * 7, True),  # NaN points are left out
    ],
)
def test_kayenta_on_special_values(x, y, high):
    assert kayenta.high(np.array([x]), np.array([y]))[0] == high


def test_kayenta_is_asked_each_ten_minutes_or_once():
    rng = np.random.default_rng(3)
    y = rng.normal(10, 1, (20, 60))
    x = y[:, rng.permutation(60)].copy()
    x[:, 10:] += 20
    assert (kayenta.growing(x, y) == 40).all()  # so long the lower end of the interval feels the ten good points
    assert (kayenta.hourly(x, y) == 60).all()
    assert np.isinf(kayenta.hourly(x[:, :10], y[:, :10])).mean() > 0.8


@pytest.mark.parametrize("root", [-3.0, 0.123456, 7.5])
def test_brent_finds_a_step_and_a_curve(root):
    step = zero(lambda rows, x: np.where(x < root, 2.0, -1.0), *ends())
    curve = zero(lambda rows, x: (root - x) ** 3, *ends(root))
    assert [step[0], curve[0]] == pytest.approx([root, root], abs=1e-3)


def ends(root=None):
    low, high = np.array([-10.0]), np.array([10.0])
    return (low, high, *([np.array([2.0]), np.array([-1.0])] if root is None else [(root - low) ** 3, (root - high) ** 3]))


def test_the_tail_counts_what_is_slower_than_each_boundary():
    counts = np.zeros((1, 12), np.int64)
    counts[0, 6], counts[0, 11] = 3, 2  # up to 500 ms, above 10 s
    assert latency.tail(counts)[0].tolist() == [5, 5, 5, 5, 5, 5, 2, 2, 2, 2, 2]


def windows(slow, of=100):
    """An hour in which so many of each half minute's requests take between 500 ms and a second, the others less than 5 ms; all arms."""
    counts = np.zeros((1, 3, 120, 12), np.int64)
    counts[..., 7], counts[..., 0] = slow, of - slow
    return counts


def test_flagger_counts_a_minute_as_failed_whose_p99_is_above_the_limit():
    assert np.isinf(latency.flagger(windows(1))[0])
    assert latency.flagger(windows(2))[0] == 6
    assert latency.flagger(windows(0, of=0))[0] == 6


def test_p99_is_interpolated_within_its_bucket():
    points, _ = latency.kayenta_points(windows(2))
    assert points[0, 0] == pytest.approx(750)  # half of the slow ones are below the rank


def test_bands_are_apart_only_when_the_arms_are():
    counts = windows(0, of=1000)
    assert np.isinf(latency.dkw(counts, 0.01)[0])
    counts[:, 0] = windows(400, of=1000)[:, 0]
    assert latency.dkw(counts, 0.01)[0] <= 1


@pytest.mark.parametrize("kind", latency_world.KINDS, ids=lambda kind: kind.name)
def test_buckets_have_all_requests_and_a_regression_only_slower_ones(kind):
    share, healthy = latency_world.buckets(kind), latency_world.buckets(latency_world.KINDS[0])
    assert share.sum() == pytest.approx(1)
    assert (share.cumsum() <= healthy.cumsum() + 1e-12).all()
    assert kind.null or (share.cumsum() < healthy.cumsum() - 1e-3).any()
