"""Label and field selectors, as the API server parses and applies them."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from deliver_sandbox.errors import bad_request

Labels = Mapping[str, str]
_SET = re.compile(r"^\s*(?P<key>[^\s=!,()]+)\s+(?P<op>in|notin)\s+\((?P<values>[^)]*)\)\s*$")
_PAIR = re.compile(r"^\s*(?P<key>[^\s=!,()]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s=!,()]*)\s*$")
_NAME = re.compile(r"^\s*(?P<no>!?)\s*(?P<key>[^\s=!,()]+)\s*$")
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


def _terms(text: str) -> list[str]:
    """Split at commas that are not inside parentheses."""
    return [part for part in re.split(r",(?![^(]*\))", text) if part.strip()]


@lru_cache(maxsize=512)
def by_labels(text: str) -> Callable[[Labels], bool]:
    """A test of labels from a selector string. Raises ApiError 400 on bad syntax."""
    tests = [_term(part) for part in _terms(text)]
    return lambda labels: all(test(labels) for test in tests)


def _term(part: str) -> Callable[[Labels], bool]:
    if match := _SET.match(part):
        key, values = match["key"], {value.strip() for value in match["values"].split(",")}
        if match["op"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if match := _PAIR.match(part):
        key, value = match["key"], match["value"]
        if match["op"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if match := _NAME.match(part):
        key, wanted = match["key"], not match["no"]
        return lambda labels: (key in labels) is wanted
    if loose := re.match(r"^\s*[^\s=!,()]+\s+(?:in|notin)\s+([^\s(]+)", part):
        raise bad_request(f"unable to parse requirement: found '{loose[1]}' expected: '('")
    if more := re.match(r"^\s*[^\s=!,()]+\s*(?:==|=|!=)\s*[^\s=!,()]+\s+(\S+)", part):
        raise bad_request(f"found '{more[1]}', expected: ',' or 'end of string'")
    odd = re.match(r"^\s*[^\s=!,()]+\s*(?:==|=|!=)\s*([=!(),])", part)
    raise bad_request(f"unable to parse requirement: found '{odd[1] if odd else part.strip()}', expected: identifier")


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
    for part in _terms(text):
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
