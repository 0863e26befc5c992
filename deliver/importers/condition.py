"""Argo Rollouts' success and failure conditions, of the shapes that are usual: a comparison of the result with a number."""

import re
from dataclasses import dataclass, replace
from math import isfinite

from deliver.formatting.sanitize import one_line
from deliver.importers.deliver_yaml import NotTaken
from deliver.importers.ratio import Bounds

_NUMBER = r"-?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"
_RESULT = (
    r"(?:result(?:\[0\])?|(?:asFloat|asInt)\(\s*result(?:\[0\])?\s*\)|"
    rf"default\(\s*result(?:\[0\])?\s*,\s*(?P<{{default}}>{_NUMBER})\s*\))"
)
_LEFT, _RIGHT = (_RESULT.format(default=name) for name in ("left", "right"))
_COMPARED = re.compile(rf"(?:{_LEFT}\s*(?P<op><=|>=|<|>)\s*(?P<limit>{_NUMBER})|(?P<before>{_NUMBER})\s*(?P<po><=|>=|<|>)\s*{_RIGHT})")
_ASKED = r"(?:isNaN|isNil|isInf)\(\s*(?:result(?:\[0\])?|asFloat\(\s*result(?:\[0\])?\s*\))\s*\)"
_BARE = r"result(?:\[0\])?"
_EMPTY = re.compile(rf"{_ASKED}|len\(\s*result\s*\)\s*(?:==\s*0|<\s*1)|{_BARE}\s*==\s*nil|result\s*==\s*\[\]")
_FULL = re.compile(rf"!\s*{_ASKED}|len\(\s*result\s*\)\s*(?:>\s*0|>=\s*1|!=\s*0)|{_BARE}\s*!=\s*nil")
_GUARD = re.compile(r"(?P<guard>[^?:]+)\?(?P<yes>[^?:]+):(?P<no>[^?:]+)")
_TRUTH = ("true", "false")
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OTHERWISE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass(frozen=True)
class Condition:
    """bounds: of the values that pass. empty: no data passes too. between: some values neither pass nor fail there."""

    bounds: Bounds
    empty: bool = False
    between: bool = False


def condition(success: str, failure: str) -> Condition:
    """Raises NotTaken. With both, what passes is what success says, and failure does not: what fails there fails in any case."""
    if not (success or failure):
        raise NotTaken("it has neither a success nor a failure condition: it only collects")
    if failure.strip() == "false":  # what does not pass is inconclusive there
        return replace(condition(success, ""), between=True) if success else condition("", "")
    found = [one for one in (_passing(success) if success else None, _failing(failure) if failure else None) if one]
    if len(found) == 1:
        return found[0]
    bounds = found[0].bounds & found[1].bounds
    return Condition(bounds, empty=found[0].empty and found[1].empty, between=bounds != found[1].bounds)


def _passing(text: str) -> Condition:
    """`result[0] >= 0.95`, also with `&&` of two bounds, and with `|| isNaN(...)` beside it."""
    if guarded := _guarded(text):
        return replace(_passing(guarded[0]), empty=guarded[1])
    alternatives = [_bare(part) for part in text.split("||")]
    kept = [part for part in alternatives if not _EMPTY.fullmatch(part)]
    if len(kept) != 1:
        raise NotTaken(f"its condition `{one_line(text, 80)}` is of no usual shape")
    found, empty = Bounds(), []
    for part in (_bare(part) for part in kept[0].split("&&")):
        if _FULL.fullmatch(part):
            empty.append(False)
        else:
            bounds, default = _comparison(part, text)
            found &= bounds
            empty.append(default is not None and bounds.holds(default))
    return Condition(found, empty=len(kept) < len(alternatives) or all(empty))


def _failing(text: str) -> Condition:
    """Each alternative that fails is a bound that passes on the other side."""
    if guarded := _guarded(text):
        return replace(_failing(guarded[0]), empty=not guarded[1])
    found, empty = Bounds(), []
    for part in (_bare(part) for part in text.split("||")):
        if _EMPTY.fullmatch(part):  # no data is no verdict here, and never a pass
            empty.append(False)
            continue
        inner = [one for one in map(_bare, part.split("&&")) if not _FULL.fullmatch(one)]
        if len(inner) != 1:
            raise NotTaken(f"its condition `{one_line(text, 80)}` is of no usual shape")
        bounds, default = _comparison(inner[0], text, turned=True)
        found &= bounds
        empty.append(inner[0] != part or (default is not None and bounds.holds(default)))
    return Condition(found, empty=all(empty))


def _guarded(text: str) -> tuple[str, bool] | None:
    """`len(result) > 0 ? result[0] > 5 : false`: the condition, and what stands for no data; None for what is not of this form."""
    found = _GUARD.fullmatch(_bare(text))
    if not found:
        return None
    guard, yes, no = (_bare(found[name]) for name in ("guard", "yes", "no"))
    if _FULL.fullmatch(guard) and no in _TRUTH:
        return yes, no == "true"
    if _EMPTY.fullmatch(guard) and yes in _TRUTH:
        return no, yes == "true"
    return None


def _comparison(text: str, whole: str, *, turned: bool = False) -> tuple[Bounds, float | None]:
    """What passes it, or does not when turned; and the value that stands for no data, None without one."""
    found = _COMPARED.fullmatch(text)
    if not found:
        raise NotTaken(f"its condition `{one_line(whole, 80)}` is of no usual shape")
    op, limit = (found["op"], found["limit"]) if found["op"] else (_TURNED[found["po"]], found["before"])
    op = _OTHERWISE[op] if turned else op
    default = found["left"] or found["right"]
    if not isfinite(float(limit)):
        raise NotTaken(f"its condition `{one_line(whole, 80)}` has a limit that is no number")
    strict = op in ("<", ">")
    bounds = Bounds(max=float(limit), below=strict) if op.startswith("<") else Bounds(min=float(limit), above=strict)
    return bounds, float(default) if default else None


def _bare(text: str) -> str:
    """Without blanks and a pair of brackets around it."""
    text = text.strip()
    while text.startswith("(") and text.endswith(")") and text.count("(") == text.count(")") and _wraps(text):
        text = text[1:-1].strip()
    return text


def _wraps(text: str) -> bool:
    depth = 0
    for at, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth == 0:
            return at == len(text) - 1
    return False
