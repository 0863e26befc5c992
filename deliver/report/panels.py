"""The panels of a chart, in order, each with its text for those who do not see it."""

from deliver.formatting.durations import duration
from deliver.formatting.formats import odds, percent
from deliver.report import draw
from deliver.report.chart import Chart, Shares
from deliver.report.draw import Panel
from deliver.report.trail import Curve, Share


def panels(chart: Chart) -> tuple[Panel, ...]:
    found = [Panel("exposure", "Exposure", exposure_alt(chart), draw.exposure)] if chart.exposure or chart.observed else []
    found += [Panel(f"share-{n}", one.metric, shares_alt(one), draw.shares(one)) for n, one in enumerate(chart.shares)]
    if chart.curves:
        curves = tuple(chart.curves.items())
        found.append(Panel("evidence", "Evidence", evidence_alt(chart, curves), draw.evidence(curves)))
    return tuple(found)


def exposure_alt(chart: Chart) -> str:
    steps = [f"{percent(share)} after {duration(at - chart.start)}" for at, share in chart.exposure[1:]]
    return f"The candidate's share of traffic over time: {', '.join(_once(steps)) or 'not verified at any time'}."


def _once(steps: list[str]) -> list[str]:
    """Without those that only say again what the one before said."""
    told = [step.partition(" after ")[0] for step in steps]
    return [step for index, step in enumerate(steps) if not index or told[index] != told[index - 1]]


def shares_alt(found: Shares) -> str:
    arms = [text for name, points in (("candidate", found.candidate), ("stable", found.stable)) if (text := _last(name, points))]
    limit = f" The limit is {found.limit:g} %." if found.limit is not None else ""
    return f"{found.metric}, {found.label}, of both sides over time. Last: {'; '.join(arms)}.{limit}"


def _last(name: str, points: tuple[Share, ...]) -> str:
    if not points:
        return ""
    one = points[-1]
    return f"{name} {one.percent:.3g} % ({one.bad} of {one.total}, between {one.low:.3g} % and {one.high:.3g} %)"


def evidence_alt(chart: Chart, curves: tuple[tuple[str, Curve], ...]) -> str:
    told = [f"{name} reached {odds(10 ** min(max(value for _, value in curve.against), 12))}" for name, curve in curves]
    limit = f" A release is taken back at {odds(10 ** min(chart.threshold, 12))}." if chart.threshold is not None else ""
    return f"Evidence that the candidate is worse, over time: {'; '.join(told)}.{limit}"
