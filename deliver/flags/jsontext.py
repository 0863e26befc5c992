"""JSON as text: strict reading, and the place of each member, so that one value is replaced and every other byte stays as it was."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Span:
    """The value of a member: text[start:end]."""

    start: int
    end: int


def strict(text: str) -> Any:
    """Like json.loads, but a key that stands twice, NaN and Infinity are errors. Raises ValueError with the place."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"`{key}` stands twice in one object")
        found[key] = value
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def members(text: str, start: int) -> Mapping[str, Span]:
    """The members of the object that begins at or after `start`. The text is valid JSON."""
    at, found = _skip(text, start) + 1, {}
    at = _skip(text, at)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, at)
        found[key] = Span(at, end)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _skip(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def replaced(text: str, span: Span, value: str) -> str:
    return text[: span.start] + value + text[span.end :]


def inserted(text: str, start: int, key: str, value: str) -> str:
    """A new first member of the object that begins at or after `start`."""
    at = _skip(text, start) + 1
    comma = "" if text[_skip(text, at)] == "}" else ", "
    return f"{text[:at]}{json.dumps(key)}: {value}{comma}{text[at:]}"


def shown(value: Any, like: str = "", margin: str = "") -> str:
    """The value as text, laid out as `like` is: on one line, or indented by what `like` indents with. margin: before its last brace."""
    step = _step(like, margin)
    text = json.dumps(value, ensure_ascii=not _encodable(value), indent=step or None)
    return text.replace("\n", f"\n{margin}") if step else text


def margin_of(text: str, span: Span) -> str:
    """The white space that the line of the value's last character begins with."""
    line = text[text.rfind("\n", 0, span.end - 1) + 1 : span.end]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _step(like: str, margin: str) -> str:
    if "\n" not in like:
        return ""
    line = like[like.index("\n") + 1 :]
    space = line[: len(line) - len(line.lstrip(" \t"))]
    return space.removeprefix(margin) if space.startswith(margin) else ""


def _encodable(value: Any) -> bool:
    """Half a surrogate pair can be escaped, but not written."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
