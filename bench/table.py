"""A figure, what it must be, and whether it is."""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """ok None: a figure without a bound."""

    what: str
    measured: str
    must: str = ""
    ok: bool | None = None


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that at least `percent` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)]


def spread(values: Sequence[float], unit: str = "s") -> str:
    return (
        f"median {statistics.median(values):.2f} {unit}, p95 {percentile(values, 95):.2f}, "
        f"min {min(values):.2f}, max {max(values):.2f}, n {len(values)}"
    )


def show(rows: Iterable[Row]) -> None:
    rows = list(rows)
    widths = [max(len(text) for text in column) for column in zip(*(row[:3] for row in rows), strict=True)]
    for row in rows:
        sign = {True: "ok", False: "MISSED", None: ""}[row.ok]
        print("  ".join(text.ljust(width) for text, width in zip(row[:3], widths, strict=True)), sign)
