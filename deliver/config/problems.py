"""pydantic's errors as one InputError: where it stands (line and column, or the option), what, why, and what was meant."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from pydantic import ValidationError

from deliver.config.document import Path
from deliver.config.metrics import NAME
from deliver.model.errors import InputError

Where = Callable[[Path, bool], str]
"""Path and "the key, not the value" to `file:line:col: ` or `option --poll: `."""

_SAY = {
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
}


def raise_for(error: ValidationError, *, data: Any, where: Where, keys: Callable[[Path], Sequence[str]], prefix: Path = ()) -> NoReturn:
    """Raises InputError. keys: which keys may stand at a path, for suggestions. prefix: of the data's own path in the file."""
    found = sorted(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")  # a typo explains what is missing
    problems = [_problem(item, data, where, keys, prefix) for item in found]
    what, hint = problems[0]
    more = [text for text, _ in problems[1:6]]
    why = "also: " + "; ".join(more) if more else ""
    raise InputError(what, why=why, hint=hint) from None


def _problem(item: Mapping[str, Any], data: Any, where: Where, keys: Callable[[Path], Sequence[str]], prefix: Path) -> tuple[str, str]:
    kind = item["type"]
    path = (*prefix, *real_path(data, tuple(item["loc"]), keep_last=kind in ("missing", "extra_forbidden")))
    name = str(path[-1]) if path else "file"
    if kind == "extra_forbidden":
        return unknown(path, keys(path[:-1]), where)
    if kind == "missing":
        return f"{where(path[:-1], False)}`{name}` is missing", f"add `{name}:`{_under(path[:-1])}"
    place = where(path, False)
    label = f"`{dotted(path)}`: " if path and not place.startswith(("option ", "`")) else ""
    return f"{place}{label}{_reason(item)}", ""


def unknown(path: Path, candidates: Sequence[str], where: Where) -> tuple[str, str]:
    """What and hint for a key that nobody knows."""
    name = str(path[-1])
    close = get_close_matches(name, candidates, n=1, cutoff=0.6)
    hint = f"did you mean `{close[0]}`?" if close else f"known keys: {', '.join(candidates)}"
    return f"{where(path, True)}unknown key `{name[:60]}`{_under(path[:-1])}", hint


def real_path(data: Any, loc: Path, *, keep_last: bool) -> Path:
    """pydantic's location without the names of union members, which stand in no file."""
    path: list[str | int] = []
    for index, element in enumerate(loc):
        inside = isinstance(data, Mapping) and element in data
        if inside or (isinstance(data, list) and isinstance(element, int) and element < len(data)):
            data = data[element]
        elif not (keep_last and index == len(loc) - 1):
            continue
        path.append(element)
    return tuple(path)


def _under(path: Path) -> str:
    return f" under `{dotted(path)}`" if path else ""


def dotted(path: Path) -> str:
    text = ""
    for element in path:
        text += f"[{element}]" if isinstance(element, int) else f".{element}" if text else str(element)
    return text


def _reason(item: Mapping[str, Any]) -> str:
    """The plugin's or model's own words where it has some; else plain English."""
    if item["type"] in ("value_error", "assertion_error"):
        return str(item.get("ctx", {}).get("error", item["msg"]))
    if item["type"] in _SAY:
        return f"{_SAY[item['type']]}, not {_shown(item.get('input'))}"
    if item["type"] == "string_pattern_mismatch":
        return f"{_shown(item.get('input'))} {_form(str(item['ctx']['pattern']))}"
    return f"{_shown(item.get('input'))}: {item['msg'][:1].lower()}{item['msg'][1:]}"


def _form(pattern: str) -> str:
    if pattern == NAME:
        return "may only hold lower case letters, digits, `-` and `_`"
    return "does not begin with `/`, or has a space in it" if pattern.startswith("^/") else f"does not match {pattern}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`"
