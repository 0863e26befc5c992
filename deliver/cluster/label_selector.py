"""Label selectors, evaluated here: an own write's answer must not enter a mirror whose watch would never show it.

Syntax: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

import re
from collections.abc import Mapping

_TERMS = re.compile(r",(?![^(]*\))")
_SET = re.compile(r"^(\S+)\s+(in|notin)\s*\(([^)]*)\)$")


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    return all(_holds(term.strip(), labels) for term in _TERMS.split(selector) if term.strip())


def _holds(term: str, labels: Mapping[str, str]) -> bool:
    if found := _SET.match(term):
        key, how, values = found.groups()
        inside = key in labels and labels[key] in {value.strip() for value in values.split(",")}
        return inside if how == "in" else not inside
    if "!=" in term:
        key, _, value = term.partition("!=")
        return labels.get(key.strip()) != value.strip()
    if "=" in term:
        key, _, value = term.replace("==", "=").partition("=")
        return labels.get(key.strip()) == value.strip()
    return term[1:].strip() not in labels if term.startswith("!") else term in labels
