"""One flag in flagd's format: what share of users gets the treatment, and the flag rewritten so that another share does.

The treatment stands first, so a growing weight only adds users (whoever has it at 5 % has it at 10 %). `state` is never written: DISABLED
is no way to switch off, for callers would get the default of their code, which may be the treatment; what somebody disabled stays so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deliver.model.errors import Rejected
from deliver.plugins.flags import Mark

TOTAL = 100_000
STEP = 100 / TOTAL
VERSION, RELEASE, STEP_MARK, FENCE_MARK, WAS = "version", "deliverRelease", "deliverStep", "deliverFence", "deliverWasVersion"
KEPT = "deliverKept"
MARKS = (VERSION, RELEASE, STEP_MARK, FENCE_MARK, WAS, KEPT)
"""Keys of the flag's metadata. OpenFeature's telemetry tells `version` as feature_flag.version; it is ours while RELEASE stands there."""

Flag = dict[str, Any]


@dataclass(frozen=True)
class Variants:
    """Names of the two variants that a release moves users between."""

    treatment: str
    safe: str


@dataclass(frozen=True)
class Marks:
    """What our last write left in the flag's metadata. version 0: no write of ours stands there."""

    version: int = 0
    release: str = ""
    step: int = -1
    fence: int = 0


def marks_of(flag: Mapping[str, Any]) -> Marks:
    meta = flag.get("metadata")
    if not isinstance(meta, Mapping) or not meta.get(RELEASE):
        return Marks()
    return Marks(_count(meta.get(VERSION)), str(meta[RELEASE]), _count(meta.get(STEP_MARK), -1), _count(meta.get(FENCE_MARK)))


def _count(value: Any, none: int = 0) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else none


def share(flag: Mapping[str, Any], names: Variants) -> tuple[float | None, str]:
    """Percent of users that get the treatment; None where there is no such thing, and what there is instead."""
    variants = flag.get("variants") or {}
    for name in (names.treatment, names.safe):
        if name not in variants:
            have = ", ".join(f"`{one}`" for one in variants)
            return None, f"it has no variant `{name}`, but {have}; name its variants with `treatment` and `safe`"
    if why := why_off(flag):
        return None, f"{why}; set it to ENABLED first"
    default, targeting = flag.get("defaultVariant"), flag.get("targeting")
    if targeting:
        return _targeted(targeting, default, names)
    if default == names.treatment:
        return 100.0, ""
    if default == names.safe:
        return 0.0, ""
    if default is None:
        return None, "it has neither targeting nor a defaultVariant: each caller's code decides what it serves"
    return None, f"it serves `{default}` to everyone, which is neither `{names.treatment}` nor `{names.safe}`"


def why_off(flag: Mapping[str, Any]) -> str:
    """Why it gives nobody anything, whatever its rules say; "" when it does."""
    return "" if flag.get("state") == "ENABLED" else "its state is DISABLED: each caller's code decides what it serves"


def _targeted(targeting: Any, default: Any, names: Variants) -> tuple[float | None, str]:
    rules = list(targeting) if isinstance(targeting, dict) else []
    if rules != ["fractional"]:
        return (
            None,
            f"its targeting is a rule of its own ({', '.join(f'`{rule}`' for rule in rules) or 'not an object'}), not one fractional split",
        )
    _, entries = fractional_split(targeting)
    weights: dict[str, int] = {}
    for entry in entries:
        name, weight = _entry(entry)
        if weight is None:
            return None, f"the weight of `{name}` in its fractional split is not a whole number: it is computed anew at each evaluation"
        if name not in (names.treatment, names.safe):
            return None, f"its fractional split has `{name}` besides `{names.treatment}` and `{names.safe}`"
        if name in weights:
            return None, f"`{name}` stands twice in its fractional split"
        weights[name] = weight
    total = sum(weights.values())
    if not total:
        return None, "all weights in its fractional split are 0"
    percent = 100 * weights.get(names.treatment, 0) / total
    if 0 < percent < 100 and next(iter(weights)) != names.treatment:
        return None, (
            f"`{names.treatment}` is not first in its fractional split; made first, it would move to other users: "
            "put it first, or begin at 0 %"
        )
    if percent < 100 and default == names.treatment:
        return None, f"users without a targeting key get `{names.treatment}` (its defaultVariant) whatever the split says"
    return percent, ""


def fractional_split(targeting: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """(bucketing expression, if there is one; the [variant, weight] entries) of a fractional rule."""
    args = targeting["fractional"]
    args = args if isinstance(args, list) else [args]
    if args and not isinstance(args[0], list):
        return [args[0]], args[1:]
    return [], args


def _entry(entry: Any) -> tuple[str, int | None]:
    if not isinstance(entry, list) or not entry or len(entry) > 2 or not isinstance(entry[0], str):
        return str(entry)[:40], None
    weight = entry[1] if len(entry) == 2 else 1
    whole = isinstance(weight, int) and not isinstance(weight, bool) and weight >= 0
    return entry[0], weight if whole else None


def with_share(flag: Flag, names: Variants, percent: float, mark: Mark, version: int) -> Flag:
    """The flag that serves the treatment to that share, with our marks. The bucketing expression stays, so users keep their places."""
    weight = weight_of(percent)
    new = {key: value for key, value in flag.items() if key not in ("targeting", "metadata")}
    new["defaultVariant"] = names.treatment if weight == TOTAL else names.safe
    if 0 < weight < TOTAL:
        new["targeting"] = {"fractional": [*_bucketing(flag), [names.treatment, weight], [names.safe, TOTAL - weight]]}
    theirs = _foreign(flag)
    was = {WAS: theirs[VERSION]} if VERSION in theirs else {}
    marks = {VERSION: str(version), RELEASE: mark.release, STEP_MARK: mark.step, FENCE_MARK: mark.fence}
    new["metadata"] = {**theirs, **marks, **was}
    return new


def _bucketing(flag: Flag) -> list[Any]:
    targeting = flag.get("targeting")
    if isinstance(targeting, dict) and list(targeting) == ["fractional"]:
        return fractional_split(targeting)[0]
    return []


def unmarked(flag: Flag) -> Flag:
    """The flag as it is, without our marks."""
    if not marks_of(flag).release:
        return flag
    rest = _foreign(flag)
    new = {key: value for key, value in flag.items() if key != "metadata"}
    return {**new, "metadata": rest} if rest else new


def _foreign(flag: Flag) -> Flag:
    """The metadata that is not ours."""
    meta = flag.get("metadata")
    if not isinstance(meta, dict) or not meta.get(RELEASE):
        return dict(meta) if isinstance(meta, dict) else {}
    rest = {key: value for key, value in meta.items() if key not in MARKS}
    return {**rest, VERSION: meta[WAS]} if WAS in meta else rest


def weight_of(percent: float) -> int:
    """Of TOTAL. Raises Rejected for what cannot be served exactly."""
    if not 0 <= percent <= 100:
        raise Rejected(f"{percent:g} % is no share of users", status=422, why="a share is from 0 to 100 %")
    weight = round(percent * TOTAL / 100)
    if abs(weight * 100 / TOTAL - percent) > 1e-6:
        raise Rejected(
            f"{percent!r} % is finer than a flag can be set", status=422, why=f"weights are whole numbers; the step is {STEP:g} %"
        )
    return weight


def version_after(marks: Marks, now: float) -> int:
    """Unique and growing, and it says when: milliseconds of the clock, or one more than the last."""
    return max(marks.version + 1, int(now * 1000))
