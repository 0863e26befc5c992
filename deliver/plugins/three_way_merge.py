"""Taking back what we wrote, and nothing else: a three-way merge over plain JSON data, one for all flag back ends. Pure.

    before   what stood before the release
    ours     the same as our writes have left it
    now      what stands now, whoever wrote it

Where `now` is as we left it, it becomes what it was before; what somebody else has changed since stays theirs, field by field.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]


class _Missing:
    """Of a field that is not there: None is a value."""

    def __repr__(self) -> str:
        return "nothing"


MISSING: Any = _Missing()


def same(one: Any, other: Any) -> bool:
    """As JSON: true is not 1."""
    return one is other or (MISSING not in (one, other) and _text(one) == _text(other))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def merge(before: Any, ours: Any, now: Any) -> Any:
    """`now` without what we wrote. Lists are one value each: an order of other people's making cannot be taken apart."""
    if same(now, ours):
        return before
    if not all(isinstance(one, Mapping) for one in (before, ours, now)):
        return now
    keys = [*now, *(key for key in before if key not in now)]
    parts = {key: merge(*(one.get(key, MISSING) for one in (before, ours, now))) for key in keys}
    return {key: value for key, value in parts.items() if value is not MISSING}


def differences(before: Any, after: Any, depth: int = 1, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """(path, before, after) of each field that differs, down to that depth; MISSING where there is none."""
    if same(before, after):
        return
    if depth and isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from differences(before.get(key, MISSING), after.get(key, MISSING), depth - 1, (*path, str(key)))
    else:
        yield path, before, after
