"""Input that only a cluster can find wrong: the exit code, what is said, and that nothing changed. More of it is in test_refusals.py."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.support import objects
from tests.e2e.support.snapshot import snapshot
from tests.e2e.support.world import World, image

Make = Callable[..., World]
WEIGHT = ("--weight", "50")
METRICS = ("--prometheus", "monitoring/prometheus:9090", "--requests", "http_requests_total", "--errors")


@pytest.fixture
def shop(world: Make) -> Iterator[World]:
    yield world(replicas=2)


def refused(shop: World, code: int, args: tuple[str, ...], *words: str) -> None:
    """By the strategy's command and by `plan` alike, with options alone."""
    before = snapshot(shop.hands)
    for command in ("canary", "plan"):
        result = shop.deliver(command, *args)
        assert result.code == code, result
        assert "Traceback" not in result.said
        for word in words:
            assert word in result.said, f"`{word}` is not in {result}"
        if command == "canary":
            assert result.err.startswith("error: ") and "\nhint: " in result.err, result
    assert snapshot(shop.hands) == before
    assert not [name for name in shop.hands.names("leases,configmaps") if name.startswith("deliver")]


def target(shop: World, name: str = "web", version: str = "1.1.0") -> tuple[str, ...]:
    return (name, "-n", shop.namespace, "--image", image(version), *WEIGHT)


def test_names_that_lead_nowhere(shop: World) -> None:
    refused(shop, 2, target(shop, "wbe"), "Deployment `wbe` does not exist", "did you mean `web`?")
    refused(shop, 2, ("web", "-n", "no-such-place", "--image", image("1.1.0"), *WEIGHT), "namespace `no-such-place` does not exist")
    refused(shop, 2, (*target(shop), "--service", "wbe"), "Service wbe does not exist", "web")
    refused(shop, 2, (*target(shop), "--container", "helper"), "no container `helper`", "web")
    refused(shop, 2, (*target(shop), "--context", "no-such-context"), "no-such-context")


def test_a_kubeconfig_that_cannot_be_read(shop: World, tmp_path: Path) -> None:
    broken = tmp_path / "broken.kubeconfig"
    broken.write_text("clusters: [")
    refused(shop, 2, (*target(shop), "--kubeconfig", str(broken)), "broken.kubeconfig")
    refused(shop, 2, (*target(shop), "--kubeconfig", str(tmp_path)), str(tmp_path))


def test_queries_that_cannot_be_judged(shop: World) -> None:
    refused(shop, 2, (*target(shop), *METRICS, "http_requests_total{code=~"), "errors")
    refused(shop, 2, (*target(shop), *METRICS[:2], "--requests", "no_such_total", "--errors", 'no_such_total{code="500"}'), "no_such_total")


def test_a_paused_deployment(shop: World) -> None:
    shop.hands.patch("deployment", "web", {"spec": {"paused": True}})
    refused(shop, 9, target(shop), "Deployment web is paused", "kubectl rollout resume")


def test_a_deployment_without_pods(shop: World) -> None:
    shop.hands.scale("web", 0)
    shop.rolled_out()
    refused(shop, 9, target(shop), "scaled to 0")


def test_the_image_that_runs_already(shop: World) -> None:
    refused(shop, 11, target(shop, version="1.0.0"), f"runs {image('1.0.0')} already")


def test_a_service_that_selects_another_workload_too(shop: World) -> None:
    shop.hands.apply(objects.deployment(image("1.0.0"), 1, name="cousin", labels={"app": "web", "tier": "cousin"}))
    shop.rolled_out("cousin")
    refused(shop, 9, target(shop), "Service web also selects pods of other workloads: cousin-")
