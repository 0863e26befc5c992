"""The generated references say what the code says; every `deliver` command that a document shows takes the options it is shown with."""

import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from deliver.cli.app import app
from deliver.cli.commands import COMMANDS, strategy_summary
from deliver.plugins import registry
from tests.docs.reference import PAGES, written

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/README.md")})
SHOWN = re.compile(r"^```(?:console|bash|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(deliver [a-z][^`]*)`")
LINE = re.compile(r"^(?:\$ |- run: (?:exec )?|  run: )?(deliver [^\n]*)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_generated_page_is_as_the_code_has_it(page: Path):
    assert page.read_text(encoding="utf-8") == written(page), "run `make docs`"


def shown(document: Path) -> list[str]:
    """In blocks, and within sentences; `deliver x` stands for any command."""
    text = document.read_text(encoding="utf-8")
    inline = [line.replace("\n", " ") for line in INLINE.findall(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))]
    blocks = [line for block in SHOWN.findall(text) for line in LINE.findall(block.replace("\\\n", " "))]
    return [*blocks, *(line for line in inline if line != "deliver x")]


def made(words: list[str]) -> Any:
    """The command, as the command line makes it for these words."""
    name, rest = words[0], words[1:]
    if name not in COMMANDS:
        return import_module("deliver.cli.run").make(name, strategy_summary(name))
    more = (rest,) if name == "plan" else ()
    return import_module(f"deliver.cli.{COMMANDS[name].module}").make(name, COMMANDS[name].summary, *more)


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if shown(one)], ids=lambda one: str(one.relative_to(ROOT)))
def test_every_command_that_a_document_shows_takes_the_options_that_it_is_shown_with(document: Path, monkeypatch: pytest.MonkeyPatch):
    from dark_launch import DarkLaunch

    monkeypatch.chdir(ROOT)
    with registry.override("deliver.strategies", DarkLaunch):
        for line in shown(document):
            words = shlex.split(re.sub(r"\$\{\{.*?\}\}", "1", line), comments=True)[1:]
            assert words[0] in COMMANDS or words[0] in registry.names("deliver.strategies"), line
            if "--help" in words or words == ["sandbox"]:
                continue
            command = made(words)
            while subcommands := getattr(command, "commands", None):
                command, words = subcommands[words[1]], words[1:]
            try:
                command.make_context(words[0], list(words[1:]))
            except typer.TyperException as error:
                pytest.fail(f"{line}\n{error}")


def test_the_root_command_knows_every_command_that_is_in_the_table():
    root: Any = typer.main.get_command(app)
    assert {name for name in COMMANDS if root.get_command(None, name) is None} == set()
