"""A plugin's options as a person reads them: what each key takes, its default, and what it is for."""

from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import SkipJsonSchema

from deliver.formatting.durations import show_duration
from deliver.plugins import types

_WORDS = {bool: "yes or no", int: "number", float: "number", str: "text", dict: "mapping", list: "list"}
_KINDS = {"duration": "duration", "percent": "percent", "share": "percent", "": ""}


@dataclass(frozen=True)
class OptionLine:
    """takes: in words. default: as it is written, "" for none. needed: there is no default."""

    key: str
    takes: str
    default: str
    needed: bool
    help: str


def lines(model: type[BaseModel]) -> tuple[OptionLine, ...]:
    """Without what the model only takes in order to refuse it well (SkipJsonSchema)."""
    return tuple(
        OptionLine(field.alias or key, takes(field), default(field), field.is_required(), field.description or "")
        for key, field in model.model_fields.items()
        if not any(type(mark) is SkipJsonSchema for mark in field.metadata)
    )


def takes(field: FieldInfo) -> str:
    """`duration`, `percent`, `list of percent`, `json or slack`."""
    return _KINDS[types.kind_of(field.metadata)] or _word(field.annotation)


def _word(annotation: Any) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _KINDS[types.kind_of(annotation.__metadata__)] or _word(args[0])
    if origin is Literal:
        return " or ".join(str(one) for one in args)
    if origin in (list, tuple):
        return f"list of {_word(args[0])}" if args else "list"
    if origin is Union or type(annotation).__name__ == "UnionType":
        return " or ".join(dict.fromkeys(_word(one) for one in args if one is not type(None)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "{" + ", ".join(annotation.model_fields) + "}"
    return _WORDS.get(origin or annotation, "text")


def default(field: FieldInfo) -> str:
    """In the words that the option takes: 5m, not 300.0."""
    value = field.default
    if field.is_required() or field.default_factory is not None or value is None or value == "":
        return ""
    kind = types.kind_of(field.metadata)
    if kind == "duration":
        return show_duration(value)
    if kind == "share":
        return f"{value * 100:g}%"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
