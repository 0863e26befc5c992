"""Workload: the Deployment of a release with its stable pods, its Services and its probes, as the cluster has them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deliver.cluster.port import Cluster, Watch
from deliver.discovery.types import Ask, Choice, DiscoveredEntry, Question
from deliver.engine.preflight.deployment import find_autoscaler, find_deployment
from deliver.engine.preflight.places import containers_of
from deliver.engine.runtime.observer import SnapshotFeed, label_selector
from deliver.engine.runtime.pod_facts import arm, owner
from deliver.model.errors import InputError
from deliver.model.names import HASH
from deliver.model.objects import Object
from deliver.model.observation import PodSeen
from deliver.model.spec import Facts, Target
from deliver.plugins import registry


@dataclass(frozen=True)
class Workload:
    target: Target  # with the Services that select its pods
    image: str
    container: str  # the one that gets the new image
    containers: int  # of the pod template
    desired: int  # replicas
    most_pods: int  # the autoscaler's maximum; 0: there is none
    pods: tuple[PodSeen, ...]  # of the stable version
    probed: frozenset[str]  # HTTP paths that the kubelet's probes request
    health: tuple[DiscoveredEntry, ...] = ()  # health checks made from the readiness probes
    released: tuple[str, ...] = ()  # all that get the new image
    notes: tuple[str, ...] = ()  # lines for a person: what speaks against its Services

    @property
    def restarts(self) -> Mapping[str, int]:
        return {pod.name: pod.restarts for pod in self.pods}

    @property
    def facts(self) -> Facts:
        return Facts(self.target, max(1, self.desired), autoscaled=self.most_pods > 0, most_pods=self.most_pods)


def read_workload(cluster: Cluster, target: Target, container: str = "", image: str = "") -> Workload:
    """The Deployment as the cluster has it. image: that is to be released.

    Raises InputError if it is missing or the container is ambiguous, and ClusterError.
    """
    deployment = find_deployment(cluster, target)
    chosen = containers_of(deployment, container, image)
    wanted = [Watch("services"), Watch("pods"), Watch("replicasets", selector=label_selector(deployment))]
    seen = SnapshotFeed(cluster, target.namespace, wanted)
    stable = arm(deployment, seen.list("replicasets"), seen.list("pods"), chosen)
    template = deployment["spec"]["template"]
    labels = {**(template["metadata"].get("labels") or {}), HASH: stable.hash}
    own = {pod.uid for pod in stable.pods}
    sets = {one["metadata"]["uid"] for one in seen.list("replicasets") if owner(one) == deployment["metadata"]["uid"]}
    others = [pod for pod in seen.list("pods") if pod["metadata"]["uid"] not in own and owner(pod) not in sets]
    router: Any = registry.load("deliver.routers", "service-selector")
    services, findings = router(router.Options()).find(seen, target, labels, others)
    notes = tuple(f"Services: {finding.message}" for finding in findings if finding.level in ("input", "refuse", "warn"))
    containers = template["spec"]["containers"]
    probes = [probe for one in containers for key in ("readinessProbe", "livenessProbe", "startupProbe") if (probe := one.get(key))]
    return Workload(
        target=Target(target.namespace, target.deployment, tuple(service.name for service in services)),
        image=stable.image,
        container=chosen[0],
        released=chosen,
        containers=len(containers),
        desired=stable.desired,
        most_pods=scaler.maximum if (scaler := find_autoscaler(cluster, target)[0]) else 0,
        pods=stable.pods,
        probed=frozenset(str(probe["httpGet"].get("path") or "/").partition("?")[0] for probe in probes if probe.get("httpGet")),
        health=tuple(_health(containers)),
        notes=notes,
    )


def choose_deployment(cluster: Cluster, namespace: str, ask: Ask) -> str:
    """Name of the Deployment to release where nobody named one: the only one, or `ask` decides. Raises InputError if there is none."""
    found = sorted(one["metadata"]["name"] for one in cluster.list("deployments", namespace))
    mine = [name for name in found if not name.endswith("-candidate")]
    if not mine:
        raise InputError(f"no Deployment in namespace `{namespace}`", hint="choose another one with -n")
    if len(mine) == 1:
        return str(mine[0])
    choices = tuple(Choice(name, f"`deliver init {name}`", name) for name in mine)
    return str(ask(Question(f"Which Deployment of namespace {namespace}", choices)))


def _health(containers: list[Object]) -> Iterator[DiscoveredEntry]:
    """Health checks out of the readiness probes: deliver asks for itself, also where a probe of the kubelet is too patient."""
    for one in containers:
        probe = one.get("readinessProbe") or {}
        ports = {port.get("name"): port.get("containerPort") for port in one.get("ports") or ()}
        if entry := _check(probe, ports):
            yield DiscoveredEntry(entry, f"the readiness probe of container {one['name']}")


def _check(probe: Object, ports: Mapping[Any, Any]) -> Mapping[str, Any] | None:
    """Only HTTP goes through the API server's proxy; TCP and gRPC need a route to the pods, which a first file cannot count on."""
    http = probe.get("httpGet") or {}
    port = http.get("port")
    number = port if isinstance(port, int) else ports.get(port)
    path = str(http.get("path") or "/")
    if not http or http.get("httpHeaders") or not isinstance(number, int) or not path.startswith("/"):
        return None
    https = {"scheme": "https"} if str(http.get("scheme", "")).upper() == "HTTPS" else {}
    return {"http": {"path": path, "port": number, **https}}
