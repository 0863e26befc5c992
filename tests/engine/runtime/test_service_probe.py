"""Which port of a Service leads to the port that a health check names, and what is done where none does."""

from types import SimpleNamespace
from typing import Any

import pytest

from deliver.cluster.port import Access
from deliver.engine.core.cutover import probe_rate
from deliver.engine.runtime import service_probe
from deliver.model.spec import PluginSpec, ReleaseSpec
from tests.engine.blue_green import HTTP, spec
from tests.engine.rig import Rig

RELEASE: Any = SimpleNamespace(
    snapshot=SimpleNamespace(
        template={"spec": {"containers": [{"name": "web", "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 9102}]}]}}
    )
)


@pytest.mark.parametrize(
    ("port", "wanted"),
    [
        ({"name": "http", "port": 80, "targetPort": "http"}, "http"),
        ({"name": "http", "port": 80, "targetPort": 8080}, "http"),
        ({"port": 80, "targetPort": 8080}, 80),
        ({"port": 8080}, 8080),
        ({"name": "metrics", "port": 9102, "targetPort": 9102}, None),
        ({"name": "other", "port": 80, "targetPort": "nobody"}, None),
    ],
)
def test_the_port_is_found_by_number_and_by_name(port: dict[str, Any], wanted: object):
    assert service_probe.port_of({"spec": {"ports": [port]}}, 8080, RELEASE) == wanted


def test_of_several_ports_the_one_that_leads_there():
    ports = [{"name": "metrics", "port": 9102, "targetPort": 9102}, {"name": "http", "port": 80, "targetPort": "http"}]
    assert service_probe.port_of({"spec": {"ports": ports}}, 8080, RELEASE) == "http"


def askers(wanted: ReleaseSpec) -> tuple[Rig, tuple[service_probe.ServiceProbe, ...]]:
    rig = Rig.make(services=("web", "web-admin"))
    return rig, service_probe.service_probes(rig.world.cluster, rig.propose(wanted).release)


def test_each_service_is_asked_where_a_check_tells_how():
    assert [name for name, _ in askers(spec(health=(HTTP,)))[1]] == ["Service web", "Service web-admin"]
    assert [name for name, _ in askers(spec(load_port=8080))[1]] == ["Service web", "Service web-admin"]


@pytest.mark.parametrize("health", [(), (PluginSpec("tcp", {"port": 8080}),)])
def test_nobody_is_asked_where_nothing_tells_how(health: tuple[PluginSpec, ...]):
    assert askers(spec(health=health))[1] == ()


def test_a_service_without_such_a_port_says_so():
    _, found = askers(spec(health=(PluginSpec("http", {"port": 9999, "path": "/"}),)))
    probe = found[0][1](1.0)
    assert probe.ok is None
    assert probe.message == "Service web has no port that leads to port 9999 of the pods"


def test_a_service_that_is_gone_says_so():
    rig, found = askers(spec(health=(HTTP,)))
    rig.remove("services", "web")
    assert found[0][1](1.0).ok is None


def test_one_that_cannot_be_reached_is_not_judged(monkeypatch):
    rig, found = askers(spec(health=(HTTP,)))
    monkeypatch.setattr(rig.world.cluster, "proxy", lambda *where: Access("http://127.0.0.1:9", dict), raising=False)
    assert found[0][1](1.0).ok is None


@pytest.mark.parametrize(
    ("probes", "rate"),
    [
        ({}, 0.1),
        ({"readinessProbe": {"httpGet": {}, "periodSeconds": 1}}, 1.3),
        ({"readinessProbe": {"httpGet": {}}, "livenessProbe": {"httpGet": {}, "periodSeconds": 5}}, 0.46),
        ({"readinessProbe": {"tcpSocket": {}}}, 0.1),
    ],
)
def test_what_the_kubelets_probes_may_make_of_a_pods_counters(probes: dict[str, Any], rate: float):
    assert probe_rate({"spec": {"containers": [{"name": "web"} | probes]}}, "web") == pytest.approx(rate)
