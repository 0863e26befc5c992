"""A flagd document: the JSON of a ConfigMap's key or of a file. Strict checks after the schema flagd.dev/schema/v0/flags.json."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deliver.flags import json_edit
from deliver.flags.rollout import Flag, Marks, Variants, marks_of, share, why_off
from deliver.model.errors import Rejected
from deliver.model.observation import FlagState
from deliver.plugins.flags import FlagGone

_KINDS = {bool: "boolean", str: "string", int: "number", float: "number", dict: "object"}


@dataclass(frozen=True)
class Document:
    """A valid document and the place of its flags. where: how messages name it."""

    text: str
    where: str
    flags: Mapping[str, Flag]
    spans: Mapping[str, json_edit.Span]
    body: int

    def flag(self, name: str) -> Flag:
        if name not in self.flags:
            raise FlagGone(f"no flag `{name}` in {self.where}", status=404, hint=nearest(name, self.flags))
        return self.flags[name]

    def raw(self, name: str) -> str:
        """The flag's definition, byte for byte."""
        self.flag(name)
        span = self.spans[name]
        return self.text[span.start : span.end]

    def with_flag(self, name: str, flag: Flag) -> str:
        """The whole text with another definition of that flag; what does not change in it keeps its bytes."""
        if flag is self.flags.get(name):  # however unevenly it is laid out
            return self.text
        return self.with_raw(name, json_edit.with_members(self.raw(name), flag) if name in self.spans else json_edit.compact(flag))

    def with_raw(self, name: str, raw: str) -> str:
        if name in self.spans:
            return json_edit.with_value(self.text, self.spans[name], raw)
        return json_edit.with_first_member(self.text, self.body, name, raw)

    def state(self, name: str, names: Variants) -> FlagState:
        flag, raw = self.flag(name), self.raw(name)
        percent, why = share(flag, names)
        marks = marks_of(flag)
        return FlagState(percent, revision(marks, flag), raw, why, marks.release, marks.fence, names.treatment, names.safe, why_off(flag))


def revision(marks: Marks, flag: Flag) -> str:
    """Changes with every write that changes what the flag says, and with no write to another flag, however that lays the document out."""
    said = json.dumps(flag, sort_keys=True)
    return f"{marks.version}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def parse(text: str, where: str) -> Document:
    """Raises Rejected with what is wrong and where."""
    try:
        data = json_edit.parse_strict(text)
    except ValueError as error:
        raise _broken(where, str(error)) from None
    if problem := problem_of(data):
        raise _broken(where, problem)
    body = json_edit.members(text, 0)["flags"].start
    return Document(text, where, data["flags"], json_edit.members(text, body), body)


def _broken(where: str, why: str) -> Rejected:
    hint = "correct it; until then the applications go on with the last good one they have read"
    return Rejected(f"{where} is not a valid flagd document", status=422, why=why, hint=hint)


def problem_of(data: Any) -> str:
    """The first thing that the schema forbids, or ""."""
    if not isinstance(data, dict):
        return "it is not an object"
    flags = data.get("flags")
    if isinstance(flags, list):
        return "`flags` is an array, which the flagd daemon alone can read; write it as an object with the keys as names"
    if not isinstance(flags, dict):
        return "it has no object `flags`"
    if not isinstance(data.get("$evaluators", {}), dict):
        return "`$evaluators` is not an object"
    if problem := _metadata(data, "metadata"):
        return problem
    return next((problem for name, flag in flags.items() if (problem := _flag(name, flag))), "")


def _flag(name: str, flag: Any) -> str:
    here = f"flags.{name}"
    if not name:
        return "a flag has an empty key"
    if not isinstance(flag, dict):
        return f"{here} is not an object"
    if flag.get("state") not in ("ENABLED", "DISABLED"):
        return f"{here}.state must be ENABLED or DISABLED"
    variants = flag.get("variants")
    if not isinstance(variants, dict) or not variants:
        return f"{here}.variants must be an object with a variant at least"
    if problem := _variants(variants, here):
        return problem
    default = flag.get("defaultVariant")
    if default is not None and not isinstance(default, str):
        return f"{here}.defaultVariant is not a string"
    if default is not None and default not in variants:
        return f"{here}.defaultVariant names `{default}`, which is not among its variants"
    if not isinstance(flag.get("targeting", {}), (dict, type(None))):
        return f"{here}.targeting is not an object"
    return _metadata(flag, f"{here}.metadata")


def _variants(variants: Mapping[str, Any], here: str) -> str:
    kinds = {_KINDS.get(type(value), "") for value in variants.values()}
    if "" in kinds:
        return f"{here}.variants has a value that is neither boolean, string, number nor object"
    return f"{here}.variants mixes {' and '.join(sorted(kinds))}" if len(kinds) > 1 else ""


def _metadata(holder: Mapping[str, Any], here: str) -> str:
    meta = holder.get("metadata", {})
    if not isinstance(meta, dict):
        return f"{here} is not an object"
    wrong = [key for key, value in meta.items() if not isinstance(value, (str, int, float, bool))]
    return f"{here}.{wrong[0]} is neither string, number nor boolean" if wrong else ""


def nearest(name: str, known: Mapping[str, Any]) -> str:
    """A hint: the name that was perhaps meant, or what there is."""
    close = difflib.get_close_matches(name, list(known), n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"it has {', '.join(f'`{key}`' for key in sorted(known)[:10])}" if known else "it has none"
