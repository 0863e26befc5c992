"""`validate`, `doctor`, `plugins`, `version`: before a first release."""

import platform
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from typer.core import TyperCommand

from deliver import __version__
from deliver.cli import context
from deliver.cli.options import ANALYSIS, ANSWER, LIMITS, PLACE, TARGETING, Given, Option, command, output
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode

if TYPE_CHECKING:
    from deliver.cluster.client import KubernetesCluster
    from deliver.config.draft import Draft
    from deliver.doctor import DoctorTarget


def make(name: str, summary: str) -> TyperCommand:
    if name == "validate":
        schema = Option("schema", "print the JSON Schema of deliver.yaml, for editors, and check nothing", kind="flag")
        return command(name, summary, validate, (PLACE[-1], schema, *TARGETING, *ANALYSIS, *LIMITS, *ANSWER))
    if name == "doctor":
        return command(name, summary, doctor, (*PLACE, *ANALYSIS[:2], output("text", "json", "yaml"), *ANSWER))
    shown = (output("text", "json", "yaml"), *ANSWER)
    if name == "plugins":
        what = Option("what", "`show NAME` (or FAMILY/NAME): its options and hooks", kind="many", metavar="[show NAME]")
        return command(name, summary, plugins, shown, argument=what)
    return command(name, summary, version, shown, target=False)


def validate(given: Given) -> int:
    from deliver.config.build import check
    from deliver.config.schema import json_schema

    if given["schema"]:
        context.show_view(json_schema(), "json")
        return ExitCode.PROMOTED
    found = context.draft(given)
    context.show(f"{found.document.source if found.document else 'options'}: valid{check(found)}")
    return ExitCode.PROMOTED


def doctor(given: Given) -> int:
    from deliver.doctor import run_checks
    from deliver.doctor.text import doctor_text
    from deliver.render.lists import items_view

    cluster, namespace = _place(given)
    draft = _draft(given)
    options = draft.get(("analysis", "prometheus"))
    lines = run_checks(cluster, namespace, options if isinstance(options, dict) else None, now=time.time, judged=_judged(draft))
    context.show_as(given, lambda: items_view("Doctor", [asdict(line) for line in lines]), lambda style: doctor_text(lines, style))
    return ExitCode.UNREACHABLE if any(line.level == "fail" for line in lines) else ExitCode.PROMOTED


def _place(given: Given) -> "tuple[KubernetesCluster, str]":
    """The target's namespace, without needing a target: doctor is for before there is a file."""
    if not given["target"] and context.document(given) is None:
        cluster = context.open_cluster(given)
        return cluster, str(given["namespace"] or cluster.namespace)
    cluster, target = context.aim(given)
    return cluster, target.namespace


def _draft(given: Given) -> "Draft":
    """What file and options say of the target and of Prometheus; not checked, for doctor looks at it."""
    from deliver.config.draft import Draft
    from deliver.config.options import lay

    found = Draft.of(context.document(given))
    lay(found, {name: given[name] for name in ("target", "prometheus", "prometheus_header")}, given.label)
    return found


def _judged(draft: "Draft") -> "DoctorTarget | None":
    from deliver.doctor import DoctorTarget
    from deliver.doctor.series import DEFAULT_STALENESS
    from deliver.plugins.types import parse_duration

    name, container, metrics = (draft.get(path) for path in (("target", "deployment"), ("target", "container"), ("analysis", "metrics")))
    if not isinstance(name, str):
        return None
    try:
        stale = parse_duration(draft.get(("analysis", "max_staleness")))
    except ValueError:  # not there, or for `validate` to tell
        stale = DEFAULT_STALENESS
    silent = draft.document is not None and metrics is None
    found = metrics if isinstance(metrics, list) else ()
    return DoctorTarget(name, container if isinstance(container, str) else "", found, stale, silent=silent, none_wanted=metrics == [])


def plugins(given: Given) -> int:
    from deliver.plugins import registry
    from deliver.render.lists import items_view
    from deliver.render.plugins import plugins_text

    if words := given["what"]:
        return plugin(given, words)
    found = registry.describe()
    context.show_as(given, lambda: items_view("PluginList", [asdict(one) for one in found]), lambda style: plugins_text(found, style))
    return ExitCode.PROMOTED


def plugin(given: Given, words: list[str]) -> int:
    """`deliver plugins show NAME`."""
    from deliver.plugins import registry
    from deliver.render.lists import items_view
    from deliver.render.plugins import plugin_text, plugin_view

    if len(words) != 2 or words[0] != "show":
        hint = "`deliver plugins` lists all, `deliver plugins show NAME` tells of one"
        raise InputError(f"`deliver plugins {' '.join(words)[:60]}` is not understood", hint=hint)
    views = [plugin_view(one) for one in registry.find(words[1])]
    context.show_as(
        given,
        lambda: items_view("PluginList", views),
        lambda style: "\n\n".join(plugin_text(view, style) for view in views),
    )
    return ExitCode.PROMOTED


def version(given: Given) -> int:
    def view() -> dict[str, str]:
        from deliver.render.view import API_VERSION  # who only wants the number does not pay for it

        return {"apiVersion": API_VERSION, "kind": "Version", "version": __version__, "python": platform.python_version()}

    context.show_as(given, view, lambda _: f"deliver {__version__}")
    return ExitCode.PROMOTED
