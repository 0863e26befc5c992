"""dataclasses.replace for the frozen classes of this package: a driver makes several at each look, the library's is ten times slower."""

from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
_MISSING: Any = object()


@cache
def _names(cls: type) -> frozenset[str]:
    return frozenset(field.name for field in fields(cls))


def replace(obj: T, /, **changes: Any) -> T:
    """The same with other values; itself when nothing is different, so that what is known of it stays known.

    For classes without __post_init__, __slots__ and cached properties.
    """
    there = obj.__dict__
    for name, value in changes.items():
        if there.get(name, _MISSING) is not value:
            break
    else:
        return obj
    kind: Any = type(obj)
    if not changes.keys() <= _names(kind):
        raise TypeError(f"{kind.__name__} has no {', '.join(sorted(changes.keys() - _names(kind)))}")
    made: T = object.__new__(kind)
    made.__dict__.update(there, **changes)
    return made
