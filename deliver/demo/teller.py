"""What the demo says: on one stream, in the order in which things happen."""

import shutil
import time
from collections.abc import Callable, Mapping
from textwrap import wrap
from typing import TextIO

from deliver.render.out import Out
from deliver.render.style import is_tty, style_for

WIDEST = 100


class Teller:
    """environ: for NO_COLOR and TERM. The children write to the same stream, so each line goes out at once."""

    def __init__(
        self, stream: TextIO, environ: Mapping[str, str], color: str = "auto", sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.stream, self._sleep = stream, sleep
        self.out, self.style, self.terminal = Out(stream), style_for(stream, color, environ), is_tty(stream)

    @property
    def width(self) -> int:
        return min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST) if self.terminal else WIDEST

    def say(self, text: str) -> None:
        """A paragraph, and an empty line."""
        for line in wrap(" ".join(text.split()), self.width, break_on_hyphens=False):
            self.out.line(line)
        self.gap()

    def verbatim(self, text: str) -> None:
        """Lines as they are, indented, and an empty line."""
        for line in text.rstrip().splitlines():
            self.out.line(("    " + self.style.paint(line, "dim")) if line else "")
        self.gap()

    def head(self, text: str) -> None:
        rule = self.style.symbol("rule") * max(self.width - len(text) - 4, 3)
        self.out.line(
            f"{self.style.paint(self.style.symbol('rule') * 2, 'cyan')} {self.style.paint(text, 'bold')} {self.style.paint(rule, 'cyan')}"
        )
        self.gap()

    def command(self, text: str) -> None:
        self.out.line(self.style.paint("$ ", "dim") + self.style.paint(text, "bold"))

    def commands(self, *lines: tuple[str, str]) -> None:
        """To be typed by the visitor, each with what it does."""
        for text, does in lines:
            self.out.line(self.style.paint(f"  # {does}", "dim"))
            self.out.line(f"  {self.style.paint(text, 'bold')}")
        self.gap()

    def check(self, good: bool, text: str) -> None:
        for i, line in enumerate(wrap(text, self.width - 2, break_on_hyphens=False)):
            self.out.line(f"{self.style.mark('done' if good else 'fail') if not i else ' '} {line}")

    def pause(self, seconds: float) -> None:
        """For a reader; a file needs none."""
        if self.terminal:
            self._sleep(seconds)

    def gap(self) -> None:
        self.out.line("")

    def show_cursor(self) -> None:
        """A live view that was killed leaves the cursor hidden."""
        if self.terminal:
            self.out.write("\x1b[?25h")
