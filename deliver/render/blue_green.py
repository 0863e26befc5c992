"""The lines that only a release with a preview and one switch has: preview Service, what is known of the switch, the warm old side."""

from datetime import datetime

from deliver.formatting.formats import count
from deliver.render.view import View, typed

FACTS = ("switched", "probed", "drained")


def labelled_lines(view: View) -> list[tuple[str, str, str]]:
    """(label, text, level) of each line; none for other releases. level: done, warn or action."""
    return [line for line in (_preview(view), *_switch(view), _hold(view)) if line]


def lines(view: View) -> list[str]:
    return [f"{label}: {text}" if label else f"  {text}" for label, text, _ in labelled_lines(view)]


def _preview(view: View) -> tuple[str, str, str] | None:
    """While it is open, or somebody else has had a hand on it."""
    preview = view["preview"]
    if not preview or view["outcome"] in ("PROMOTED", "ROLLED_BACK"):
        return None
    if preview["foreign"]:
        return "preview", preview["foreign"], "warn"
    if not preview["open"]:
        return None
    users = "; users do not get there" if not view["switch"] else ""
    return "preview", f"Service {preview['service']} leads to {count(preview['ready'], 'candidate pod')}{users}", "action"


def _switch(view: View) -> list[tuple[str, str, str]]:
    switch = view["switch"]
    if not switch:
        return []
    times = [f"{fact} {_clock(switch[fact])}" if switch[fact] else f"not {fact}" for fact in FACTS]
    found = [("switch", f"{', '.join(times)} (UTC)", "done" if all(switch[fact] for fact in FACTS) else "warn")]
    doubts = [switch["how"].get(fact, "") for fact in FACTS if not switch[fact]]
    return found + [("", text, "warn") for text in doubts if text]


def _hold(view: View) -> tuple[str, str, str] | None:
    hold = view["hold"]
    if not hold or not hold["until"]:
        return None
    ends = f"`deliver promote {typed(view)}` ends the wait"
    if not hold["warm"]:
        cold = "too few of its pods are ready to take the traffic back"
        return "old side", f"kept until {_clock(hold['until'])} UTC, but {cold}; {ends}", "warn"
    return "old side", f"kept warm until {_clock(hold['until'])} UTC, one write away; {ends}", "action"


def _clock(stamp: str) -> str:
    return datetime.fromisoformat(stamp).strftime("%H:%M:%S")
