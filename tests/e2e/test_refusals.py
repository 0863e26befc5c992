"""What a release is refused for, with words a person can act on, and nothing changed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.support import objects
from tests.e2e.support.snapshot import snapshot
from tests.e2e.support.world import ERRORS, World, image

Make = Callable[..., World]
OFF: dict[str, Any] = {"prometheus": None, "metrics": []}
HALF = {"canary": {"weight": [50], "bake": "3s"}}


@pytest.fixture
def shop(world: Make) -> Iterator[World]:
    yield world(replicas=2)


def unavailable(shop: World) -> int:
    return int(shop.hands.get("deployment", "web")["status"].get("unavailableReplicas", 0))


def refused(shop: World, code: int, *words: str, args: tuple[str, ...] = (), **spec: Any) -> None:
    """`run` and `plan` say the same, and leave everything as it stands."""
    before = snapshot(shop.hands)
    shop.file(spec.pop("version", "1.1.0"), **({"strategy": HALF, "analysis": OFF} | spec))
    result = shop.deliver("run", *args)
    assert result.code == code, result
    for word in words:
        assert word in result.err, f"`{word}` is not in {result}"
    assert "Traceback" not in result.said
    assert snapshot(shop.hands) == before
    assert not [name for name in shop.hands.names("leases,configmaps") if name.startswith("deliver")]


def test_a_statefulset(shop: World) -> None:
    one = objects.deployment(image("1.0.0"), 1, name="db", labels={"app": "db"})
    one["kind"] = "StatefulSet"
    one["spec"]["serviceName"] = "db"
    shop.hands.apply(one)
    refused(shop, 2, "StatefulSet", target={"deployment": "db", "namespace": shop.namespace})


def test_several_containers_and_none_named(shop: World) -> None:
    both = objects.deployment(image("1.0.0"), 1, name="pair", labels={"app": "pair"})
    both["spec"]["template"]["spec"]["containers"].append(
        {"name": "helper", "image": image("1.0.0"), "env": [{"name": "PORT", "value": "8081"}]}
    )
    both["spec"]["paused"] = False
    shop.hands.apply(both, objects.service("pair", {"app": "pair"}))
    shop.rolled_out("pair")
    refused(shop, 2, "web", "helper", "container", target={"deployment": "pair", "namespace": shop.namespace})


def test_no_service(shop: World) -> None:
    shop.hands.delete("service/web")
    refused(shop, 9, "no Service", "app=web")


def test_a_service_without_a_selector(shop: World) -> None:
    shop.hands.apply({**objects.service("bare"), "spec": {"ports": [{"port": 80}]}})
    refused(shop, 9, "bare", "selector", target={"deployment": "web", "namespace": shop.namespace, "service": "bare"})


def test_addresses_that_are_published_before_they_are_ready(shop: World) -> None:
    shop.hands.apply(objects.service("early", publishNotReadyAddresses=True))
    refused(shop, 9, "early", "publishNotReadyAddresses")


def test_a_service_that_selects_another_workload_too(shop: World) -> None:
    shop.hands.apply(objects.deployment(image("1.0.0"), 1, name="cousin", labels={"app": "web", "tier": "cousin"}))
    shop.rolled_out("cousin")
    refused(shop, 9, "cousin-")


def test_session_affinity_unless_it_is_allowed(shop: World) -> None:
    shop.hands.patch("service", "web", {"spec": {"sessionAffinity": "ClientIP"}})
    refused(shop, 9, "sessionAffinity", "--allow-affinity")
    shop.file("1.1.0", strategy=HALF, analysis=OFF)
    assert shop.deliver("run", "--allow-affinity").code == 0


def test_a_rolling_update_under_way(shop: World) -> None:
    shop.hands.set_image("web", image("2.0.0-unready"))
    refused(shop, 9, "web")


def test_a_stable_side_that_is_not_fully_available(shop: World) -> None:
    shop.chaos("1.0.0", "healthy=false")
    shop.eventually("both pods are unready", lambda: unavailable(shop) == 2, 20)
    refused(shop, 9, "not fully available", "0 of 2")


def test_a_quota_with_no_room_for_the_extra_pods(world: Make) -> None:
    shop = world(replicas=2, extra=[objects.quota(pods=3)])
    refused(shop, 9, "quota", "pods")


def test_a_weight_that_these_pods_cannot_give(world: Make) -> None:
    shop = world(replicas=1)
    refused(shop, 2, "10", "50", "--surge", strategy={"canary": {"weight": [10], "bake": "3s", "surge": 0}})


def test_the_image_that_runs_already(shop: World) -> None:
    before = snapshot(shop.hands)
    shop.file("1.0.0", strategy=HALF, analysis=OFF)
    result = shop.deliver("run")
    assert result.code == 11, result
    assert f"runs {image('1.0.0')} already" in result.err
    assert snapshot(shop.hands) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": {"deployment": "nobody", "namespace": None}}, ("nobody", "web")),
        ({"target": {"deployment": "web", "namespace": "no-such-place"}}, ("no-such-place",)),
        ({"target": {"deployment": "web", "namespace": None, "service": "no-such-service"}}, ("no-such-service", "web")),
        ({"analysis": {"metrics": [ERRORS | {"bad": "http_requests_total{code=~"}]}}, ("errors",)),
        ({"analysis": {"metrics": [ERRORS | {"total": "no_such_metric_total"}]}}, ("no_such_metric_total",)),
    ],
    ids=["Deployment", "namespace", "Service", "broken PromQL", "a metric that matches nothing"],
)
def test_what_does_not_exist_is_bad_input(shop: World, change: dict[str, Any], words: tuple[str, ...]) -> None:
    change = {key: dict(value) for key, value in change.items()}
    if "target" in change and change["target"]["namespace"] is None:
        change["target"]["namespace"] = shop.namespace
    metrics = {"analysis": {"prometheus": {"service": "monitoring/prometheus:9090"}, **change["analysis"]}} if "analysis" in change else {}
    refused(shop, 2, *words, **(change | metrics))


@pytest.mark.parametrize("args", [("--context", "no-such-context"), ("--kubeconfig", "/no/such/kubeconfig")])
def test_a_kubeconfig_that_leads_nowhere_is_bad_input(shop: World, args: tuple[str, str]) -> None:
    refused(shop, 2, args[1], args=args)
