"""Frozen dataclasses to plain JSON data and back, by their type hints. Unknown keys are ignored, missing ones take the default."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(value: Any) -> Any:
    """Plain data that json.dumps takes."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in value]
    return value


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def decode(cls: type[T], data: Any) -> T:
    """Raises TypeError or ValueError on data that does not fit."""
    return cast(T, _decode(cls, data))


def _decode(hint: Any, data: Any) -> Any:
    origin = get_origin(hint)
    if hint is Any or origin is Mapping or origin is dict:
        return data
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(hint), data)
    if origin is tuple:
        return tuple(_decode(get_args(hint)[0], item) for item in data)
    if isinstance(hint, type) and is_dataclass(hint):
        if not isinstance(data, Mapping):
            raise TypeError(f"{hint.__name__} wants an object, not {type(data).__name__}")
        known = _hints(hint)
        return hint(**{f.name: _decode(known[f.name], data[f.name]) for f in fields(hint) if f.name in data})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(data)
    if hint is float and isinstance(data, int):
        return float(data)
    return data


def _decode_union(options: tuple[Any, ...], data: Any) -> Any:
    """The first dataclass of the union that has all of the data's keys; anything else as it is."""
    if data is None:
        return None
    for option in options:
        if option is type(None):
            continue
        if is_dataclass(option) and isinstance(data, Mapping):
            if set(data) <= {f.name for f in fields(option)}:
                return _decode(option, data)
        elif not isinstance(data, Mapping):
            return _decode(option, data)
    for option in options:  # a newer writer added keys: take the option that shares the most
        if is_dataclass(option) and isinstance(data, Mapping):
            best = max((o for o in options if is_dataclass(o)), key=lambda o: len(set(data) & {f.name for f in fields(o)}))
            return _decode(best, data)
    raise TypeError(f"none of {options} fits")
