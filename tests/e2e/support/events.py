"""What to wait for in a release's JSON lines."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tests.e2e.support.process import Result

Event = dict[str, Any]


def baking(step: int = 0) -> Callable[[Event], bool]:
    """The bake of that step (counted from 0) has begun: its exposure is verified."""
    return lambda event: event.get("phase") == "Baking" and event.get("step") == step


def passed(step: int) -> Callable[[Event], bool]:
    """The event's own `step` is the next one by then."""
    return lambda event: f"step {step + 1}/" in event.get("event", "") and event["event"].endswith("PASS")


def intends(action: str) -> Callable[[Event], bool]:
    """About to do it, e.g. "route both"."""
    return lambda event: event.get("type") == "intent" and str(event.get("event", "")).startswith(action)


def did(action: str) -> Callable[[Event], bool]:
    return lambda event: event.get("type") == "outcome" and str(event.get("event", "")).startswith(action)


def says(text: str) -> Callable[[Event], bool]:
    return lambda event: text in str(event.get("event", ""))


def in_phase(name: str) -> Callable[[Event], bool]:
    return lambda event: event.get("phase") == name


def first_after(moment: float, events: Iterable[Event], wanted: Callable[[Event], bool]) -> float:
    """When the first wanted one after that moment arrived, in unix seconds."""
    arrivals = [event["arrived"] for event in events if wanted(event)]
    later = [at for at in arrivals if at > moment]
    assert later, f"none after {moment}: they arrived at {arrivals}"
    return float(min(later))


def final(result: Result) -> Event:
    """The last line: the whole release as it ended."""
    view = dict(json.loads(result.out.splitlines()[-1])) if result.out.strip() else {}
    assert view.get("kind") == "Release", f"no release at the end of the output: {result}"
    return view


def unix(stamp: str | None) -> float:
    assert stamp, "a time is missing"
    return datetime.fromisoformat(stamp).timestamp()


def ended(result: Result, code: int, outcome: str) -> Event:
    """The release as it ended, after a look at the exit code and the outcome."""
    assert result.code == code, f"wanted exit {code}: {result}"
    view = final(result)
    assert view["outcome"] == outcome, result
    return view
