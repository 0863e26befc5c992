"""What the sandbox's Prometheus answers, and how it fails on demand."""

import math
from itertools import pairwise

import pytest

from deliver.plugins.interfaces import MetricsError
from deliver_sandbox.fixtures import world
from deliver_sandbox.world import World


@pytest.fixture
def busy() -> World:
    """Two minutes of 100 requests a second on four pods, scraped every 5 s."""
    made = world(replicas=4, rps=100.0)
    made.clock.wait(120.0)
    return made


def one(made: World, query: str) -> float:
    (series,) = made.metrics.value(query, 5.0).series
    return series.points[0][1]


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("sum(rate(http_requests_total[1m]))", 100.0),
        ("sum(increase(http_requests_total[1m]))", 6000.0),
        ('sum(rate(http_requests_total{code=~"5.."}[1m])) / sum(rate(http_requests_total[1m]))', 0.0),
        ("count(up == 1)", 4.0),
        ("sum by (version) (rate(http_requests_total[1m]))", 100.0),
        ("sum(rate(http_requests_total[1m])) by (version)", 100.0),
        ('sum(http_requests_total{pod=~"web-.*",namespace!="other"}) > bool 1e9', 0.0),
        ("1 + 2 * 3 ^ 2 / 9 - 4 % 3", 2.0),
        ("-2 ^ 2", -4.0),
        ("vector(1) or vector(2)", 1.0),
        ("scalar(sum(up))", 4.0),
        ("clamp_max(sum(up), 3)", 3.0),
        ('absent(up{pod="none"})', 1.0),
    ],
)
def test_queries(busy: World, query: str, value: float) -> None:
    assert one(busy, query) == pytest.approx(value, rel=0.03, abs=1e-9)


def test_errors_are_counted_by_the_pod_that_answers_them(busy: World) -> None:
    name = busy.api.list("pods", "shop")[0]["metadata"]["name"]
    busy.kubelet.change(name, errors=0.5)
    busy.clock.wait(120.0)
    bad = f'sum(rate(http_requests_total{{code="500",pod="{name}"}}[1m]))'
    assert one(busy, f'{bad} / sum(rate(http_requests_total{{pod="{name}"}}[1m]))') == pytest.approx(0.5, abs=0.05)
    assert one(busy, bad) == one(busy, 'sum(rate(http_requests_total{code="500"}[1m]))')


def test_latency_quantiles_come_from_the_buckets(busy: World) -> None:
    median = one(busy, "histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))")
    assert 0.01 < median < 0.03
    busy.traffic.set(slowdown=50.0)
    busy.clock.wait(120.0)
    assert one(busy, "histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))") > 0.5


def test_raw_samples_have_the_labels_of_the_pod_and_no_sample_outside_the_window(busy: World) -> None:
    series = busy.metrics.raw('http_requests_total{code="200"}', 30.0, 5.0).series
    now = busy.clock.now()
    assert len(series) == 4
    assert all(len(item.points) == 6 and all(now - 30.0 < at <= now for at, _ in item.points) for item in series)
    assert {item.labels["namespace"] for item in series} == {"shop"}
    assert {item.labels["pod"] for item in series} == {pod["metadata"]["name"] for pod in busy.api.list("pods", "shop")}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "sum(",
        "nosuch(up)",
        "foo bar",
        'up{a~"b"}',
        'up{a=~"("}',
        "rate(up)",
        "up[1m] + 1",
        "1 > 2",
        "up offset 1m",
        "up{",
        "sum(up) on (pod) up",
        "http_requests_total[99999999999999]",
        "http_requests_total offset 999999999y",
    ],
)
def test_what_it_cannot_do_is_an_error_and_never_a_number(busy: World, query: str) -> None:
    with pytest.raises(MetricsError) as caught:
        busy.metrics.value(query, 5.0)
    assert caught.value.bad_query


def test_a_metric_that_is_not_there_is_an_empty_answer(busy: World) -> None:
    assert busy.metrics.value("http_request_total", 5.0).series == ()


def test_a_pod_that_went_leaves_no_instant_value_and_keeps_its_past(busy: World) -> None:
    name = busy.api.list("pods", "shop")[0]["metadata"]["name"]
    busy.api.delete("pods", "shop", name)
    busy.clock.wait(20.0)
    assert busy.metrics.value(f'up{{pod="{name}"}}', 5.0).series == ()
    assert len(busy.metrics.raw(f'up{{pod="{name}"}}', 60.0, 5.0).series) == 1


def test_a_crash_starts_the_counters_from_zero(busy: World) -> None:
    name = busy.api.list("pods", "shop")[0]["metadata"]["name"]
    busy.kubelet.change(name, crash=0.1)
    busy.clock.wait(1.0)
    busy.kubelet.change(name, crash=0.0)
    busy.clock.wait(30.0)
    (series,) = busy.metrics.raw(f'http_requests_total{{code="200",pod="{name}"}}', 60.0, 5.0).series
    values = [value for _, value in series.points]
    assert any(later < earlier for earlier, later in pairwise(values))
    assert one(busy, f'sum(increase(http_requests_total{{pod="{name}"}}[1m]))') > 0


def test_it_can_be_down_slow_stale_nan_empty_and_partial(busy: World) -> None:
    sick = busy.metrics.sick
    sick.down = "connection refused"
    with pytest.raises(MetricsError, match="refused"):
        busy.metrics.value("up", 5.0)
    sick.down, sick.slow = "", 60.0
    before = busy.clock.now()
    with pytest.raises(MetricsError, match="within 5 s"):
        busy.metrics.value("up", 5.0)
    assert busy.clock.now() == before + 5.0
    sick.slow, sick.warnings = 0.0, ("partial",)
    assert busy.metrics.value("up", 5.0).warnings == ("partial",)
    sick.warnings, sick.empty = (), True
    assert busy.metrics.value("up", 5.0).series == ()
    assert busy.metrics.now(5.0) == busy.clock.now()
    sick.empty, busy.metrics.series.nan = False, True
    assert all(math.isnan(item.points[0][1]) for item in busy.metrics.value("up", 5.0).series)


def test_stopped_scraping_leaves_old_samples_and_resumed_scraping_brings_new_ones(busy: World) -> None:
    busy.metrics.stop()
    stopped = busy.clock.now()
    busy.clock.wait(30.0)
    (newest, *_) = busy.metrics.raw("up", 60.0, 5.0).series
    assert newest.points[-1][0] <= stopped
    busy.metrics.resume()
    (newest, *_) = busy.metrics.raw("up", 60.0, 5.0).series
    assert newest.points[-1][0] > stopped


def test_a_selector_without_a_name_finds_whatever_has_the_labels(busy: World) -> None:
    found = busy.metrics.value('count by (__name__) ({namespace="shop",pod=~"web-.*"})', 5.0).series
    parts = ("_bucket", "_count", "_sum")
    names = {"up", "http_requests_total", *(f"http_request_duration_seconds{part}" for part in parts)}
    assert {one.labels["__name__"] for one in found} == names
    assert one(busy, 'count({__name__=~"http_requests_.*"})') == 8.0
    assert one(busy, 'count({pod=~"web-.*"}) - count({__name__=~".+"})') == 0.0


@pytest.mark.parametrize("selector", ["{}", '{pod!="a"}', '{pod=~".*"}', '{pod=""}', '{__name__=~".*"}'])
def test_a_selector_that_would_match_everything_is_refused_as_prometheus_does(busy: World, selector: str) -> None:
    with pytest.raises(MetricsError, match="at least one non-empty matcher"):
        busy.metrics.value(f"count({selector})", 5.0)
