"""Which display a run gets: the live view on a real terminal, else lines; JSON lines on stdout when asked; CI around the lines."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

from deliver.engine.runtime.reporter import Reporter
from deliver.formatting.sanitize import clean
from deliver.model.errors import DeliverError
from deliver.model.observation import Observation
from deliver.model.release import Release
from deliver.render.ci import CiReporter, dialect_for
from deliver.render.errors import error_text
from deliver.render.jsonl import JsonLines
from deliver.render.lines import Lines
from deliver.render.out import Out, never_raises
from deliver.render.style import Style, can_unicode, is_tty, style_for
from deliver.render.summary import summary_lines

LIVE_COLUMNS, LIVE_ROWS = 60, 16  # below this the live view would show too little of each thing


def make_reporter(
    *,
    output: str,
    color: str,
    ci: str,
    quiet: bool,
    verbose: bool,
    stdout: TextIO | None,
    stderr: TextIO | None,
    environ: Mapping[str, str],
    clock: Callable[[], float],
    driving: bool = True,
) -> Reporter:
    """output: text or jsonl. color: auto, always, never. ci: auto, github, gitlab, none.
    clock: unix seconds, the driver's. driving: False for who only looks on.

    quiet: the summary alone (with jsonl: nothing on stderr). verbose: a line for each intent and each check; no live view, for
    the two would fight over the screen. No method of what is returned ever raises.
    """
    err, style = Out(stderr), style_for(stderr, color, environ)
    if output == "jsonl":
        data = JsonLines(Out(stdout), clock)
        # On a terminal that shows both streams, lines between the objects would make both unreadable.
        return data if quiet or is_tty(stdout) else Tee((data, _lines(err, style, ci, verbose, environ, clock)))
    if quiet:
        return SummaryOnly(err, style, clock)
    if not verbose and live_possible(stderr, ci, environ):
        from deliver.render.live import LiveView  # rich: 50 ms that `deliver rollback` in a pipe does not pay

        return LiveView(err, style, clock, environ, driving=driving)
    return _lines(err, style, ci, verbose, environ, clock)


def _lines(err: Out, style: Style, ci: str, verbose: bool, environ: Mapping[str, str], clock: Callable[[], float]) -> Reporter:
    lines = Lines(err, style, clock, verbose=verbose)
    dialect = dialect_for(ci, environ)
    return CiReporter(lines, dialect, err, clock) if dialect else lines


def live_possible(stderr: TextIO | None, ci: str, environ: Mapping[str, str]) -> bool:
    """A real terminal that can move its cursor, show our symbols and hold the view; and nobody's CI."""
    if not is_tty(stderr) or environ.get("CI") or environ.get("TERM", "dumb") in ("dumb", "unknown", ""):
        return False
    size = shutil.get_terminal_size()
    large = size.columns >= LIVE_COLUMNS and size.lines >= LIVE_ROWS
    return large and can_unicode(stderr) and dialect_for(ci, environ) is None


class Tee:
    """Several displays of one release."""

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self._reporters = reporters

    def update(self, release: Release, seen: Observation | None) -> None:
        for reporter in self._reporters:
            reporter.update(release, seen)

    def note(self, text: str) -> None:
        for reporter in self._reporters:
            reporter.note(text)

    def end(self, release: Release, seen: Observation | None) -> None:
        for reporter in self._reporters:
            reporter.end(release, seen)


class SummaryOnly(Lines):
    """--quiet: how it ended, and nothing before."""

    def update(self, release: Release, seen: Observation | None) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    @never_raises
    def end(self, release: Release, seen: Observation | None) -> None:
        for line in summary_lines(release, seen, self.now(), self.style):
            self.out.line(line)


def report_error(error: DeliverError, *, color: str, ci: str, stderr: TextIO | None, environ: Mapping[str, str]) -> None:
    """An error that ended the command: its text on stderr, and in CI the one annotation with the result for later steps."""
    out = Out(stderr)
    out.line(error_text(error, style_for(stderr, color, environ)))
    dialect = dialect_for(ci, environ)
    if dialect:
        text = clean(f"{error.what}{': ' + error.why if error.why else ''}")
        out.write(dialect.annotate(good=False, title="deliver", text=text))
        dialect.publish({"result": error.exit_code.name, "release": "", "reason": text}, "")
