"""Argo Rollouts: AnalysisTemplate, ClusterAnalysisTemplate (Prometheus), and the canary steps of a Rollout."""

from collections.abc import Mapping, Sequence
from typing import Any

from deliver.importing import metric
from deliver.importing.condition import condition
from deliver.importing.objects import Object, group, items, name, namespace, part, title
from deliver.importing.pieces import NotTaken, Pieces, seconds
from deliver.plugins.types import show_duration

GROUP = "argoproj.io"
TEMPLATES = ("AnalysisTemplate", "ClusterAnalysisTemplate")
_KNOWN = {"name", "interval", "count", "successCondition", "failureCondition", "failureLimit", "initialDelay", "provider"}
_KNOWN |= {"consecutiveErrorLimit"}
_PROVIDER = {"address", "query"}
_TOLD = {
    "inconclusiveLimit": "what cannot be judged is bounded by `max_blind`",
    "consecutiveSuccessLimit": "a step ends with its bake, or when the evidence proves the candidate good",
    "authentication": "credentials are not copied; see `bearer_token_env`, `username_env` of the prometheus provider",
    "headers": "headers come from the environment: `headers_env`",
    "insecure": "certificates are always checked; `ca_file` names those to trust",
    "caCert": "`ca_file` names the certificates to trust",
    "rangeQuery": "a query gives one number here",
    "timeout": "a query has at most the time of one poll",
}


def take(objects: Sequence[Object], given: Mapping[str, str], pieces: Pieces) -> None:
    """given: values of arguments, before those of the objects."""
    ours = [obj for obj in objects if group(obj) == GROUP]
    rollouts = [obj for obj in ours if obj.get("kind") == "Rollout"]
    values: dict[str, str | None] = {}
    for rollout in rollouts:
        values |= _passed(rollout)
        _rollout(rollout, pieces)
    for template in ours:
        if template.get("kind") in TEMPLATES:
            _template(template, values, given, pieces)
        elif template.get("kind") != "Rollout":
            pieces.lost(title(template), "only AnalysisTemplate, ClusterAnalysisTemplate and Rollout are read")


def _passed(rollout: Object) -> dict[str, str | None]:
    """Arguments that the Rollout hands to its analyses. None: it names a side."""
    canary = part(rollout, "spec", "strategy", "canary")
    found = items(canary, "analysis", "args")
    for step in items(canary, "steps"):
        found += items(step, "analysis", "args")
    for point in ("prePromotionAnalysis", "postPromotionAnalysis"):
        found += items(part(rollout, "spec", "strategy", "blueGreen"), point, "args")
    return {str(arg.get("name")): _value(arg) for arg in found}


def _value(arg: Mapping[str, Any]) -> str | None:
    return str(arg["value"]) if "value" in arg else None


def _template(template: Object, passed: Mapping[str, str | None], given: Mapping[str, str], pieces: Pieces) -> None:
    about = title(template)
    declared = {str(arg.get("name")): arg for arg in items(template, "spec", "args")}
    values = {key: _value(arg) for key, arg in declared.items()} | dict(passed) | dict(given)
    from_elsewhere = {key for key, arg in declared.items() if "valueFrom" in arg} | {key for key, value in passed.items() if value is None}

    def value(key: str) -> str:
        short = key.removeprefix("args.").removeprefix("inputs.").strip()
        found = values.get(short)
        if found is not None:
            return found
        if short in from_elsewhere or "hash" in short:
            return metric.arm(short)
        raise NotTaken(f"argument `{short}` has no value; give it with --arg {short}=VALUE")

    dry = {str(one.get("metricName")) for one in items(template, "spec", "dryRun")}
    for found in items(template, "spec", "metrics"):
        where = f"{about}, metric {found.get('name', '?')}"
        try:
            if str(found.get("name")) in dry:
                raise NotTaken("it is a dry run there; metrics always count here")
            _metric(where, about, found, value, pieces)
        except NotTaken as reason:
            pieces.lost(where, "; ".join(one for one in (reason.what, reason.hint) if one))
    if not items(template, "spec", "metrics"):
        pieces.lost(about, "it has no metrics")


def _metric(where: str, about: str, found: Mapping[str, Any], value: Any, pieces: Pieces) -> None:
    providers = sorted(part(found, "provider"))
    if providers != ["prometheus"]:
        raise NotTaken(f"provider `{', '.join(providers) or 'none'}`: only prometheus is read")
    source = part(found, "provider", "prometheus")
    if "rangeQuery" in source:
        raise NotTaken("a range query gives many numbers; one is judged here")
    success, failure = (metric.filled(str(found.get(key) or ""), value) for key in ("successCondition", "failureCondition"))
    passing = condition(success, failure)
    made = metric.made(metric.filled(str(source.get("query") or ""), value), passing.bounds)
    extra, limit = {}, _whole(found.get("failureLimit"), value)
    if limit:
        extra["consecutive"] = limit + 1
        pieces.note(where, f"{limit + 1} failures in all took the release back; here it is {limit + 1} polls in a row")
    pieces.add(about, {"name": str(found.get("name") or about), **made.keys, **extra})
    _times(where, found, value, pieces)
    notes = [*made.notes]
    notes += ["no data passed there; here it is blind, which is never a pass"] if passing.empty else []
    notes += ["values between the two conditions were inconclusive; here they fail"] if success and failure else []
    for text in notes:
        pieces.note(where, text)
    pieces.asks(metric.filled(str(source.get("address") or ""), value))
    for key in (*(key for key in found if key not in _KNOWN), *(key for key in source if key not in _PROVIDER)):
        pieces.lost(f"{where}, {key}", _TOLD.get(key, "there is nothing like it"))


def _times(where: str, found: Mapping[str, Any], value: Any, pieces: Pieces) -> None:
    interval, delay = (seconds(metric.filled(str(found.get(key) or ""), value)) for key in ("interval", "initialDelay"))
    count, errors = _whole(found.get("count"), value), _whole(found.get("consecutiveErrorLimit"), value)
    if interval:
        pieces.polls.append(interval)
    if delay:
        pieces.warmups.append(delay)
    if interval and count > 1:
        pieces.note(where, f"measured {count} times: a step's bake should be {show_duration(count * interval)} at the least")
    if interval and "consecutiveErrorLimit" in found:
        pieces.blind.append(interval * (errors + 1))


def _whole(given: Any, value: Any) -> int:
    text = metric.filled(str(given if given is not None else "0"), value)
    if not text.isdecimal():
        raise NotTaken(f"`{text[:40]}` is no whole number")
    return int(text)


def _rollout(rollout: Object, pieces: Pieces) -> None:
    about = title(rollout)
    reference = part(rollout, "spec", "workloadRef")
    pieces.target = {"deployment": str(reference.get("name") or name(rollout)), "namespace": namespace(rollout)}
    if reference.get("kind") != "Deployment":
        pieces.note(about, f"deliver works on a Deployment: make one of its pod template, called {pieces.target['deployment']}")
    canary = part(rollout, "spec", "strategy", "canary")
    if not items(canary, "steps"):
        pieces.lost(about, "only a canary's steps are read")
        return
    if steps := _steps(about, items(canary, "steps"), pieces):
        pieces.strategy = {"canary": {"steps": steps}}
        pieces.took(about)


def _steps(about: str, found: Sequence[Mapping[str, Any]], pieces: Pieces) -> list[dict[str, Any]]:
    """setWeight begins a step, the pauses after it are its bake; one without an end waits for a person."""
    steps: list[dict[str, Any]] = []
    for index, step in enumerate(found):
        if "setWeight" in step:
            if float(step["setWeight"]) > 0:
                steps.append({"weight": step["setWeight"], "bake": "0s"})
        elif "pause" in step and steps:
            length = seconds(part(step, "pause").get("duration"))
            if length is None:
                steps[-1]["approval"] = True
            else:
                steps[-1]["bake"] = show_duration((seconds(steps[-1]["bake"]) or 0) + length)
        elif "analysis" not in step:  # those are judged all the time
            pieces.lost(f"{about}, step {index + 1}", f"`{', '.join(step) or 'nothing'}`: there is nothing like it")
    return steps
