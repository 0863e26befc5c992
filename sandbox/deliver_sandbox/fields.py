"""The fields of the API's types (fields.json, from Kubernetes' own definitions): what a body may hold, and how protobuf numbers it."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from deliver_sandbox.kinds import KINDS

Field = tuple[int, str, str]
"""Number, type, and "" for one value, "[]" for a list, "{}" for a map of names."""
_META = "k8s.io.apimachinery.pkg.apis.meta.v1"
_FREE = frozenset(
    {
        f"{_META}.Time", f"{_META}.MicroTime", f"{_META}.FieldsV1", "k8s.io.apimachinery.pkg.runtime.RawExtension",
        "k8s.io.apimachinery.pkg.api.resource.Quantity", "k8s.io.apimachinery.pkg.util.intstr.IntOrString",
    }
)  # fmt: skip
_FOLDERS = {"": "core", "rbac.authorization.k8s.io": "rbac", "coordination.k8s.io": "coordination", "discovery.k8s.io": "discovery"}


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = json.loads((files("deliver_sandbox") / "fields.json").read_text())
    return found


@lru_cache(maxsize=512)
def fields(name: str) -> Mapping[str, Field]:
    """Of a type, by their names in JSON. "+name": its own fields stand in its place."""
    return {key: (number, kind, form) for key, (number, kind, form) in _table().get(name, {}).items()}


@lru_cache(maxsize=512)
def _flat(name: str) -> Mapping[str, Field]:
    found: dict[str, Field] = {}
    for key, field in fields(name).items():
        found.update(_flat(field[1]) if key.startswith("+") else {key: field})
    return found


def type_of(kind: str) -> str:
    """The type of a resource; "" for a custom one."""
    known = KINDS[kind]
    return "" if known.custom else named(known.api, known.kind)


def named(api: str, kind: str) -> str:
    """The type of an apiVersion and a kind; "" when it is not in the table."""
    group, _, version = api.rpartition("/")
    folder = _FOLDERS.get(group, group.partition(".")[0])
    name = f"k8s.io.api.{folder}.{version}.{kind}"
    if kind == "DeleteOptions":
        name = f"{_META}.DeleteOptions"
    return name if name in _table() else ""


def prune(kind: str, body: Any) -> list[str]:
    """Takes out of `body` what the kind has no field for, as the decoder does; gives the paths of what went."""
    name = type_of(kind)
    return list(_prune(name, body, "", ("apiVersion", "kind"))) if name and isinstance(body, dict) else []


def _prune(name: str, body: dict[str, Any], path: str, more: tuple[str, ...] = ()) -> Iterator[str]:
    known = _flat(name)
    for key in list(body):
        if key in more or key.startswith("$"):
            continue
        here = f"{path}.{key}" if path else key
        if key not in known:
            del body[key]
            yield here
            continue
        _, kind, form = known[key]
        if kind.startswith("k8s.io.") and kind not in _FREE and _flat(kind).keys() != {"items"}:
            yield from _inside(kind, form, body[key], here)


def _inside(kind: str, form: str, value: Any, path: str) -> Iterator[str]:
    if form == "" and isinstance(value, dict):
        yield from _prune(kind, value, path)
    elif form == "[]" and isinstance(value, list):
        for at, item in enumerate(value):
            if isinstance(item, dict):
                yield from _prune(kind, item, f"{path}[{at}]")
    elif form == "{}" and isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, dict):
                yield from _prune(kind, item, f"{path}.{key}")
