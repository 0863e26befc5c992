"""A share out of an expression: offset + factor x (this of that), so that a limit on the whole is one on the share."""

from dataclasses import dataclass

from deliver.importers.expression import Binary, Node, Summed, Unusual


@dataclass(frozen=True)
class Bounds:
    """The values that pass; None: no limit on that side. above, below: the limit itself does not pass."""

    min: float | None = None
    max: float | None = None
    above: bool = False
    below: bool = False

    def __and__(self, other: "Bounds") -> "Bounds":
        """What passes both."""
        lows = [(one.min, one.above) for one in (self, other) if one.min is not None]
        highs = [(one.max, not one.below) for one in (self, other) if one.max is not None]
        low, above = max(lows) if lows else (None, False)
        high, within = min(highs) if highs else (None, True)
        return Bounds(low, high, above, not within)

    def holds(self, value: float) -> bool:
        low = self.min is None or (value > self.min if self.above else value >= self.min)
        return low and (self.max is None or (value < self.max if self.below else value <= self.max))


@dataclass(frozen=True)
class Ratio:
    """part, whole: None where the expression is a plain number."""

    offset: float
    factor: float
    part: Summed | None = None
    whole: Summed | None = None


def ratio(node: Node) -> Ratio:
    """Raises Unusual for what is no share of one count in another."""
    if isinstance(node, float):
        return Ratio(node, 0.0)
    if not isinstance(node, Binary):
        raise Unusual("it is no share of one count in another")
    if node.op == "/" and isinstance(node.left, Summed) and isinstance(node.right, Summed):
        return Ratio(0.0, 1.0, node.left, node.right)
    if node.op == "/" and isinstance(node.right, Summed):
        # `100 * sum(a) / sum(b)` is (100 * sum(a)) / sum(b)
        return _over(node.left, node.right)
    left, right = ratio(node.left), ratio(node.right)
    if left.part and right.part:
        raise Unusual("it has two shares")
    shown = left if left.part else right
    match node.op:
        case "+":
            return Ratio(left.offset + right.offset, shown.factor, shown.part, shown.whole)
        case "-":
            factor = left.factor if left.part else -right.factor
            return Ratio(left.offset - right.offset, factor, shown.part, shown.whole)
        case "*":
            times = right.offset if left.part else left.offset
            return Ratio(shown.offset * times if shown.part else left.offset * right.offset, shown.factor * times, shown.part, shown.whole)
        case _:
            if right.part or not right.offset:
                raise Unusual("it divides by a share")
            return Ratio(left.offset / right.offset, left.factor / right.offset, left.part, left.whole)


def _over(left: Node, whole: Summed) -> Ratio:
    """A multiple of a count, divided by another."""
    if isinstance(left, Binary) and left.op == "*":
        for number, count in ((left.left, left.right), (left.right, left.left)):
            if isinstance(number, float) and isinstance(count, Summed):
                return Ratio(0.0, number, count, whole)
    if isinstance(left, Binary) and left.op == "-" and isinstance(left.left, Summed) and isinstance(left.right, Summed):
        if left.left.selector != whole.selector:
            raise Unusual("it takes one count from another, and divides by a third")
        return Ratio(1.0, -1.0, left.right, whole)
    raise Unusual("it is no share of one count in another")


def on_share(bounds: Bounds, found: Ratio) -> Bounds:
    """The bounds of the share itself, 0..1."""
    if not found.factor:
        raise Unusual("it does not depend on any count")

    def solved(limit: float | None) -> float | None:
        return None if limit is None else round((limit - found.offset) / found.factor, 12)

    low, high = solved(bounds.min), solved(bounds.max)
    return Bounds(low, high) if found.factor > 0 else Bounds(high, low)
