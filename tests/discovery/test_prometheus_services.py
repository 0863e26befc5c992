"""Prometheus in the cluster: what is taken for one, at which port and path, and which of several."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from deliver.cluster.port import KINDS
from deliver.discovery import prometheus, prometheus_services
from deliver.discovery.prometheus_services import Place
from deliver.discovery.types import Question
from deliver.model.errors import Forbidden, NotFound
from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import Answer, MetricsError, Series

PODS = (PodSeen("web-a", "u1", ready=True, since=10.0),)


def service(name: str, labels: Mapping[str, str] = {}, ports: Sequence[tuple[str, int]] = (("http", 9090),), **spec: Any) -> dict[str, Any]:
    listed = [{"name": port, "port": number} for port, number in ports]
    return {"metadata": {"name": name, "namespace": "monitoring", "labels": dict(labels)}, "spec": {"ports": listed, **spec}}


def app(name: str, component: str = "") -> dict[str, str]:
    return {"app.kubernetes.io/name": name, **({"app.kubernetes.io/component": component} if component else {})}


@pytest.mark.parametrize(
    ("found", "address", "what"),
    [
        (service("prometheus"), "monitoring/prometheus:9090", "Prometheus"),
        (service("mon", app("prometheus", "server"), [("http", 80)]), "monitoring/mon:80", "Prometheus"),
        (
            service("kps-prometheus", {"app": "kube-prometheus-stack-prometheus"}, [("http-web", 9090), ("reloader-web", 8080)]),
            "monitoring/kps-prometheus:9090",
            "Prometheus",
        ),
        (
            service("prometheus-operated", {"operated-prometheus": "true"}, [("web", 9090)]),
            "monitoring/prometheus-operated:9090",
            "Prometheus",
        ),
        (service("q", app("thanos", "query"), [("grpc", 10901), ("http", 9090)]), "monitoring/q:9090", "Thanos"),
        (service("mimir-gateway", app("mimir", "gateway"), [("http-metrics", 80)]), "monitoring/mimir-gateway:80/prometheus", "Mimir"),
        (service("cortex-nginx", app("cortex", "nginx"), [("http-metrics", 80)]), "monitoring/cortex-nginx:80/prometheus", "Cortex"),
        (service("vm", app("vmsingle"), [("http", 8428)]), "monitoring/vm:8428", "VictoriaMetrics"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_one_and_how_it_is_addressed(found: dict[str, Any], address: str, what: str) -> None:
    (place,) = prometheus_services.find_places([found])
    assert (place.address, place.what) == (address, what)


@pytest.mark.parametrize(
    "found",
    [
        service("web"),
        service("prometheus-alertmanager", app("prometheus", "alertmanager")),
        service("prometheus-node-exporter", app("prometheus")),
        service("prometheus", app("prometheus", "pushgateway")),
        service("mimir-ingester", app("mimir", "ingester")),
        service("mimir-query-frontend-headless", app("mimir", "query-frontend")),
        service("thanos-storegateway", app("thanos", "storegateway")),
        service("prometheus", type="ExternalName"),
        service("prometheus", ports=[("a", 1), ("b", 2)]),
        service("prometheus", ports=[]),
    ],
    ids=lambda value: value["metadata"]["name"],
)
def test_what_is_none(found: dict[str, Any]) -> None:
    assert prometheus_services.find_places([found]) == []


def test_the_one_near_the_pods_goes_before_a_store_of_many_clusters_and_before_its_headless_twin() -> None:
    twin = service("prometheus-operated", {"operated-prometheus": "true"}, [("web", 9090)], clusterIP="None")
    found = prometheus_services.find_places(
        [service("mimir", app("mimir", "gateway")), service("thanos-query"), twin, service("prometheus-k8s")]
    )
    assert [place.what for place in found] == ["Prometheus", "Prometheus", "Thanos", "Mimir"]
    assert found[0].service == "monitoring/prometheus-k8s:9090"


def test_a_prefix_is_known_from_the_operators_resource() -> None:
    operated = [{"metadata": {"name": "k8s", "namespace": "monitoring"}, "spec": {"routePrefix": "/prom"}}]
    (place,) = prometheus_services.find_places([service("prometheus-k8s")], operated)
    assert place.options == {"service": "monitoring/prometheus-k8s:9090", "path": "/prom"}


class Cluster:
    def __init__(self, services: Sequence[dict[str, Any]] = (), refuse: type[Exception] | None = None) -> None:
        self.services, self.refuse = services, refuse
        self.asked: list[tuple[str, str]] = []

    def list(self, kind: str, namespace: str, **more: Any) -> list[Any]:
        self.asked.append((kind, namespace))
        if kind == "prometheuses":
            raise NotFound("the server has no such resource")
        if self.refuse:
            raise self.refuse("services in all namespaces: not allowed")
        return [*self.services]


class Provider:
    """Knows series of the pods by these names; a text instead is what it fails with."""

    def __init__(self, knows: Sequence[str] | str) -> None:
        self.knows = knows

    def value(self, query: str, timeout: float) -> Answer:
        if isinstance(self.knows, str):
            raise MetricsError(self.knows)
        return Answer(query, tuple(Series({"__name__": name}, ((1.0, 1.0),)) for name in self.knows))

    def now(self, timeout: float) -> float:
        return 1.0


def locate(cluster: Cluster, knows: Mapping[str, Sequence[str] | str], choose: int | None = None) -> prometheus.PrometheusSearch:
    def ask(question: Question) -> Any:
        assert choose is not None, question
        return question.choices[choose].value

    def provide(options: Mapping[str, Any]) -> Any:
        return Provider(knows.get(options["service"].partition("/")[2].partition(":")[0], ()))

    return prometheus.locate(cluster, "shop", PODS, provide, ask)  # type: ignore[arg-type]  # lists alone


def test_the_one_that_knows_the_pods_is_taken() -> None:
    found = locate(Cluster([service("prometheus"), service("thanos-query")]), {"thanos-query": ("up",)})
    assert found.place == Place("monitoring/thanos-query:9090", "Thanos", "", 6, "its name")
    assert "found by its name) knows the pods" in found.notes[0]


def test_with_the_same_series_in_two_the_nearer_one_is_taken_and_the_other_named() -> None:
    found = locate(Cluster([service("prometheus"), service("thanos-query")]), {"prometheus": ("up",), "thanos-query": ("up",)})
    assert found.place is not None
    assert found.place.service == "monitoring/prometheus:9090"
    assert "the same series are at monitoring/thanos-query:9090" in found.notes[0]


def test_with_different_series_somebody_has_to_choose() -> None:
    cluster = Cluster([service("prometheus"), service("prometheus-k8s")])
    knows = {"prometheus": ("up",), "prometheus-k8s": ("up", "http_requests_total")}
    for choice, name in enumerate(("prometheus-k8s", "prometheus")):
        place = locate(cluster, knows, choose=choice).place
        assert place is not None
        assert place.service == f"monitoring/{name}:9090"


def test_one_that_knows_nothing_of_the_pods_is_said_so() -> None:
    found = locate(Cluster([service("prometheus")]), {})
    assert (found.place, found.notes) == (None, ("Prometheus: monitoring/prometheus:9090: has no series of these pods",))


def test_one_that_wants_a_tenant_is_said_so() -> None:
    (line,) = locate(Cluster([service("mimir", app("mimir", "gateway"))]), {"mimir": "answered 401: no org id"}).notes
    assert "it wants a tenant: --prometheus-header X-Scope-OrgID=NAME" in line


def test_none_at_all() -> None:
    assert locate(Cluster([service("web")]), {}).notes == ("Prometheus: none found in the cluster",)


def test_without_the_right_to_look_the_usual_addresses_are_asked() -> None:
    found = locate(Cluster(refuse=Forbidden), {"prometheus-server": ("up",)})
    assert found.place is not None
    assert found.place.service == "monitoring/prometheus-server:80"
    assert found.notes[0] == "Prometheus: no right to list Services of all namespaces; asked at usual addresses"


def test_without_the_right_to_look_and_with_none_there() -> None:
    found = locate(Cluster(refuse=Forbidden), {})
    assert found.place is None
    assert found.notes[-1] == "Prometheus: none of them answers"


def test_the_role_for_discovery_grants_what_is_asked_for_and_nothing_more() -> None:
    cluster = Cluster([service("prometheus")])
    locate(cluster, {"prometheus": ("up",)})
    rules = yaml.safe_load((Path(__file__).parents[2] / "deploy/rbac/discovery.yaml").read_text())["rules"]
    granted = {(verb, group, kind) for rule in rules for verb in rule["verbs"] for group in rule["apiGroups"] for kind in rule["resources"]}
    assert granted == {("list", KINDS[kind][0].rpartition("/")[0], kind) for kind, _ in cluster.asked}
    assert {namespace for _, namespace in cluster.asked} == {""}
