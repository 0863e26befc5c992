"""Request counters and latency histograms that are known by name, with what their names do not say."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """who: counts. histogram: of the same requests, its base name. rank: of two that count the same requests the lower one is taken,
    because it also sees those that never reached the application.
    """

    name: str
    who: str
    histogram: str = ""
    rank: int = 2


COUNTERS = {
    known.name: known
    for known in (
        Known("istio_requests_total", "Istio's sidecar", "istio_request_duration_milliseconds", 0),
        Known("response_total", "Linkerd's proxy", "response_latency_ms", 0),
        Known("envoy_cluster_upstream_rq", "Envoy", "envoy_cluster_upstream_rq_time", 1),
        Known("envoy_cluster_upstream_rq_xx", "Envoy", "envoy_cluster_upstream_rq_time", 1),
        Known("envoy_http_downstream_rq_xx", "Envoy", "envoy_http_downstream_rq_time", 1),
        Known("nginx_ingress_controller_requests", "ingress-nginx", "nginx_ingress_controller_request_duration_seconds", 1),
        Known("traefik_service_requests_total", "Traefik", "traefik_service_request_duration_seconds", 1),
        Known("http_requests_total", "the application", "http_request_duration_seconds"),
        Known("http_server_requests_seconds_count", "Micrometer", "http_server_requests_seconds"),
        Known("http_server_request_duration_seconds_count", "OpenTelemetry", "http_server_request_duration_seconds"),
        Known("http_server_duration_milliseconds_count", "OpenTelemetry", "http_server_duration_milliseconds"),
        Known("http_request_duration_seconds_count", "the application", "http_request_duration_seconds", 3),
        Known("http_requests_received_total", "prometheus-net", "http_request_duration_seconds"),
        Known("flask_http_request_total", "Flask", "flask_http_request_duration_seconds"),
        Known("grpc_server_handled_total", "the gRPC server", "grpc_server_handling_seconds"),
        Known("grpc_server_call_duration_seconds_count", "the gRPC server", "grpc_server_call_duration_seconds"),
        Known("rpc_server_duration_milliseconds_count", "OpenTelemetry", "rpc_server_duration_milliseconds"),
    )
}
# Counters with a status label that count something else than what users sent: Go's own /metrics page, calls to others, the control plane.
OTHERS = re.compile(r"promhttp_|prometheus_|rest_client_|net_conntrack_|workqueue_|controller_runtime_|apiserver_|kubelet_|go_|process_")
OUTGOING = re.compile(r"client|outgoing|outbound|egress|upstream|downstream_cx")
COUNTS = re.compile(r"(request|response|call|rpc|rq|handled|hits)")
ENDS = re.compile(r"_total|_count|_requests|_responses|_rq|_rq_xx|_hits|.*:.*")
TIMES = re.compile(r"(request|response|http|grpc|rpc|server|handl|rq).*(duration|latency|time|seconds|_ms)|duration|latency")


def may_count(name: str) -> bool:
    """A request counter by its name. What of it is one, its labels have to say."""
    if name in COUNTERS:
        return True
    if OTHERS.match(name) or OUTGOING.search(name) or name.endswith(("_bucket", "_sum", "_created")):
        return False
    return bool(COUNTS.search(name) and re.search(f"({ENDS.pattern})$", name))


def may_time(base: str) -> bool:
    """A latency histogram by its base name."""
    if any(known.histogram == base for known in COUNTERS.values()):
        return True
    return not OTHERS.match(base) and not OUTGOING.search(base) and bool(TIMES.search(base))
