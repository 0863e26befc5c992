"""Field types for a plugin's Options model: what people write (`5m`, `10%`) to what code wants (seconds, percent, 0..1).

    class Options(BaseModel):
        bake: Duration = Field(60.0, description="how long each step is watched")
        weight: list[Percent] = Field(...)

Defaults are given in the unit the code wants (60.0 seconds); input is given as text with a unit.
"""

import math
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from deliver.formatting.durations import UNITS
from deliver.formatting.sanitize import one_line

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|h|m|s)")
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|h|m|s))+")
_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_LONGEST = 365 * 86400.0


def parse_duration(value: Any) -> float:
    """`5m`, `1h30m`, `90s`, `500ms` to seconds. A bare number is refused: seconds and minutes look the same. Raises ValueError."""
    text = _text(value, "a duration is text with a unit, such as 5m")
    if _NUMBER.fullmatch(text):
        raise ValueError(f"`{text}` has no unit; write {text.lstrip('-')}s or {text.lstrip('-')}m")
    if not _DURATION.fullmatch(text) or len(text) > 40:
        raise ValueError(f"`{one_line(text, 40)}` is not a duration; write it like 30s, 5m, 1h30m or 500ms")
    parts = _PART.findall(text)
    units = [unit for _, unit in parts]
    if units != sorted(set(units), key=list(UNITS).index):
        raise ValueError(f"`{text}` is not a duration; units go from large to small, each once: 1h30m")
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if seconds > _LONGEST:
        raise ValueError(f"`{text}` is longer than a year")
    return seconds


def parse_percent(value: Any) -> float:
    """`10%`, `10` or 10 to 10.0. Raises ValueError outside 0..100."""
    text = _text(value, "a percentage is a number such as 10 or 10%")
    number = text.removesuffix("%").strip()
    if isinstance(value, str) and not (_NUMBER.fullmatch(number) and len(number) <= 20):
        raise ValueError(f"`{one_line(text, 40)}` is not a percentage; write it like 10 or 10%")
    percent = float(number)
    if not math.isfinite(percent) or percent < 0 or percent > 100:
        raise ValueError(f"`{text}` is not between 0 and 100 percent")
    return percent


def parse_share(value: Any) -> float:
    """`10%`, `10` or 10 to 0.1: a bare number is a percentage here too. Raises ValueError outside 0..100 percent."""
    return parse_percent(value) / 100


def parse_ratio(value: Any) -> float:
    """`3x`, `3` or 3 to 3.0: so many times as much. Raises ValueError below 1."""
    text = _text(value, "a ratio is a number such as 3 or 3x")
    number = text.removesuffix("x").strip()
    if not (_NUMBER.fullmatch(number) and len(number) <= 20):
        raise ValueError(f"`{one_line(text, 40)}` is not a ratio; write it like 3 or 3x")
    ratio = float(number)
    if not 1 <= ratio <= 1000:
        raise ValueError(f"`{text}` is not between 1x and 1000x")
    return ratio


def kind_of(metadata: Iterable[Any]) -> str:
    """`duration`, `percent` or `share` for what one of the types below leaves in a field's metadata; "" for any other."""
    parsers = [getattr(item, "func", None) for item in metadata]
    kinds = {_duration: "duration", parse_percent: "percent", parse_share: "share"}
    return next((kind for parse, kind in kinds.items() if parse in parsers), "")


def _text(value: Any, want: str) -> str:
    """A ValueError also for a wrong type: pydantic turns only that into a message for the user."""
    if isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return str(value).strip()
    raise ValueError(f"{want}, not {_kind(value)}")


def _kind(value: Any) -> str:
    names = {bool: f"`{str(value).lower()}`", list: "a list", dict: "a mapping", type(None): "nothing"}
    return names.get(type(value), f"`{one_line(value, 40)}`")


WRITTEN = {"written": True}
"""Validation context for what a person wrote. Without it a float is seconds already: a value that code passes on."""


def _duration(value: Any, info: ValidationInfo) -> float:
    if isinstance(value, float) and not (info.context or {}).get("written"):
        return value
    return parse_duration(value)


Duration = Annotated[
    float,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|h|m|s))+$", "examples": ["30s", "5m", "1h30m"]}),
]
"""Seconds; written as text with a unit."""

_PERCENT_SCHEMA = {
    "anyOf": [{"type": "number", "minimum": 0, "maximum": 100}, {"type": "string", "pattern": r"^\d+(\.\d+)?\s*%?$"}],
    "examples": [10, "10%"],
}
Percent = Annotated[float, BeforeValidator(parse_percent), WithJsonSchema(_PERCENT_SCHEMA)]
"""0..100; written as 10 or 10%."""

Share = Annotated[float, BeforeValidator(parse_share), WithJsonSchema(_PERCENT_SCHEMA)]
"""0..1; written as 10 or 10%."""

_RATIO_SCHEMA = {
    "anyOf": [{"type": "number", "minimum": 1, "maximum": 1000}, {"type": "string", "pattern": r"^\d+(\.\d+)?\s*x?$"}],
    "examples": [3, "3x"],
}
Ratio = Annotated[float, BeforeValidator(parse_ratio), WithJsonSchema(_RATIO_SCHEMA)]
"""1..1000; written as 3 or 3x."""
