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

    releases, now = commands.history(*context.aim(given)), time.time()
    context.show_as(given, lambda: lists.list_view(releases, now), lambda style: text.history_text(releases, now, style))
    return ExitCode.PROMOTED
