"""PromQL values: rate and increase with Prometheus' own extrapolation, aggregations, one-to-one arithmetic."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deliver_sandbox.promql import Apply, Binary, Gather, Node, Number, QueryError, Select, Subquery, Text, parse
from deliver_sandbox.series import LOOKBACK, Labels, Points, SeriesStore

Vector = list[tuple[Labels, float]]
Result = float | str | Vector | list[tuple[Labels, Points]]

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip
_EDGES: Mapping[str, Callable[[float], float]] = {"abs": abs, "ceil": math.ceil, "floor": math.floor}


@dataclass(frozen=True)
class Evaluator:
    """One query at one moment (unix seconds)."""

    store: SeriesStore
    at: float

    def run(self, query: str) -> Result:
        """A number, text, a vector, or series with their samples for a range selector. Raises QueryError."""
        node = parse(query)
        if isinstance(node, Subquery):
            return self._subquery(node)
        if isinstance(node, Select) and node.window:
            return [(one.labels, one.points) for one in self.store.select(node.name, list(node.matches), self.at - node.window, self.at)]
        return self.value(node)

    def _subquery(self, node: Subquery) -> list[tuple[Labels, Points]]:
        """At absolute multiples of the step, the left end left out (engine.go, subqueryTimes)."""
        found: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
        first = math.floor((self.at - node.window) / node.step) + 1
        for number in range(first, math.floor(self.at / node.step) + 1):
            at = number * node.step
            for labels, value in Evaluator(self.store, at).vector(node.of):
                found.setdefault(tuple(sorted(labels.items())), []).append((at, value))
        return [(dict(key), points) for key, points in found.items()]

    def value(self, node: Node) -> float | str | Vector:
        match node:
            case Number(value) | Text(value):
                return value
            case Select():
                return self._instant(node)
            case Gather():
                return self._gather(node)
            case Binary():
                return self._binary(node)
            case Apply():
                return self._apply(node)

    def vector(self, node: Node) -> Vector:
        value = self.value(node)
        if not isinstance(value, list):
            raise QueryError("parse error: expected type instant vector")
        return value

    def number(self, node: Node) -> float:
        value = self.value(node)
        if not isinstance(value, (int, float)):
            raise QueryError("parse error: expected type scalar")
        return float(value)

    def _instant(self, node: Select) -> Vector:
        if node.window:
            raise QueryError("parse error: a range vector stands where an instant vector is needed")
        found = self.store.select(node.name, list(node.matches), self.at - LOOKBACK, self.at)
        return [(one.labels, one.points[-1][1]) for one in found if one.points and not (one.over and one.over <= self.at)]

    def _apply(self, node: Apply) -> float | Vector:
        name, args = node.name, node.args
        if name == "time":
            return self.at
        if args and isinstance(args[0], Select) and args[0].window:
            return self._over_time(name, args[0])
        self._arity(name, args)
        if name == "vector":
            return [({}, self.number(args[0]))]
        if name == "scalar":
            found = self.vector(args[0])
            return found[0][1] if len(found) == 1 else math.nan
        if name == "absent":
            return [] if self.vector(args[0]) else [({}, 1.0)]
        if name == "histogram_quantile":
            return _quantile(self.number(args[0]), self.vector(args[1]))
        if name in _EDGES:
            return [(_bare(labels), float(_EDGES[name](value))) for labels, value in self.vector(args[0])]
        limit, pick = self.number(args[1]), max if name == "clamp_min" else min
        return [(_bare(labels), pick(value, limit)) for labels, value in self.vector(args[0])]

    def _arity(self, name: str, args: Sequence[Node]) -> None:
        wanted = 2 if name in ("histogram_quantile", "clamp_min", "clamp_max") else 1
        if len(args) != wanted:
            raise QueryError(f'parse error: expected {wanted} argument(s) in call to "{name}", got {len(args)}')

    def _over_time(self, name: str, node: Select) -> Vector:
        start = self.at - node.window
        result: Vector = []
        for one in self.store.select(node.name, list(node.matches), start, self.at):
            value = _reduced(name, one.points, start, self.at)
            if value is not None:
                result.append((one.labels if name == "last_over_time" else _bare(one.labels), value))
        return result

    def _gather(self, node: Gather) -> Vector:
        groups: dict[tuple[tuple[str, str], ...], list[float]] = {}
        for labels, value in self.vector(node.of):
            if node.without:
                kept = {k: v for k, v in labels.items() if k not in node.labels and k != "__name__"}
            else:
                kept = {k: labels[k] for k in node.labels if k in labels}
            groups.setdefault(tuple(sorted(kept.items())), []).append(value)
        return [(dict(key), _GATHER[node.name](values)) for key, values in groups.items()]

    def _binary(self, node: Binary) -> float | Vector:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(left, str) or isinstance(right, str):
            raise QueryError("parse error: binary expression must contain only scalar and instant vector types")
        if not isinstance(left, list) and not isinstance(right, list):
            if node.op in _COMPARE and not node.boolean:
                raise QueryError("parse error: comparisons between scalars must use BOOL modifier")
            return _compute(node.op, left, right)
        if not isinstance(right, list):
            return _scaled(node, left, lambda value: (value, right)) if isinstance(left, list) else []
        if not isinstance(left, list):
            return _scaled(node, right, lambda value: (left, value))
        return _joined(node, left, right)


def _bare(labels: Labels) -> Labels:
    return {key: value for key, value in labels.items() if key != "__name__"}


def _compute(op: str, a: float, b: float) -> float:
    if op in _COMPARE:
        return float(_COMPARE[op](a, b))
    try:
        match op:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
            case "/":
                return a / b
            case "%":
                return math.fmod(a, b)
            case "^":
                return float(a**b)
    except ZeroDivisionError:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)
    except (OverflowError, ValueError):
        return math.nan
    raise QueryError(f"parse error: set operator {op!r} not allowed in binary scalar expression")


def _scaled(node: Binary, vector: Vector, pair: Callable[[float], tuple[float, float]]) -> Vector:
    return [found for labels, value in vector for found in _operated(node, labels, value, pair(value))]


def _operated(node: Binary, labels: Labels, value: float, pair: tuple[float, float]) -> Vector:
    """What becomes of a sample: a comparison keeps it as it is or drops it, everything else gives another value, without the name."""
    computed = _compute(node.op, *pair)
    if node.op in _COMPARE and not node.boolean:
        return [(labels, value)] if computed else []
    return [(_bare(labels), computed)]


def _joined(node: Binary, left: Vector, right: Vector) -> Vector:
    """Series with equal labels, the name aside; two of one side with the same labels are an error, as in Prometheus."""

    def key(labels: Labels) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(_bare(labels).items()))

    others = {key(labels): value for labels, value in right}
    if node.op == "and":
        return [item for item in left if key(item[0]) in others]
    if node.op == "unless":
        return [item for item in left if key(item[0]) not in others]
    if node.op == "or":
        mine = {key(labels) for labels, _ in left}
        return [*left, *(item for item in right if key(item[0]) not in mine)]
    if len(others) < len(right) or len({key(labels) for labels, _ in left}) < len(left):
        raise QueryError("found duplicate series for the match group: many-to-many matching not allowed", bad=False)
    both = [(labels, value, others[key(labels)]) for labels, value in left if key(labels) in others]
    return [found for labels, value, other in both for found in _operated(node, labels, value, (value, other))]


_GATHER: Mapping[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "avg": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
}


def _reduced(name: str, points: Points, start: float, end: float) -> float | None:
    values = [value for _, value in points]
    if name in ("rate", "increase", "delta"):
        return _extrapolated(name, points, start, end)
    if not values:
        return None
    how: Mapping[str, Callable[[list[float]], float]] = {**_GATHER, "last": lambda values: values[-1]}
    return how[name.removesuffix("_over_time")](values)


def _extrapolated(name: str, points: Points, start: float, end: float) -> float | None:
    """functions.go, extrapolatedRate: the slope between the first and last sample, stretched towards the window's ends."""
    if len(points) < 2:
        return None
    change = points[-1][1] - points[0][1]
    if name != "delta":
        previous = points[0][1]
        for _, value in points[1:]:
            change += previous if value < previous else 0.0
            previous = value
    sampled = points[-1][0] - points[0][0]
    average = sampled / (len(points) - 1)
    to_start, to_end = points[0][0] - start, end - points[-1][0]
    limit = average * 1.1
    to_start = average / 2 if to_start >= limit else to_start
    if name != "delta" and change > 0 and points[0][1] >= 0:
        to_start = min(to_start, sampled * points[0][1] / change)
    to_end = average / 2 if to_end >= limit else to_end
    value = change * (sampled + to_start + to_end) / sampled
    return value / (end - start) if name == "rate" else value


def _quantile(q: float, vector: Vector) -> Vector:
    """Linear within a bucket, the highest finite bound above all (quantile.go)."""
    groups: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    for labels, value in vector:
        if "le" in labels:
            rest = tuple(sorted((k, v) for k, v in labels.items() if k not in ("le", "__name__")))
            groups.setdefault(rest, []).append((float(labels["le"]), value))
    return [(dict(key), _of_buckets(q, sorted(buckets))) for key, buckets in groups.items()]


def _of_buckets(q: float, buckets: list[tuple[float, float]]) -> float:
    if len(buckets) < 2 or not math.isinf(buckets[-1][0]) or buckets[-1][1] == 0:
        return math.nan
    if not 0 <= q <= 1:
        return math.copysign(math.inf, q)
    rank = q * buckets[-1][1]
    at = next(i for i, (_, count) in enumerate(buckets) if count >= rank)
    if at == len(buckets) - 1:
        return buckets[-2][0]
    low, below = (0.0, 0.0) if at == 0 else buckets[at - 1]
    high, count = buckets[at]
    return low + (high - low) * (rank - below) / (count - below) if count > below else high
