"""`import`: other tools' analyses as a deliver.yaml for each target; what could not be taken over is said, each with its reason."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import ANALYSIS, DISPLAY, PLACE, Given, Option
from deliver.cli.typer_commands import command
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode

if TYPE_CHECKING:
    from deliver.importers.convert import Converted, Part
    from deliver.importers.objects import Manifest

SOURCES = Option(
    "sources",
    "files or folders with AnalysisTemplates, Rollouts, Canaries, MetricTemplates; `-` for stdin",
    kind="many",
    metavar="FILE",
)
SUFFIXES = (".yaml", ".yml", ".json")
OPTIONS = (
    Option(
        "output", "file to write, or a folder for a file of each target; default: stdout", "-o", metavar="FILE", env="DELIVER_IMPORT_FILE"
    ),
    Option("force", "write over a file that is there", kind="flag"),
    Option("deployment", "name of the Deployment, where the objects do not tell it; of several, the one to convert", metavar="NAME"),
    Option("arg", "value of an analysis' argument; may be repeated", kind="many", metavar="NAME=VALUE"),
)


def make(name: str, summary: str) -> TyperCommand:
    return command(name, summary, run, (*OPTIONS, PLACE[0], ANALYSIS[0], DISPLAY[0]), argument=SOURCES)


def run(given: Given) -> int:
    from deliver.importers.convert import convert, others, parts

    if not given["sources"]:
        raise InputError("no file", hint="e.g. `deliver import analysis-template.yaml -o deliver.yaml`")
    args = dict(_pair(text) for text in given["arg"])
    read = [obj for source in given["sources"] for obj in _objects(source)]
    several = parts(read)
    _say(others(read, several))
    if len(several) > 1:
        several = _chosen(given, several)
    first = {name: given[name] or "" for name in ("deployment", "namespace", "prometheus")}
    made = [(part, convert(part.objects, **first, args=args)) for part in several]
    for part, found in made:
        if len(made) > 1:
            context.say(f"{part}:")
        _say(found.notes)
    kept = [(part, found) for part, found in made if found.text]
    if not kept:
        named = ", ".join(map(str, given["sources"]))[:200]
        raise InputError(f"nothing of {named} could be converted", hint="docs/migration.md has what can be")
    _write(given, kept)
    return ExitCode.PROMOTED


def _say(notes: "Sequence[object]") -> None:
    from deliver.formatting.sanitize import clean

    for note in notes:
        context.say(f"{'!' if getattr(note, 'lost', False) else '-'} {clean(note)}")


def _chosen(given: Given, several: "tuple[Part, ...]") -> "tuple[Part, ...]":
    """One file is about one target: the one that is named, or a folder takes a file for each."""
    names = ", ".join(sorted(map(str, several)))[:200]
    if wanted := given["deployment"]:
        found = tuple(part for part in several if part.name == wanted and given["namespace"] in (None, part.namespace))
        if len(found) != 1:
            raise InputError(f"--deployment {wanted[:80]} is {'several' if found else 'none'} of what was read", why=f"there are {names}")
        return found
    if not _folder(given["output"]):
        raise InputError(
            f"{len(several)} targets in what was read, and one file is about one",
            why=f"there are {names}",
            hint="`-o FOLDER/` writes a file for each, `--deployment NAME` takes one",
        )
    return several


def _folder(file: str | None) -> bool:
    return bool(file) and (str(file).endswith("/") or Path(str(file)).is_dir())


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise InputError(f"option --arg: `{text[:40]}` is not NAME=VALUE")
    return name, value


def _objects(source: str) -> "Iterator[Manifest]":
    """What a file that is named has must be readable; a folder may have others besides."""
    from deliver.importers.objects import MAX_BYTES, objects

    if source == "-":
        yield from objects(sys.stdin.buffer.read(MAX_BYTES + 1), source)
        return
    try:
        if not (folder := Path(source)).is_dir():
            yield from objects(folder.read_bytes(), source)
            return
        files = sorted(file for file in folder.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {source[:200]}", why=str(getattr(error, "strerror", None) or error)) from error
    for file in files:
        try:
            yield from objects(file.read_bytes(), str(file))
        except (OSError, InputError) as error:
            context.say(f"! {file}: not read: {getattr(error, 'why', None) or getattr(error, 'strerror', None) or error}")


def _write(given: Given, made: "list[tuple[Part, Converted]]") -> None:
    if given["output"] in (None, "", "-"):
        context.show(made[0][1].text.rstrip())
    elif _folder(given["output"]):
        _folded(Path(given["output"]), made, force=given["force"])
    else:
        _file(Path(given["output"]), made[0][1].text, force=given["force"])


def _folded(folder: Path, made: "list[tuple[Part, Converted]]", *, force: bool) -> None:
    """NAME.yaml each; where two have one name, with their namespaces. All or none."""
    names = [part.name or "deliver" for part, _ in made]
    files = [
        folder / (f"{name}.yaml" if names.count(name) == 1 else f"{part.namespace or 'default'}-{name}.yaml").replace("/", "-")
        for name, (part, _) in zip(names, made, strict=True)
    ]
    if double := next((file for file in files if files.count(file) > 1), None):
        raise InputError(f"two targets would be written to {double}", hint="convert them one by one")
    if not force and (there := [str(file) for file in files if file.exists()]):
        raise InputError(f"{', '.join(there)[:200]} is there already", hint="--force writes over it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}", why=str(error.strerror or error)) from error
    for file, (_, found) in zip(files, made, strict=True):
        _file(file, found.text, force=force)


def _file(file: Path, text: str, *, force: bool) -> None:
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise InputError(f"{file} is there already", hint="--force writes over it") from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write {str(file)[:200]}", why=str(getattr(error, "strerror", None) or error)) from error
    context.say(f"wrote {file}; `deliver validate -f {file}` checks it")
