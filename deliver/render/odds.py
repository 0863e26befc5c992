"""Evidence for people: odds, a bar that is full when they take the release back, and what has been shown for it."""

from math import log

from deliver.analysis import phrases
from deliver.model.verdict import CheckResult
from deliver.text.formats import finite

View = dict[str, object]
SIZE = 16  # cells of a bar
MOST = 0.999e9


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
    needed = f"{_number(view['needed']):.3g} needed"
    parts = [f"{told(_number(view['worse']))} that it is worse ({needed})"]
    if isinstance(ratio := view["ratio"], list):
        parts.append(phrases.interval_text(*ratio))
    if view["proved"]:
        parts.append("shown to be no worse")
    elif view["proved"] is not None:
        parts.append(f"{told(_number(view['no_worse']))} that it is no worse ({needed})")
    return "; ".join(parts)


def told(odds: float) -> str:
    if odds >= MOST:
        return "over a billion : 1"
    if odds >= 1:
        return f"{odds:.2g} : 1" if odds < 100 else f"{odds:,.0f} : 1"
    return f"1 : {1 / max(odds, 1e-9):.2g}"


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 1.0
