"""The live view on a terminal (rich). It draws on stderr, keeps the scrollback, and leaves its last frame and the summary behind."""

import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from textwrap import fill
from typing import IO, cast

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from deliver.formatting.sanitize import clean
from deliver.model.observation import Observation
from deliver.model.release import Release
from deliver.render.events import Line, Narrator
from deliver.render.frame import frame
from deliver.render.out import Out, never_raises
from deliver.render.style import Style
from deliver.render.summary import summary_lines

_LABEL = re.compile(r" *(?:[a-z]+: )?")
KEPT = 12  # events in memory; the frame shows as many of the newest as fit
FRAMES = 4  # a second: the running bake moves, the eye rests


class _Screen:
    """What rich writes to: a terminal that went away must not end rich's thread in a traceback."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self.encoding = getattr(out.stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        self._out.write(text)
        return len(text)

    def flush(self) -> None:
        pass  # Out flushes each write

    def isatty(self) -> bool:
        return True


class LiveView:
    """Implements engine.reporter.Reporter. driving: this process drives the release. console: given by tests."""

    def __init__(
        self,
        out: Out,
        style: Style,
        now: Callable[[], float],
        environ: Mapping[str, str],
        console: Console | None = None,
        *,
        driving: bool = True,
    ) -> None:
        self.out, self.style, self.now, self.driving = out, style, now, driving
        self.lock = threading.RLock()
        self._console = console or Console(
            file=cast("IO[str]", _Screen(out)),
            force_terminal=True,
            force_interactive=True,
            no_color=not style.color,
            _environ=dict(environ),
            highlight=False,
        )
        self._narrator = Narrator()
        self._events: deque[Line] = deque(maxlen=KEPT)
        self._shown: tuple[Release, Observation | None] | None = None
        self._live: Live | None = None

    @never_raises
    def update(self, release: Release, seen: Observation | None) -> None:
        self._take(release, seen)
        if self._live is None:
            self._live = Live(
                get_renderable=self.draw, console=self._console, refresh_per_second=FRAMES, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()

    @never_raises
    def note(self, text: str) -> None:
        self._events.append(Line(self.now(), "warn", clean(text)))
        if self._live is None:
            self.out.line(f"{self.style.mark('warn')} {clean(text)}")

    @never_raises
    def end(self, release: Release, seen: Observation | None) -> None:
        self._take(release, seen)
        if self._live is not None:
            self._live.stop()
            self._live = None
        self.out.line("")
        for line in summary_lines(release, seen, self.now(), self.style):
            self.out.line(hung(line, self._console.width))

    def draw(self) -> Group:
        """Called by rich's own thread: it reads one consistent pair, and holds no lock while it draws."""
        shown, events = self._shown, list(self._events)
        if shown is None:
            return Group()
        try:
            return Group(*frame(*shown, events, self.now(), self._console.width, self._console.height - 1, driving=self.driving))
        except Exception as error:  # a bug in the display must not end rich's thread, nor the release
            return Group(Text(f"(display error, the release goes on: {type(error).__name__}: {error})"))

    def _take(self, release: Release, seen: Observation | None) -> None:
        self._shown = (release, seen)
        self._events.extend(self._narrator.tell(release))


def hung(line: str, width: int) -> str:
    """A long line of the summary wrapped at words, under its own text. One with colours is left to the terminal."""
    if len(line) <= width or "\x1b" in line or (label := _LABEL.match(line)) is None:
        return line
    return fill(line, width, subsequent_indent=" " * label.end(), break_long_words=False, break_on_hyphens=False)
