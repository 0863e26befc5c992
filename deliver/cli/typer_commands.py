"""All that bends typer to what it does not offer. Everything else of the command line is plain data and functions.

typer makes a command out of a function's signature, known when the module is loaded. Here options are data (`Option`: shared between
commands, each with its DELIVER_ variable), those of a strategy come out of the plugin's Options model, and those of `plan` depend on the
strategy that the command line itself names. So `command` writes a signature, `peek` reads the command line before typer does, and
`DeliverGroup` lists the commands out of a table and imports only the one that is called: `deliver --help` loads none of them.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from deliver.cli.commands import COMMANDS, GROUPS, RELEASE, SETTINGS, strategy_names, strategy_summary
from deliver.model.exitcodes import MEANING

if TYPE_CHECKING:
    from deliver.cli.options import Given, Option


def command(
    name: str,
    summary: str,
    run: "Callable[[Given], int]",
    options: "Iterable[Option]",
    *,
    target: bool = True,
    argument: "Option | None" = None,
) -> TyperCommand:
    """A typer command whose callback gets all that was given as one value and returns the exit code. argument: in TARGET's place."""
    from deliver.cli.errors import reported
    from deliver.cli.options import TARGET, Given

    options = tuple(options)

    def callback(ctx: typer.Context, **values: Any) -> int:
        def label(key: str) -> str:
            option = next((option for option in options if option.name == key), None)
            source = ctx.get_parameter_source(key)
            return key if option is None else _env(option) if source and source.name == "ENVIRONMENT" else option.long

        return reported(lambda: run(Given(values, label)), values)

    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    first = argument or (TARGET if target else None)
    parameters = [context, *([_argument(first)] if first else []), *map(_parameter, options)]
    callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads a function's own signature first
    callback.__annotations__ = {}
    single = typer.Typer(rich_markup_mode=None, add_completion=False)
    single.command(name, help=summary, context_settings=SETTINGS)(callback)
    made = typer.main.get_command(single)
    assert isinstance(made, TyperCommand)
    return made


def _env(option: "Option") -> str:
    return option.env or f"DELIVER_{option.name.upper()}"


def _argument(option: "Option") -> inspect.Parameter:
    kind, default = _TYPES[option.kind]
    found = typer.Argument(metavar=option.metavar or option.name.upper(), help=option.help, show_default=False)
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, found])


_TYPES: Mapping[str, tuple[Any, Any]] = {
    "text": (str | None, None),
    "flag": (bool, False),
    "switch": (bool | None, None),
    "many": (list[str], []),
}


def _parameter(option: "Option") -> inspect.Parameter:
    kind, default = _TYPES[option.kind]
    decl = f"{option.long}/--no-{option.long[2:]}" if option.kind == "switch" else option.long
    decls = [option.short, decl] if option.short else [decl]
    metavar = option.metavar or ("|".join(option.choices) if option.choices else None)
    info = typer.Option(
        *decls,
        help=option.help,
        metavar=metavar,
        envvar=_env(option),
        show_envvar=False,
        show_default=False,
        hidden=option.hidden,
        callback=_chosen(option),
    )
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])


def _chosen(option: "Option") -> Callable[[Any], Any] | None:
    if not option.choices:
        return None

    def check(value: Any) -> Any:
        if value is not None and value not in option.choices:
            raise typer.BadParameter(f"`{value[:40]}` is not one of {', '.join(option.choices)}")
        return value

    return check


def peek(args: Sequence[str], *options: tuple[str, ...]) -> list[str | None]:
    """The values of these options, each under all its names, on a command line whose other options are not known yet."""
    import argparse

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for index, names in enumerate(options):
        parser.add_argument(*names, nargs="?", dest=str(index))
    found = vars(parser.parse_known_args(list(args))[0])
    return [found[str(index)] for index in range(len(options))]


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
            return import_module("deliver.cli.run").make(cmd_name, strategy_summary(cmd_name))
        return None

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        self._listing = True  # names only
        try:
            return super().shell_complete(ctx, incomplete)
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
