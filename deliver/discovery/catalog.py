"""Request counters and latency histograms that are known by name, with what their names do not say."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class KnownCounter:
    name: str
    who: str  # counts
    histogram: str = ""  # base name of the one that times the same requests
    rank: int = 2  # the lowest of several is taken: a proxy also counts requests that never reached the application


COUNTERS = {
    known.name: known
    for known in (
        KnownCounter("istio_requests_total", "Istio's sidecar", "istio_request_duration_milliseconds", 0),
        KnownCounter("response_total", "Linkerd's proxy", "response_latency_ms", 0),
        KnownCounter("envoy_cluster_upstream_rq", "Envoy", "envoy_cluster_upstream_rq_time", 1),
        KnownCounter("envoy_cluster_upstream_rq_xx", "Envoy", "envoy_cluster_upstream_rq_time", 1),
        KnownCounter("envoy_http_downstream_rq_xx", "Envoy", "envoy_http_downstream_rq_time", 1),
        KnownCounter("nginx_ingress_controller_requests", "ingress-nginx", "nginx_ingress_controller_request_duration_seconds", 1),
        KnownCounter("traefik_service_requests_total", "Traefik", "traefik_service_request_duration_seconds", 1),
        KnownCounter("http_requests_total", "the application", "http_request_duration_seconds"),
        KnownCounter("http_server_requests_seconds_count", "Micrometer", "http_server_requests_seconds"),
        KnownCounter("http_server_request_duration_seconds_count", "OpenTelemetry", "http_server_request_duration_seconds"),
        KnownCounter("http_server_duration_milliseconds_count", "OpenTelemetry", "http_server_duration_milliseconds"),
        KnownCounter("http_request_duration_seconds_count", "the application", "http_request_duration_seconds", 3),
        KnownCounter("http_requests_received_total", "prometheus-net", "http_request_duration_seconds"),
        KnownCounter("flask_http_request_total", "Flask", "flask_http_request_duration_seconds"),
        KnownCounter("grpc_server_handled_total", "the gRPC server", "grpc_server_handling_seconds"),
        KnownCounter("grpc_server_call_duration_seconds_count", "the gRPC server", "grpc_server_call_duration_seconds"),
        KnownCounter("rpc_server_duration_milliseconds_count", "OpenTelemetry", "rpc_server_duration_milliseconds"),
    )
}
# Counters with a status label that count something else than what users sent: Go's own /metrics page, calls to others, the control plane.
OTHERS = re.compile(r"promhttp_|prometheus_|rest_client_|net_conntrack_|workqueue_|controller_runtime_|apiserver_|kubelet_|go_|process_")
OUTGOING = re.compile(r"client|outgoing|outbound|egress|upstream|downstream_cx")
COUNTS = re.compile(r"(request|response|call|rpc|rq|handled|hits)")
ENDS = re.compile(r"_total|_count|_requests|_responses|_rq|_rq_xx|_hits|.*:.*")
TIMES = re.compile(r"(request|response|http|grpc|rpc|server|handl|rq).*(duration|latency|time|seconds|_ms)|duration|latency")


def may_count_requests(name: str) -> bool:
    """The name may be that of a request counter; its labels and samples have to confirm it."""
    if name in COUNTERS:
        return True
    if OTHERS.match(name) or OUTGOING.search(name) or name.endswith(("_bucket", "_sum", "_created")):
        return False
    return bool(COUNTS.search(name) and re.search(f"({ENDS.pattern})$", name))


def may_time_requests(base: str) -> bool:
    """The base name may be that of a latency histogram."""
    if any(known.histogram == base for known in COUNTERS.values()):
        return True
    return not OTHERS.match(base) and not OUTGOING.search(base) and bool(TIMES.search(base))
