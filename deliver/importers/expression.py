"""The PromQL that analyses are usually written in: sums of rates, divided, times 100, and quantiles of histograms."""

import re
from dataclasses import dataclass

from deliver.analysis import selectors
from deliver.analysis.promql import BadText, Scanner
from deliver.analysis.selectors import Selector
from deliver.model.errors import InputError

_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+")
_RANGE = re.compile(r"[0-9a-z]+")
_RATES = ("rate", "irate", "increase")
DEEPEST = 32


class Unusual(Exception):
    """Not of the usual shape; the message says what is in the way."""


@dataclass(frozen=True)
class Summed:
    """sum(rate(selector[window]))"""

    selector: Selector
    window: str


@dataclass(frozen=True)
class Quantile:
    """histogram_quantile(share, sum by (le) (rate(...)))"""

    share: float
    summed: Summed


@dataclass(frozen=True)
class Binary:
    op: str
    left: "Node"
    right: "Node"


Node = float | Summed | Quantile | Binary


def parse(query: str) -> Node:
    """Raises Unusual for any other query."""
    scan = Scanner(query)
    try:
        found = _sum(scan, 0)
        _space(scan)
        if not scan.end():
            raise Unusual(f"`{scan.rest()}` is not understood")
        return found
    except BadText as error:
        raise Unusual(str(error)) from error
    except InputError as error:
        raise Unusual(error.what) from error


def _space(scan: Scanner) -> None:
    scan.space()
    while scan.comment():
        scan.space()


def _sum(scan: Scanner, depth: int) -> Node:
    left = _product(scan, depth)
    while op := _operator(scan, "+-"):
        left = Binary(op, left, _product(scan, depth))
    return left


def _product(scan: Scanner, depth: int) -> Node:
    left = _value(scan, depth)
    while op := _operator(scan, "*/"):
        left = Binary(op, left, _value(scan, depth))
    return left


def _operator(scan: Scanner, wanted: str) -> str:
    _space(scan)
    return next((op for op in wanted if scan.take(op)), "")


def _value(scan: Scanner, depth: int) -> Node:
    if depth > DEEPEST:
        raise Unusual("it is nested too deep")
    _space(scan)
    if scan.take("("):
        inner = _sum(scan, depth + 1)
        _or_zero(scan)
        _close(scan)
    elif number := scan.match(_NUMBER):
        inner = float(number)
    else:
        inner = _call(scan)
    _or_zero(scan)
    return inner


def _or_zero(scan: Scanner) -> None:
    """`or vector(0)`: no data is nothing there. Here it is no verdict, so that it needs not be said."""
    _space(scan)
    at = scan.at
    if scan.match(_WORD) != "or":
        scan.at = at
        return
    _space(scan)
    if re.match(r"on\s*\(\s*\)\s*", scan.text[scan.at :]):
        scan.at = scan.text.index(")", scan.at) + 1
        _space(scan)
    found = re.compile(r"vector\s*\(\s*[01]\s*\)").match(scan.text, scan.at)
    if not found:
        raise Unusual("`or` with something else than vector(0)")
    scan.at = found.end()


def _call(scan: Scanner) -> Node:
    at = scan.at
    word = scan.match(_WORD)
    if word == "sum":
        return _aggregated(scan, allowed=())
    if word == "histogram_quantile":
        return _quantile(scan)
    scan.at = at
    raise Unusual(f"`{scan.rest()}` is no sum of rates")


def _quantile(scan: Scanner) -> Quantile:
    _open(scan)
    _space(scan)
    share = scan.match(_NUMBER)
    _space(scan)
    if not share or not scan.take(","):
        raise Unusual("a quantile with a share that is no number")
    _space(scan)
    if scan.match(_WORD) != "sum":
        raise Unusual("a quantile of something else than a sum of rates")
    summed = _aggregated(scan, allowed=("le",))
    _close(scan)
    return Quantile(float(share), summed)


def _aggregated(scan: Scanner, allowed: tuple[str, ...]) -> Summed:
    """After the word `sum`. A sum by other labels than allowed would be several numbers."""
    _by(scan, allowed)
    _open(scan)
    summed = _rate(scan)
    _close(scan)
    _by(scan, allowed)
    return summed


def _by(scan: Scanner, allowed: tuple[str, ...]) -> None:
    _space(scan)
    at = scan.at
    word = scan.match(_WORD)
    if word not in ("by", "without"):
        scan.at = at
        return
    _open(scan)
    end = scan.text.find(")", scan.at)
    labels = {label.strip() for label in scan.text[scan.at : end].split(",")} - {""}
    scan.at = max(end, scan.at)
    _close(scan)
    if word == "without" or not labels <= set(allowed):
        raise Unusual(f"a sum {word} ({', '.join(sorted(labels))}) is several numbers")


def _rate(scan: Scanner) -> Summed:
    _space(scan)
    at = scan.at
    if scan.match(_WORD) not in _RATES:
        scan.at = at
        raise Unusual(f"`{scan.rest()}` is no rate of a counter")
    _open(scan)
    _space(scan)
    selector = _selector(scan)
    _space(scan)
    if not scan.take("["):
        raise Unusual("a rate without a range")
    _space(scan)
    window = scan.match(_RANGE)
    _space(scan)
    if not window or not scan.take("]"):
        raise Unusual("a range that is no plain duration")
    _close(scan)
    return Summed(selector, window)


def _selector(scan: Scanner) -> Selector:
    start = scan.at
    scan.match(_WORD)
    _space(scan)
    if scan.take("{"):
        while not scan.take("}"):
            if scan.end():
                raise Unusual("a `}` is missing")
            if scan.quoted():
                scan.string()
            else:
                scan.at += 1
    return selectors.parse(scan.text[start : scan.at])


def selector_at(scan: Scanner) -> Selector | None:
    """A selector with braces, or before a range; None, behind the word or where it was, for anything else."""
    start = scan.at
    if not scan.match(_WORD):
        return None
    end = scan.at
    _space(scan)
    if scan.peek("{") or scan.peek("["):
        scan.at = start
        try:
            return _selector(scan)
        except InputError as error:
            raise Unusual(error.what) from error
    scan.at = end
    return None


def _open(scan: Scanner) -> None:
    _space(scan)
    if not scan.take("("):
        raise Unusual(f"`(` is missing before `{scan.rest()}`")


def _close(scan: Scanner) -> None:
    _space(scan)
    if not scan.take(")"):
        raise Unusual(f"`{scan.rest()}` is not understood")
