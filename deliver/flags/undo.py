"""A flag in flagd's format without what we wrote: what a kill keeps aside of other people's rules, and what is left after a rollback. Pure.

We write the share (targeting and defaultVariant) and our marks in the metadata, nothing else. A share is taken back whoever set it last:
nobody keeps the treatment by one. A rule of somebody's own survives, but for a split of ours that they have put into it.
"""

import json
from collections.abc import Mapping
from typing import Any

from deliver.flags.rollout import KEPT, MARKS, TOTAL, Flag, Variants, fractional_split, marks_of, share, with_share
from deliver.plugins.flags import Mark
from deliver.plugins.three_way_merge import MISSING, differences, merge

SHARE = ("targeting", "defaultVariant")


def with_kill(flag: Flag, names: Variants, mark: Mark, version: int) -> Flag:
    """The safe variant to everyone. Somebody's own rules are kept aside in the same write, so that no crash can lose them."""
    dead, kept = with_share(flag, names, 0.0, mark, version), _kept(flag, names)
    if kept is not None:  # as text: metadata holds texts, numbers and booleans alone
        dead["metadata"] = {**dead["metadata"], KEPT: json.dumps(kept, sort_keys=True)}
    return dead


def without_ours(before: Flag, now: Flag, names: Variants) -> Flag:
    """`now` without what we wrote since `before`."""
    theirs = _kept(now, names)
    meta = before.get("metadata") or {}
    was = {**before, "metadata": meta}
    left: Flag = merge(was, _ours(was, now), {**now, "metadata": now.get("metadata") or {}})
    if not left["metadata"] and before.get("metadata") != {}:
        del left["metadata"]
    if theirs is None:
        return left
    if theirs.get("defaultVariant") == names.treatment:  # that is a share as well: of everyone whom no rule names
        theirs = {**theirs, "defaultVariant": before.get("defaultVariant")}
    left = {**_without(left), **theirs}
    return {**_without(left), **_pair(before)} if _more(left, before, names) else left


def sentences(flag: str, before: Flag, after: Flag) -> tuple[str, ...]:
    """What is not as it was before, each in one sentence."""
    found = [*differences(_bare(before), _bare(after))]
    for part in ("variants", "metadata"):
        found += [((part, *path), old, new) for path, old, new in differences(before.get(part) or {}, after.get(part) or {})]
    return tuple(_sentence(flag, ".".join(path), old, new) for path, old, new in found)


def _sentence(flag: str, path: str, old: Any, new: Any) -> str:
    if (path, new) == ("state", "DISABLED"):
        return f"flag `{flag}` was set to DISABLED by somebody: it stays so, and each caller's code decides what it serves"
    how, so = ("removed", "removed") if new is MISSING else ("added", "there") if old is MISSING else ("changed", "as they left it")
    return f"`{path}` of flag `{flag}` was {how} by somebody: it stays {so}"


def _ours(was: Flag, now: Flag) -> Flag:
    """What stood before, as our writes have left it: the share that stands there, and our marks."""
    marks = {key: value for key, value in (now.get("metadata") or {}).items() if key in MARKS} if marks_of(now).release else {}
    return {**_without(was), **_pair(now), "metadata": {**was["metadata"], **marks}}


def _kept(flag: Flag, names: Variants) -> Flag | None:
    """The parts of the share where they are a rule of somebody's own, or were when our kill went over them; None for a plain share."""
    if share({**flag, "state": "ENABLED"}, names)[0] is None:
        pair = _pair(flag)
        targeting = _stripped(pair.get("targeting"), names)
        return {**{key: value for key, value in pair.items() if key != "targeting"}, **({"targeting": targeting} if targeting else {})}
    text = (flag.get("metadata") or {}).get(KEPT) if marks_of(flag).release else None
    try:
        kept = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return kept if isinstance(kept, dict) and kept.keys() <= set(SHARE) else None


def _stripped(rule: Any, names: Variants, *, top: bool = True) -> Any:
    """A rule without our split: the safe variant stands in its place, nothing where it was all of the rule."""
    if _is_ours(rule, names):
        return None if top else names.safe
    if isinstance(rule, Mapping):
        return {key: _stripped(value, names, top=False) for key, value in rule.items()}
    return [_stripped(value, names, top=False) for value in rule] if isinstance(rule, list) else rule


def _is_ours(rule: Any, names: Variants) -> bool:
    """A split between the two variants with weights of our total; other people count to 100."""
    if not isinstance(rule, Mapping) or list(rule) != ["fractional"]:
        return False
    _, entries = fractional_split(rule)
    pairs = [entry for entry in entries if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], int)]
    ours = [entry[0] for entry in pairs] in ([names.treatment, names.safe], [names.safe, names.treatment])
    return ours and len(entries) == 2 and sum(entry[1] for entry in pairs) == TOTAL


def _more(left: Flag, before: Flag, names: Variants) -> bool:
    """It would be a plain share after all, and a larger one than before."""
    now, was = share({**left, "state": "ENABLED"}, names)[0], share(before, names)[0]
    return now is not None and now > (was or 0.0)


def _pair(flag: Flag) -> Flag:
    return {part: flag[part] for part in SHARE if part in flag}


def _without(flag: Flag) -> Flag:
    return {key: value for key, value in flag.items() if key not in SHARE}


def _bare(flag: Flag) -> Flag:
    return {key: value for key, value in flag.items() if key not in ("variants", "metadata")}
