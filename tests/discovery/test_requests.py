"""Which counter counts the requests that users send: by its series, not by its name alone."""

from collections.abc import Mapping

import pytest

from deliver.discovery import requests
from deliver.discovery.catalog import may_count_requests, may_time_requests
from deliver.discovery.requests import RequestCounter
from deliver.discovery.types import Family, Question
from deliver.plugins.interfaces import Histogram, Series

NO_RESTARTS: Mapping[str, int] = {}


def family(name: str, *series: tuple[dict[str, str], float], start: float = 0.0) -> Family:
    """Each series grows by that much in a minute."""
    made = [
        Series({"__name__": name, "namespace": "shop", "pod": "web-a", **labels}, ((0.0, start), (60.0, start + by)))
        for labels, by in series
    ]
    return Family(name, tuple(made))


def http(name: str = "http_requests_total", label: str = "code", good: float = 990.0, bad: float = 10.0) -> Family:
    return family(name, ({label: "200"}, good), ({label: "500"}, bad))


def chosen(*families: Family, probed: tuple[str, ...] = ()) -> RequestCounter:
    one = requests.choose_counter(requests.find_counters(families, NO_RESTARTS, "pod", probed).counters)
    assert isinstance(one, RequestCounter), one
    return one


@pytest.mark.parametrize(
    ("found", "bad"),
    [
        (http(), 'http_requests_total{code=~"5.."}'),
        (http("http_server_requests_seconds_count", "status"), 'http_server_requests_seconds_count{status=~"5.."}'),
        (
            http("http_server_request_duration_seconds_count", "http_response_status_code"),
            'http_server_request_duration_seconds_count{http_response_status_code=~"5.."}',
        ),
        (
            family("istio_requests_total", ({"reporter": "destination", "response_code": "200"}, 9.0), ({"reporter": "source"}, 7.0)),
            'istio_requests_total{reporter="destination",response_code=~"5.."}',
        ),
        (http("nginx_ingress_controller_requests", "status"), 'nginx_ingress_controller_requests{status=~"5.."}'),
        (
            family("envoy_cluster_upstream_rq_xx", ({"envoy_cluster_name": "inbound|8080||", "envoy_response_code_class": "2"}, 9.0)),
            'envoy_cluster_upstream_rq_xx{envoy_cluster_name="inbound|8080||",envoy_response_code_class="5"}',
        ),
        (
            family("grpc_server_handled_total", ({"grpc_code": "OK"}, 9.0), ({"grpc_code": "NotFound"}, 1.0)),
            'grpc_server_handled_total{grpc_code=~"Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"}',
        ),
        (
            family("rpc_server_duration_milliseconds_count", ({"rpc_grpc_status_code": "0"}, 9.0)),
            'rpc_server_duration_milliseconds_count{rpc_grpc_status_code=~"2|4|12|13|14|15"}',
        ),
        (
            family(
                "response_total",
                ({"direction": "inbound", "classification": "success", "status_code": "200"}, 9.0),
                ({"direction": "outbound", "classification": "failure"}, 3.0),
            ),
            'response_total{direction="inbound",classification="failure"}',
        ),
        (http("shop_api_calls_total", "http_code"), 'shop_api_calls_total{http_code=~"5.."}'),
        (family("orders_requests_total", ({"status": "2xx"}, 9.0), ({"status": "5xx"}, 1.0)), 'orders_requests_total{status="5xx"}'),
        (
            family("rpc_handled_total", ({"result": "OK"}, 9.0), ({"result": "DEADLINE_EXCEEDED"}, 1.0)),
            'rpc_handled_total{result=~"UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"}',
        ),
        (http("shop:http_requests:sum"), 'shop:http_requests:sum{code=~"5.."}'),
    ],
    ids=lambda value: value.name if isinstance(value, Family) else "",
)
def test_what_is_bad(found: Family, bad: str) -> None:
    assert chosen(found).bad == bad


def test_only_what_comes_in_is_counted() -> None:
    sidecar = family(
        "istio_requests_total",
        ({"reporter": "destination", "response_code": "200"}, 100.0),
        ({"reporter": "destination", "response_code": "500"}, 4.0),
        ({"reporter": "source", "response_code": "500"}, 900.0),
    )
    one = chosen(sidecar)
    assert (one.total, one.requests, one.failed) == ('istio_requests_total{reporter="destination"}', 104, 4)


def test_what_the_pods_send_to_others_is_no_users_request() -> None:
    found = requests.find_counters(
        [family("istio_requests_total", ({"reporter": "source", "response_code": "200"}, 9.0))], NO_RESTARTS, "pod"
    )
    assert found.counters == ()
    assert found.rejected == {"istio_requests_total": "counts only what the pods send to others"}


def test_probes_and_scrapes_are_no_users() -> None:
    seen = family(
        "http_requests_total",
        ({"code": "200", "path": "/pay"}, 50.0),
        ({"code": "200", "path": "/up"}, 60.0),
        ({"code": "200", "path": "/metrics"}, 4.0),
    )
    one = chosen(seen, probed=("/up",))
    assert (one.total, one.requests) == ('http_requests_total{path!~"/metrics|/up"}', 50)


def test_where_nothing_but_probes_came_they_stay() -> None:
    assert chosen(family("http_requests_total", ({"code": "200", "path": "/healthz"}, 9.0))).total == "http_requests_total"


@pytest.mark.parametrize(
    ("series", "why"),
    [
        ([({"shard": "a"}, 9.0)], "has no label whose values look like a status"),
        ([({"code": "user-12"}, 9.0)], "has no label whose values look like a status"),
        ([({"shard": "200"}, 9.0)], "has no label whose values look like a status"),
        ([({"code": "200"}, -5.0)], "falls without a restart: a gauge, not a counter"),
        ([({"code": "200"}, 0.5)], "has fractions: not a count of requests"),
    ],
)
def test_what_only_looks_like_one_by_its_name(series: list[tuple[dict[str, str], float]], why: str) -> None:
    found = requests.find_counters([family("http_requests_total", *series, start=10.0)], NO_RESTARTS, "pod")
    assert found.counters == ()
    assert found.rejected == {"http_requests_total": why}


def test_a_fall_in_a_pod_that_restarted_is_no_gauge() -> None:
    found = requests.find_counters([family("http_requests_total", ({"code": "200"}, -5.0), start=10.0)], {"web-a": 1}, "pod")
    assert len(found.counters) == 1


def test_native_histograms_are_no_counters() -> None:
    native = Family("http_server_requests_seconds", (Series({"status": "200"}, (), ((1.0, Histogram(3.0)),)),), native=True)
    assert requests.find_counters([native], NO_RESTARTS, "pod").counters == ()


def test_no_counter_is_no_choice() -> None:
    assert requests.choose_counter(()) is None


def test_one_with_traffic_goes_before_one_without() -> None:
    idle = family("grpc_server_handled_total", ({"grpc_code": "OK"}, 0.0))
    assert chosen(http(), idle).selector.name == "http_requests_total"


def test_a_known_name_goes_before_one_that_looks_alike() -> None:
    assert chosen(http(), http("shop_calls_total", good=5000.0)).selector.name == "http_requests_total"


def test_of_two_that_count_the_same_requests_the_one_nearer_to_the_user_is_taken() -> None:
    mesh = family("istio_requests_total", ({"reporter": "destination", "response_code": "200"}, 1000.0))
    assert chosen(http(), mesh).selector.name == "istio_requests_total"


def test_two_that_count_the_same_requests_in_the_same_place_are_no_question() -> None:
    assert chosen(http(), http("http_server_requests_seconds_count", "status")).requests == 1000


def test_two_that_count_different_requests_are_a_question_with_both_as_its_choices() -> None:
    rpc = family("grpc_server_handled_total", ({"grpc_code": "OK"}, 300.0))
    asked = requests.choose_counter(requests.find_counters([http(), rpc], NO_RESTARTS, "pod").counters)
    assert isinstance(asked, Question)
    assert [choice.value.selector.name for choice in asked.choices] == ["grpc_server_handled_total", "http_requests_total"]
    assert "1000 requests in 60 s, 10 bad; counted by the application" in asked.choices[1].text
    assert asked.choices[1].how == """--requests 'http_requests_total' --errors 'http_requests_total{code=~"5.."}'"""


def test_clusters_of_envoy_are_a_question_where_none_is_inbound() -> None:
    labels = [{"envoy_cluster_name": name, "envoy_response_code": "200"} for name in ("app", "admin", "orders")]
    asked = requests.choose_counter(
        requests.find_counters([family("envoy_cluster_upstream_rq", *((one, 50.0) for one in labels))], NO_RESTARTS, "pod").counters
    )
    assert isinstance(asked, Question)
    assert len(asked.choices) == 2


def test_two_labels_that_both_look_like_a_status_are_a_question() -> None:
    unclear = family("shop_requests_total", ({"final_code": "200", "first_code": "503"}, 9.0))
    assert isinstance(requests.choose_counter(requests.find_counters([unclear], NO_RESTARTS, "pod").counters), Question)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("http_requests_total", True),
        ("shop_http_requests_total", True),
        ("http_response_count", True),
        ("promhttp_metric_handler_requests_total", False),
        ("rest_client_requests_total", False),
        ("http_client_requests_seconds_count", False),
        ("http_request_duration_seconds_bucket", False),
        ("go_memstats_mallocs_total", False),
        ("process_cpu_seconds_total", False),
    ],
)
def test_names_that_are_looked_at(name: str, counts: bool) -> None:
    assert may_count_requests(name) is counts


@pytest.mark.parametrize(
    ("base", "times"),
    [("http_request_duration_seconds", True), ("shop_latency", True), ("http_client_duration", False), ("go_gc_pauses", False)],
)
def test_histograms_that_are_looked_at(base: str, times: bool) -> None:  # fmt: skip
    assert may_time_requests(base) is times
