"""`report`: a release as one file to keep, to send and to print."""

import sys
import time
from pathlib import Path

from typer.core import TyperCommand

from deliver.cli import context
from deliver.cli.options import COLOR, PLACE, Given, Option
from deliver.cli.typer_commands import command
from deliver.cli.which import WHICH, chosen, known
from deliver.model.errors import InputError
from deliver.model.exitcodes import ExitCode
from deliver.render.style import is_tty

FILE = Option("output", "file to write; default, and `-`: stdout", "-o", metavar="FILE", env="DELIVER_REPORT_FILE")
FORMAT = Option("format", "default: what FILE ends with, else html", choices=("html", "svg", "png"), env="DELIVER_REPORT_FORMAT")


def make(name: str, summary: str) -> TyperCommand:
    return command(name, summary, report, (WHICH, FILE, FORMAT, *PLACE, COLOR))


def report(given: Given) -> int:
    from deliver.report import report as maker

    file = None if given["output"] == "-" else given["output"]
    format = given["format"] or form(file)
    if not file and format == "png" and is_tty(sys.stdout):
        raise InputError("a PNG is nothing for a terminal", hint="name a file: `-o release.png`")
    maker.can_draw()
    cluster, target = context.aim(given)
    release = chosen(given["release"], known(cluster, target, given["release"]), target)
    write(file, maker.report(release, format, time.time()))
    return ExitCode.PROMOTED


def form(file: str | None) -> str:
    if not file:
        return "html"
    suffix = Path(file).suffix.lower()
    known = {".html": "html", ".htm": "html", ".svg": "svg", ".png": "png"}
    if suffix not in known:
        raise InputError(f"what kind of file is `{file[:80]}`?", why="it ends with none of .html, .svg, .png", hint="give --format")
    return known[suffix]


def write(file: str | None, data: bytes) -> None:
    try:
        if not file:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        Path(file).write_bytes(data)
    except BrokenPipeError:  # who reads has seen enough
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write {(file or 'to stdout')[:200]}", why=str(getattr(error, "strerror", None) or error)) from error
    context.say(f"wrote {file}: {len(data) / 1000:.0f} kB")
