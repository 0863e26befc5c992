"""Asking the Services on fresh connections, the way users come: through the API server, at the path that a health check names."""

from collections.abc import Callable
from functools import partial
from typing import Any

from deliver.cluster.port import Cluster
from deliver.engine.core import cutover
from deliver.model.errors import ClusterError
from deliver.model.objects import Object
from deliver.model.release import Release
from deliver.plugins import registry
from deliver.plugins.interfaces import Probe

TIMES = 10  # fresh requests to each Service

ServiceProbe = tuple[str, Callable[[float], Probe]]


def service_probes(cluster: Cluster, release: Release) -> tuple[ServiceProbe, ...]:
    """One for each Service of the release; none when nothing tells how to ask. A call takes the seconds it may use."""
    check = cutover.check_with_path(release)
    if check is None:
        return ()
    options = registry.load("deliver.checks", check.kind).Options.model_validate(dict(check.options))
    return tuple((f"Service {one.name}", partial(probe_service, cluster, release, one.name, options)) for one in release.snapshot.services)


def probe_service(cluster: Cluster, release: Release, name: str, options: Any, timeout: float) -> Probe:
    """ok None: it could not be asked, and `message` says why."""
    from deliver.health.service_requests import send_fresh_requests  # only a release that asks pays for its import

    namespace = release.spec.target.namespace
    try:
        service = cluster.get("services", namespace, name, deadline=timeout)
    except ClusterError as error:
        return Probe(None, error.what)
    port = port_of(service, options.port, release)
    if port is None:
        return Probe(None, f"Service {name} has no port that leads to port {options.port} of the pods")
    return send_fresh_requests(cluster.proxy(namespace, "services", name, port, options.scheme), options, f"{name}:{port}", TIMES, timeout)


def port_of(service: Object, pod_port: int, release: Release) -> str | int | None:
    """The Service's port behind which the pods' port is, by its name where it has one."""
    containers = release.snapshot.template["spec"]["containers"]
    names = {port.get("name"): port["containerPort"] for one in containers for port in one.get("ports") or []}
    for port in service["spec"].get("ports") or []:
        target = port.get("targetPort", port["port"])
        if names.get(target, target) == pod_port:
            found: str | int = port.get("name") or port["port"]
            return found
    return None
