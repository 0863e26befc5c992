"""One picture: what each method lets users suffer, and how often it takes back a healthy release."""

from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.cells import MODELS, Cell, reference
from bench.analysis.figures import Figure

# Okabe and Ito's colours, a mark each: told apart without colour too
LOOKS = {
    "hybrid .01": ("#000000", "o"),
    "hybrid .05": ("#0072B2", "s"),
    "flagger 1m/99 %/5": ("#D55E00", "^"),
    "argo 5m/95 %/3": ("#CC79A7", "v"),
    "kayenta 10 min": ("#009E73", "D"),
    "kayenta 1 h": ("#56B4E9", "P"),
    "naive z": ("#E69F00", "x"),
}


def draw(path: Path, figures: list[Figure]) -> None:
    mpl.rcParams["svg.hashsalt"] = "deliver"  # the same figures give the same file
    canvas = Canvas(figsize=(13, 7), layout="constrained")
    left, right = canvas.subplots(1, 2)
    _failed(left, figures)
    _false(right, figures)
    canvas.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(LOOKS), frameon=False)
    canvas.savefig(path, metadata={"Date": None})


def _failed(axes: Axes, figures: list[Figure]) -> None:
    cells = [cell for cell in reference() if cell.model == "iid"]
    for method, (colour, mark) in LOOKS.items():
        found = {one.cell: one.failed for one in figures if one.method == method}
        axes.scatter([found.get(cell) or float("nan") for cell in cells], range(len(cells)), c=colour, marker=mark, label=method)
    names = [f"{c.rps} rps, {100 * c.base:g} % x{c.factor:g}" + (f" from min {c.start:g}" if c.start else "") for c in cells]
    if any(one.failed and one.cell in cells for one in figures):  # there is no logarithm of nothing
        axes.set_xscale("log")
    axes.set(title="Failed requests served before the rollback", xlabel="requests, mean; independent errors")
    axes.set_yticks(range(len(cells)), names)
    axes.invert_yaxis()
    axes.grid(alpha=0.3)


def _false(axes: Axes, figures: list[Figure]) -> None:
    for shift, (method, (colour, mark)) in enumerate(LOOKS.items()):
        spots = [
            (100 * one.rolled_back, MODELS.index(one.cell.model) + (shift - 3) / 9)
            for one in figures
            if one.method == method and one.null and isinstance(one.cell, Cell)
        ]
        axes.scatter([x for x, _ in spots], [y for _, y in spots], c=colour, marker=mark, s=14, alpha=0.7)
    axes.axvline(1, color="#000000", lw=0.8, ls=":")
    axes.axvline(5, color="#0072B2", lw=0.8, ls=":")
    axes.set_xscale("symlog", linthresh=1)
    axes.set(title="Healthy releases taken back", xlabel="% of releases, a mark for each cell; dotted: alpha", xlim=(-0.1, 110))
    axes.set_yticks(range(len(MODELS)), MODELS)
    axes.invert_yaxis()
    axes.grid(alpha=0.3)
