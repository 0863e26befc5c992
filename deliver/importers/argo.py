"""Argo Rollouts: AnalysisTemplate, ClusterAnalysisTemplate (Prometheus), and the canary steps of a Rollout."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from deliver.formatting.durations import show_duration
from deliver.importers import metric
from deliver.importers.condition import condition
from deliver.importers.deliver_yaml import POLLS, YEAR, NotTaken, Pieces, number, seconds
from deliver.importers.objects import Manifest, group, items, name, namespace, part, title

GROUP, ROLLOUT = "argoproj.io", "Rollout"
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


def take(objects: Sequence[Manifest], given: Mapping[str, str], pieces: Pieces) -> None:
    """Of one target. given: values of arguments, before those of the objects."""
    ours = [obj for obj in objects if group(obj) == GROUP]
    templates = [obj for obj in ours if obj.get("kind") in TEMPLATES]
    rollouts = [obj for obj in ours if obj.get("kind") == ROLLOUT]
    for rollout in rollouts:
        _rollout(rollout, templates, pieces)
    passed = {key: arg for rollout in rollouts for key, arg in _passed(rollout).items()}
    dry = [one for rollout in rollouts for analysis in _analyses(rollout) for one in items(analysis, "dryRun")]
    wanted = used(rollouts, templates)
    for template in wanted:
        _template(template, passed, dry, given, pieces)
    for template in templates:
        if not any(template is one for one in wanted):
            pieces.lost(title(template), f"{title(rollouts[0])} does not use it")
    for other in ours:
        if other.get("kind") not in (*TEMPLATES, ROLLOUT):
            pieces.lost(title(other), "only AnalysisTemplate, ClusterAnalysisTemplate and Rollout are read")


def used(rollouts: Sequence[Manifest], templates: Sequence[Manifest]) -> list[Manifest]:
    """The templates that the Rollouts name, and those that these name; all, where nothing is named."""
    asked = [(rollout, one) for rollout in rollouts for analysis in _analyses(rollout) for one in _references(analysis)]
    if not asked:
        return list(templates)
    found: list[Manifest] = []
    while asked:
        by, reference = asked.pop()
        for template in templates:
            if _meant(template, by, reference) and not any(template is one for one in found):
                found.append(template)
                asked += [(template, one) for one in items(template, "spec", "templates")]
    return [template for template in templates if any(template is one for one in found)]


def _meant(template: Manifest, by: Manifest, reference: Mapping[str, Any]) -> bool:
    """A namespace that is not written down may be any."""
    kind = TEMPLATES[1] if reference.get("clusterScope") is True else TEMPLATES[0]
    spaces = {namespace(template), namespace(by)} - {""}
    near = kind == TEMPLATES[1] or len(spaces) < 2
    return template.get("kind") == kind and name(template) == str(reference.get("templateName")) and near


def _analyses(rollout: Manifest) -> list[Mapping[str, Any]]:
    """Wherever a Rollout names analyses: beside its steps, in them, before and after a switch."""
    canary, switch = part(rollout, "spec", "strategy", "canary"), part(rollout, "spec", "strategy", "blueGreen")
    found = [part(canary, "analysis"), *(part(step, "analysis") for step in items(canary, "steps"))]
    return [*found, part(switch, "prePromotionAnalysis"), part(switch, "postPromotionAnalysis")]


def _references(analysis: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The templates that it names; versions before 0.6 named one, without a list."""
    return items(analysis, "templates") or ([analysis] if "templateName" in analysis else [])


def _passed(rollout: Manifest) -> dict[str, Mapping[str, Any]]:
    """Arguments that the Rollout hands to its analyses."""
    return {str(arg.get("name")): arg for analysis in _analyses(rollout) for arg in items(analysis, "args")}


def _template(
    template: Manifest, passed: Mapping[str, Mapping[str, Any]], dry: Sequence[Mapping[str, Any]], given: Mapping[str, str], pieces: Pieces
) -> None:
    about = title(template)
    args = {str(arg.get("name")): arg for arg in items(template, "spec", "args")} | dict(passed)

    def value(key: str) -> str:
        short = key.removeprefix("args.").removeprefix("inputs.").strip()
        arg = args.get(short, {})
        if short in given:
            return given[short]
        if arg.get("value") is not None:
            return str(arg["value"])
        side = str(part(arg, "valueFrom").get("podTemplateHashValue", ""))
        if side or "hash" in short:
            return metric.arm(short, stable=side == "Stable" or "stable" in short)
        raise NotTaken(f"argument `{short}` has no value; give it with --arg {short}=VALUE")

    found = items(template, "spec", "metrics")
    for one in found:
        where = f"{about}, metric {one.get('name', '?')}"
        try:
            if _dry(str(one.get("name")), [*dry, *items(template, "spec", "dryRun")]):
                raise NotTaken("it is a dry run there; metrics always count here")
            _metric(where, about, one, value, pieces)
        except NotTaken as reason:
            pieces.lost(where, "; ".join(text for text in (reason.what, reason.hint) if text))
    if not found and not items(template, "spec", "templates"):
        pieces.lost(about, "it has no metrics")


def _dry(name: str, listed: Sequence[Mapping[str, Any]]) -> bool:
    """The names are regular expressions there."""
    try:
        return any(re.search(str(one.get("metricName")), name) for one in listed)
    except re.error:
        return False


def _metric(where: str, about: str, found: Mapping[str, Any], value: Any, pieces: Pieces) -> None:
    providers = sorted(map(str, part(found, "provider")))
    if providers != ["prometheus"]:
        raise NotTaken(f"provider `{', '.join(providers) or 'none'}`: only prometheus is read")
    source = part(found, "provider", "prometheus")
    if "rangeQuery" in source:
        raise NotTaken("a range query gives many numbers; one is judged here")
    success, failure = (metric.filled(str(found.get(key) or ""), value) for key in ("successCondition", "failureCondition"))
    passing = condition(success, failure)
    made = metric.made(metric.filled(str(source.get("query") or ""), value), passing.bounds)
    extra, limit = {}, min(_whole(found.get("failureLimit"), value), POLLS - 1)
    if limit:
        extra["consecutive"] = limit + 1
        pieces.note(where, f"{limit + 1} failures in all took the release back; here it is {limit + 1} polls in a row")
    pieces.add(about, {"name": str(found.get("name") or about), **made.keys, **extra})
    _times(where, found, value, pieces)
    notes = [*made.notes]
    notes += ["no data passed there; here it is blind, which is never a pass"] if passing.empty else []
    notes += ["values between the two conditions were inconclusive; here they fail"] if passing.between else []
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
    if text == "-1":
        raise NotTaken("its failures never counted there; metrics always count here")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise NotTaken(f"`{text[:40]}` is no whole number")
    return int(text)


def _rollout(rollout: Manifest, templates: Sequence[Manifest], pieces: Pieces) -> None:
    about = title(rollout)
    pieces.target = {"deployment": deployment(rollout), "namespace": namespace(rollout)}
    if part(rollout, "spec", "workloadRef").get("kind") != "Deployment":
        pieces.note(about, f"deliver works on a Deployment: make one of its pod template, called {pieces.target['deployment']}")
    canary = part(rollout, "spec", "strategy", "canary")
    if not items(canary, "steps"):
        pieces.lost(about, "only a canary's steps are read")
        return
    if "startingStep" in part(canary, "analysis"):
        pieces.note(about, "its analysis began with a later step (`startingStep`); here each step is judged")
    if steps := _steps(rollout, items(canary, "steps"), templates, pieces):
        pieces.strategy = {"canary": {"steps": steps}}
        pieces.took(about)


def deployment(rollout: Manifest) -> str:
    return str(part(rollout, "spec", "workloadRef").get("name") or name(rollout))


def _steps(rollout: Manifest, found: Sequence[Mapping[str, Any]], templates: Sequence[Manifest], pieces: Pieces) -> list[dict[str, Any]]:
    """setWeight begins a step, the pauses and analyses after it are its bake; a pause without an end waits for a person."""
    about, steps = title(rollout), list[dict[str, Any]]()
    for index, step in enumerate(found):
        where = f"{about}, step {index + 1}"
        if "setWeight" in step:
            weight = number(step["setWeight"])
            if weight is None or not 0 <= weight <= 100:
                pieces.lost(where, "its weight is no number from 0 to 100")
            elif steps and weight < steps[-1]["weight"]:
                pieces.lost(where, f"back to {weight:g} %: exposure only grows here, until a release is promoted or taken back")
            elif weight > (steps[-1]["weight"] if steps else 0):
                steps.append({"weight": int(weight) if weight == int(weight) else weight, "bake": "0s"})
        elif "pause" in step and steps:
            length = seconds(part(step, "pause").get("duration"))
            if length is None:
                steps[-1]["approval"] = True
            else:
                _longer(steps[-1], length)
        elif "analysis" in step:  # metrics are judged all the time here; what it took is a bake
            if steps:
                _longer(steps[-1], _length(rollout, part(step, "analysis"), templates))
        else:
            pieces.lost(where, f"`{', '.join(map(str, step)) or 'nothing'}`: there is nothing like it")
    return steps


def _longer(step: dict[str, Any], length: float) -> None:
    step["bake"] = show_duration(min((seconds(step["bake"]) or 0) + length, YEAR))


def _length(rollout: Manifest, analysis: Mapping[str, Any], templates: Sequence[Manifest]) -> float:
    """Seconds that an analysis in a step took: those of its longest metric. Arguments in them are not known yet."""
    metrics = [
        found
        for template in templates
        if any(_meant(template, rollout, one) for one in _references(analysis))
        for found in items(template, "spec", "metrics")
    ]
    return max(
        (
            (number(one.get("count")) or 1) * (seconds(one.get("interval")) or 0) + (seconds(one.get("initialDelay")) or 0)
            for one in metrics
        ),
        default=0.0,
    )
