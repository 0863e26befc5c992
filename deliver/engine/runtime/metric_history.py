"""What a release remembers of each look at its metrics: the evidence as it stands, and a trail of counts for those who read it later."""

from itertools import groupby
from math import log10

from deliver.model.analysis_result import AnalysisResult
from deliver.model.evidence import MetricEvidence, Point
from deliver.model.frozen import replace
from deliver.model.release import Direction, Release
from deliver.model.verdict import CheckResult

MOST, WHOLE = 120, 600  # points of a metric, and of all: the record is one object; beyond it neighbours are put together
COUNTS = ("candidate_bad", "candidate_total", "stable_bad", "stable_total")


def measured(release: Release, judged: AnalysisResult, now: float) -> Release:
    """With what the newest look found. The same look again changes nothing."""
    if not judged.results or release.course is Direction.ROLLING_BACK or not release.exposed:
        return release
    if release.trail and judged.at <= release.trail[-1].at:
        return release
    measures = release.measures if judged.measures == release.measures else judged.measures
    added = [point for one in judged.results if (point := _point(release, one, judged)) is not None]
    trail = thinned((*release.trail, *added)) if added else release.trail
    return replace(release, measures=measures, trail=trail)


def thinned(trail: tuple[Point, ...]) -> tuple[Point, ...]:
    """At most MOST points a metric and about WHOLE in all, with all their counts."""
    by_metric: dict[str, list[Point]] = {}
    for point in trail:
        by_metric.setdefault(point.metric, []).append(point)
    most = max(min(MOST, WHOLE // max(len(by_metric), 1)), 12)
    if all(len(points) <= most for points in by_metric.values()):
        return trail
    kept = [point for points in by_metric.values() for point in (_halved(points) if len(points) > most else points)]
    return tuple(sorted(kept, key=lambda point: point.at))


def _point(release: Release, result: CheckResult, judged: AnalysisResult) -> Point | None:
    numbers = result.evidence.numbers
    if result.kind != "metric" or not all(name in numbers for name in COUNTS):
        return None
    counts = [int(numbers[name]) for name in COUNTS]
    mine = [point for point in release.trail if point.metric == result.name]
    if (measure := judged.measures.get(result.name)) is not None:
        counts = _since(measure, mine)
        if not any(counts):
            return None
    elif not any(counts) or (mine and judged.at - mine[-1].at < numbers.get("seconds", 0.0)):
        return None  # a fixed limit looks at a window: one that overlaps the last would count its requests twice
    return Point(
        at=judged.at,
        metric=result.name,
        step=release.step,
        candidate_bad=counts[0],
        candidate_total=counts[1],
        stable_bad=counts[2],
        stable_total=counts[3],
        share=judged.candidate_percent,
        against=_log(numbers.get("odds_worse")),
        good=_log(numbers.get("odds_no_worse")),
    )


def _since(measure: MetricEvidence, mine: list[Point]) -> list[int]:
    """What was counted since the last point: the sums of the evidence less those of the points."""
    total = measure.tracks[0].sum + measure.tracks[0].pending if measure.tracks else None
    if total is None:
        return [0, 0, 0, 0]
    return [max(getattr(total, name) - sum(getattr(point, name) for point in mine), 0) for name in COUNTS]


def _halved(points: list[Point]) -> list[Point]:
    found = []
    for _, step in groupby(points, key=lambda point: point.step):
        run = list(step)
        found += [_merged(run[at : at + 2]) for at in range(0, len(run), 2)]
    return found


def _merged(points: list[Point]) -> Point:
    last = points[-1]
    return replace(last, **{name: sum(getattr(point, name) for point in points) for name in COUNTS})


def _log(odds: float | None) -> float:
    return log10(odds) if odds else 0.0
