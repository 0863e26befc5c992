"""What a plain word stands for: in the file, and in an option that takes a number."""

import math
import re
from typing import Any

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(
    r"[-+]?(?:0|[1-9][0-9]{0,17})?\.[0-9]{1,18}(?:[eE][-+]?[0-9]{1,3})?|[-+]?[1-9][0-9]{0,17}(?:\.[0-9]{0,18})?[eE][-+]?[0-9]{1,3}"
)
_NULL, _TRUE, _FALSE = ("", "~", "null", "Null", "NULL"), ("true", "True", "TRUE"), ("false", "False", "FALSE")
_WORDS: dict[str, bool | None] = {**dict.fromkeys(_NULL), **dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}


def scalar(text: str) -> Any:
    """A plain scalar as YAML 1.2's core schema reads it, but no octal, hex, infinity or leading zero: those stay text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
