"""Argo Rollouts' success and failure conditions, of the shapes that are usual: a comparison of the result with a number."""

import re
from dataclasses import dataclass

from deliver.importing.pieces import NotTaken
from deliver.importing.ratio import Bounds

_RESULT = r"(?:result(?:\[0\])?|(?:asFloat|asInt)\(\s*result(?:\[0\])?\s*\)|default\(\s*result(?:\[0\])?\s*,[^)]*\))"
_NUMBER = r"-?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"
_COMPARED = re.compile(rf"(?:{_RESULT}\s*(?P<op><=|>=|<|>)\s*(?P<limit>{_NUMBER})|(?P<before>{_NUMBER})\s*(?P<po><=|>=|<|>)\s*{_RESULT})")
_EMPTY = re.compile(
    rf"(?:isNaN|isNil|isInf)\(.*\)|len\(\s*result\s*\)\s*(?:==\s*0|<\s*1)|{_RESULT}\s*==\s*nil|result\s*==\s*\[\]", re.DOTALL
)
_FULL = re.compile(rf"!\s*(?:isNaN|isNil|isInf)\(.*\)|len\(\s*result\s*\)\s*(?:>\s*0|>=\s*1|!=\s*0)|{_RESULT}\s*!=\s*nil", re.DOTALL)
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Condition:
    """bounds: of the values that pass. empty: no data passes too."""

    bounds: Bounds
    empty: bool = False


def condition(success: str, failure: str) -> Condition:
    """Raises NotTaken. With both, what is between was inconclusive; what passes is what success says."""
    if success:
        return _passing(success)
    if failure:
        return Condition(_failing(failure))
    raise NotTaken("it has neither a success nor a failure condition: it only collects")


def _passing(text: str) -> Condition:
    """`result[0] >= 0.95`, also with `&&` of two bounds, and with `|| isNaN(...)` beside it."""
    alternatives = [_bare(part) for part in text.split("||")]
    kept = [part for part in alternatives if not _EMPTY.fullmatch(part)]
    if len(kept) != 1:
        raise NotTaken(f"its condition `{_short(text)}` is of no usual shape")
    found = Bounds()
    for part in (_bare(part) for part in kept[0].split("&&")):
        if not _FULL.fullmatch(part):
            found = _with(found, *_comparison(part, text))
    return Condition(found, empty=len(kept) < len(alternatives))


def _failing(text: str) -> Bounds:
    """Each alternative that fails is a bound that passes on the other side."""
    found = Bounds()
    for part in (_bare(part) for part in text.split("||")):
        if not _EMPTY.fullmatch(part):  # no data is no verdict here, and never a pass
            inner = [one for one in map(_bare, part.split("&&")) if not _FULL.fullmatch(one)]
            if len(inner) != 1:
                raise NotTaken(f"its condition `{_short(text)}` is of no usual shape")
            op, limit = _comparison(inner[0], text)
            found = _with(found, _TURNED[op], limit)
    return found


def _with(found: Bounds, op: str, limit: float) -> Bounds:
    return Bounds(found.min, limit) if op in ("<", "<=") else Bounds(limit, found.max)


def _comparison(text: str, whole: str) -> tuple[str, float]:
    found = _COMPARED.fullmatch(text)
    if not found:
        raise NotTaken(f"its condition `{_short(whole)}` is of no usual shape")
    return (found["op"], float(found["limit"])) if found["op"] else (_TURNED[found["po"]], float(found["before"]))


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


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:77]}..."
