"""`deliver resume`: a paused, held or orphaned release goes on."""

from functools import partial

from typer.core import TyperCommand

from deliver.cli.operate import act
from deliver.cli.options import DISPLAY, PLACE, REASON, Given, Option, output
from deliver.cli.typer_commands import command

TAKEOVER = Option("takeover", "take the release from a driver that still holds the lock", kind="flag")


def make(name: str, summary: str) -> TyperCommand:
    return command(name, summary, resume, (TAKEOVER, REASON, *PLACE, output("text", "jsonl"), *DISPLAY))


def resume(given: Given) -> int:
    from deliver.engine import commands

    return act(given, "resume", partial(commands.resume, takeover=bool(given["takeover"])))
