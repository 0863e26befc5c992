"""Colour, symbols and plain tables for text; and who may have colour. No third-party import: `deliver rollback` pays for this."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36", "bad": "1;31"}
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
UNICODE = {
    "action": "►", "wait": "◎", "done": "✔", "warn": "⚠", "fail": "✗",
    "arrow": "→", "full": "█", "empty": "░", "rule": "─", "todo": "·", "cut": "…",
}  # fmt: skip
ASCII = {
    "action": ">", "wait": "~", "done": "+", "warn": "!", "fail": "x",
    "arrow": "->", "full": "#", "empty": ".", "rule": "-", "todo": ".", "cut": "..",
}  # fmt: skip
LEVEL_STYLE = {"action": "", "wait": "dim", "done": "green", "warn": "yellow", "fail": "bad", "todo": "dim"}
VERDICT_STYLE = {"PASS": "green", "FAIL": "bad", "BLIND": "yellow"}
VERDICT_LEVEL = {"PASS": "done", "FAIL": "fail", "BLIND": "warn"}
STEP_LEVEL = {
    "done": "done",
    "running": "action",
    "waiting": "wait",
    "pending": "todo",
    "held": "warn",
    "failed": "fail",
    "skipped": "todo",
}


@dataclass(frozen=True)
class Style:
    """How text is dressed on one stream."""

    color: bool = False
    unicode: bool = True

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.color and style else text

    def symbol(self, name: str) -> str:
        return (UNICODE if self.unicode else ASCII)[name]

    def mark(self, level: str) -> str:
        """The symbol of a level, in its colour."""
        return self.paint(self.symbol(level), LEVEL_STYLE.get(level, ""))


PLAIN = Style()


def is_tty(stream: TextIO | None) -> bool:
    try:
        return bool(stream and stream.isatty())
    except (ValueError, OSError, AttributeError):  # closed, or put there by somebody who gave it no such method
        return False


def can_unicode(stream: TextIO | None) -> bool:
    """Whether every symbol can be written to the stream. A stream without an encoding (StringIO) takes anything."""
    try:
        "".join(UNICODE.values()).encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True


def style_for(stream: TextIO | None, color: str, environ: Mapping[str, str]) -> Style:
    """color: auto, always or never. auto needs a real terminal, no NO_COLOR (https://no-color.org) and a TERM that can."""
    wanted = color == "always" or (color == "auto" and is_tty(stream) and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb")
    return Style(color=wanted, unicode=can_unicode(stream))


def visible(text: str) -> int:
    return len(_ANSI.sub("", text))


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], style: Style = PLAIN, *, right: Sequence[int] = (), indent: str = ""
) -> list[str]:
    """Lines of a table: columns two spaces apart, the last one unpadded. right: indexes of columns aligned to the right."""
    if not rows:
        return []
    widths = [max(visible(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        cells = []
        for i, cell in enumerate(row):
            pad = " " * (widths[i] - visible(cell))
            cells.append(pad + cell if i in right else cell + pad)
        return (indent + "  ".join(cells)).rstrip()

    head = [line([style.paint(cell, "dim") for cell in header])] if any(header) else []
    return [*head, *(line(row) for row in rows)]
