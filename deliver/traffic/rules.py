"""Which Services can take part in a release, and why others cannot."""

from collections.abc import Mapping, Sequence

from deliver.cluster.services import selects
from deliver.model.names import HASH
from deliver.model.objects import Object
from deliver.model.spec import Target
from deliver.plugins.interfaces import Finding


def named_but_not_found(target: Target, services: Mapping[str, Object], chosen: Mapping[str, Object]) -> list[Finding]:
    findings = []
    for name in target.services:
        if name not in services:
            near = ", ".join(sorted(services)) or "none"
            findings.append(
                Finding("service-missing", "input", f"Service {name} does not exist in {target.namespace}", f"Services there: {near}")
            )
        elif name not in chosen:
            selector = services[name]["spec"].get("selector")
            why = "has no selector" if not selector else "does not select the pods of this Deployment"
            findings.append(
                Finding("service-selector", "refuse", f"Service {name} {why}", "name a Service that leads to the Deployment's pods")
            )
    return findings


def no_service(target: Target, labels: Mapping[str, str]) -> Finding:
    shown = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
    hint = "make a Service that selects them; without one there is no traffic to move"
    return Finding("no-service", "refuse", f"no Service in {target.namespace} selects the pods of {target.deployment} ({shown})", hint)


def refusals(service: Object, others: Sequence[Object]) -> list[Finding]:
    """What forbids, or makes doubtful, a move by this Service's selector."""
    name, spec = service["metadata"]["name"], service["spec"]
    findings = []
    if spec.get("publishNotReadyAddresses"):
        findings.append(
            Finding(
                "not-ready-addresses",
                "refuse",
                f"Service {name} has publishNotReadyAddresses: readiness would not keep users off a candidate that is not ready",
                "use a Service without it",
            )
        )
    if HASH in spec["selector"]:
        findings.append(
            Finding(
                "pinned",
                "refuse",
                f"Service {name} is already pinned to {HASH} {spec['selector'][HASH]}",
                "`deliver status` tells if a release holds it; else remove the key from its selector",
            )
        )
    if spec.get("sessionAffinity", "None") != "None":
        findings.append(
            Finding(
                "session-affinity",
                "refuse",
                f"Service {name} has sessionAffinity {spec['sessionAffinity']}: the share of users is not the share of pods",
                "--allow-affinity goes on all the same",
            )
        )
    strangers = [pod["metadata"]["name"] for pod in others if selects(service, pod["metadata"].get("labels") or {})]
    if strangers:
        shown = ", ".join(sorted(strangers)[:5]) + (f" and {len(strangers) - 5} more" if len(strangers) > 5 else "")
        findings.append(
            Finding(
                "shared-service",
                "refuse",
                f"Service {name} also selects pods of other workloads: {shown}",
                "a pin would cut them off; narrow the Service's selector first",
            )
        )
    if spec.get("internalTrafficPolicy") == "Local" or spec.get("externalTrafficPolicy") == "Local" or spec.get("trafficDistribution"):
        findings.append(
            Finding("topology", "warn", f"Service {name} routes by node or zone: each sees its own share of pods, not the plan's")
        )
    if spec.get("clusterIP") == "None":
        findings.append(Finding("headless", "warn", f"Service {name} is headless: its clients follow DNS, and move when their caches do"))
    return findings
