"""`deliver version`."""

import platform

from typer.core import TyperCommand

from deliver import __version__
from deliver.cli import context
from deliver.cli.options import ANSWER, Given, output
from deliver.cli.typer_commands import command
from deliver.model.exitcodes import ExitCode


def make(name: str, summary: str) -> TyperCommand:
    return command(name, summary, version, (output("text", "json", "yaml"), *ANSWER), target=False)


def version(given: Given) -> int:
    def view() -> dict[str, str]:
        from deliver.render.view import API_VERSION  # who only wants the number does not pay for it

        return {"apiVersion": API_VERSION, "kind": "Version", "version": __version__, "python": platform.python_version()}

    context.show_as(given, view, lambda _: f"deliver {__version__}")
    return ExitCode.PROMOTED
