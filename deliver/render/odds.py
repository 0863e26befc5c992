"""Evidence for people: odds, a bar that is full when they take the release back, and what has been shown for it."""

from math import log

from deliver.analysis import phrases
from deliver.formatting.formats import finite, number, odds
from deliver.model.verdict import CheckResult

View = dict[str, object]
SIZE = 16  # cells of a bar


def odds_view(check: CheckResult) -> View | None:
    """None for a check that is not judged by evidence. ratio: [lowest, highest] times stable that the counts allow, null while unknown."""
    numbers = check.evidence.numbers
    if not {"odds_worse", "odds_needed"} <= numbers.keys():
        return None
    low, high = numbers.get("ratio_low"), numbers.get("ratio_high")
    return {
        "worse": finite(numbers["odds_worse"]),
        "no_worse": finite(numbers.get("odds_no_worse")),
        "needed": finite(numbers["odds_needed"]),
        "ratio": None if low is None or high is None else [finite(low), finite(high)],
        "proved": check.proved,
    }


def filled(view: View) -> int:
    """Cells of the bar: the logarithm of the odds, of that of the odds needed. Odds of 1 : 1 or less are none."""
    worse, needed = _number(view["worse"]), _number(view["needed"])
    part = log(max(worse, 1.0)) / log(needed) if needed > 1 else 0.0
    return min(int(SIZE * part), SIZE)


def odds_line(view: View) -> str:
    """`2.1 : 1 that it is worse (20 needed); 1.4 to 6.2 times stable; 8 : 1 that it is no worse (20 needed)`"""
    needed = f"{number(_number(view['needed']))} needed"
    parts = [f"{odds(_number(view['worse']))} that it is worse ({needed})"]
    if isinstance(ratio := view["ratio"], list):
        parts.append(phrases.interval_text(*ratio))
    if view["proved"]:
        parts.append("shown to be no worse")
    elif view["proved"] is not None:
        parts.append(f"{odds(_number(view['no_worse']))} that it is no worse ({needed})")
    return "; ".join(parts)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 1.0
