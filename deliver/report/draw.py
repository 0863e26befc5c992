"""Draws a chart with matplotlib, which only the extra `report` installs: report.py imports this module when something is drawn."""

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deliver.analysis.wilson import NAME
from deliver.report.chart import Chart, Mark, Shares
from deliver.report.palette import Palette
from deliver.report.trail import Curve, Share

RC: dict[Any, Any] = {
    "font.family": ["sans-serif"],
    "font.size": 9,
    "svg.fonttype": "none",  # text stays text: to be searched, read aloud, and small
    "text.parse_math": False,  # a name with two dollar signs is a name
    "axes.spines.top": False,
    "axes.spines.right": False,
    "path.simplify": True,
}
LEFT, RIGHT, BELOW, LINE, NAMED = 0.62, 0.14, 0.5, 0.19, 0.9  # inches; the last: what the name of a mark takes
CALLED, TITLED = 18, 48  # characters of a metric's name that fit into a column of a legend, and above a panel
LOWEST = -4.0  # powers of ten: how far below nothing the evidence is does not matter
MARK_STYLE = {"step": ":", "person": ":", "back": "-", "end": "-"}
Draw = Callable[[Axes, Chart, Palette], None]


@dataclass(frozen=True)
class Panel:
    """name: for ids. title: above it. alt: what it shows, in words."""

    name: str
    title: str
    alt: str
    draw: Draw


def svg(panels: Sequence[Panel], chart: Chart, palette: Palette, *, width: float, height: float, salt: str, title: str = "") -> str:
    """One drawing of all panels above each other, on one axis of time. salt: makes the ids in it its own."""
    return _saved(panels, chart, palette, (width, height), title, format="svg", hashsalt=salt).decode()


def png(panels: Sequence[Panel], chart: Chart, palette: Palette, *, width: float, height: float, title: str) -> bytes:
    return _saved(panels, chart, palette, (width, height), title, format="png", dpi=150)


def _saved(
    panels: Sequence[Panel], chart: Chart, palette: Palette, size: tuple[float, float], title: str, *, hashsalt: str = "", **how: Any
) -> bytes:
    """size: inches, of one panel without its legend."""
    out = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if how["format"] == "svg" else {"Software": None}
    with mpl.rc_context(RC | {"svg.hashsalt": hashsalt}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name in a script that the font of a PNG has not
        figure = _figure(panels, chart, palette, size, title)
        figure.savefig(out, metadata=metadata, facecolor=palette.paper, **how)
    return out.getvalue()


def _figure(panels: Sequence[Panel], chart: Chart, palette: Palette, size: tuple[float, float], title: str) -> Figure:
    """The same margins for all panels, so that their moments stand under each other, also in drawings of their own."""
    width, plot = size[0], size[1] - BELOW
    figure = Figure(figsize=(width, 1.0), facecolor=palette.paper)
    columns = max(1, int(width / 3))
    axes = [figure.add_axes((0, 0, 1, 1), label=panel.name) for panel in panels]
    above = [
        _panel(one, panel, chart, palette, columns, titled=len(panels) > 1) + LINE / 2 for panel, one in zip(panels, axes, strict=True)
    ]
    head = 2 * LINE if title else 0.0
    height = head + sum(above) + len(panels) * (plot + BELOW)
    figure.set_size_inches(width, height)
    if title:
        figure.text(0.5, 1 - LINE / height, title, ha="center", va="center", color=palette.ink, fontsize=10, wrap=True)
    top = height - head
    for one, room in zip(axes, above, strict=True):
        one.set_position((LEFT / width, (top - room - plot) / height, 1 - (LEFT + RIGHT) / width, plot / height))
        top -= room + plot + BELOW
    return figure


def _panel(axes: Axes, panel: Panel, chart: Chart, palette: Palette, columns: int, *, titled: bool) -> float:
    """Draws it and answers how many inches its legend and title take above it."""
    axes.set_facecolor("none")
    axes.grid(visible=True, color=palette.faint, alpha=0.25, linewidth=0.6)
    for spine in axes.spines.values():
        spine.set_color(palette.faint)
    axes.tick_params(colors=palette.ink, labelcolor=palette.ink)
    panel.draw(axes, chart, palette)
    scale, unit = _unit(chart)
    axes.set_xlim(0, (chart.end - chart.start) / scale)
    axes.set_xlabel(f"{unit} since the start", color=palette.ink)
    axes.yaxis.label.set_color(palette.ink)
    for mark in chart.marks:
        axes.axvline(_x(chart, mark.at), color=palette.faint, linestyle=MARK_STYLE[mark.kind], linewidth=1.0, zorder=1)
    handles, labels = axes.get_legend_handles_labels()
    above = LINE * -(-len(handles) // columns)
    if handles:
        style: Any = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0), "frameon": False, "fontsize": 8, "borderpad": 0.2}
        axes.legend(handles, labels, ncols=columns, labelcolor=palette.ink, **style)
    if titled:
        axes.set_title(called(panel.title, TITLED), loc="left", color=palette.ink, fontsize=9.5, fontweight="bold", pad=above * 72 + 5)
    return above + (1.5 * LINE if titled else 0.0)


def called(name: str, most: int = CALLED) -> str:
    """A name that leaves room for others: its begin and its end."""
    half = (most - 1) // 2
    return name if len(name) <= most else f"{name[:half]}…{name[-half:]}"


def _unit(chart: Chart) -> tuple[float, str]:
    length = chart.end - chart.start
    return (1.0, "seconds") if length <= 300 else (60.0, "minutes") if length <= 3 * 3600 else (3600.0, "hours")


def _x(chart: Chart, at: float) -> float:
    return (at - chart.start) / _unit(chart)[0]


def exposure(axes: Axes, chart: Chart, palette: Palette) -> None:
    """Steps of what was verified, points of what was observed, and names of the moments that matter."""
    axes.set_ylim(-3, 118)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.set_ylabel("% of traffic")
    if chart.exposure:
        at = [_x(chart, one[0]) for one in (*chart.exposure, (chart.end, chart.exposure[-1][1]))]
        share = [one[1] for one in (*chart.exposure, chart.exposure[-1])]
        axes.plot(at, share, drawstyle="steps-post", color=palette.candidate, linewidth=2, label="candidate, verified")
    if chart.observed:
        at = [_x(chart, one[0]) for one in chart.observed]
        style: Any = {"color": palette.ink, "marker": "x", "markersize": 4, "linestyle": "none"}
        axes.plot(at, [one[1] for one in chart.observed], label="candidate, observed in requests", **style)
    for mark in _apart(chart, NAMED / _width(axes)):
        late = _late(chart, mark)
        place: Any = {"xytext": (-3 if late else 3, 0), "textcoords": "offset points", "ha": "right" if late else "left", "va": "top"}
        axes.annotate(mark.text, (_x(chart, mark.at), 117), fontsize=7.5, color=palette.ink, **place)


def _width(axes: Axes) -> float:
    figure = axes.get_figure(root=True)
    assert figure is not None  # it was made by figure.add_axes
    return figure.get_figwidth()


def _late(chart: Chart, mark: Mark) -> bool:
    """Its name stands before it, because there is no room after it."""
    return mark.at - chart.start > 0.75 * (chart.end - chart.start)


def _apart(chart: Chart, room: float) -> list[Mark]:
    """Those whose names do not lie over each other; where two are close the one that matters more is named. room: of a name, as a share."""
    found: list[Mark] = []
    for mark in sorted(chart.marks, key=lambda one: (one.kind != "back", one.kind != "end", one.at)):
        wanted = [room * (1 + (_late(chart, mark) != _late(chart, other))) * (chart.end - chart.start) for other in found]
        if all(abs(mark.at - other.at) >= gap for other, gap in zip(found, wanted, strict=True)):
            found.append(mark)
    return found


def shares(found: Shares) -> Draw:
    """Both arms' shares with their intervals, and the limit."""

    def draw(axes: Axes, chart: Chart, palette: Palette) -> None:
        for arm, points, color, line, marker in (
            ("stable", found.stable, palette.stable, "--", "s"),
            ("candidate", found.candidate, palette.candidate, "-", "o"),
        ):
            if points:
                _arm(axes, chart, arm, points, color, line, marker)
        if found.limit is not None:
            axes.axhline(found.limit, color=palette.limit, linestyle="-.", linewidth=1.2, label=f"limit {found.limit:g} %")
        top = min(axes.get_ylim()[1], 103.0)
        axes.set_ylim(-0.03 * top, top)  # nothing bad is a line that is seen, and not the edge
        axes.set_ylabel(found.label)

    return draw


def _arm(axes: Axes, chart: Chart, arm: str, points: Sequence[Share], color: str, line: str, marker: str) -> None:
    at, value = [_x(chart, one.at) for one in points], [one.percent for one in points]
    axes.plot(at, value, color=color, linestyle=line, marker=marker, markersize=3.5, linewidth=1.4, label=f"{arm}, with {NAME}", zorder=3)
    below, above = [one.percent - one.low for one in points], [one.high - one.percent for one in points]
    axes.errorbar(at, value, yerr=[below, above], fmt="none", ecolor=color, elinewidth=0.9, capsize=1.5, alpha=0.55, zorder=2)


def evidence(curves: Sequence[tuple[str, Curve]]) -> Draw:
    """Log10, so that a straight line is evidence that comes in at a steady rate. Each metric has its own dash."""

    def draw(axes: Axes, chart: Chart, palette: Palette) -> None:
        dashes = ["-", (0, (5, 2)), (0, (2, 2)), (0, (6, 2, 1, 2))]
        for index, (name, curve) in enumerate(curves):
            dash: Any = dashes[index % len(dashes)]
            for points, color, marker, text in (
                (curve.against, palette.candidate, "o", "worse"),
                (curve.good, palette.good, "s", "not worse"),
            ):
                if text == "worse" or any(value for _, value in points):
                    at, value = [_x(chart, one[0]) for one in points], [one[1] for one in points]
                    every = max(1, len(points) // 12)
                    how: Any = {"color": color, "linestyle": dash, "marker": marker, "markevery": every, "markersize": 3.5}
                    axes.plot(at, value, label=f"{called(name)}: {text}", linewidth=1.6, **how)
        if chart.threshold is not None:
            label = f"threshold {10**chart.threshold:.3g} to 1"
            axes.axhline(chart.threshold, color=palette.limit, linestyle="-.", linewidth=1.2, label=label)
        axes.set_ylabel("evidence, powers of ten")
        axes.set_ylim(bottom=max(axes.get_ylim()[0], LOWEST))

    return draw
