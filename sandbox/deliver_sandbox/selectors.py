"""Label and field selectors, as the API server parses and applies them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from deliver.cluster.label_selector import Labels, parse, terms
from deliver_sandbox.errors import bad_request

_OWN_WORDS = frozenset({"pods", "events", "namespaces", "nodes", "secrets", "services", "replicasets"})
"""Kinds with further fields of their own: they refuse an unknown one in fewer words."""
FIELDS: Mapping[str, tuple[str, ...]] = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase", "status.podIP"),
    "events": ("involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "reason", "type"),
    "replicasets": ("status.replicas",),
    "namespaces": ("status.phase",),
    "secrets": ("type",),
    "nodes": ("spec.unschedulable",),
    "services": ("spec.clusterIP", "spec.type"),
}


def by_labels(text: str) -> Callable[[Labels], bool]:
    """A test of labels from a selector string. Raises ApiError 400 on bad syntax."""
    try:
        return parse(text)
    except ValueError as error:
        raise bad_request(str(error)) from None


def by_object(selector: Mapping[str, Any] | None) -> Callable[[Labels], bool]:
    """A test from a LabelSelector object (matchLabels, matchExpressions). Empty matches everything, None nothing."""
    if selector is None:
        return lambda labels: False
    pairs = dict(selector.get("matchLabels") or {})
    rules = [_expression(rule) for rule in selector.get("matchExpressions") or ()]
    return lambda labels: all(labels.get(k) == v for k, v in pairs.items()) and all(rule(labels) for rule in rules)


def _expression(rule: Mapping[str, Any]) -> Callable[[Labels], bool]:
    key, values = rule["key"], set(rule.get("values") or ())
    match rule["operator"]:
        case "In":
            return lambda labels: labels.get(key) in values
        case "NotIn":
            return lambda labels: labels.get(key) not in values
        case "Exists":
            return lambda labels: key in labels
        case "DoesNotExist":
            return lambda labels: key not in labels
    raise bad_request(f"{rule['operator']!r} is not a valid label selector operator")


def as_text(selector: Mapping[str, Any]) -> str:
    """A LabelSelector with matchLabels only, as /scale prints it."""
    return ",".join(f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items()))


def by_fields(kind: str, text: str) -> Callable[[Mapping[str, Any]], bool]:
    """A test of objects from a field selector. Raises ApiError 400 for a field that the kind does not offer."""
    known = ("metadata.name", "metadata.namespace", *FIELDS.get(kind, ()))
    tests: list[tuple[str, str, bool]] = []
    for part in terms(text):
        match = re.match(r"^([^=!]+)(==|=|!=)(.*)$", part)
        if match is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        if match[1] not in known:
            if kind in _OWN_WORDS:
                raise bad_request(f"field label not supported: {match[1]}")
            names = ", ".join(f'"{name}"' for name in known)
            raise bad_request(f'"{match[1]}" is not a known field selector: only {names}')
        tests.append((match[1], match[3], match[2] != "!="))
    return lambda obj: all((field_value(obj, path) == value) is equal for path, value, equal in tests)


def field_value(obj: Mapping[str, Any], path: str) -> str:
    here: Any = obj
    for part in path.split("."):
        here = here.get(part) if isinstance(here, Mapping) else None
    return "" if here is None else str(here)
