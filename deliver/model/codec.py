"""Frozen dataclasses to plain JSON data and back, by their type hints. Unknown keys are ignored, missing ones take the default.

Of a class that says `sparse = True` what is at its default is left out: of entries and their actions a record has hundreds.
"""

import json
import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from deliver.model.frozen import made

T = TypeVar("T")
Decoder = Callable[[Any], Any]
_PLAIN = frozenset({str, float, int, bool})


def encode(value: Any) -> Any:
    """Plain data that json.dumps takes."""
    kind: Any = type(value)
    return value if value is None or kind in _PLAIN else _encoder(kind)(value)


@cache
def _encoder(kind: type) -> Callable[[Any], Any]:
    """Looked up once a type: to ask whether a value is a Mapping takes longer than to encode most of them."""
    if getattr(kind, "sparse", False):
        return partial(_encode_sparse, tuple((one.name, _default(one)) for one in fields(kind)))
    if names := _names(kind):
        return lambda value: {name: encode(getattr(value, name)) for name in names}
    if issubclass(kind, Enum):
        return lambda value: value.value
    if issubclass(kind, Mapping):
        return lambda value: {str(key): encode(item) for key, item in value.items()}
    if issubclass(kind, (tuple, list)):
        return lambda value: [encode(item) for item in value]
    return _as_it_is


def _encode_sparse(known: tuple[tuple[str, Any], ...], value: Any) -> dict[str, Any]:
    items = ((name, getattr(value, name), default) for name, default in known)
    return {name: encode(item) for name, item, default in items if item != default}


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


class IncrementalEncoder:
    """Compact JSON of one growing value after another. A frozen part that the last one had too is not encoded again:

    without this the record makes `python -m bench hour` half as long again.
    """

    def __init__(self) -> None:
        self._fields: dict[str, tuple[Any, str]] = {}
        self._items: dict[str, dict[int, tuple[Any, str]]] = {}  # by identity; the item is kept, so that its id stays its own

    def of(self, value: Any) -> str:
        """json.dumps(encode(value)) of a dataclass, without blanks."""
        kind: Any = type(value)
        known, texts, there = self._fields, [], value.__dict__
        for name in _names(kind):
            item = there[name]
            one = known.get(name)
            if one is None or one[0] is not item:
                one = known[name] = item, self._field(name, item)
            texts.append(one[1])
        return "{" + ",".join(texts) + "}"

    def _field(self, name: str, value: Any) -> str:
        return f'"{name}":{self._list(name, value) if isinstance(value, tuple) else _compact(encode(value))}'

    def _list(self, name: str, items: tuple[Any, ...]) -> str:
        before = self._items.get(name, {})
        made = [before.get(id(item)) or (item, _compact(encode(item))) for item in items]
        self._items[name] = {id(item): one for item, one in zip(items, made, strict=True)}
        return f"[{','.join([text for _, text in made])}]"


_compact = json.JSONEncoder(separators=(",", ":")).encode


def decode(cls: type[T], data: Any) -> T:
    """Raises TypeError or ValueError on data that does not fit."""
    kind: Any = cls
    return cast(T, _decoder(kind)(data))


@cache
def _names(cls: type) -> tuple[str, ...]:
    """The fields of a dataclass; none for anything else."""
    return tuple(field.name for field in fields(cls)) if is_dataclass(cls) else ()


@cache
def _field_decoders(cls: type) -> tuple[tuple[str, Decoder], ...]:
    hints = get_type_hints(cls)
    return tuple((name, _decoder(hints[name])) for name in _names(cls))


@cache
def _decoder(hint: Any) -> Decoder:
    """What turns plain data into a value of that type. Made once a type: a record has thousands of values."""
    origin = get_origin(hint)
    if hint is Any:
        return _as_it_is
    if origin is Mapping or origin is dict:
        return partial(_decode_mapping, _decoder(get_args(hint)[1]))
    if origin in (Union, types.UnionType):
        options = get_args(hint)
        objects = tuple((option, frozenset(_names(option))) for option in options if _names(option))
        plain = tuple(option for option in options if option is not type(None) and not _names(option))
        return partial(_decode_union, options, objects, plain)
    if origin is tuple:
        return partial(_decode_tuple, _decoder(get_args(hint)[0]))
    if isinstance(hint, type) and is_dataclass(hint):
        return partial(_decode_dataclass, hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return partial(_decode_enum, hint, {str(one.value): one for one in hint})
    return _decode_number if hint is float else partial(_decode_plain, hint)


def _decode_plain(hint: type, data: Any) -> Any:
    if type(data) is not hint:  # True is no number of pods
        raise TypeError(f"{hint.__name__} wanted, not {type(data).__name__}")
    return data


def _decode_enum(hint: type[Enum], members: Mapping[str, Enum], data: Any) -> Any:
    return members[data] if type(data) is str and data in members else hint(data)


def _decode_number(data: Any) -> float:
    if type(data) not in (int, float):
        raise TypeError(f"a number wanted, not {str(data)[:20]}")
    try:
        number = float(data)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise TypeError(f"a number wanted, not {number}")
    return number


def _decode_tuple(item: Decoder, data: Any) -> Any:
    if not isinstance(data, (list, tuple)):
        raise TypeError(f"a list wanted, not {type(data).__name__}")
    return tuple(map(item, data))


def _decode_mapping(item: Decoder, data: Any) -> Any:
    if not isinstance(data, Mapping):
        raise TypeError(f"an object wanted, not {type(data).__name__}")
    return data if item is _as_it_is else {key: item(value) for key, value in data.items()}


def _as_it_is(data: Any) -> Any:
    return data


def _decode_dataclass(cls: type, data: Any) -> Any:
    if not isinstance(data, Mapping):
        raise TypeError(f"{cls.__name__} wants an object, not {type(data).__name__}")
    return made(cls, {name: item(data[name]) for name, item in _field_decoders(cls) if name in data})


def _decode_union(options: Sequence[Any], objects: Sequence[tuple[Any, frozenset[str]]], plain: Sequence[Any], data: Any) -> Any:
    """The first dataclass of the union that has all of the data's keys; anything else as it is. objects: with the names of their fields."""
    if data is None:
        return None
    if objects and isinstance(data, Mapping):
        fitting = next((option for option, names in objects if data.keys() <= names), None)
        nearest = fitting or max(objects, key=lambda one: len(data.keys() & one[1]))[0]  # a newer writer may have added keys
        return _decoder(nearest)(data)
    if isinstance(data, Mapping) or not (plain or objects):
        raise TypeError(f"none of {options} fits")
    return _decoder(plain[0] if plain else objects[0][0])(data)
