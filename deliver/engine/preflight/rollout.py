"""How long the Deployment's own pods take to be replaced, and who else has a say in when they are ready. Pure."""

import math
from collections.abc import Sequence
from typing import Any

from deliver.formatting.durations import words
from deliver.model.objects import Object
from deliver.model.plan import Plan, Side
from deliver.model.spec import Limits
from deliver.plugins.interfaces import Finding


def rounds(deployment: Object) -> int:
    """How many lots of pods a rolling update takes at the least: so many are new at once as may be missing and may be too many."""
    spec = deployment["spec"]
    wanted: int = spec.get("replicas", 1)
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    surge = _share(rolling.get("maxSurge", "25%"), wanted, up=True)
    missing = _share(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    return math.ceil(wanted / max(1, surge + missing))


def _share(value: Any, whole: int, *, up: bool) -> int:
    if isinstance(value, int):
        return int(value)
    part = whole * int(str(value).rstrip("%") or 0) / 100
    return math.ceil(part) if up else math.floor(part)


def start_time(deployment: Object) -> float:
    """Seconds before a pod can be ready, by its readiness probes alone."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return max((float((one.get("readinessProbe") or {}).get("initialDelaySeconds") or 0) for one in containers), default=0.0)


def rollout_time(deployment: Object) -> float:
    """Seconds that the roll-out at the end takes at the least; nobody waits for `minReadySeconds` of the last pods."""
    lots, least = rounds(deployment), deployment["spec"].get("minReadySeconds") or 0
    return lots * start_time(deployment) + (lots - 1) * float(least)


def rollout_findings(deployment: Object, pods: Sequence[Object], plan: Plan, limits: Limits) -> list[Finding]:
    """pods: the Deployment's own, that serve now."""
    found = []
    least, start, takes = deployment["spec"].get("minReadySeconds") or 0, start_time(deployment), rollout_time(deployment)
    settings = " and ".join([*([f"`minReadySeconds` {least}"] if least else []), *([f"`initialDelaySeconds` {start:g}"] if start else [])])
    if takes >= 1:
        lots = rounds(deployment)
        in_lots = f"{lots} lots of pods one after another" if lots > 1 else "all of its pods at once"
        text = f"the roll-out at the end takes at least {words(takes)}: {settings}, {in_lots}"
        found.append(Finding("roll-out", "info", text))
    if start >= limits.ready:
        text = f"a pod cannot be ready before {words(start)} (`initialDelaySeconds`), and is given {words(limits.ready)} (`limits.ready`)"
        found.append(Finding("ready-time", "warn", text, f"--ready-timeout {words(2 * start).replace(' ', '')}"))
    return found + gate_findings(deployment, plan) + injected_gate_findings(deployment, pods)


def gate_findings(deployment: Object, plan: Plan) -> list[Finding]:
    """Readiness gates are often set by who finds the pod in the Service, where a candidate is not yet."""
    gates = _gates(deployment["spec"]["template"])
    if not gates:
        return []
    names = f"readiness gate{'s' if len(gates) > 1 else ''} {', '.join(gates)}"
    text = f"pods have {names}, set by somebody else: until users are led to the candidate, its containers being ready is enough"
    once = any(step.side is Side.CANDIDATE for step in plan.steps)
    both = " Before all users are led to new pods that have no gate set yet, both versions serve until they have." if once else ""
    ends = " In the finish as well: the pods of before may serve beside the new ones while the Deployment rolls out."
    return [Finding("readiness-gates", "info", f"{text}.{both}{ends}")]


def injected_gate_findings(deployment: Object, pods: Sequence[Object]) -> list[Finding]:
    """Gates that a webhook puts into pods which are in the Service when they are made; a candidate is not."""
    known = set(_gates(deployment["spec"]["template"]))
    injected = sorted({gate for pod in pods for gate in _gates(pod)} - known)
    if not injected:
        return []
    text = f"the pods that serve were given readiness gate{'s' if len(injected) > 1 else ''} {', '.join(injected)} when they were made"
    why = "the candidate's pods may get none, as they are in no Service then: a load balancer may know them later than Kubernetes does"
    return [Finding("readiness-gates", "warn", f"{text}; {why}", "give it time with --drain, or put the gates into the pod template")]


def _gates(pod: Object) -> list[str]:
    return [gate.get("conditionType", "") for gate in pod["spec"].get("readinessGates") or ()]
