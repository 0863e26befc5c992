"""The root command: lists commands out of a table, imports the one that is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from deliver.cli.commands import COMMANDS, GROUPS, RELEASE, SETTINGS, strategy_names, strategy_summary
from deliver.model.exitcodes import MEANING


class DeliverGroup(TyperGroup):
    """Knows every command by name and line of help; the command itself is made when it is called."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self._listing = False
        self._args: list[str] = []

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self._args = args[1:]
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        for name in strategy_names():
            self.commands[name] = TyperCommand(name, help=strategy_summary(name))
        for name, entry in COMMANDS.items():
            self.commands[name] = TyperCommand(name, help=entry.summary)
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if self._listing:
            return self.commands.get(cmd_name)
        if entry := COMMANDS.get(cmd_name):
            made_from = (self._args,) if cmd_name == "plan" else ()  # its options are those of the strategy that it plans
            return import_module(f"deliver.cli.{entry.module}").make(cmd_name, entry.summary, *made_from)
        if cmd_name in self.list_commands(ctx):  # also fills in the names that a typo is compared with
            return import_module("deliver.cli.release").make(cmd_name, strategy_summary(cmd_name))
        return None

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        with self._names_only():
            return super().shell_complete(ctx, incomplete)

    @contextmanager
    def _names_only(self) -> Iterator[None]:
        self._listing = True
        try:
            yield
        finally:
            self._listing = False

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        self.list_commands(ctx)
        for group in GROUPS:
            names = [name for name in self.commands if (COMMANDS[name].group if name in COMMANDS else RELEASE) == group]
            with formatter.section(group):
                formatter.write_dl([(name, self.commands[name].help or "") for name in names])
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), text) for code, text in MEANING.items()])


app = typer.Typer(
    cls=DeliverGroup,
    rich_markup_mode=None,  # rich would cost more than all the rest of --help
    no_args_is_help=True,
    context_settings=SETTINGS,
)


def _version(wanted: bool) -> None:
    if wanted:
        from deliver import __version__

        typer.echo(f"deliver {__version__}")
        raise typer.Exit


@app.callback()
def root(version: bool = typer.Option(False, "--version", is_eager=True, callback=_version, help="Show the version and exit")) -> None:
    """Move live traffic to a new version step by step, and take it back by itself when users suffer.

    TARGET is `web` or `deployment/web`; without one it comes from deliver.yaml in the folder or above. Options go before DELIVER_*
    variables, those before the file. stdout is data, stderr is progress.
    """
