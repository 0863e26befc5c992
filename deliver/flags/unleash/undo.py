"""One flag in one environment of Unleash without what we wrote: which patches take it back, and what is left as somebody else's. Pure.

We write the rollout and our mark of one strategy, and a kill turns the environment off. A rollout is taken back whoever set it last: nobody
keeps the treatment by it. Everything else is other people's, and stays.
"""

from collections.abc import Mapping
from typing import Any

from deliver.flags.unleash.rules import MARK, OFF, Operation, Setting, Strategy, mark_of, percent_of, unchanged
from deliver.plugins.three_way_merge import MISSING, differences, merge


def patches(before: Setting, now: Setting, id: str, *, marks: tuple[str, ...] = (MARK, OFF)) -> Mapping[str, list[Operation]]:
    """By strategy. id: of the one that the release was told to drive, "" where there was one alone. marks: those that go."""
    driven = (before.chosen(id) or {}).get("id")
    was = {one["id"]: one for one in before.strategies}
    after = {one["id"]: _taken(was.get(one["id"], {}), one, one["id"] == driven, marks) for one in now.strategies}
    return {
        one["id"]: [*unchanged(one), {"op": "replace", "path": "/parameters", "value": after[one["id"]]}]
        for one in now.strategies
        if after[one["id"]] != (one.get("parameters") or {})
    }


def turned_off_by_us(before: Setting, now: Setting) -> str:
    """The note of our kill, where the environment is off by it and may be turned on; "" else.

    Over a flag without a strategy in use the server would put one of its own, for everyone.
    """
    able = any(not one.get("disabled") for one in now.strategies)
    notes = [str(one["parameters"][OFF]) for one in now.strategies if OFF in (one.get("parameters") or {})]
    return notes[0] if notes and able and before.enabled and not now.enabled else ""


def _taken(before: Strategy, now: Strategy, driven: bool, marks: tuple[str, ...]) -> Mapping[str, Any]:
    """Its parameters without our part. A strategy with our mark that was not there before is somebody's copy of the one we drive."""
    was: Mapping[str, Any] = before.get("parameters") or {}
    parameters: Mapping[str, Any] = now.get("parameters") or {}
    share = "rollout" in parameters and (driven or mark_of(now)[0]) and not _lower(now, was.get("rollout", "0"))
    ours = {key: parameters[key] for key in (*marks, *(["rollout"] if share else [])) if key in parameters}
    return dict(merge({"rollout": was.get("rollout", "0")} if share else {}, ours, parameters))


def _lower(now: Strategy, rollout: str) -> bool:
    """Somebody has given it to fewer than had it before: that is not ours to raise."""
    percent = percent_of(now)
    return percent is not None and rollout.isdecimal() and percent < float(rollout)


def sentences(before: Setting, after: Setting, environment: str) -> tuple[str, ...]:
    """What is not as it was before, each in one sentence."""
    told = []
    if before.enabled and not after.enabled:
        told.append(f"environment `{environment}` was switched off by somebody: it stays off")
    was, now = ({one["id"]: one for one in setting.strategies} for setting in (before, after))
    for _, old, new in differences(was, now):
        strategy = _name(old if new is MISSING else new)
        if new is MISSING:
            told.append(f"{strategy} was removed by somebody: it stays removed")
        elif old is MISSING:
            told.append(f"{strategy} was added by somebody: it stays")
        else:
            parts = ", ".join(f"`{'.'.join(part)}`" for part, _, _ in differences(old, new))
            told.append(f"{parts} of {strategy} was changed by somebody: it stays as they left it")
    return tuple(told)


def _name(strategy: Strategy) -> str:
    title = f" `{strategy['title']}`" if strategy.get("title") else ""
    return f"strategy{title} {strategy['id']} ({strategy.get('name')})"
