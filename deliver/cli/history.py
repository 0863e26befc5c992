"""`deliver history`: past releases, newest first."""

import time

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import ANSWER, PLACE, Given, output
from deliver.cli.typer_commands import command
from deliver.model.exitcodes import ExitCode


def make(name: str, summary: str) -> TyperCommand:
    return command(name, summary, history, (*PLACE, output("text", "json", "yaml"), *ANSWER))


def history(given: Given) -> int:
    from deliver.engine import commands
    from deliver.render import lists, text

    record, now = commands.recorded(*context.aim(given)), time.time()
    releases = record.releases
    for problem in filter(None, (record.problem and f"the live record: {record.problem}", record.lost and f"the history: {record.lost}")):
        context.say(f"left out of {problem}")
    context.show_as(given, lambda: lists.list_view(releases, now), lambda style: text.history_text(releases, now, style))
    return ExitCode.PROMOTED
