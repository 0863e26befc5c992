"""What the evidence of one metric rests on, learnt from the stable side's past before the candidate had a request, and frozen."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

from deliver.analysis import counts, dispersion, history, native, placebo, selectors
from deliver.analysis.counts import Span
from deliver.analysis.history import History
from deliver.analysis.selectors import Matcher, Selector
from deliver.analysis.units import le_of
from deliver.metrics.arms import STABLE
from deliver.metrics.judge import Look
from deliver.model.evidence import Calibration, Track
from deliver.model.spec import EvidenceMetric
from deliver.plugins.interfaces import Answer, MetricsError, Series

STEP = 30.0  # seconds of a column of the past
LONG = 1800.0  # seconds of a past that shows bursts and clusters; a shorter one would call everything independent
UNKNOWN = 12.0  # dispersion that is assumed then: that of retries which make five or six bad requests of one
RECENT = 3600.0  # of the past, what the candidate is held against while stable has no traffic
USEFUL = (0.002, 0.95)  # tail shares of a bound that tells something (statistics.md 2c)
BOUNDS = 8  # at most: each is a track of its own
COMMON = 0.05  # share from which events are not rare


@dataclass(frozen=True)
class Beginning:
    """What is known of the release at its start.

    started: our clock, 0 = not known. seconds: all its bakes. share: the first step's, 0..1. seed: its id. history, poll: seconds.
    """

    started: float = 0.0
    seconds: float = 600.0
    share: float = 0.1
    seed: str = ""
    history: float = 21600.0
    poll: float = 5.0
    alpha: float = 0.05


def tracks(metric: EvidenceMetric, look: Look, beginning: Beginning) -> tuple[Track, ...]:
    """One a bound. Raises MetricsError when not even the bounds can be known yet."""
    total, special = selected(metric)
    every = max(beginning.poll, spacing(look.fetch.raw(total, metric.window + look.stale).series))
    until = beginning.started + look.offset if beginning.started else look.start
    past = _past(metric, total, special, look, beginning, until)
    if metric.histogram and not metric.bound:
        past = {bound: one for bound, one in past.items() if USEFUL[0] < _share(one) < USEFUL[1]}
        past = past or {bound: History(STEP) for bound in _bounds(special, total, look, metric.window)}
        past = {bound: past[bound] for bound in _spread(sorted(past))}
        if not past:
            raise MetricsError("no bound of the histogram tells anything yet: the stable pods had no requests, or all in one bucket")
    return tuple(Track(bound, _one(metric, one, every, beginning)) for bound, one in sorted(past.items()))


def selected(metric: EvidenceMetric) -> tuple[Selector, Selector]:
    """(all requests, the bad ones or those at or below a bound)."""
    if metric.histogram:
        base = selectors.histogram(metric.histogram)
        return base.suffixed("_count"), base.suffixed("_bucket")
    return selectors.parse(metric.total), selectors.parse(metric.bad)


def spacing(series: Sequence[Series]) -> float:
    """Seconds between two scrapes: the median over all samples; 15 where there are none."""
    gaps = [later[0] - earlier[0] for one in series for earlier, later in pairwise(one.points)]
    return statistics.median(gaps) if gaps else 15.0


def _one(metric: EvidenceMetric, past: History, every: float, beginning: Beginning) -> Calibration:
    minutes = f"{past.seconds / 3600:.1f} h" if past.seconds >= 3600 else f"{past.seconds / 60:.0f} min"
    enough = past.events >= dispersion.FEWEST and past.seconds >= LONG
    block = dispersion.block_seconds(past)
    recent = History(past.step, *(tuple(row[-round(RECENT / past.step) :] for row in rows) for rows in (past.bad, past.total)))
    calibration = Calibration(
        phi=dispersion.dispersion(past) if enough else max(UNKNOWN, dispersion.dispersion(past)),
        block=(dispersion.polls(block, every) if block else 0) if enough else 1,
        assumed=not enough,
        likelihood=True,
        every=every,
        planned=max(math.ceil(beginning.seconds / every), 1),
        exact=bool(metric.histogram) or _share(past) > COMMON,
        bad=recent.events,
        total=recent.requests,
        seconds=recent.seconds,
    )
    if not enough:
        basis = f"only {past.events} such requests in {minutes} of the past" if past.requests else "no past that could be read"
        return replace(calibration, basis=f"{basis}: too little for a dispersion, {calibration.phi:g} is assumed")
    chance = Random(f"{beginning.seed}/{metric.name}")  # a draw of pods, no secret
    checked = placebo.checked(calibration, past, metric.margin, beginning.alpha, beginning.share, chance)
    tried = f"; {checked.crossed} of {checked.placebos} placebo releases on it were false alarms" if checked.placebos else ""
    return replace(checked, basis=f"{minutes} of the stable pods: dispersion {checked.phi:.3g}{tried}")


def _past(
    metric: EvidenceMetric, total: Selector, special: Selector, look: Look, beginning: Beginning, until: float
) -> Mapping[float, History]:
    """Bound -> past; empty histories where the provider has none, or knows no subqueries."""
    empty = {_bound(metric): History(STEP)} if metric.bound or not metric.histogram else {}
    pods = _pods(look)
    if not (beginning.history and pods):
        return empty
    window = f"[{round(beginning.history)}s:{round(STEP)}s]"
    try:
        requests, others = (
            look.fetch.value(f"sum by ({by}) ({selector.where(*pods)}){window}")
            for selector, by in ((total, _by(look)), (_at_bound(special, metric), f"{_by(look)}, le" if metric.histogram else _by(look)))
        )
    except MetricsError:
        return empty
    if requests.warnings or others.warnings or not requests.series:
        return empty
    label = look.fetch.labels.pod
    if not metric.histogram:
        return {0.0: history.counted(others.series, requests.series, label, STEP, until)}
    all_ = history.counted((), requests.series, label, STEP, until)
    return {
        bound: history.slow(history.counted(series, requests.series, label, STEP, until), all_)
        for bound, series in _by_bound(others).items()
    } or empty


def _at_bound(special: Selector, metric: EvidenceMetric) -> Selector:
    return special.where(Matcher("le", "=~", selectors.bounds(_bound(metric)))) if metric.bound else special


def _bound(metric: EvidenceMetric) -> float:
    """As the histogram's `le` has it; 0 for bad requests."""
    return le_of(selectors.histogram(metric.histogram).name, metric.bound) if metric.histogram else 0.0


def _by(look: Look) -> str:
    return look.fetch.labels.pod


def _pods(look: Look) -> tuple[Matcher, ...]:
    """All pods that the Deployment ever had, where the names of those it has now tell it; candidates have one part more in theirs."""
    names = sorted({pod.partition("/")[0] for pod in look.arms[STABLE].pods})
    stems = {name.rsplit("-", 2)[0] for name in names}
    if not names:
        return ()
    labels = look.fetch.labels
    if len(stems) > 1 or not all(name.count("-") > 1 for name in names):
        return labels.matchers(look.fetch.namespace, tuple(names))
    any_pod = f"{selectors.escape(stems.pop())}-[a-z0-9]+-[a-z0-9]{{5}}"
    return Matcher(labels.namespace, "=", look.fetch.namespace), Matcher(labels.pod, "=~", any_pod)


def _by_bound(answer: Answer) -> Mapping[float, list[Series]]:
    found: dict[float, list[Series]] = {}
    for one in answer.series:
        if (bound := counts.number(one.labels.get("le", ""))) < math.inf:
            found.setdefault(bound, []).append(one)
    return found


def _bounds(special: Selector, total: Selector, look: Look, window: float) -> list[float]:
    """Without a past: those that tell something in the present of the stable side."""
    reach = window + look.stale
    buckets, requests = look.fetch.raw(special, reach).series, look.fetch.raw(total, reach).series
    if not requests:
        base = replace(total, name=total.name.removesuffix("_count"))
        mine = [
            one
            for one in look.fetch.raw(base, reach, native=True).series
            if one.labels.get(look.fetch.labels.pod) in look.arms[STABLE].pods
        ]
        return [bound for bound, share in native.grown(mine)[1].items() if USEFUL[0] < share < USEFUL[1]]
    known = sorted({counts.number(one.labels.get("le", "")) for one in buckets} - {math.inf})
    span = Span(look.now - window, look.now - reach)
    found = []
    for bound in known:
        counted = counts.slower(buckets, requests, bound, look.arms[STABLE], span, look.fetch.labels.pod)
        if counted.total and USEFUL[0] < counted.share < USEFUL[1]:
            found.append(bound)
    return found


def _spread(bounds: Sequence[float]) -> list[float]:
    """Not more than BOUNDS of them, evenly."""
    if len(bounds) <= BOUNDS:
        return list(bounds)
    return [bounds[round(at * (len(bounds) - 1) / (BOUNDS - 1))] for at in range(BOUNDS)]


def _share(past: History) -> float:
    return past.events / past.requests if past.requests else 0.0
