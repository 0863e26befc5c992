"""Native histograms: read as Prometheus writes them, and judged where a bound is exact."""

import json

import pytest

from deliver.analysis import native_histogram
from deliver.metrics import answers, preflight
from deliver.metrics.analyzer import StepAnalyzer
from deliver.model.errors import InputError
from deliver.model.observation import PodSeen
from deliver.model.spec import Analysis, LatencyMetric, QueryMetric, RatioMetric
from deliver.model.verdict import Verdict
from deliver.plugins.interfaces import Answer, Histogram, MetricsError, Series

STABLE = (PodSeen("web-s", "u1", ready=True, since=10.0),)
CANDIDATE = (PodSeen("web-c", "u2", ready=True, since=900.0),)
SLOW = LatencyMetric("latency", "req_seconds", 0.25, 0.05, min_samples=50)


def grown(pod: str, fast: float, slow: float, name: str = "req_seconds") -> Series:
    """From nothing to that many requests below and above a quarter of a second."""
    first, last = Histogram(0.0), Histogram(fast + slow, ((0.125, 0.25, fast), (0.5, 1.0, slow)))
    return Series({"__name__": name, "pod": pod}, (), ((951.0, first), (999.0, last)))


class Provider:
    """Has native histograms alone: nothing is called _count or _bucket."""

    def __init__(self, *served: Series) -> None:
        self.served = served

    def raw(self, selector: str, window: float, timeout: float) -> Answer:
        return Answer(selector, tuple(one for one in self.served if selector.partition("{")[0] == one.labels["__name__"]))

    def value(self, query: str, timeout: float) -> Answer:
        return Answer(query, self.served)

    def now(self, timeout: float) -> float:
        return 1000.0


def examined(metric, *served: Series):
    analyzer = StepAnalyzer(Analysis(metrics=(metric,)), Provider(*served), (), lambda: 1000.0)
    analyzer.reset(950.0)
    (result,) = analyzer.analyze("shop", STABLE, CANDIDATE).results
    return result


def test_a_slow_candidate_fails_and_a_fast_one_passes():
    slow = examined(SLOW, grown("web-s", 300, 3), grown("web-c", 60, 40))
    assert (slow.verdict, slow.samples, slow.candidate) == (Verdict.FAIL, 100, 40.0)
    assert examined(SLOW, grown("web-s", 300, 3), grown("web-c", 99, 1)).verdict is Verdict.PASS


def test_milliseconds_are_milliseconds():
    served = Series(
        {"__name__": "req_milliseconds", "pod": "web-c"},
        (),
        ((951.0, Histogram(0.0)), (999.0, Histogram(100.0, ((125.0, 250.0, 60.0), (500.0, 1000.0, 40.0))))),
    )
    result = examined(LatencyMetric("latency", "req_milliseconds", 0.25, 0.05, min_samples=50), served)
    assert (result.verdict, result.candidate) == (Verdict.FAIL, 40.0)


def test_a_bound_inside_a_bucket_is_blind_and_names_the_nearest_ones():
    result = examined(LatencyMetric("latency", "req_seconds", 0.2, 0.05), grown("web-c", 60, 40))
    assert result.verdict is Verdict.BLIND
    assert "inside a bucket" in result.why


def test_before_the_release_it_is_bad_input():
    metric = LatencyMetric("latency", "req_seconds", 0.2, 0.05)
    found = preflight.try_queries(Analysis(metrics=(metric,)), Provider(grown("web-s", 60, 40)), "shop", STABLE)
    assert [(one.level, "0.125s and 0.25s" in one.hint) for one in found] == [("input", True)]


@pytest.mark.parametrize("metric", [RatioMetric("errors", "req_seconds", "req_seconds", 0.01), QueryMetric("q", "req_seconds", max=1.0)])
def test_where_numbers_are_wanted_a_native_histogram_is_none(metric):
    result = examined(metric, grown("web-c", 60, 40))
    assert result.verdict is Verdict.BLIND
    assert "native histogram" in result.why


@pytest.mark.parametrize(("bound", "fast"), [(0.25, 60.0), (0.3, 60.0), (0.5, 60.0), (1.0, 100.0), (5.0, 100.0), (0.125, 0.0)])
def test_bounds_between_buckets_are_exact(bound: float, fast: float):
    (under,), (total,) = native_histogram.to_classic([grown("web-c", 60, 40)], bound)
    assert (under.points[-1], total.points[-1]) == ((999.0, fast), (999.0, 100.0))
    assert under.labels["le"] == repr(bound)


def test_bounds_at_whose_share_a_latency_can_be_chosen():
    whole, shares = native_histogram.fractions_above([grown("web-a", 60, 40), grown("web-b", 100, 0)])
    assert whole == 200.0
    assert shares == pytest.approx({0.125: 1.0, 0.25: 0.2, 0.5: 0.2, 1.0: 0.0})


def test_a_bound_may_miss_a_buckets_end_by_a_hair() -> None:
    """What a person writes has fewer digits than a power of two."""
    end = 0.17677669529663687
    series = Series({"pod": "a"}, (), ((2.0, Histogram(30.0, ((0.1, end, 10.0), (end, 0.2, 20.0)))),))
    for bound in (0.176776695297, end, 0.176776695296):
        ((fast,), _) = native_histogram.to_classic([series], bound)
        assert fast.points == ((2.0, 10.0),)
    with pytest.raises(InputError):
        native_histogram.to_classic([series], 0.1767)


def test_a_restart_counts_from_nothing():
    pods = Series({"pod": "a"}, (), ((1.0, Histogram(50.0, ((0.1, 0.2, 50.0),))), (2.0, Histogram(8.0, ((0.1, 0.2, 8.0),)))))
    assert native_histogram.fractions_above([pods])[0] == 8.0


def wire(kind: str, **samples: object) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": [{"metric": {"pod": "a"}, **samples}]}}).encode()


ONE = {"count": "100", "sum": "31.2", "buckets": [[0, "0.125", "0.25", "60"], [0, "0.5", "1", "40"]]}


@pytest.mark.parametrize("body", [wire("vector", histogram=[7.5, ONE]), wire("matrix", histograms=[[7.5, ONE]])])
def test_as_the_api_writes_them(body: bytes):
    (series,) = answers.parse_answer(200, body, "q").series
    assert series.points == ()
    assert series.histograms == ((7.5, Histogram(100.0, ((0.125, 0.25, 60.0), (0.5, 1.0, 40.0)))),)


@pytest.mark.parametrize(
    "sample",
    [
        {},
        {"count": 3},
        {"count": "x"},
        {"count": "1", "buckets": [[0, "1", "1", "1"]]},
        {"count": "1", "buckets": [[0, "1", "2", "-1"]]},
        [],
    ],
)
def test_what_is_no_histogram_is_an_error(sample: object):
    with pytest.raises(MetricsError, match="malformed"):
        answers.parse_answer(200, wire("matrix", histograms=[[7.5, sample]]), "q")


def test_samples_out_of_order_are_an_error():
    with pytest.raises(MetricsError, match="out of order"):
        answers.parse_answer(200, wire("matrix", histograms=[[7.5, ONE], [7.0, ONE]]), "q")


def test_an_end_in_one_sample_that_is_inside_another_is_no_bound():
    """Prometheus halves the resolution of a histogram that grows too wide."""
    fine, coarse = Histogram(10.0, ((1.0, 1.5, 10.0),)), Histogram(20.0, ((1.0, 2.0, 20.0),))
    assert set(native_histogram.fractions_above([Series({"pod": "a"}, (), ((1.0, fine), (2.0, coarse)))])[1]) == {1.0, 2.0}
    with pytest.raises(InputError, match="inside a bucket"):
        native_histogram.to_classic([Series({"pod": "a"}, (), ((2.0, coarse),))], 1.5)
