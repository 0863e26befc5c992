"""Who owns which field (metadata.managedFields), and server-side apply.

A field set is a frozenset of paths; a path is a tuple of FieldsV1 elements: "f:name", 'k:{"name":"web"}', 'v:"x"', and a last "." for
the map or list item itself.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from deliver.model.objects import Object
from deliver_sandbox.errors import ApiError
from deliver_sandbox.schema import atomic, list_key

Path = tuple[str, ...]
Fields = frozenset[Path]
_IDENTITY = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "generateName", "selfLink"}
)
_SELF = frozenset({"labels", "annotations", "data"})
_UNOWNED: Mapping[Path, frozenset[str]] = {(): frozenset({"apiVersion", "kind"}), ("metadata",): _IDENTITY}


def fields(kind: str, obj: Mapping[str, Any]) -> Fields:
    """Every field that the object sets, identity aside."""
    return frozenset(values(kind, obj))


def values(kind: str, obj: Mapping[str, Any]) -> dict[Path, Any]:
    """The same with what they are set to; True for a map's or a list item's being there."""
    found: dict[Path, Any] = {}
    for key, value in obj.items():
        if key in ("apiVersion", "kind") or value is None:
            continue
        found.update(_leaves(kind, _owned((key,), value), (key,), (f"f:{key}",)))
    return found


def _leaves(kind: str, value: Any, names: tuple[str, ...], path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value and not atomic(kind, names):
        if names[-1] in _SELF:
            yield (*path, "."), True
        for key, item in value.items():
            yield from _leaves(kind, item, (*names, key), (*path, f"f:{key}"))
        return
    keys = list_key(kind, names) if isinstance(value, list) else None
    if keys is None:
        if not (isinstance(value, dict) and names == ("metadata",)):
            yield path, value
        return
    yield (*path, "."), True
    for item in value:
        here = (*path, element(keys, item))
        yield (*here, "."), True
        if isinstance(item, dict):
            for key, part in item.items():
                yield from _leaves(kind, part, (*names, key), (*here, f"f:{key}"))


def element(keys: tuple[str, ...], item: Any) -> str:
    """How a list item is called in a path."""
    if not isinstance(item, dict):
        return "v:" + json.dumps(item)
    named = {key: item.get(key, "TCP" if key == "protocol" else None) for key in keys}
    return "k:" + json.dumps(named, sort_keys=True, separators=(",", ":"))


def pack(paths: Fields) -> Object:
    """FieldsV1."""
    tree: Object = {}
    for path in sorted(paths):
        here = tree
        for part in path:
            here = here.setdefault(part, {})
    return tree


def unpack(tree: Mapping[str, Any]) -> Fields:
    found: set[Path] = set()

    def walk(here: Mapping[str, Any], path: Path) -> None:
        if not here and path:
            found.add(path)
        for part, below in here.items():
            walk(below, (*path, part))

    walk(tree, ())
    return frozenset(found)


def lookup(kind: str, obj: Any, path: Path) -> Any:
    """The value at a path; None when it is not there."""
    here = obj
    for part in path:
        if part == ".":
            continue
        if part.startswith("f:"):
            here = here.get(part[2:]) if isinstance(here, dict) else None
        elif part.startswith("v:"):
            here = json.loads(part[2:]) if isinstance(here, list) and json.loads(part[2:]) in here else None
        else:
            wanted = json.loads(part[2:])
            items = here if isinstance(here, list) else []
            here = next((i for i in items if element(tuple(wanted), i) == part), None)
        if here is None:
            return None
    return True if path[-1] == "." else here


def _entry(kind_api: str, manager: str, operation: str, paths: Fields, now: str, subresource: str = "") -> Object:
    entry = {
        "manager": manager,
        "operation": operation,
        "apiVersion": kind_api,
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": pack(paths),
    }
    return {**entry, "subresource": subresource} if subresource else entry


def created(kind: str, obj: Object, manager: str, now: str, applied: Object | None = None) -> None:
    """managedFields of a new object. manager "" keeps none (the sandbox's own controllers)."""
    if manager:
        operation = "Apply" if applied is not None else "Update"
        paths = frozenset(path for path in fields(kind, applied or obj) if path[0] != "f:status")
        obj["metadata"]["managedFields"] = [_entry(obj["apiVersion"], manager, operation, paths, now)]


def changed(kind: str, old: Object, new: Object) -> tuple[Fields, Fields]:
    """(paths that are new or have another value, paths that are gone). What is equal as a whole is not gone into."""
    was: dict[Path, Any] = {}
    now: dict[Path, Any] = {}
    _differ(kind, old, new, (), (), was, now)
    touched = frozenset([path for path, value in now.items() if path not in was or was[path] != value])
    return touched, frozenset(was.keys() - now.keys())


def _differ(kind: str, old: Object, new: Object, names: Path, path: Path, was: dict[Path, Any], now: dict[Path, Any]) -> None:
    """Fills in the fields of either that the other does not have so. Maps that are a field themselves, or empty in either, stay whole."""
    for key in {**old, **new}:
        before, after = old.get(key), new.get(key)
        if before == after or key in _UNOWNED.get(names, ()):
            continue
        here, there = (*names, key), (*path, f"f:{key}")
        if before and after and isinstance(before, dict) and isinstance(after, dict) and key not in _SELF and not atomic(kind, here):
            _differ(kind, before, after, here, there, was, now)
            continue
        for side, value, found in ((old, before, was), (new, after, now)):
            if key not in side or (value is None and not names):
                continue
            if isinstance(value, dict | list):
                found.update(_leaves(kind, _owned(here, value), here, there))
            else:
                found[there] = value


def _owned(names: Path, value: Any) -> Any:
    return {key: item for key, item in value.items() if key not in _IDENTITY} if names == ("metadata",) else value


def updated(kind: str, old: Object, new: Object, manager: str, subresource: str, now: str) -> None:
    """An Update by `manager`: what it changed is its own now and nobody else's."""
    entries = new["metadata"].get("managedFields")
    if not manager:
        return
    touched, gone = changed(kind, old, new)
    if subresource != "status":
        touched = frozenset(path for path in touched if path[0] != "f:status")
    if not touched and not gone:
        return
    kept, own = [], None
    for entry in entries or []:
        tree = entry.get("fieldsV1") or {}
        mine = (entry.get("manager"), entry.get("operation"), entry.get("subresource", "")) == (manager, "Update", subresource)
        if mine and not gone and all(owns(tree, path) for path in touched):
            own = {**entry, "time": now}
        elif mine:
            own = _entry(new["apiVersion"], manager, "Update", (unpack(tree) - gone) | touched, now, subresource)
        elif not any(owns(tree, path) for path in touched | gone):
            kept.append(entry)
        elif left := unpack(tree) - touched - gone:
            kept.append({**entry, "fieldsV1": pack(left)})
    own = own or _entry(new["apiVersion"], manager, "Update", touched, now, subresource)
    new["metadata"]["managedFields"] = [*kept, own] if own["fieldsV1"] else kept


def owns(tree: Mapping[str, Any], path: Path) -> bool:
    """The path ends in a leaf of that FieldsV1."""
    here: Any = tree
    for part in path:
        if part not in here:
            return False
        here = here[part]
    return not here


def apply(kind: str, old: Object, body: Object, manager: str, force: bool, now: str) -> Object:
    """The live object with an applied configuration laid over it. Raises ApiError 409 naming the other owners unless `force`."""
    applied, entries = fields(kind, body), old["metadata"].get("managedFields") or []
    mine: Fields = frozenset()
    others: list[tuple[Object, Fields]] = []
    for entry in entries:
        if entry.get("manager") == manager and entry.get("operation") == "Apply":
            mine = unpack(entry.get("fieldsV1") or {})
        else:
            others.append((entry, unpack(entry.get("fieldsV1") or {})))
    conflicts = [
        (entry, sorted(path for path in paths & applied if path[-1] != "." and lookup(kind, old, path) != lookup(kind, body, path)))
        for entry, paths in others
    ]
    taken = frozenset(path for _, paths in conflicts for path in paths)
    if taken and not force:
        raise _conflict([(entry, paths) for entry, paths in conflicts if paths])
    new = overlay(kind, (), old, {key: value for key, value in body.items() if key not in ("apiVersion", "kind")})
    owned = frozenset(path for _, paths in others for path in paths)
    for path in sorted(mine - applied - owned, key=len, reverse=True):
        _drop(kind, new, path)
    kept = [{**entry, "fieldsV1": pack(paths - taken)} for entry, paths in others if paths - taken]
    new["metadata"]["managedFields"] = [_entry(old["apiVersion"], manager, "Apply", applied, now), *kept]
    return dict(new)


def no_manager() -> ApiError:
    why = "Required value: is required for apply patch"
    causes = [{"reason": "FieldValueRequired", "message": why, "field": "fieldManager"}]
    details = {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": causes}
    return ApiError(422, "Invalid", f'PatchOptions.meta.k8s.io "" is invalid: fieldManager: {why}', details)


def _conflict(found: list[tuple[Object, list[Path]]]) -> ApiError:
    causes, lines = [], []
    for entry, paths in found:
        for path in paths:
            field = "".join("." + p[2:] if p.startswith("f:") else f"[{_named(p)}]" for p in path)
            text = f'conflict with "{entry["manager"]}"' + (f" using {entry['apiVersion']}" if entry["operation"] == "Update" else "")
            causes.append({"reason": "FieldManagerConflict", "message": text, "field": field})
            lines.append(f"{text}: {field}")
    head = f"Apply failed with {len(lines)} conflict{'' if len(lines) == 1 else 's'}: "
    return ApiError(409, "Conflict", head + (lines[0] if len(lines) == 1 else "conflicts " + ", ".join(lines)), {"causes": causes})


def _named(part: str) -> str:
    return ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(part[2:]).items())


def overlay(kind: str, names: tuple[str, ...], live: Any, over: Any) -> Any:
    """`over` laid on `live` by the schema: maps merge, lists with keys merge by them, the rest is replaced."""
    if isinstance(over, Mapping) and isinstance(live, Mapping) and not atomic(kind, names):
        return {**live, **{key: overlay(kind, (*names, key), live.get(key), value) for key, value in over.items()}}
    keys = list_key(kind, names) if isinstance(over, list) and isinstance(live, list) else None
    if keys is None:
        return over
    result = list(live)
    for item in over:
        at = next((i for i, old in enumerate(result) if element(keys, old) == element(keys, item)), None)
        if at is None:
            result.append(item)
        else:
            result[at] = overlay(kind, names, result[at], item)
    return result


def _drop(kind: str, obj: Any, path: Path) -> None:
    """Remove a field that nobody owns any more; `obj` is a fresh copy along overlay's way only, so copy each level."""
    here = obj
    for part in path[:-1]:
        if part.startswith("f:"):
            key = part[2:]
            if not isinstance(here, dict) or key not in here:
                return
            here[key] = list(here[key]) if isinstance(here[key], list) else dict(here[key]) if isinstance(here[key], Mapping) else here[key]
            here = here[key]
        else:
            at = _position(here, part)
            if at is None:
                return
            if path[-1] == "." and part == path[-2]:
                del here[at]
                return
            here[at] = dict(here[at]) if isinstance(here[at], Mapping) else here[at]
            here = here[at]
    if path[-1].startswith("f:") and isinstance(here, dict):
        here.pop(path[-1][2:], None)


def _position(items: Any, part: str) -> int | None:
    if not isinstance(items, list):
        return None
    if part.startswith("v:"):
        value = json.loads(part[2:])
        return items.index(value) if value in items else None
    keys = tuple(json.loads(part[2:]))
    return next((i for i, item in enumerate(items) if element(keys, item) == part), None)
