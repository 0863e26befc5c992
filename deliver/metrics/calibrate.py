"""What the evidence of one metric rests on, learnt from the stable side's past before the candidate had a request, and frozen."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

from deliver.analysis import counts, dispersion, history, native_histogram, placebo, selectors, sequential_test
from deliver.analysis.bounds import le_of, useful
from deliver.analysis.counts import Span
from deliver.analysis.history import History
from deliver.analysis.selectors import Matcher, Selector
from deliver.metrics.baseline import before
from deliver.metrics.look import Look
from deliver.metrics.pod_roster import STABLE
from deliver.model import defaults
from deliver.model.evidence import Calibration, MetricEvidence, Track
from deliver.model.spec import EvidenceMetric
from deliver.plugins.interfaces import Answer, MetricsError, Series

STEP = 30.0  # seconds of a column of the past
LONG = 1800.0  # seconds of a past that shows bursts and clusters; a shorter one would call everything independent
UNKNOWN = 12.0  # dispersion that is assumed then: that of retries which make five or six bad requests of one
PART = 0.4  # of the time that a look has left, for each of the two queries of the past
RECENT = 3600.0  # of the past, what the candidate is held against while stable has no traffic
SHORT = 600.0  # seconds of a past that need not be looked for in raw samples
ARRIVES = 240.0  # seconds after which all samples of before the first users are in the store: two slow scrapes and a slow store
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
    history: float = defaults.HISTORY
    poll: float = defaults.POLL
    alpha: float = defaults.FALSE_ALARMS


class NothingYet(MetricsError):
    """There were no requests to learn the bounds from."""


class PastUnread(MetricsError):
    """The past could not be asked for this time; it may be at the next look."""


def tracks(metric: EvidenceMetric, look: Look, beginning: Beginning, *, patient: bool = False) -> tuple[Track, ...]:
    """One a bound. Raises MetricsError when not even the bounds can be known yet, and PastUnread, with `patient`, without a past."""
    total, special = selected(metric)
    every = max(beginning.poll, spacing(look.fetch.raw(total, metric.window + look.stale).series))
    until = look.past.at or look.start  # when the candidate got its first users, or its flag
    past = _past(metric, total, special, look, beginning, until, patient=patient)
    if metric.histogram and not metric.bound:
        past = {bound: one for bound, one in past.items() if one.requests} or _present(special, total, look, metric.window)
        chosen = useful({bound: _share(one) for bound, one in past.items()})
        if not chosen:
            error = MetricsError if past else NothingYet
            raise error("no bound of the histogram tells anything yet: the stable pods had no requests, or all were slower")
        past = {bound: past[bound] for bound in chosen}
    found = {bound: _one(metric, one, every, beginning) for bound, one in sorted(past.items())}
    return recalled(metric, look, tuple(Track(bound, one) for bound, one in _tried(metric, found, past, beginning).items()))


def unsettled(measure: MetricEvidence, look: Look) -> bool:
    """What came right before the candidate's first users is all that there is of a past, and may still be on its way into the store."""
    known = min((track.calibration.seconds for track in measure.tracks), default=SHORT)
    return known < SHORT and look.now < look.past.at + ARRIVES


def recalled(metric: EvidenceMetric, look: Look, tracks: tuple[Track, ...]) -> tuple[Track, ...]:
    """With the raw samples of right before the candidate's first users, where the past has less: pods that are young have no longer one."""
    if not look.past.at or all(track.calibration.seconds >= SHORT for track in tracks):
        return tracks
    begin = look.past.at - SHORT
    total, special = selected(metric)
    reach = look.now - begin
    try:
        requests = before(look.fetch.raw(total, reach), look.past.at).series
        others = before(look.fetch.raw(special, reach), look.past.at).series if requests else ()
    except MetricsError:
        return tracks
    span, label, stable = Span(begin, begin, begin=begin), look.fetch.labels.pod, look.arms[STABLE]

    def of(track: Track) -> Track:
        if metric.histogram:
            found = counts.slower(others, requests, track.bound, stable, span, label)
        else:
            found = counts.ratio(others, requests, stable, span, label)
        if found.unmatched or found.total <= track.calibration.total:
            return track
        ends = counts.inside(requests, stable, begin, label).values()
        seconds = max((newest - first for first, newest in ends), default=0.0)
        return replace(track, calibration=replace(track.calibration, bad=found.bad, total=found.total, seconds=seconds))

    return tuple(of(track) for track in tracks)


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
    compared = bool(dispersion.by_scale(past))  # two pods served at the same time: else nothing tells a cluster from chance
    enough = past.events >= dispersion.FEWEST and past.seconds >= LONG and compared
    block = dispersion.block_seconds(past)
    columns = max(round(RECENT / past.step), 1)
    recent = History(past.step, *(tuple(row[-columns:] for row in rows) for rows in (past.bad, past.total)))
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
        basis = basis if compared or past.events < dispersion.FEWEST else f"{minutes} of a single pod"
        return replace(calibration, basis=f"{basis}: too little for a dispersion, {calibration.phi:g} is assumed")
    return replace(calibration, basis=f"{minutes} of the stable pods")


def _tried(
    metric: EvidenceMetric, found: Mapping[float, Calibration], past: Mapping[float, History], beginning: Beginning
) -> Mapping[float, Calibration]:
    """With the placebo check of the bound that speaks for the metric: what it asks for is asked of all, at the cost of one."""
    known = {bound: one for bound, one in found.items() if not one.assumed}
    if not known:
        return found
    bound = sequential_test.main(MetricEvidence(tuple(Track(bound, one) for bound, one in known.items()))).bound
    chance = Random(f"{beginning.seed}/{metric.name}")  # a draw of pods, no secret
    checked = placebo.checked(known[bound], past[bound], metric.margin, beginning.alpha, beginning.share, chance)
    raised = checked.phi / known[bound].phi
    tried = f"; {checked.crossed} of {checked.placebos} placebo releases on it were false alarms" if checked.placebos else ""

    def after(one: Calibration) -> Calibration:
        phi, block = one.phi * raised, 0 if raised > 1 else one.block
        told = f"{one.basis}: dispersion {phi:.3g}{tried}"
        return replace(one, phi=phi, block=block, crossed=checked.crossed, placebos=checked.placebos, basis=told)

    return {at: after(one) if at in known else one for at, one in found.items()}


def _past(
    metric: EvidenceMetric, total: Selector, special: Selector, look: Look, beginning: Beginning, until: float, *, patient: bool
) -> Mapping[float, History]:
    """Bound -> past; empty histories where the provider has none, or knows no subqueries. The look itself keeps most of its time."""
    empty = {_bound(metric): History(STEP)} if metric.bound or not metric.histogram else {}
    pods = _pods(look)
    if not (beginning.history and pods):
        return empty
    window = f"[{round(beginning.history)}s:{round(STEP)}s]"
    try:
        requests, others = (
            look.fetch.value(f"sum by ({by}) ({selector.where(*pods)}){window}", part=PART)
            for selector, by in ((total, _by(look)), (_at_bound(special, metric), f"{_by(look)}, le" if metric.histogram else _by(look)))
        )
    except MetricsError as error:
        if patient and not error.bad_query:
            raise PastUnread(f"the past of the stable pods could not be read yet: {error}") from error
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


def _present(special: Selector, total: Selector, look: Look, window: float) -> Mapping[float, History]:
    """Without a past: bound -> the stable side's present, as one column of one pod."""
    reach, label, stable = window + look.stale, look.fetch.labels.pod, look.arms[STABLE]
    requests = look.fetch.raw(total, reach).series
    if not requests:
        series = look.fetch.raw(replace(total, name=total.name.removesuffix("_count")), reach, native=True).series
        whole, shares = native_histogram.grown(one for one in series if one.labels.get(label) in stable.pods)
        return {bound: History(window, ((round(share * whole),),), ((round(whole),),)) for bound, share in shares.items() if whole}
    buckets, span = look.fetch.raw(special, reach).series, Span(look.now - window, look.now - reach)
    bounds = {counts.number(one.labels.get("le", "")) for one in buckets} - {math.inf}
    counted = {bound: counts.slower(buckets, requests, bound, stable, span, label) for bound in bounds}
    return {bound: History(window, ((one.bad,),), ((one.total,),)) for bound, one in counted.items() if one.total}


def _share(past: History) -> float:
    return past.events / past.requests if past.requests else 0.0
