"""Which histogram times the requests, and which of its bounds is the one to watch."""

from collections.abc import Mapping

import pytest

from deliver.analysis.selectors import Selector
from deliver.discovery import latency, requests
from deliver.discovery.latency import LatencyHistogram
from deliver.discovery.requests import RequestCounter
from deliver.discovery.types import Family, Question
from deliver.plugins.interfaces import Histogram, Series


def buckets(base: str, counts: Mapping[str, float], **labels: str) -> Family:
    made = [
        Series({"__name__": f"{base}_bucket", "pod": "web-a", "le": le, **labels}, ((0.0, 0.0), (60.0, count)))
        for le, count in counts.items()
    ]
    return Family(f"{base}_bucket", tuple(made))


USUAL = {"0.05": 500.0, "0.1": 900.0, "0.25": 980.0, "1.0": 1000.0, "+Inf": 1000.0}
HTTP = buckets("http_request_duration_seconds", USUAL)


def counter(name: str = "http_requests_total", count: float = 1000.0, **labels: str) -> RequestCounter:
    seen = Family(name, (Series({"__name__": name, "pod": "web-a", "code": "200", **labels}, ((0.0, 0.0), (60.0, count))),))
    (one,) = requests.find_counters([seen], {}, "pod").counters
    return one


def chosen(*families: Family, of: RequestCounter | None = None) -> LatencyHistogram:
    one = latency.choose_histogram(latency.find_histograms(families, of), of)
    assert isinstance(one, LatencyHistogram), one
    return one


def test_the_smallest_bound_that_nearly_all_stay_under() -> None:
    timed = chosen(HTTP, of=counter())
    assert (str(timed.base), timed.count, latency.choose_bound(timed)) == ("http_request_duration_seconds", 1000, 0.25)
    assert timed.bounds == pytest.approx({0.05: 0.5, 0.1: 0.1, 0.25: 0.02, 1.0: 0.0})


def test_the_largest_one_where_all_are_slow() -> None:
    assert latency.choose_bound(chosen(buckets("http_request_duration_seconds", {"0.1": 0.0, "1.0": 100.0, "+Inf": 1000.0}))) == 1.0


def test_milliseconds_become_seconds() -> None:
    timed = chosen(buckets("istio_request_duration_milliseconds", {"5": 100.0, "250": 990.0, "+Inf": 1000.0}))
    assert latency.choose_bound(timed) == 0.25


def test_too_few_requests_choose_no_bound() -> None:
    assert latency.choose_bound(chosen(buckets("http_request_duration_seconds", {"0.1": 3.0, "+Inf": 3.0}))) is None


def test_native_histograms_have_the_bounds_that_are_exact() -> None:
    last = Histogram(100.0, ((0.125, 0.25, 97.0), (0.5, 1.0, 3.0)))
    family = Family("http_request_duration_seconds", (Series({"pod": "a"}, (), ((0.0, Histogram(0.0)), (60.0, last))),), native=True)
    timed = chosen(family)
    assert (timed.native, latency.choose_bound(timed)) == (True, 0.25)
    assert timed.bounds[0.25] == pytest.approx(0.03)


@pytest.mark.parametrize(("bounds", "chosen"), [((0.17677669529663687, 0.25), 0.25), ((0.1487, 0.17677669529663687), 0.1487)])
def test_a_bound_that_can_be_read_goes_before_one_with_many_digits(bounds: tuple[float, float], chosen: float) -> None:
    timed = LatencyHistogram(Selector("x"), dict.fromkeys(bounds, 0.01), 1000, native=True)
    assert latency.choose_bound(timed) == chosen
    odd = LatencyHistogram(Selector("x"), {0.17677669529663687: 0.01}, 1000, native=True)
    assert latency.choose_bound(odd) == 0.17677669529663687
    assert latency.bound_text(0.17677669529663687) == "176.776695296637ms"


def test_the_histogram_that_belongs_to_the_counter_goes_first() -> None:
    other = buckets("sidecar_request_duration_seconds", USUAL)
    assert chosen(other, HTTP, of=counter()).base.name == "http_request_duration_seconds"


def test_else_the_one_with_as_many_requests() -> None:
    jobs = buckets("job_duration_seconds", {"1.0": 30.0, "+Inf": 40.0})
    calls = buckets("shop_call_latency_seconds", {"1.0": 950.0, "+Inf": 1010.0})
    assert chosen(jobs, calls, of=counter("shop_calls_total")).base.name == "shop_call_latency_seconds"


def test_else_it_is_a_question() -> None:
    asked = latency.choose_histogram(
        latency.find_histograms([buckets("a_latency_seconds", USUAL), buckets("b_latency_seconds", USUAL)], None), None
    )
    assert isinstance(asked, Question)
    assert len(asked.choices) == 2


def test_what_singles_out_users_in_the_counter_does_so_here() -> None:
    slow = buckets("http_request_duration_seconds", {"0.1": 0.0, "+Inf": 500.0}, path="/metrics")
    both = Family(HTTP.name, (*buckets("http_request_duration_seconds", USUAL, path="/pay").series, *slow.series))
    seen = Family(
        "http_requests_total",
        tuple(
            Series({"__name__": "x", "pod": "a", "code": "200", "path": path}, ((0.0, 0.0), (9.0, 5.0))) for path in ("/pay", "/metrics")
        ),
    )
    (one,) = requests.find_counters([seen], {}, "pod").counters
    timed = chosen(both, of=one)
    assert (str(timed.base), timed.count) == ('http_request_duration_seconds{path!~"/metrics"}', 1000)


def test_no_histogram_is_no_choice() -> None:
    assert latency.choose_histogram((), counter()) is None


@pytest.mark.parametrize(
    ("bound", "text"), [(0.25, "250ms"), (0.0025, "2.5ms"), (1.0, "1s"), (90.0, "1m30s"), (0.0625, "62.5ms"), (2**-9, "1.953125ms")]
)
def test_bounds_as_the_file_has_them(bound: float, text: str) -> None:
    assert latency.bound_text(bound) == text
