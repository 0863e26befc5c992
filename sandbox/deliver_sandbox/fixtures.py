"""Ready-made worlds for tests and demos."""

from collections.abc import Mapping, Sequence
from typing import Any

from deliver.model.objects import Object
from deliver_sandbox.api import Write
from deliver_sandbox.clock import Clock
from deliver_sandbox.controllers.kubelet import Node
from deliver_sandbox.images import Behaviour, Registry
from deliver_sandbox.world import World

IMAGE = "registry/web:1.0.0"
_USER = Write(manager="kubectl-client-side-apply")


def deployment(name: str = "web", image: str = IMAGE, replicas: int = 4, env: Mapping[str, str] | None = None, **spec: Any) -> Object:
    """A plain Deployment with one container, a port and a readiness probe each second."""
    container: Object = {
        "name": name,
        "image": image,
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
    }
    if env:
        container["env"] = [{"name": key, "value": value} for key, value in env.items()]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template, **spec},
    }


def service(name: str = "web", app: str = "web") -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": {"app": app}, "ports": ports}}


def autoscaler(name: str, low: int, high: int) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    spec = {"scaleTargetRef": target, "minReplicas": low, "maxReplicas": high}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": spec}


def world(
    replicas: int = 4,
    images: Mapping[str, Behaviour] | None = None,
    services: Sequence[str] = ("web",),
    rps: float = 100.0,
    hpa: bool = False,
    seed: int = 1,
    *,
    fresh: float = 0.5,
    scrape: float = 5.0,
    clock: Clock | None = None,
    env: Mapping[str, str] | None = None,
) -> World:
    """Namespace shop with Deployment web on registry/web:1.0.0, its Services, all pods ready and under load.

    images: reference -> behaviour; tags of tests/lab's images (1.1.0, 2.0.0-errors, ...) are known without it.
    rps: requests a second in all, `fresh` of them on new connections. scrape: seconds between
    scrapes. hpa: an autoscaler with minReplicas 1 (the load needs `replicas`).
    """
    nodes = [Node(f"node-{i + 1}", f"198.51.100.{i + 2}") for i in range(1 + replicas * 3 // 110)]
    made = World(seed, clock=clock, images=Registry(dict(images or {})), nodes=nodes, services=tuple(services), fresh=fresh)
    made.api.create("namespaces", "", {"metadata": {"name": "shop"}})
    made.api.create("deployments", "shop", deployment(replicas=replicas, env=env), _USER)
    for name in services:
        made.api.create("services", "shop", service(name), _USER)
    if hpa:
        made.load["shop", "web"] = float(replicas)
        made.api.create("horizontalpodautoscalers", "shop", autoscaler("web", 1, max(10, replicas * 2)), _USER)
    made.clock.wait(30.0, lambda: settled(made, replicas, services))
    made.clock.wait(1.0)
    made.traffic.set(rps=rps)
    made.traffic.scrape_every(scrape)
    return made


def settled(made: World, replicas: int, services: Sequence[str]) -> bool:
    """All pods are ready and every Service has them as endpoints."""
    status = made.api.get("deployments", "shop", "web")["status"]
    if status.get("availableReplicas", 0) != replicas or status.get("observedGeneration", 0) < 1:
        return False
    slices = made.api.list("endpointslices", "shop")
    ready = sum(end["conditions"]["ready"] for item in slices for end in item["endpoints"] or ())
    return bool(ready == replicas * len(services))


def with_prometheus(made: World) -> World:
    """Gives the world the Service monitoring/prometheus:9090, which the HTTP door answers as a Prometheus does."""
    made.api.create("namespaces", "", {"metadata": {"name": "monitoring"}})
    ports = [{"name": "http", "port": 9090, "targetPort": 9090}]
    body = {"metadata": {"name": "prometheus"}, "spec": {"selector": {"app": "prometheus"}, "ports": ports}}
    made.api.create("services", "monitoring", body, _USER)
    return made
