"""`deliver doctor`: cluster, permissions, Prometheus and clock, before a first release."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import ANALYSIS, ANSWER, PLACE, Given, output
from deliver.cli.typer_commands import command
from deliver.model.exitcodes import ExitCode

if TYPE_CHECKING:
    from deliver.cluster.client import KubernetesCluster
    from deliver.config.draft import Draft
    from deliver.doctor import DoctorTarget


def make(name: str, summary: str) -> TyperCommand:
    return command(name, summary, doctor, (*PLACE, *ANALYSIS[:2], output("text", "json", "yaml"), *ANSWER))


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
    from deliver.config.options import apply_options

    found = Draft.of(context.document(given))
    apply_options(found, {name: given[name] for name in ("target", "prometheus", "prometheus_header")}, given.label)
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
    named = ",".join(map(str, container)) if isinstance(container, list) else container if isinstance(container, str) else ""
    return DoctorTarget(name, named, found, stale, silent=silent, none_wanted=metrics == [])
