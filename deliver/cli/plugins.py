"""`deliver plugins`: what is installed, and with `show NAME` one of them."""

from dataclasses import asdict

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import ANSWER, Given, Option, output
from deliver.cli.typer_commands import command
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode


def make(name: str, summary: str) -> TyperCommand:
    what = Option("what", "`show NAME` (or FAMILY/NAME): its options and hooks", kind="many", metavar="[show NAME]")
    return command(name, summary, plugins, (output("text", "json", "yaml"), *ANSWER), argument=what)


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
