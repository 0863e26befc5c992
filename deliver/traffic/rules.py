"""Which Services can take part in a release, and why others cannot."""

from collections.abc import Iterator, Mapping, Sequence

from deliver.cluster.services import selects, shown
from deliver.model.names import HASH
from deliver.model.objects import Object
from deliver.model.spec import Target
from deliver.plugins.interfaces import LEFT_ALONE, Finding
from deliver.traffic.strangers import controller


def chosen(target: Target, leading: Mapping[str, Object]) -> dict[str, Object]:
    """Of the Services that lead to the application those that are moved: the named ones, else all but those for peers."""
    if target.services:
        return {name: service for name, service in leading.items() if name in target.services}
    users = {name: service for name, service in leading.items() if not _for_peers(service)}
    return users or dict(leading)


def _for_peers(service: Object) -> bool:
    """Members of a cluster find each other by it (Hazelcast, JGroups, ringpop): all of them, from before they are ready."""
    spec = service["spec"]
    return spec.get("clusterIP") == "None" and bool(spec.get("publishNotReadyAddresses"))


def left_alone(names: Sequence[str]) -> Finding:
    several = len(names) > 1
    text = (
        f"Service{'s' if several else ''} {', '.join(names)} lead{'' if several else 's'} to these pods too and "
        f"{'are' if several else 'is'} left alone: who comes by there gets the new version by its share of the pods, from its first one on"
    )
    return Finding(LEFT_ALONE, "warn", text)


def named_but_not_found(target: Target, services: Mapping[str, Object], leading: Mapping[str, Object]) -> Iterator[Finding]:
    for name in target.services:
        if name not in services:
            near = ", ".join(sorted(services)) or "none"
            yield Finding("service-missing", "input", f"Service {name} does not exist in {target.namespace}", f"Services there: {near}")
        elif name not in leading:
            why = "does not select the pods of this Deployment" if services[name]["spec"].get("selector") else "has no selector"
            yield Finding("service-selector", "refuse", f"Service {name} {why}", "name a Service that leads to the Deployment's pods")


def no_service(target: Target, labels: Mapping[str, str]) -> Finding:
    text = f"no Service in {target.namespace} selects the pods of {target.deployment} ({shown(labels)})"
    return Finding("no-service", "refuse", text, "make a Service that selects them; without one there is no traffic to move")


def _named(pod: Object) -> str:
    made = controller(pod)
    return f"{pod['metadata']['name']} of {made}" if made else f"{pod['metadata']['name']}"


def refusals(service: Object, others: Sequence[Object]) -> Iterator[Finding]:
    """What forbids, or makes doubtful, a move by this Service's selector."""
    name, spec = service["metadata"]["name"], service["spec"]
    if spec.get("publishNotReadyAddresses"):
        text = f"Service {name} has publishNotReadyAddresses: readiness would not keep users off a candidate that is not ready"
        yield Finding("not-ready-addresses", "refuse", text, "move another Service: `--service NAME` leaves all others alone")
    if HASH in spec["selector"]:
        text = f"Service {name} is already pinned to {HASH} {spec['selector'][HASH]}"
        yield Finding("pinned", "refuse", text, "`deliver status` tells if a release holds it; else remove the key from its selector")
    if spec.get("sessionAffinity", "None") != "None":
        text = f"Service {name} has sessionAffinity {spec['sessionAffinity']}: the share of users is not the share of pods"
        yield Finding("session-affinity", "refuse", text, "--allow-affinity goes on all the same")
    strangers = sorted(_named(pod) for pod in others if selects(service, pod["metadata"].get("labels") or {}))
    if strangers:
        named = ", ".join(strangers[:5]) + (f" and {len(strangers) - 5} more" if len(strangers) > 5 else "")
        text = f"Service {name} also selects pods of other workloads: {named}"
        yield Finding("shared-service", "refuse", text, "a pin would cut them off; narrow the Service's selector first")
    if spec.get("internalTrafficPolicy") == "Local" or spec.get("externalTrafficPolicy") == "Local" or spec.get("trafficDistribution"):
        yield Finding("topology", "warn", f"Service {name} routes by node or zone: each sees its own share of pods, not the plan's")
    if spec.get("clusterIP") == "None":
        yield Finding("headless", "warn", f"Service {name} is headless: its clients follow DNS, and move when their caches do")
