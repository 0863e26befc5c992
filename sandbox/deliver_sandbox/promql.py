"""The part of PromQL that the sandbox evaluates: what deliver sends and what people usually give as a free query.

    selectors            name{a="b",c=~"..."}  {__name__="x"}  {__name__=~"x.*"}  {a="b"}  name{...}[30s]   (offset and @ are not known)
    functions            FUNCTIONS, below
    aggregations         sum avg min max count, with by (...) or without (...) before or after
    subqueries           expr[6h:30s], as the whole query
    operators            + - * / % ^ == != > < >= <= and or unless, on one-to-one label sets (no on/ignoring/group)

promql-parser knows the whole language; anything beyond this is a QueryError in a sentence, never a wrong number.
"""

import re
from dataclasses import dataclass
from typing import Any

import promql_parser as promql

from deliver_sandbox.series import Match, pattern

AGGREGATIONS = ("sum", "avg", "min", "max", "count")
FUNCTIONS = (
    *("rate", "increase", "delta", "sum_over_time", "avg_over_time", "max_over_time", "min_over_time", "last_over_time", "count_over_time"),
    *("histogram_quantile", "vector", "scalar", "time", "abs", "ceil", "floor", "clamp_min", "clamp_max", "absent"),
)
LONGEST, MOST = 10_000, 200  # characters, and operators and brackets: the parser calls itself for each that is inside another
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}  # the library's do not hash


class QueryError(Exception):
    """bad: the query can never be answered. Otherwise it was understood and failed."""

    def __init__(self, message: str, *, bad: bool = True) -> None:
        super().__init__(message)
        self.bad = bad


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Select:
    """name: "" for one that goes by labels alone. window: seconds of a range selector, 0 = an instant one."""

    name: str
    matches: tuple[Match, ...]
    window: float = 0.0


@dataclass(frozen=True)
class Apply:
    name: str
    args: tuple["Node", ...]


@dataclass(frozen=True)
class Gather:
    """An aggregation. without: the labels are those to drop."""

    name: str
    of: "Node"
    labels: tuple[str, ...] = ()
    without: bool = False


@dataclass(frozen=True)
class Subquery:
    """An instant expression, evaluated every `step` seconds of the last `window`. Only as a whole query."""

    of: "Node"
    window: float
    step: float


@dataclass(frozen=True)
class Binary:
    """boolean: a comparison gives 0 or 1 and drops nothing."""

    op: str
    left: "Node"
    right: "Node"
    boolean: bool = False


Node = Number | Text | Select | Apply | Gather | Binary


def parse(query: str) -> Node | Subquery:
    """Raises QueryError."""
    if len(query) > LONGEST or len(re.findall(r"[-+*/%^(]", query)) > MOST:
        raise _unknown("queries of this length")
    try:
        return _query(promql.parse(query))
    except (ValueError, OverflowError) as error:  # the latter for times that no timedelta holds
        raise QueryError(f"parse error: {error}") from error


def _query(found: Any) -> Node | Subquery:
    if isinstance(found, promql.SubqueryExpr):
        if found.range is None or found.step is None or found.offset or found.at:
            raise QueryError("the sandbox's PromQL knows subqueries only as EXPR[RANGE:STEP]")
        return Subquery(_node(found.expr), found.range.total_seconds(), found.step.total_seconds())
    return _node(found)


def duration(text: str) -> float:
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw])", text))


def _node(found: Any) -> Node:
    match found:
        case promql.NumberLiteral():
            return Number(found.val)
        case promql.StringLiteral():
            return Text(found.val)
        case promql.ParenExpr():
            return _node(found.expr)
        case promql.UnaryExpr():
            return Binary("*", Number(-1.0), _node(found.expr))
        case promql.VectorSelector():
            return _select(found, 0.0)
        case promql.MatrixSelector():
            return _select(found.vector_selector, found.range.total_seconds())
        case promql.Call() if found.func.name in FUNCTIONS:
            return Apply(found.func.name, tuple(map(_node, found.args)))
        case promql.AggregateExpr() if str(found.op) in AGGREGATIONS:
            by = found.modifier
            without = by is not None and by.type == promql.AggModifierType.Without
            return Gather(str(found.op), _node(found.expr), tuple(by.labels) if by else (), without)
        case promql.BinaryExpr():
            how = found.modifier
            if how and how.matching:  # group_left and group_right are there only with one
                raise _unknown(f"`{how.matching}`")
            return Binary(str(found.op), _node(found.lhs), _node(found.rhs), bool(how and how.return_bool))
    raise _unknown(f"`{str(found)[:60]}`")


def _select(found: Any, window: float) -> Select:
    if found.offset or found.at:
        raise _unknown("offset and @")
    if found.matchers.or_matchers:
        raise _unknown("`or` between matchers")
    name, matches = found.name or "", []
    for one in found.matchers.matchers:
        op = _OPERATORS[str(one.op)]
        if one.name == "__name__" and op == "=":
            name = one.value
            continue
        if op in ("=~", "!~"):
            try:
                pattern(one.value)
            except re.error as error:
                raise QueryError(f"parse error: error parsing regexp: {error}: `{one.value}`") from error
        matches.append(Match(one.name, op, one.value))
    return Select(name, tuple(matches), window)


def _unknown(what: str) -> QueryError:
    return QueryError(f"the sandbox's PromQL does not know {what}")
