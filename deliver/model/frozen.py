"""dataclasses.replace for the frozen classes of this package: with the library's, which is ten times
slower, `python -m bench hour` takes a third longer. And their making: a class's own __init__ sets each
field by a call, which is half of what it takes to read a record.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
_MISSING: Any = object()


@cache
def _names(cls: type) -> frozenset[str]:
    return frozenset(field.name for field in fields(cls))


def replace(obj: T, /, **changes: Any) -> T:
    """The same with other values; itself when nothing is different, so that what is known of it stays known.

    For classes without __post_init__ and __slots__. Cached properties are computed anew.
    """
    there = obj.__dict__
    for name, value in changes.items():
        if there.get(name, _MISSING) is not value:
            break
    else:
        return obj
    kind: Any = type(obj)
    names = _names(kind)
    if not changes.keys() <= names:
        raise TypeError(f"{kind.__name__} has no {', '.join(sorted(changes.keys() - names))}")
    made: T = object.__new__(kind)
    values = there if len(there) == len(names) else {name: there[name] for name in names}
    made.__dict__.update(values, **changes)
    return made


@cache
def _defaults(cls: Any) -> tuple[frozenset[str], dict[str, Any], dict[str, Callable[[], Any]]]:
    """The fields without a default, the defaults, and what makes those that are made anew each time."""
    known = fields(cls)
    values = {one.name: one.default for one in known if one.default is not MISSING}
    makers = {one.name: one.default_factory for one in known if one.default_factory is not MISSING}
    return frozenset(one.name for one in known) - values.keys() - makers.keys(), values, makers


def made(cls: Any, values: Mapping[str, Any]) -> Any:
    """cls(**values), for the classes that `replace` is for and names of their fields."""
    needed, defaults, makers = _defaults(cls)
    if not needed <= values.keys():
        return cls(**values)  # it says what is missing
    one = object.__new__(cls)
    one.__dict__.update(defaults, **values)
    for name, make in makers.items():
        if name not in values:
            one.__dict__[name] = make()
    return one
