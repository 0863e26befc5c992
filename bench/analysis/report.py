"""The figures as CSV (all of them) and as a page of Markdown (what one wants to read of them)."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import fmean

from bench.analysis.cells import MODELS, Cell, reference
from bench.analysis.figures import Figure
from bench.analysis.gates import label
from bench.table import Row

COLUMNS = (
    "world",
    "rps",
    "base",
    "weight",
    "factor",
    "start",
    "method",
    "repetitions",
    "false_rollback",
    "missed",
    "minutes",
    "minutes_error",
)
MORE = ("failed", "inconclusive", "wrong_promotion")


def write_csv(path: Path, figures: Iterable[Figure]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS + MORE)
        for one in figures:
            numbers = (one.false_rollback, one.missed, one.minutes, one.minutes_error, one.failed, one.inconclusive, one.wrong_promotion)
            table.writerow([*_place(one.cell), one.method, one.reps, *("" if n is None else f"{n:.5g}" for n in numbers)])


def _place(cell: object) -> list[object]:
    if isinstance(cell, Cell):
        return [cell.model, cell.rps, cell.base, cell.weight or "ramp", cell.factor, cell.start]
    assert isinstance(cell, tuple)
    return [f"latency {cell[0]}", cell[1], "", 0.1, "", 0]


def page(figures: list[Figure], rows: list[Row]) -> str:
    """Markdown."""
    parts = ["# The analysis, measured", "", *_gates(rows)]
    errors = [one for one in figures if isinstance(one.cell, Cell)]
    known = reference()
    sections: list[tuple[str, list[Figure], Callable[[Figure], str]]] = [
        ("Regressions of statistics.md: share found, mean minutes to rollback / failed requests served", _in(errors, known), _delay),
        ("Latency: share rolled back, mean minutes", [one for one in figures if not isinstance(one.cell, Cell)], _delay),
        ("False rollbacks, weight 10 % and the ramp", [o for o in errors if o.null and _weight(o) in {0.0, 0.1}], _false),
        ("False rollbacks, other weights", [o for o in errors if o.null and _weight(o) not in {0.0, 0.1}], _false),
    ]
    for title, some, shown in sections:
        if some:
            parts += ["", f"## {title}", "", *_matrix(some, shown)]
    wide = [one for one in errors if not one.null and one.cell not in known]
    if wide:
        parts += ["", "## The rest of the grid, mean over its cells", "", *_summary(wide)]
    return "\n".join(parts) + "\n"


def _in(errors: list[Figure], known: Iterable[Cell]) -> list[Figure]:
    order = {cell: number for number, cell in enumerate(known)}
    placed = [(order[one.cell], one) for one in errors if one.cell in order]
    return [one for _, one in sorted(placed, key=lambda pair: pair[0])]


def _weight(one: Figure) -> float:
    assert isinstance(one.cell, Cell)
    return one.cell.weight


def _gates(rows: Iterable[Row]) -> list[str]:
    signs = {True: "ok", False: "MISSED", None: ""}
    return _table(["gate", "measured", "must be", ""], [[*row[:3], signs[row.ok]] for row in rows])


def _matrix(figures: list[Figure], shown: Callable[[Figure], str]) -> list[str]:
    """A line for each cell, a column for each method; how many repetitions a figure has is in the line and, where fewer, with it."""
    methods = list(dict.fromkeys(one.method for one in figures))
    by_cell: dict[str, dict[str, Figure]] = {}
    for one in figures:
        by_cell.setdefault(label(one.cell), {})[one.method] = one
    lines = []
    for name, found in by_cell.items():
        most = max(one.reps for one in found.values())
        told = [(shown(found[m]) + ("" if found[m].reps == most else f" (n {found[m].reps})")) if m in found else "" for m in methods]
        lines.append([name, str(most), *told])
    return _table(["cell", "n", *methods], lines)


def _delay(one: Figure) -> str:
    found = "" if one.rolled_back >= 0.995 else f"{one.rolled_back:.1%} "
    failed = "" if one.failed is None else f"/{one.failed:.0f}"
    return f"{found}{one.minutes:.1f}{failed}"


def _false(one: Figure) -> str:
    return f"{one.rolled_back:.2%}"


def _summary(figures: list[Figure]) -> list[str]:
    """By world and factor: what each method does on average."""
    keys = dict.fromkeys((model, factor, one.method) for model in MODELS for factor, one in _of(figures, model))
    lines = []
    for model, factor, method in keys:
        some = [one for f, one in _of(figures, model) if f == factor and one.method == method]
        mean = [fmean(values) for values in ([o.missed or 0.0 for o in some], [o.minutes for o in some], [o.failed or 0.0 for o in some])]
        rest = [_mean([getattr(o, name) for o in some]) for name in ("inconclusive", "wrong_promotion")]
        reps = sum(o.reps for o in some)
        lines.append(
            [model, f"x{factor:g}", method, str(len(some)), str(reps), f"{mean[0]:.1%}", f"{mean[1]:.1f}", f"{mean[2]:.0f}", *rest]
        )
    heads = ["world", "factor", "method", "cells", "n", "missed", "minutes", "failed", "inconclusive", "wrong promotion"]
    return _table(heads, lines)


def _of(figures: list[Figure], model: str) -> list[tuple[float, Figure]]:
    pairs = [(one.cell.factor, one) for one in figures if isinstance(one.cell, Cell) and one.cell.model == model]
    return sorted(pairs, key=lambda pair: pair[0])


def _mean(values: list[float | None]) -> str:
    there = [value for value in values if value is not None]
    return f"{fmean(there):.1%}" if there else ""


def _table(heads: list[str], lines: Iterable[Iterable[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *lines)]
