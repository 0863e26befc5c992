"""`deliver history`: past releases, newest first; `deliver explain`: each decision of one, with what it stood on."""

import time

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import ANSWER, PLACE, Given, Option, output
from deliver.cli.typer_commands import command
from deliver.cli.which import WHICH, chosen, known
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode
from deliver.model.release import Release


def make(name: str, summary: str) -> TyperCommand:
    options = (*PLACE, output("text", "json", "yaml"), *ANSWER)
    if name == "history":
        return command(name, summary, history, options)
    return command(name, summary, explain, (WHICH, Option("step", "one step alone, counted from 1", metavar="N"), *options))


def history(given: Given) -> int:
    from deliver.engine import commands
    from deliver.render import lists, text

    record, now = commands.recorded(*context.aim(given)), time.time()
    releases = record.releases
    for problem in filter(None, (record.problem and f"the live record: {record.problem}", record.lost and f"the history: {record.lost}")):
        context.say(f"left out of {problem}")
    context.show_as(given, lambda: lists.list_view(releases, now), lambda style: text.history_text(releases, now, style))
    return ExitCode.PROMOTED


def explain(given: Given) -> int:
    from deliver.render import lists
    from deliver.render.explain import explain_text

    cluster, target = context.aim(given)
    release = chosen(given["release"], known(cluster, target, given["release"]), target)
    step, now = _step(given["step"], release), time.time()
    context.show_as(given, lambda: lists.explanation_view(release, now, step), lambda style: explain_text(release, now, step, style))
    return ExitCode.PROMOTED


def _step(text: str | None, release: Release) -> int | None:
    if text is None:
        return None
    if text.isdecimal() and 1 <= int(text) <= len(release.plan.steps):
        return int(text) - 1
    raise InputError(f"option --step: `{text[:20]}` is no step", why=f"{release.id} has the steps 1 to {len(release.plan.steps)}")
