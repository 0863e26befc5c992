"""`import`: another tool's analysis as a deliver.yaml; what could not be taken over is said, each with its reason."""

import sys
from pathlib import Path

from typer.core import TyperCommand

from deliver.cli import session
from deliver.cli.options import ANALYSIS, DISPLAY, PLACE, Given, Option, command
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode

SOURCE = Option("source", "file with AnalysisTemplates, Rollouts, Canaries, MetricTemplates; `-` for stdin", metavar="FILE")
OPTIONS = (
    Option("output", "file to write; default: stdout", "-o", metavar="FILE", env="DELIVER_IMPORT_FILE"),
    Option("force", "write over a file that is there", kind="flag"),
    Option("deployment", "name of the Deployment, where the objects do not tell it", metavar="NAME"),
    Option("arg", "value of an analysis' argument; may be repeated", kind="many", metavar="NAME=VALUE"),
)


def make(name: str, summary: str) -> TyperCommand:
    return command(name, summary, run, (*OPTIONS, PLACE[0], ANALYSIS[0], DISPLAY[0]), argument=SOURCE)


def run(given: Given) -> int:
    from deliver.importing.convert import convert
    from deliver.importing.objects import objects
    from deliver.render.clean import clean

    if not given["source"]:
        raise InputError("no file", hint="e.g. `deliver import analysis-template.yaml -o deliver.yaml`")
    args = dict(_pair(text) for text in given["arg"])
    found = convert(
        objects(_read(given["source"]), given["source"]),
        deployment=given["deployment"] or "",
        namespace=given["namespace"] or "",
        prometheus=given["prometheus"] or "",
        args=args,
    )
    for note in found.notes:
        session.say(f"{'!' if note.lost else '-'} {clean(note)}")
    if not found.text:
        raise InputError(f"nothing of {given['source']} could be converted", hint="docs/migration.md has what can be")
    _write(given, found.text)
    return ExitCode.PROMOTED


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise InputError(f"option --arg: `{text[:40]}` is not NAME=VALUE")
    return name, value


def _read(source: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {source[:200]}", why=str(getattr(error, "strerror", None) or error)) from error


def _write(given: Given, text: str) -> None:
    file = given["output"]
    if not file:
        session.show(text.rstrip())
        return
    try:
        with Path(file).open("w" if given["force"] else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise InputError(f"{file} is there already", hint="--force writes over it") from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write {file[:200]}", why=str(getattr(error, "strerror", None) or error)) from error
    session.say(f"wrote {file}; `deliver validate -f {file}` checks it")
