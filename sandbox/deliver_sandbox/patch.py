"""The patch kinds of the API: merge (RFC 7396), JSON patch (RFC 6902), strategic merge. Each returns a new object."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from deliver.model.objects import Object
from deliver_sandbox.errors import ApiError, bad_request
from deliver_sandbox.schema import list_key
from deliver_sandbox.store import copy


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396: null removes, objects merge, everything else replaces. Nothing in the result is the patch's own."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value) if isinstance(value, dict) else copy(value) if isinstance(value, list) else value
    return result


def strategic(kind: str, target: Object, patch: Mapping[str, Any]) -> Object:
    """Merge where lists of named things merge by their key, with kubectl's directives ($patch, $retainKeys, $deleteFromPrimitiveList)."""
    return cast(Object, _strategic(kind, (), target, patch))


def _strategic(kind: str, path: tuple[str, ...], target: Any, patch: Any) -> Any:
    if isinstance(patch, dict):
        return _strategic_map(kind, path, target if isinstance(target, dict) else {}, patch)
    if isinstance(patch, list):
        key = list_key(kind, path)
        if key is not None:
            return _strategic_list(kind, path, key[0], target if isinstance(target, list) else [], patch)
    return patch


def _strategic_map(kind: str, path: tuple[str, ...], target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    result = dict(target)
    keep = patch.get("$retainKeys")
    if keep is not None:
        result = {key: value for key, value in result.items() if key in keep}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            result[name] = [item for item in result.get(name) or [] if item not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = _strategic(kind, (*path, key), result.get(key), value)
    return result


def _strategic_list(kind: str, path: tuple[str, ...], key: str, target: list[Any], patch: list[Any]) -> list[Any]:
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if not (isinstance(item, dict) and "$patch" in item)]
    left, merged = list(target), []
    for item in patch:
        if not isinstance(item, dict):
            merged += [] if item in left else [item]
            continue
        if key not in item:
            raise bad_request(f"map: {dict(item)} does not contain declared merge key: {key}")
        at = next((i for i, old in enumerate(left) if isinstance(old, dict) and old.get(key) == item[key]), None)
        old = left.pop(at) if at is not None else {}
        if item.get("$patch") != "delete":
            merged.append(_strategic(kind, path, old, item))
    return _ordered(key, target, left, merged)


def _ordered(key: str, target: list[Any], left: list[Any], merged: list[Any]) -> list[Any]:
    """What the patch names comes in its order; the rest stays before what it stood before (strategicpatch/patch.go, mergeSortedSlice)."""

    def place(item: Any) -> int:
        known = [old.get(key) if isinstance(old, dict) else old for old in target]
        value = item.get(key) if isinstance(item, dict) else item
        return known.index(value) if value in known else -1

    result: list[Any] = []
    left, merged = list(left), list(merged)
    while left and merged:
        both = place(merged[0]) >= 0
        result.append(left.pop(0) if both and place(left[0]) < place(merged[0]) else merged.pop(0))
    return [*result, *left, *merged]


def json_patch(target: Object, operations: Sequence[Mapping[str, Any]]) -> Object:
    """RFC 6902. An operation that fails, `test` among them, is a 422 in the API server's words."""
    document: dict[str, Any] = {"": copy(target)}
    for operation in operations:
        try:
            _operate(document, operation)
        except (KeyError, IndexError, ValueError, TypeError, AssertionError) as error:
            raise ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {}) from error
    return cast(Object, document[""])


def _operate(document: dict[str, Any], operation: Mapping[str, Any]) -> None:
    name, path = operation["op"], operation["path"]
    match name:
        case "test":
            if _found(document, path) != operation.get("value"):
                raise AssertionError(path)
        case "add":
            _add(document, path, operation["value"])
        case "replace":
            _replace(document, path, operation["value"])
        case "remove":
            _remove(document, path)
        case "move":
            value = _pointed(document, operation["from"])
            _remove(document, operation["from"])
            _add(document, path, value)
        case "copy":
            _add(document, path, copy(_pointed(document, operation["from"])))
        case _:
            raise ValueError(name)


def _parts(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError(path)
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]


def _index(here: list[Any], part: str, extra: int = 0) -> int:
    if part == "-" and extra:
        return len(here)
    at = int(part)
    if not 0 <= at < len(here) + extra:
        raise IndexError(part)
    return at


def _pointed(document: Any, path: str) -> Any:
    here = document
    for part in _parts(path):
        here = here[_index(here, part)] if isinstance(here, list) else here[part]
    return here


def _found(document: dict[str, Any], path: str) -> Any:
    """As _pointed; a key that is not there counts as null."""
    here, last = _holder(document, path)
    return here[_index(here, last)] if isinstance(here, list) else here.get(last)


def _holder(document: dict[str, Any], path: str) -> tuple[Any, str]:
    parts = _parts(path)
    here: Any = document
    for part in parts[:-1]:
        here = here[_index(here, part)] if isinstance(here, list) else here[part]
    if not isinstance(here, (dict, list)):
        raise TypeError(path)
    return here, parts[-1]


def _add(document: dict[str, Any], path: str, value: Any) -> None:
    here, last = _holder(document, path)
    if isinstance(here, list):
        here.insert(_index(here, last, 1), value)
    else:
        here[last] = value


def _replace(document: dict[str, Any], path: str, value: Any) -> None:
    """A key that is not there is made, as the API server's library does (evanphx/json-patch v4), whatever RFC 6902 says."""
    here, last = _holder(document, path)
    if isinstance(here, list):
        here[_index(here, last)] = value
    else:
        here[last] = value


def _remove(document: dict[str, Any], path: str) -> None:
    here, last = _holder(document, path)
    del here[_index(here, last) if isinstance(here, list) else last]
