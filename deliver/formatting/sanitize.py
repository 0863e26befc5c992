"""Text from outside, made harmless: a pod's log or a metric's label must not steer a terminal, a CI runner or a Markdown page."""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

# CSI and OSC sequences as a whole, so that no "[31m" is left where the escape character was.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x9b[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]")
_BREAKS = re.compile(r"[\t\r\n\v\f\x85\u2028\u2029]+")
# Control characters, and format characters (bidirectional overrides, zero width) that make a line read as what it is not.
_BAD_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co"})
_SPECIAL = re.compile(r"[^\x00-\x7e]")


def clean(text: object) -> str:
    """One line without control characters."""
    line = str(text)
    if line.isascii() and line.isprintable():
        return line
    line = _BREAKS.sub(" ", _ESCAPES.sub("", line))
    return "".join(char for char in line if unicodedata.category(char) not in _BAD_CATEGORIES)


def one_line(text: object, limit: int = 200) -> str:
    """One line without control characters and runs of blanks, cut to `limit` characters: for a message."""
    line = " ".join(clean(str(text)[: 20 * limit]).split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def json_in(text: str | bytes) -> Any:
    """What it says as JSON; None for what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def escaped(text: str) -> str:
    """JSON text whose unseen characters are escapes: it says the same."""
    return _SPECIAL.sub(lambda found: json.dumps(found[0])[1:-1] if unicodedata.category(found[0]) in _BAD_CATEGORIES else found[0], text)


def clean_data(value: Any) -> Any:
    """The same for every string in plain data, keys too."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(key): clean_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean_data(item) for item in value]
    return value


def defuse(line: str) -> str:
    """A log line that no GitHub runner takes for a command: it looks for `::` at the start and for `##[` anywhere."""
    line = line.replace("##[", "## [")
    return f"| {line}" if line.lstrip().startswith("::") else line


def command_data(text: str) -> str:
    """Escaped for the message of a GitHub workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """Escaped for a property (title=...) of a GitHub workflow command."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~$@])")


def markdown(text: object) -> str:
    """Text for a Markdown table cell: shown as it is, no link, image, mention or HTML."""
    line = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", line)
