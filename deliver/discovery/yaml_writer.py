"""Writes the deliver.yaml of `deliver init`; comments say where each value comes from. Pure."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deliver.discovery.types import DiscoveredEntry, Discovery
from deliver.discovery.workload import Workload
from deliver.model.errors import InputError
from deliver.model.spec import Facts
from deliver.plugins.interfaces import Strategy
from deliver.plugins.registry import load
from deliver.plugins.validation import checked_plan

LADDERS = ((5, 25, 50), (10, 50), (20, 50), (25, 50), (50,))
BAKE = "5m"
WIDTH = 110
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?m?s|[A-Za-z/][A-Za-z0-9 ._/:@%-]*[A-Za-z0-9/]|[A-Za-z]")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def yaml_text(workload: Workload, found: Discovery, image: str = "") -> str:
    """The whole file. image: "" = to be named for each release."""
    lines = [
        "# Written by `deliver init` from what stands in the cluster. `deliver validate` checks it; `deliver plan` shows a release.",
        *_target(workload),
        *_image(workload, image),
        *_strategy(workload.facts),
        *_analysis(workload, found),
    ]
    return "\n".join(lines) + "\n"


def canary_weights(facts: Facts) -> tuple[int, ...]:
    """The finest of LADDERS whose weights differ in endpoints with the live pods alone; the strategy itself is asked."""
    plugin = load("deliver.strategies", "canary")
    for ladder in LADDERS:
        if _reaches_every_weight(plugin, facts, ladder):
            return ladder
    return LADDERS[-1]


def _reaches_every_weight(plugin: Any, facts: Facts, ladder: Sequence[int]) -> bool:
    strategy: Strategy = plugin()
    try:
        plan = checked_plan(
            strategy, plugin.Options.model_validate({"steps": [{"weight": weight, "bake": BAKE} for weight in ladder], "surge": 0}), facts
        )
    except InputError:
        return False
    percents = [step.endpoints for step in plan.steps if step.weight < 100]
    return all(low < high for low, high in itertools.pairwise(percents))


def _target(workload: Workload) -> Iterator[str]:
    yield "target:"
    yield f"  deployment: {_scalar(workload.target.deployment)}"
    yield f"  namespace: {_scalar(workload.target.namespace)}"
    if workload.containers > 1 or len(workload.released) > 1:
        which = _flow(list(workload.released)) if len(workload.released) > 1 else _scalar(workload.container)
        yield f"  container: {which}  # gets the new image; the pod has {workload.containers}"
    if workload.target.services:
        yield f"  services: {_flow(list(workload.target.services))}  # every Service that selects its pods"
    else:
        yield "  # services: []  # none selects its pods, so no traffic can be shifted yet"


def _image(workload: Workload, image: str) -> Iterator[str]:
    yield ""
    if image:
        yield f"image: {_scalar(image)}"
    else:
        yield f"# image: REPO:TAG  # or --image for each release; now it runs {workload.image}"


def _strategy(facts: Facts) -> Iterator[str]:
    steps = canary_weights(facts)
    yield ""
    yield "strategy:"
    yield "  canary:"
    yield f"    # A share of traffic is a share of pods, {facts.stable_pods} stable now: `deliver plan` tells what each weight really is."
    yield "    steps:"
    for weight in steps:
        yield f"      - {{weight: {weight}, bake: {BAKE}}}"


def _analysis(workload: Workload, found: Discovery) -> Iterator[str]:
    yield ""
    for line in (*workload.notes, *found.notes):
        yield from _comment(line)
    if found.provider is None and not workload.health:
        yield "# Without metrics and checks a release is judged by its pods alone."
        return
    yield "analysis:"
    if found.provider is not None:
        yield f"  prometheus: {_flow(found.provider)}"
    if found.metrics:
        yield "  # Without `max` a metric is judged against the stable side; `max: 1%` would be a fixed limit instead."
        yield "  metrics:"
        for metric in found.metrics:
            yield from _entry(metric)
    if workload.health:
        yield "  health:"
        for check in workload.health:
            yield f"    - {_flow(check.entry)}  # {check.why}"


def _entry(metric: DiscoveredEntry) -> Iterator[str]:
    first, *rest = metric.entry.items()
    yield f"    - {first[0]}: {_scalar(first[1])}"
    for key, value in rest:
        yield f"      {key}: {_scalar(value)}"


def _comment(line: str) -> Iterator[str]:
    """The line as comment, broken at words. Nothing that came from the cluster can leave the comment."""
    row = "#"
    for word in re.sub(r"[^ -~]", " ", line).split():
        if len(row) + 1 + len(word) > WIDTH and row != "#":
            yield row
            row = "#  "
        row += f" {word}"
    yield row


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """Single quotes around what YAML could take for something else; JSON's quotes where there are such in it."""
    if isinstance(value, (bool, int, float)) or value is None:
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS and ": " not in value and " #" not in value:
        return str(value)
    return f"'{value}'" if "'" not in value and value.isprintable() else json.dumps(value)
