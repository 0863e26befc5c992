"""One flag in one environment of Unleash: what share of users it serves, and which patches change that. Pure.

Our marks stand in the strategy's parameters, which the SDKs read by name. Its title cannot hold them: a title is never made empty again.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deliver.model.errors import Rejected
from deliver.model.observation import FlagState
from deliver.plugins.flags import Mark

MARK = "deliver"
OFF = "deliverOff"
"""Beside it since our kill turned the environment off: what anybody else turned off is never turned on again."""
ROLLOUT = "flexibleRollout"
PARTS = ("parameters", "constraints", "variants", "segments", "disabled")
_SHOWN = ("id", "name", "title", "sortOrder", *PARTS)

Strategy = Mapping[str, Any]
Operation = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """The flag in the environment. strategies: in the order of the server, each with the parts that mean something."""

    enabled: bool
    strategies: tuple[Strategy, ...]

    @property
    def document(self) -> str:
        return json.dumps({"enabled": self.enabled, "strategies": list(self.strategies)}, sort_keys=True)

    @property
    def revision(self) -> str:
        return hashlib.sha256(self.document.encode()).hexdigest()[:16]

    def chosen(self, id: str) -> Strategy | None:
        """The strategy that a release drives: the one that was named, else the only one that is in use."""
        if id:
            return next((one for one in self.strategies if one["id"] == id), None)
        used = [one for one in self.strategies if not one.get("disabled")]
        return used[0] if len(used) == 1 else None

    def state(self, id: str, environment: str) -> FlagState:
        percent, why = self.share(id)
        release, _, fence = self.mark(id)
        off = "" if self.enabled else f"it is off in environment `{environment}`"
        return FlagState(percent, self.revision, self.document, why, release, fence, "enabled", "disabled", off, self.besides(id))

    def mark(self, id: str) -> tuple[str, int, int]:
        """Of our last write, wherever it stands: somebody may have added a strategy, so that none is the one to drive any more."""
        marks = [mark_of(one) for one in (self.chosen(id), *self.strategies)]
        return next((mark for mark in marks if mark[0]), marks[0])

    def bearer(self, id: str) -> Strategy | None:
        """The strategy that carries our notes: the one with our mark, else the one to drive, else whichever there is."""
        marked = next((one for one in self.strategies if mark_of(one)[0]), None)
        return marked or self.chosen(id) or next(iter(self.strategies), None)

    def besides(self, id: str) -> str:
        """Strategies that may give it to somebody beside the one that is driven."""
        driven = self.chosen(id)
        others = [one for one in self.strategies if one is not driven and not one.get("disabled") and percent_of(one) != 0.0]
        names = ", ".join(f"`{one['title']}`" if one.get("title") else str(one["id"]) for one in others)
        return f"its other strategies ({names})" if others and self.enabled else ""

    def share(self, id: str) -> tuple[float | None, str]:
        """Percent of users for whom it is enabled; None where there is no such thing, and what there is instead."""
        strategy = self.chosen(id)
        if strategy is None:
            return None, _no_strategy(self.strategies, id)
        if why := _complex(strategy, told=bool(id)):
            return None, why
        rollout = percent_of(strategy)
        if rollout is None:
            return None, f"its rollout is `{strategy['parameters'].get('rollout')}`, which is no whole percentage"
        return (rollout if self.enabled and not strategy.get("disabled") else 0.0), ""


def setting(data: Mapping[str, Any]) -> Setting:
    """From the server's answer."""
    strategies = data.get("strategies")
    rows = [one for one in strategies if isinstance(one, dict) and one.get("id")] if isinstance(strategies, list) else []
    return Setting(data.get("enabled") is True, tuple({key: one[key] for key in _SHOWN if key in one} for one in rows))


def read_back(document: str) -> Setting:
    data = json.loads(document)
    return Setting(data["enabled"], tuple(data["strategies"]))


def _no_strategy(strategies: Sequence[Strategy], id: str) -> str:
    known = ", ".join(f"{one['id']} ({one.get('name')})" for one in strategies) or "none"
    if id:
        return f"it has no strategy {id} in this environment; it has {known}"
    used = [one for one in strategies if not one.get("disabled")]
    if not used:
        return "it has no strategy in use in this environment, so it is on for everyone or for nobody; give it a gradual rollout"
    return f"it has {len(used)} strategies, which are or-ed: {known}; name the one to drive with `strategy`"


def _complex(strategy: Strategy, *, told: bool) -> str:
    if strategy.get("name") != ROLLOUT:
        return f"its strategy is `{strategy.get('name')}`, which has no percentage; make it a gradual rollout ({ROLLOUT})"
    if told:
        return ""
    for part in ("constraints", "segments", "variants"):
        if strategy.get(part):
            return f"its strategy has {part}, so a percentage is of some users only; name it with `strategy` to drive it all the same"
    return ""


def simple(now: Setting, id: str) -> bool:
    """The share of the strategy is the share of all users."""
    return now.share("")[0] is not None and (not id or now.chosen("") == now.chosen(id))


def percent_of(strategy: Strategy) -> float | None:
    text = str((strategy.get("parameters") or {}).get("rollout", ""))
    return float(text) if text.isascii() and text.isdecimal() and 0 <= int(text) <= 100 else None


def mark_of(strategy: Strategy | None) -> tuple[str, int, int]:
    """(release, step, fence) of our last write; no release: none."""
    parts = str((strategy or {}).get("parameters", {}).get(MARK, "")).split("/")
    if len(parts) != 3 or not parts[1].isdecimal() or not parts[2].isdecimal():
        return "", -1, 0
    return parts[0], int(parts[1]), int(parts[2])


def rollout(strategy: Strategy, percent: float, mark: Mark) -> list[Operation]:
    """On condition that the strategy is as it was read: another percentage and our mark. The server takes the number as text only."""
    return [*unchanged(strategy), {"op": "replace", "path": "/parameters", "value": _rolled(strategy, percent, mark)}]


def _rolled(strategy: Strategy, percent: float, mark: Mark) -> dict[str, Any]:
    return {**strategy["parameters"], "rollout": whole_percent(percent), MARK: f"{mark.release}/{mark.step}/{mark.fence}"}


def kill_announcement(strategy: Strategy, mark: Mark, stamp: str) -> list[Operation]:
    """Our kill is about to turn the environment off. stamp: tells one kill from another."""
    return [*unchanged(strategy), {"op": "add", "path": f"/parameters/{OFF}", "value": f"{mark.release}/{mark.fence}/{stamp}"}]


def expected(now: Setting, id: str, percent: float, mark: Mark) -> Setting:
    """What stands after our write, when nobody else writes."""
    rows = tuple({**one, "parameters": _rolled(one, percent, mark)} if one["id"] == id else one for one in now.strategies)
    return Setting(now.enabled, rows)


def unmarked(strategy: Strategy) -> list[Operation]:
    if MARK not in strategy["parameters"]:
        return []
    return [*unchanged(strategy), {"op": "remove", "path": f"/parameters/{MARK}"}]


def restoring_patches(now: Strategy, before: Strategy) -> list[Operation]:
    """What makes the strategy what it was."""
    return [{"op": "add", "path": f"/{part}", "value": before[part]} for part in PARTS if part in before and now.get(part) != before[part]]


def unchanged(strategy: Strategy) -> list[Operation]:
    return [{"op": "test", "path": f"/{part}", "value": strategy[part]} for part in ("parameters", "constraints") if part in strategy]


def whole_percent(percent: float) -> str:
    """Raises Rejected: the server would take 101 and 0.5, and the SDKs would make something else of them."""
    if not 0 <= percent <= 100:
        raise Rejected(f"{percent:g} % is no share of users", status=422, why="a share is from 0 to 100 %")
    if abs(percent - round(percent)) > 1e-6:
        raise Rejected(f"{percent:g} % is finer than Unleash can serve", status=422, why="its rollout is a whole percentage")
    return str(round(percent))
