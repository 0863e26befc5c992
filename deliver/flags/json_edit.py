"""JSON as text: strict reading, and the place of each member, so that one value is replaced and every other byte stays as it was."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Span:
    """A member's value: text[start:end]; its name with the quotes: text[key:colon]."""

    start: int
    end: int
    key: int
    colon: int


def parse_strict(text: str) -> Any:
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
        key, colon = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, colon) + 1)
        _, end = _DECODER.raw_decode(text, start)
        found[key] = Span(start, end, at, colon)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _skip(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def with_value(text: str, span: Span, value: str) -> str:
    return text[: span.start] + value + text[span.end :]


def with_first_member(text: str, start: int, key: str, value: str) -> str:
    """A new first member of the object that begins at or after `start`."""
    at = _skip(text, start) + 1
    comma = "" if text[_skip(text, at)] == "}" else ", "
    return f"{text[:at]}{json.dumps(key)}: {value}{comma}{text[at:]}"


def with_members(text: str, new: Mapping[str, Any]) -> str:
    """The object that the text is, with these members: what stays keeps its bytes, what is new is laid out as the first two are."""
    old, spans = parse_strict(text), members(text, 0)
    ends = list(spans.values())
    lead, colon, gap, tail = "", ": ", " ", ""
    if ends:
        lead, colon, tail = text[1 : ends[0].key], text[ends[0].colon : ends[0].start], text[ends[-1].end : -1]
        gap = text[ends[0].end : ends[1].key].partition(",")[2] if len(ends) > 1 else lead or " "
    parts = [f"{_name(text, spans, key)}{colon}{_value(text, spans, old, key, value)}" for key, value in new.items()]
    return "{" + lead + f",{gap}".join(parts) + tail + "}" if parts else "{}"


def _name(text: str, spans: Mapping[str, Span], key: str) -> str:
    return text[spans[key].key : spans[key].colon].rstrip(_SPACE) if key in spans else json.dumps(key)


def _value(text: str, spans: Mapping[str, Span], old: Mapping[str, Any], key: str, value: Any) -> str:
    if key not in spans:
        return compact(value)
    there = text[spans[key].start : spans[key].end]
    if old[key] == value:
        return there
    return with_members(there, value) if isinstance(old[key], dict) and isinstance(value, dict) else compact(value)


def compact(value: Any) -> str:
    """On one line."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair can be escaped, but not written
        return json.dumps(value)
    return text
