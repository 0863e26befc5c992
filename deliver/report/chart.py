"""What is to be drawn of a release: plain numbers on one axis of time. Pure; the drawing is in draw.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10

from deliver.analysis import selectors
from deliver.analysis.bounds import units_per_second
from deliver.formatting.durations import duration
from deliver.formatting.sanitize import clean
from deliver.model.errors import InputError
from deliver.model.evidence import Point
from deliver.model.journal import Entry, Event
from deliver.model.release import Outcome, Release
from deliver.model.spec import EvidenceMetric, LatencyMetric, Metric, QueryMetric
from deliver.report import trail
from deliver.report.trail import At, Curve, Share

MARKS = 24
DRAWN = 6  # metrics: a file must be one that can be sent by mail
_ENDS = (Event.HELD, Event.PROMOTED, Event.ROLLED_BACK, Event.ROLLBACK_FAILED)


@dataclass(frozen=True)
class Mark:
    """A moment that all panels show. kind: step, end, back or person."""

    at: float
    kind: str
    text: str


@dataclass(frozen=True)
class Shares:
    """One metric of both arms. limit: percent, None without a fixed one."""

    metric: str
    label: str
    candidate: tuple[Share, ...]
    stable: tuple[Share, ...]
    limit: float | None = None


@dataclass(frozen=True)
class Chart:
    """start, end: unix seconds. exposure: percent, as verified at that moment. observed: percent of requests, by metrics.

    curves: metric -> its evidence. threshold: log10 of the evidence, of all metrics together, that takes a release back; None without.
    omitted: metrics that have counts, and no room. uncounted: those of which no counts were kept, a free query's among them.
    """

    start: float
    end: float
    exposure: tuple[At, ...]
    observed: tuple[At, ...]
    shares: tuple[Shares, ...]
    curves: Mapping[str, Curve]
    marks: tuple[Mark, ...]
    threshold: float | None = None
    omitted: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()


def chart(release: Release, now: float) -> Chart:
    """now: the end of the axis while the release goes on."""
    analysis = release.spec.analysis
    last = [release.ended or now, *(entry.at for entry in release.journal), *(point.at for point in release.trail)]
    names = trail.names(release.trail)
    found = [trail.of(name, release.trail) for name in names[:DRAWN]]
    curves = {clean(points[0].metric): curve for points in found if (curve := trail.curve(points)).against}
    weights = {metric.name: metric.weight for metric in analysis.metrics if isinstance(metric, EvidenceMetric)}
    if len(curves) > 1 and (together := trail.together(release.trail, weights)).against:
        curves["together"] = together
    drawn = tuple(one for points in found if (one := _shares(release, points)).candidate or one.stable)
    known = {*names[DRAWN:], *(points[0].metric for points in found if any(one.metric == clean(points[0].metric) for one in drawn))}
    return Chart(
        start=release.started,
        end=max(last[0], release.started + 1.0) if release.ended else max(last),
        exposure=exposure(release),
        observed=trail.observed(release.trail),
        shares=drawn,
        curves=curves,
        marks=marks(release),
        threshold=log10(1 / analysis.alpha) if weights else None,
        omitted=tuple(map(clean, names[DRAWN:])),
        uncounted=tuple(clean(metric.name) for metric in analysis.metrics if metric.name not in known),
    )


def exposure(release: Release) -> tuple[At, ...]:
    """Steps of what was read back: endpoints that were verified, a flag's share that was seen to be served. Empty when nothing was."""
    found = [(entry.at, share) for entry in release.journal if (share := _exposed(entry)) is not None]
    if not found:
        return ()
    if release.outcome is Outcome.PROMOTED:
        found.append((release.ended, 100.0))
    return ((release.started, 0.0), *found)


def _exposed(entry: Entry) -> float | None:
    match entry.event:
        case Event.TAKEOVER_VERIFIED:
            return 100.0
        case Event.TRAFFIC_OFF | Event.STABLE_SERVES:
            return 0.0
        case Event.TRAFFIC_VERIFIED if "weight" in entry.numbers:
            return entry.numbers["weight"]
        case Event.TRAFFIC_VERIFIED if total := entry.numbers["total"]:
            return 100 * entry.numbers["candidate"] / total
        case Event.FLAG_SERVED:
            return entry.numbers.get("percent")
    return None


def marks(release: Release) -> tuple[Mark, ...]:
    """Where each step began to bake, what people asked for, where it turned back and how it ended."""
    found = [mark for entry in release.journal if (mark := _mark(entry, release))]
    return tuple(found[:MARKS])


def _mark(entry: Entry, release: Release) -> Mark | None:
    match entry.event:
        case Event.BAKE_BEGAN if entry.step < len(release.plan.steps):
            return Mark(entry.at, "step", clean(release.plan.steps[entry.step].name))
        case Event.TURNED_BACK:
            return Mark(entry.at, "back", "taken back")
        case Event.REQUESTED:
            return Mark(entry.at, "person", clean(entry.subject))
        case event if event in _ENDS:
            return Mark(entry.at, "end", event.replace("-", " "))
    return None


def _shares(release: Release, points: Sequence[Point]) -> Shares:
    name = points[0].metric
    metric = next((one for one in release.spec.analysis.metrics if one.name == name), None)
    binned = trail.merged(points)
    return Shares(clean(name), _label(metric, release), trail.shares(binned, "candidate"), trail.shares(binned, "stable"), _limit(metric))


def _label(metric: Metric | None, release: Release) -> str:
    if isinstance(metric, LatencyMetric) or (isinstance(metric, EvidenceMetric) and metric.histogram):
        bound = metric.bound or _lowest(metric, release)
        return f"slower than {duration(bound)}, %" if bound else "slow requests, %"
    return "bad requests, %"


def _lowest(metric: LatencyMetric | EvidenceMetric, release: Release) -> float:
    """Seconds: of all the bounds that are judged, the one whose requests the trail counts, which is the first; 0 when it is not known."""
    measure = release.measures.get(metric.name)
    try:
        scale = units_per_second(selectors.histogram(metric.histogram).name)
    except InputError:  # a record of an older deliver may have taken what this one does not
        return 0.0
    return measure.tracks[0].bound / scale if measure and measure.tracks else 0.0


def _limit(metric: Metric | None) -> float | None:
    if isinstance(metric, EvidenceMetric):
        return 100 * metric.slo or None
    return None if metric is None or isinstance(metric, QueryMetric) else 100 * metric.max
