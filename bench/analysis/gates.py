"""What the figures must be."""

from collections.abc import Iterable
from math import exp, log, sqrt

from bench.analysis.cells import Cell, latency_reference, reference
from bench.analysis.figures import Figure
from bench.analysis.methods import HYBRID
from bench.table import Row

SLACK = 1.1  # of the delay that statistics.md measured
FEWER = {"flagger 1m/99 %/5": 3.5, "argo 5m/95 %/3": 8.0, "kayenta 10 min": 4.0}


def gates(figures: list[Figure]) -> list[Row]:
    """A row each; under one that fails, a row for each cell that fails it."""
    return [row for rows in (_false_rollbacks(figures), _delays(figures), _failed_requests(figures)) for row in rows]


def _false_rollbacks(figures: list[Figure]) -> Iterable[Row]:
    for alpha, name in HYBRID.items():
        nulls = [one for one in figures if one.method == name and one.null]
        if not nulls:
            continue
        over = [one for one in nulls if one.rolled_back > bound(alpha, one.reps)]
        worst = max(nulls, key=lambda one: one.rolled_back)
        told = f"{len(nulls) - len(over)} of {len(nulls)} cells, worst {worst.rolled_back:.2%} ({label(worst.cell)})"
        yield Row(f"false rollback, {name}", told, f"<= {alpha:.0%} + 3 standard errors in each", not over)
        yield from (
            Row(f"  {label(one.cell)}", f"{one.rolled_back:.2%} of {one.reps}", f"<= {bound(alpha, one.reps):.2%}", False) for one in over
        )


def bound(alpha: float, reps: int) -> float:
    return alpha + 3 * sqrt(alpha * (1 - alpha) / reps)


def _delays(figures: list[Figure]) -> Iterable[Row]:
    for alpha, name in HYBRID.items():
        wanted: dict[object, float] = {c: m for c, known in reference().items() if (m := known.minutes[alpha]) is not None}
        if alpha == min(HYBRID):
            wanted |= latency_reference()
        here = [(one, wanted[one.cell]) for one in figures if one.method == name and one.cell in wanted]
        if not here:
            continue
        over = [(one, minutes) for one, minutes in here if one.minutes > SLACK * minutes]
        worst, minutes = max(here, key=lambda pair: pair[0].minutes / pair[1])
        told = f"{len(here) - len(over)} of {len(here)} cells, worst {worst.minutes / minutes:.2f} x ({label(worst.cell)})"
        yield Row(f"mean minutes to rollback, {name}", told, f"<= {SLACK} x statistics.md in each", not over)
        for one, minutes in over:
            told = f"{one.minutes:.2f} +- {one.minutes_error:.2f} of {one.reps}"
            yield Row(f"  {label(one.cell)}", told, f"<= {SLACK * minutes:.2f}", False)


def _failed_requests(figures: list[Figure]) -> Iterable[Row]:
    for method, least in FEWER.items():
        ratio, cells = fewer(figures, method)
        if cells:
            told = f"{ratio:.1f} x fewer over {cells} iid cells"
            yield Row(f"failed requests served, {HYBRID[0.01]} against {method}", told, f">= {least} x", ratio >= least)


def fewer(figures: list[Figure], method: str) -> tuple[float, int]:
    """Geometric mean over the independent cells of statistics.md of how many times as many failed requests the method served."""
    cells = [cell for cell in reference() if cell.model == "iid" and not cell.start]
    failed = {(one.cell, one.method): one.failed for one in figures}
    pairs = [(failed.get((cell, method)), failed.get((cell, HYBRID[0.01]))) for cell in cells]
    logs = [log(theirs / ours) for theirs, ours in pairs if theirs and ours]
    return (exp(sum(logs) / len(logs)), len(logs)) if logs else (0.0, 0)


def label(cell: object) -> str:
    if isinstance(cell, Cell):
        return str(cell)
    assert isinstance(cell, tuple)
    kind, rps = cell
    return f"latency {kind}, {rps} rps"
