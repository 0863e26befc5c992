"""`deliver rollback`: the traffic is taken back, after a promotion too."""

import os

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import DISPLAY, PLACE, REASON, Given, Option, output
from deliver.cli.signals import stoppable
from deliver.cli.typer_commands import command
from deliver.model.exitcodes import ExitCode

TO = Option("to", "go back to this release (number or id out of `deliver history`) instead of the one before", metavar="N|ID")


def make(name: str, summary: str) -> TyperCommand:
    return command(name, summary, rollback, (TO, REASON, *PLACE, output("text", "jsonl"), *DISPLAY))


def rollback(given: Given) -> int:
    from deliver.engine import commands

    cluster, target = context.aim(given)
    with stoppable(say="the traffic is taken back first") as stop:
        release = commands.rollback(
            cluster,
            target,
            to=given["to"] or "",
            actor=context.actor(os.environ),
            reason=given["reason"] or "",
            reporter=context.reporter(given),
            stop=stop,
        )
    return context.ended(release, stop, taken_back=ExitCode.PROMOTED)
