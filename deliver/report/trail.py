"""A release's trail as series to draw: shares of both arms with their intervals, the evidence, the observed exposure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10

from deliver.analysis.wilson import wilson_interval
from deliver.model.evidence import Point
from deliver.model.frozen import replace

BINS = 24  # over the whole release: more would hide their own intervals
CURVE = 400  # points of one curve of evidence

At = tuple[float, float]


@dataclass(frozen=True)
class Share:
    """Percent of requests that were bad in one stretch, with its interval. bad, total: the counts it rests on."""

    at: float
    percent: float
    low: float
    high: float
    bad: int
    total: int


@dataclass(frozen=True)
class Curve:
    """Log10 of the evidence over time: that the candidate is worse, and that it is not."""

    against: tuple[At, ...] = ()
    good: tuple[At, ...] = ()


def names(trail: Sequence[Point]) -> tuple[str, ...]:
    """The metrics in it, in the order of their first point."""
    return tuple(dict.fromkeys(point.metric for point in trail))


def of(metric: str, trail: Sequence[Point]) -> tuple[Point, ...]:
    return tuple(sorted((point for point in trail if point.metric == metric), key=lambda point: point.at))


def merged(points: Sequence[Point], bins: int = BINS) -> tuple[Point, ...]:
    """One metric's stretches put together until there are at most about that many: counts add up, a step is never mixed with another."""
    if not points:
        return ()
    begin, width = points[0].at, (points[-1].at - points[0].at) / bins
    found: list[Point] = []
    place: tuple[int, int] | None = None
    for point in points:
        here = (point.step, int((point.at - begin) / width) if width else 0)
        if found and here == place:
            found[-1] = _joined(found[-1], point)
        else:
            found.append(point)
        place = here
    return tuple(found)


def _joined(old: Point, new: Point) -> Point:
    return replace(
        new,
        candidate_bad=old.candidate_bad + new.candidate_bad,
        candidate_total=old.candidate_total + new.candidate_total,
        stable_bad=old.stable_bad + new.stable_bad,
        stable_total=old.stable_total + new.stable_total,
        share=old.share if new.share is None else new.share,
    )


def shares(points: Sequence[Point], arm: str) -> tuple[Share, ...]:
    """arm: "candidate" or "stable". A stretch without a request has no share and is left out."""
    found = []
    for point in points:
        bad, total = (point.candidate_bad, point.candidate_total) if arm == "candidate" else (point.stable_bad, point.stable_total)
        if interval := wilson_interval(bad, total):
            low, high = interval
            found.append(Share(point.at, 100 * min(bad / total, 1.0), 100 * low, 100 * high, bad, total))
    return tuple(found)


def curve(points: Sequence[Point]) -> Curve:
    """Empty where no evidence was ever counted: the metric has a fixed limit alone."""
    if not any(point.against or point.good for point in points):
        return Curve()
    kept = _thin(points)
    return Curve(tuple((one.at, one.against) for one in kept), tuple((one.at, one.good) for one in kept))


def _thin(points: Sequence[Point]) -> Sequence[Point]:
    """Every so many, and those that matter: the last one, and the highest of both kinds."""
    stride = -(-len(points) // CURVE)
    wanted = {points[-1], max(points, key=lambda one: one.against), max(points, key=lambda one: one.good)}
    return [one for index, one in enumerate(points) if index % stride == 0 or one in wanted]


def together(trail: Sequence[Point], weights: Mapping[str, float]) -> Curve:
    """Of all metrics: the weighted mean of their evidence, which is what a release is taken back by (Vovk and Wang 2021)."""
    newest: dict[str, float] = {}
    found: list[Point] = []
    for point in sorted(trail, key=lambda one: one.at):
        if weights.get(point.metric, 0.0) > 0:
            newest[point.metric] = point.against
            if found and found[-1].at == point.at:  # of one look: what it comes to counts, not what it comes through
                found.pop()
            found.append(replace(point, against=_mean(newest, weights), good=0.0))
    return Curve(tuple((one.at, one.against) for one in _thin(found))) if found else Curve()


def _mean(newest: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Log10 of it. A metric that has not been counted yet has an evidence of 1."""
    logs = [(newest.get(name, 0.0), weight) for name, weight in weights.items() if weight > 0]
    top = max(log for log, _ in logs)
    return top + log10(sum(weight * 10 ** (log - top) for log, weight in logs) / sum(weight for _, weight in logs))


def observed(trail: Sequence[Point]) -> tuple[At, ...]:
    """The candidate's percent of the requests, by the first metric that tells it."""
    for name in names(trail):
        found = tuple((point.at, point.share) for point in merged(of(name, trail), 2 * BINS) if point.share is not None)
        if found:
            return found
    return ()
