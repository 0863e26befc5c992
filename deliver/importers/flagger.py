"""Flagger: the analysis of a Canary, with its MetricTemplates."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from deliver.formatting.durations import show_duration
from deliver.importers import metric
from deliver.importers.deliver_yaml import POLLS, YEAR, NotTaken, Pieces, number, seconds
from deliver.importers.objects import Manifest, group, items, name, namespace, part, title
from deliver.importers.ratio import Bounds

GROUP, CANARY = "flagger.app", "Canary"
_SIDES = ("target", "name", "service", "namespace", "ingress", "route")
_MOST = 100  # steps
SHORTEST = 10.0  # seconds: Flagger looks no more often
_KNOWN = {"interval", "threshold", "maxWeight", "stepWeight", "stepWeights", "iterations", "metrics"}
_TOLD = {
    "webhooks": "hooks are not called; `analysis.health` has checks, and blue-green's `load` sends requests",
    "alerts": "see `notify`",
    "match": "users cannot be told apart by header on a plain Service; a feature flag can",
    "mirror": "traffic is not mirrored",
    "mirrorWeight": "traffic is not mirrored",
    "stepWeightPromotion": "a promotion is verified by itself, side by side",
    "primaryReadyThreshold": "every pod of a step must be ready",
    "canaryReadyThreshold": "every pod of a step must be ready",
    "sessionAffinity": "see the limits of plain Services: connections stay where they are",
}
AT_THE_DOOR = ("nginx", "skipper", "traefik", "apisix", "contour", "gloo", "knative", "gatewayapi", "kong")
# By mesh: (bad, total, histogram of durations). Those that are not here are counted by an ingress, which names no pod.
BUILT_IN = {
    "istio": (
        'istio_requests_total{reporter="destination",response_code=~"5.*"}',
        'istio_requests_total{reporter="destination"}',
        'istio_request_duration_milliseconds{reporter="destination"}',
    ),
    "linkerd": (
        'response_total{direction="inbound",classification="failure"}',
        'response_total{direction="inbound"}',
        'response_latency_ms{direction="inbound"}',
    ),
    "appmesh": ('envoy_cluster_upstream_rq{envoy_response_code=~"5.*"}', "envoy_cluster_upstream_rq", "envoy_cluster_upstream_rq_time"),
    "kubernetes": (
        'http_request_duration_seconds_count{status=~"5.*"}',
        "http_request_duration_seconds_count",
        "http_request_duration_seconds",
    ),
}


def take(objects: Sequence[Manifest], pieces: Pieces) -> None:
    """Of one target."""
    ours = [obj for obj in objects if group(obj) == GROUP]
    templates = {(name(obj), namespace(obj)): obj for obj in ours if obj.get("kind") == "MetricTemplate"}
    canaries = [obj for obj in ours if obj.get("kind") == CANARY]
    for canary in canaries:
        _canary(canary, templates, pieces)
    if not canaries:
        for template in templates.values():
            pieces.lost(title(template), "its limits are in the Canary that uses it, and there is none")
    for other in ours:
        if other.get("kind") not in (CANARY, "MetricTemplate"):
            pieces.lost(title(other), "only Canary and MetricTemplate are read")


def _canary(canary: Manifest, templates: Mapping[tuple[str, str], Manifest], pieces: Pieces) -> None:
    about, target = title(canary), part(canary, "spec", "targetRef")
    if target.get("kind", "Deployment") != "Deployment":
        pieces.lost(about, f"its target is a {target.get('kind')}; deliver works on Deployments")
        return
    pieces.target = {"deployment": deployment(canary), "namespace": namespace(canary)}
    analysis = part(canary, "spec", "analysis") or part(canary, "spec", "canaryAnalysis")
    interval = max(seconds(analysis.get("interval")) or 60.0, SHORTEST)
    pieces.polls.append(interval)
    ready = seconds(part(canary, "spec").get("progressDeadlineSeconds"))
    pieces.ready = show_duration(ready) if ready else ""
    if part(canary, "spec").get("skipAnalysis") is True:
        pieces.note(about, "it skips its analysis there; here its metrics are judged")
    _strategy(about, analysis, interval, pieces)
    threshold = min(max(int(number(analysis.get("threshold")) or 1), 1), POLLS)
    pieces.asks(str(part(canary, "spec").get("metricsServer") or ""))
    for found in items(analysis, "metrics"):
        where = f"{about}, metric {found.get('name', '?')}"
        try:
            made = _metric(canary, found, templates, pieces)
            pieces.add(
                about, {"name": str(found.get("name") or "metric"), **made.keys, **({"consecutive": threshold} if threshold > 1 else {})}
            )
            for text in made.notes:
                pieces.note(where, text)
        except NotTaken as reason:
            pieces.lost(where, "; ".join(one for one in (reason.what, reason.hint) if one))
    if threshold > 1 and pieces.metrics:
        pieces.note(about, f"{threshold} failed checks in all took the release back; here it is {threshold} polls in a row, of one metric")
    for key in analysis:
        if key not in _KNOWN:
            pieces.lost(f"{about}, {key}", _TOLD.get(key, "there is nothing like it"))


def deployment(canary: Manifest) -> str:
    return str(part(canary, "spec", "targetRef").get("name") or name(canary))


def _strategy(about: str, analysis: Mapping[str, Any], interval: float, pieces: Pieces) -> None:
    """A weight each interval, up to the first that is not below the highest one; iterations are a switch of all users at once."""
    if (iterations := int(number(analysis.get("iterations")) or 0)) > 0:
        pieces.strategy = {"blue-green": {"bake": show_duration(min(iterations * interval, YEAR))}}
        pieces.note(
            about, f"checked {iterations} times before the switch; here the metrics are judged that long after it, the old side warm"
        )
        pieces.took(about)
        return
    try:
        weights = _weights(analysis)
    except (TypeError, ValueError):
        pieces.lost(about, "its weights are no numbers from 0 to 100")
        return
    if weights:
        pieces.strategy = {"canary": {"steps": [{"weight": weight, "bake": show_duration(interval)} for weight in weights]}}
        pieces.note(about, "on a plain Service a weight is a share of the pods: `deliver plan` says which can be had")
        pieces.took(about)


def _weights(analysis: Mapping[str, Any]) -> list[float | int]:
    if listed := analysis.get("stepWeights"):
        found = [float(weight) for weight in listed]
    else:
        step, top = (number(analysis.get(key)) or usual for key, usual in (("stepWeight", 0.0), ("maxWeight", 100.0)))
        top = min(top, 100.0)
        # it goes on while the weight is below the highest one: the last step may be above it
        found = [min(step * count, 100.0) for count in range(1, math.ceil(top / step) + 1)] if 1 <= step <= 100 and top > 0 else []
    kept = sorted({weight for weight in found if 0 < weight <= 100})[:_MOST]
    return [int(weight) if weight == int(weight) else weight for weight in kept]


def _metric(canary: Manifest, found: Mapping[str, Any], templates: Mapping[tuple[str, str], Manifest], pieces: Pieces) -> metric.Made:
    bounds = _bounds(found)
    if reference := part(found, "templateRef"):
        key = (str(reference.get("name")), str(reference.get("namespace") or namespace(canary)))
        template = templates.get(key) or next((one for (known, _), one in templates.items() if known == key[0]), None)
        if template is None:
            raise NotTaken(f"MetricTemplate {key[0]} is not in what was read")
        provider = part(template, "spec", "provider")
        if provider.get("type") != "prometheus":
            raise NotTaken(f"provider `{provider.get('type')}`: only prometheus is read")
        pieces.asks(str(provider.get("address") or ""))
        if provider.get("insecureSkipVerify"):
            pieces.lost(f"{title(template)}, insecureSkipVerify", "certificates are always checked; `ca_file` names those to trust")
        if "secretRef" in provider:
            pieces.lost(title(template), "credentials are not copied; see `bearer_token_env`, `username_env` of the prometheus provider")
        return metric.made(_filled(str(part(template, "spec").get("query") or ""), found), bounds)
    if query := found.get("query"):
        return metric.made(_filled(str(query), found), bounds)
    return _built_in(str(part(canary, "spec").get("provider") or "istio"), str(found.get("name")), found, bounds)


def _filled(query: str, found: Mapping[str, Any]) -> str:
    variables = part(found, "templateVariables")

    def value(key: str) -> str:
        short = key.strip()
        if short == "interval":
            return str(found.get("interval") or "1m")
        if short in _SIDES:
            return metric.arm(short)
        known = variables.get(short.removeprefix("variables."))
        if known is None:
            raise NotTaken(f"`{{{{ {short} }}}}` has no value")
        return str(known)

    return metric.filled(query, value)


def _bounds(found: Mapping[str, Any]) -> Bounds:
    limits = part(found, "thresholdRange")
    low, high = (_limit(limits[key]) if limits.get(key) is not None else None for key in ("min", "max"))
    if not limits and found.get("threshold") is not None:  # before v1beta1: its meaning is in the name
        alone = _limit(found["threshold"])
        return Bounds(alone, None) if found.get("name") == "request-success-rate" else Bounds(None, alone)
    return Bounds(low, high)


def _limit(value: Any) -> float:
    found = number(value)
    if found is None:
        raise NotTaken("its threshold is no number")
    return found


def _built_in(mesh: str, name: str, found: Mapping[str, Any], bounds: Bounds) -> metric.Made:
    mesh = mesh.partition(":")[0]
    if name not in ("request-success-rate", "request-duration"):
        raise NotTaken("it is neither built in nor has it a template")
    if mesh not in BUILT_IN and mesh in AT_THE_DOOR:
        raise NotTaken(
            f"`{mesh}` counts requests at the ingress, which does not say which pod answered", hint="use the application's counter"
        )
    if mesh not in BUILT_IN:
        raise NotTaken(f"what Flagger asks for with provider `{mesh}` is not known here", hint="name the application's counter")
    bad, total, histogram = BUILT_IN[mesh]
    named = ("its series name their pod by `kubernetes_pod_name`: set `pod_label` and `namespace_label` under `prometheus`",)
    labels = named if mesh in ("appmesh", "kubernetes") else ()
    window = {"window": show_duration(seconds(found.get("interval")) or 60.0)}
    if name == "request-success-rate" and bounds.min is not None:
        return metric.Made({"bad": bad, "total": total, "max": metric.percent(1 - bounds.min / 100), **window}, labels)
    if name == "request-duration" and bounds.max is not None:
        if bounds.max < 1:
            raise NotTaken(f"its limit is {bounds.max:g} ms: it is in milliseconds there")
        bound = show_duration(bounds.max / 1000)
        told = f"`slower_than: {bound}` must be one of the histogram's `le` bounds"
        return metric.Made({"histogram": histogram, "slower_than": bound, "max": "1%", **window}, (told, *labels))
    raise NotTaken("it has no limit that could fail")
