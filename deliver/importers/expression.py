"""The PromQL that analyses are usually written in: sums of rates, divided, times 100, and quantiles of histograms."""

import re
from dataclasses import dataclass
from typing import Any

import promql_parser as promql

from deliver.analysis import selectors
from deliver.analysis.promql import Scanner
from deliver.analysis.selectors import Matcher, Selector
from deliver.formatting.durations import show_duration
from deliver.model.errors import InputError

_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_RATES = ("rate", "irate", "increase")
_OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
LONGEST, MOST = 10_000, 200  # characters, and operators and brackets: the parser calls itself for each that is inside another


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
    if len(query) > LONGEST or len(re.findall(r"[-+*/%^(]", query)) > MOST:
        raise Unusual("it is nested too deep")
    try:
        return _node(promql.parse(query))
    except (ValueError, OverflowError) as error:  # the latter for times that no timedelta holds
        raise Unusual(str(error)) from error


def _node(found: Any) -> Node:
    match found:
        case promql.NumberLiteral():
            return float(found.val)
        case promql.ParenExpr():
            return _node(found.expr)
        case promql.UnaryExpr():
            return Binary("*", -1.0, _node(found.expr))
        case promql.BinaryExpr() if str(found.op) == "or":
            # `or vector(0)`: no data is nothing there. Here it is no verdict, so that it needs not be said.
            if re.fullmatch(r"vector\([01]\)", str(found.rhs)) is None:
                raise Unusual("`or` with something else than vector(0)")
            return _node(found.lhs)
        case promql.BinaryExpr() if str(found.op) in "+-*/" and not (found.modifier and found.modifier.matching):
            return Binary(str(found.op), _node(found.lhs), _node(found.rhs))
        case promql.AggregateExpr():
            return _summed(found, allowed=())
        case promql.Call() if found.func.name == "histogram_quantile":
            share, of = found.args
            if not isinstance(share, promql.NumberLiteral):
                raise Unusual("a quantile with a share that is no number")
            return Quantile(share.val, _summed(of, allowed=("le",)))
    raise Unusual(f"`{str(found)[:20]}` is no sum of rates")


def _summed(found: Any, allowed: tuple[str, ...]) -> Summed:
    """A sum by other labels than allowed would be several numbers."""
    if not isinstance(found, promql.AggregateExpr) or str(found.op) != "sum":
        raise Unusual(f"`{str(found)[:20]}` is no sum of rates")
    how = found.modifier
    if how and (how.type == promql.AggModifierType.Without or not set(how.labels) <= set(allowed)):
        raise Unusual(
            f"a sum {'without' if how.type == promql.AggModifierType.Without else 'by'} ({', '.join(how.labels)}) is several numbers"
        )
    rate = found.expr
    while isinstance(rate, promql.ParenExpr):
        rate = rate.expr
    if not isinstance(rate, promql.Call) or rate.func.name not in _RATES or not isinstance(rate.args[0], promql.MatrixSelector):
        raise Unusual(f"`{str(rate)[:20]}` is no rate of a counter")
    return Summed(_taken(rate.args[0].vector_selector), show_duration(rate.args[0].range.total_seconds()))


def _taken(found: Any) -> Selector:
    if found.offset or found.at or found.matchers.or_matchers:
        raise Unusual("a selector with offset, @ or `or`")
    matchers = tuple(Matcher(one.name, _OPERATORS[str(one.op)], one.value) for one in found.matchers.matchers)
    names = [found.name] if found.name else [one.value for one in matchers if one.label == "__name__" and one.op == "="]
    others = tuple(one for one in matchers if one.label != "__name__")
    if len(names) != 1 or len(others) + (not found.name) != len(matchers):
        raise Unusual("a selector without one metric name")
    return Selector(names[0], others)


def _space(scan: Scanner) -> None:
    scan.space()
    while scan.comment():
        scan.space()


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
