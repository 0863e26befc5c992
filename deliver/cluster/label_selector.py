"""Label selectors, evaluated here: an own write's answer must not enter a store whose watch would never show it.

Syntax: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

Labels = Mapping[str, str]
_SET = re.compile(r"^\s*(?P<key>[^\s=!,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)\s*$")
_PAIR = re.compile(r"^\s*(?P<key>[^\s=!,()]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s=!,()]*)\s*$")
_NAME = re.compile(r"^\s*(?P<no>!?)\s*(?P<key>[^\s=!,()]+)\s*$")


def matches(selector: str, labels: Labels) -> bool:
    return parse(selector)(labels)


def terms(text: str) -> list[str]:
    """Split at commas that are not inside parentheses."""
    return [part for part in re.split(r",(?![^(]*\))", text) if part.strip()]


@lru_cache(maxsize=512)
def parse(text: str) -> Callable[[Labels], bool]:
    """A test of labels. Raises ValueError with the words of the API server."""
    tests = [_term(part) for part in terms(text)]
    return lambda labels: all(test(labels) for test in tests)


def _term(part: str) -> Callable[[Labels], bool]:
    if match := _SET.match(part):
        key, values = match["key"], {value.strip() for value in match["values"].split(",")}
        within = match["op"] == "in"
        return lambda labels: (labels.get(key) in values) is within
    if match := _PAIR.match(part):
        key, value = match["key"], match["value"]
        same = match["op"] != "!="
        return lambda labels: (labels.get(key) == value) is same
    if match := _NAME.match(part):
        key, wanted = match["key"], not match["no"]
        return lambda labels: (key in labels) is wanted
    if loose := re.match(r"^\s*[^\s=!,()]+\s+(?:in|notin)\s+([^\s(]+)", part):
        raise ValueError(f"unable to parse requirement: found '{loose[1]}' expected: '('")
    if more := re.match(r"^\s*[^\s=!,()]+\s*(?:==|=|!=)\s*[^\s=!,()]+\s+(\S+)", part):
        raise ValueError(f"found '{more[1]}', expected: ',' or 'end of string'")
    odd = re.match(r"^\s*[^\s=!,()]+\s*(?:==|=|!=)\s*([=!(),])", part)
    raise ValueError(f"unable to parse requirement: found '{odd[1] if odd else part.strip()}', expected: identifier")
