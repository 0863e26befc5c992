"""A strategy plugin's Options as command line options.

Every field becomes an option, `max_overshoot` as --max-overshoot, but those that no single word can hold (nested models) and those
marked json_schema_extra={"cli": False}; {"hidden": True} keeps one out of the help. With json_schema_extra={"replaces": ["steps"]} a
field's option drops those keys of the file. With {"argument": True} a field is what the command is given first; the target is an option.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from deliver.plugins import registry
from deliver.plugins.options import default, takes

METAVARS = {"duration": "DURATION", "percent": "PERCENT", "number": "N"}


@dataclass(frozen=True)
class StrategyOption:
    """key: the field and the file's key. many: a list, written 10,50. flag: a yes/no option. default: as shown in help, "" for none.

    hidden: taken, but not in the help: the plugin has it to say why not. argument: positional on the strategy's own command.
    metavar: what stands for its value in the help.
    """

    key: str
    help: str
    many: bool
    flag: bool
    default: str
    replaces: tuple[str, ...]
    hidden: bool = False
    argument: bool = False
    metavar: str = ""


def options_of(name: str) -> tuple[StrategyOption, ...]:
    """Loads the plugin. Raises PluginError."""
    model: type[BaseModel] = registry.load("deliver.strategies", name).Options
    return tuple(option for key, field in model.model_fields.items() if (option := _option(key, field)))


def values(options: tuple[StrategyOption, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, as the plugin's model takes it: lists split at commas, whether in one option or in several; the rest as text."""
    found: dict[str, Any] = {}
    for option in options:
        value = given.get(option.key)
        if value is not None and value != []:
            found[option.key] = [part.strip() for text in value for part in text.split(",")] if option.many else value
    return found


def replaced(options: tuple[StrategyOption, ...]) -> dict[str, tuple[str, ...]]:
    return {option.key: option.replaces for option in options if option.replaces}


def _option(key: str, field: FieldInfo) -> StrategyOption | None:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    kind, many = _scalar(field.annotation)
    if kind is None or extra.get("cli") is False:
        return None
    replaces = extra.get("replaces", ())
    return StrategyOption(
        key=key,
        help=field.description or "",
        many=many,
        flag=kind is bool and not many,
        default="" if isinstance(field.default, bool) else default(field),
        replaces=tuple(str(item) for item in replaces) if isinstance(replaces, (list, tuple)) else (),
        argument=bool(extra.get("argument")),
        hidden=extra.get("hidden") is True,
        metavar=METAVARS.get(takes(field).removeprefix("list of "), key.upper()),
    )


def _scalar(annotation: Any) -> tuple[Any, bool]:
    """The scalar type, and whether there may be several of it; None when no word can hold it."""
    origin, args = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _scalar(args[0])
    if origin in (list, tuple):
        return _scalar(args[0])[0], True
    if origin is not None and (origin is Union or type(annotation).__name__ == "UnionType"):
        inner = [arg for arg in args if arg is not type(None)]
        if str in inner:
            return str, False  # in the file it may be more than a word
        return _scalar(inner[0]) if len(inner) == 1 else (None, False)
    if origin is not None:  # Literal and the like: a word
        return str, False
    return (annotation, False) if isinstance(annotation, type) and not issubclass(annotation, (BaseModel, dict)) else (None, False)
