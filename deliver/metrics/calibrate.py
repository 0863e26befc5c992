"""Calibration: what the evidence of one metric rests on, learnt once from the stable side's history before the candidate has users."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from deliver.analysis import counts, dispersion, history, native_histogram, placebo, selectors, sequential_test
from deliver.analysis.bounds import informative_bounds, le_value
from deliver.analysis.counts import Span
from deliver.analysis.history import History
from deliver.analysis.selectors import Matcher, Selector
from deliver.metrics import queries
from deliver.metrics.baseline import samples_until
from deliver.metrics.look import Look
from deliver.metrics.pod_roster import STABLE
from deliver.metrics.scrape_delay import sample_spacing
from deliver.metrics.variants import pod_name
from deliver.model import defaults
from deliver.model.evidence import Calibration, MetricEvidence, Track
from deliver.model.spec import EvidenceMetric
from deliver.plugins.interfaces import Answer, MetricsError, Series

COLUMN_SECONDS = 30.0  # seconds of one column of the history
ENOUGH_HISTORY = 1800.0  # seconds of history that show bursts and clusters; in a shorter one everything looks independent
ASSUMED_DISPERSION = 12.0  # dispersion that is assumed then: that of retries which make five or six bad requests of one
QUERY_FRACTION = 0.4  # of the time that a look has left, for each of the two queries of the past
RECENT_SECONDS = 3600.0  # of the past, what the candidate is held against while stable has no traffic
SHORT_HISTORY = 600.0  # seconds of a past that need not be looked for in raw samples
LATEST_ARRIVAL = 240.0  # seconds after which all samples of before the first users are in the store: two slow scrapes and a slow store
USUAL_SPACING = 15.0  # seconds between two scrapes, where there are no samples yet
COMMON_FRACTION = 0.05  # fraction from which events are not rare


@dataclass(frozen=True)
class CalibrationInputs:
    """What the calibration has to know of the release."""

    started: float = 0.0  # unix seconds by our clock; 0 = not known
    seconds: float = 600.0  # all its bakes together
    fraction: float = 0.1  # of the requests, 0..1: the candidate's part in the first step that both sides serve
    seed: str = ""  # of the placebo draws: the release's id
    history: float = defaults.HISTORY  # seconds of the stable side's past that are read; 0 = none
    poll: float = defaults.POLL  # seconds between two looks
    alpha: float = defaults.FALSE_ALARMS  # highest chance of a false alarm


class NoRequestsYet(MetricsError):
    """The stable pods have had no requests from which bounds could be chosen."""


class HistoryUnavailable(MetricsError):
    """The provider could not give the history this time; the next look may succeed."""


def calibrated_tracks(metric: EvidenceMetric, look: Look, inputs: CalibrationInputs, *, patient: bool = False) -> tuple[Track, ...]:
    """One Track for each bound (for a counter of bad requests: one). Raises MetricsError while no bound can be chosen.

    patient: raise HistoryUnavailable instead of going on without a history that cannot be read.
    """
    total, special = queries.counting(metric), queries.bad_or_fast(metric)
    every = max(inputs.poll, sample_spacing(look.fetch.raw(total, metric.window + look.stale).series) or USUAL_SPACING)
    until = look.past.at or look.start  # when the candidate got its first users, or its flag
    past = _histories(metric, total, special, look, inputs, until, patient=patient)
    if metric.histogram and not metric.bound:
        past = {bound: one for bound, one in past.items() if one.requests} or _present_counts(special, total, look, metric.window)
        chosen = informative_bounds({bound: _bad_fraction(one) for bound, one in past.items()})
        if not chosen:
            error = MetricsError if past else NoRequestsYet
            raise error("no bound of the histogram tells anything yet: the stable pods had no requests, or all were slower")
        past = {bound: past[bound] for bound in chosen}
    found = {bound: _calibration(metric, one, every, inputs) for bound, one in sorted(past.items())}
    return with_raw_history(
        metric, look, tuple(Track(bound, one) for bound, one in _checked_by_placebo(metric, found, past, inputs).items())
    )


def history_may_grow(measure: MetricEvidence, look: Look) -> bool:
    """The history is short, and samples of its last minutes may still be on their way into the provider's store."""
    known = min((track.calibration.seconds for track in measure.tracks), default=SHORT_HISTORY)
    return known < SHORT_HISTORY and look.now < look.past.at + LATEST_ARRIVAL


def with_raw_history(metric: EvidenceMetric, look: Look, tracks: tuple[Track, ...]) -> tuple[Track, ...]:
    """Tracks whose calibration counts the raw samples from right before the candidate's first users, where those are more than the history.

    Young pods have no longer history than that.
    """
    if not look.past.at or all(track.calibration.seconds >= SHORT_HISTORY for track in tracks):
        return tracks
    begin = look.past.at - SHORT_HISTORY
    total, special = queries.counting(metric), queries.bad_or_fast(metric)
    reach = look.now - begin
    try:
        requests = samples_until(look.fetch.raw(total, reach), look.past.at)
        others = samples_until(look.fetch.raw(special, reach), look.past.at) if requests.series else requests
    except MetricsError:
        return tracks
    span = Span(begin, begin, begin=begin)

    def of(track: Track) -> Track:
        found = look.count(others, requests, track.bound if metric.histogram else None, STABLE, span)
        if found.unmatched or found.total <= track.calibration.total:
            return track
        ends = counts.sample_ranges(requests.series, look.arms[STABLE], begin, look.fetch.labels.pod).values()
        seconds = max((newest - first for first, newest in ends), default=0.0)
        return replace(track, calibration=replace(track.calibration, bad=found.bad, total=found.total, seconds=seconds))

    return tuple(of(track) for track in tracks)


def _calibration(metric: EvidenceMetric, past: History, every: float, inputs: CalibrationInputs) -> Calibration:
    minutes = f"{past.seconds / 3600:.1f} h" if past.seconds >= 3600 else f"{past.seconds / 60:.0f} min"
    compared = bool(dispersion.dispersion_by_scale(past))  # two pods served at the same time: else nothing tells a cluster from chance
    enough = past.events >= dispersion.FEWEST_EVENTS and past.seconds >= ENOUGH_HISTORY and compared
    block = dispersion.block_seconds(past)
    columns = max(round(RECENT_SECONDS / past.step), 1)
    recent = History(past.step, *(tuple(row[-columns:] for row in rows) for rows in (past.bad, past.total)))
    calibration = Calibration(
        phi=dispersion.dispersion(past) if enough else max(ASSUMED_DISPERSION, dispersion.dispersion(past)),
        block=(dispersion.polls_of(block, every) if block else 0) if enough else 1,
        assumed=not enough,
        likelihood=True,
        every=every,
        planned=max(math.ceil(inputs.seconds / every), 1),
        exact=bool(metric.histogram) or _bad_fraction(past) > COMMON_FRACTION,
        bad=recent.events,
        total=recent.requests,
        seconds=recent.seconds,
    )
    if not enough:
        basis = f"only {past.events} such requests in {minutes} of the past" if past.requests else "no past that could be read"
        basis = basis if compared or past.events < dispersion.FEWEST_EVENTS else f"{minutes} of a single pod"
        return replace(calibration, basis=f"{basis}: too little for a dispersion, {calibration.phi:g} is assumed")
    return replace(calibration, basis=f"{minutes} of the stable pods")


def _checked_by_placebo(
    metric: EvidenceMetric, found: Mapping[float, Calibration], past: Mapping[float, History], inputs: CalibrationInputs
) -> Mapping[float, Calibration]:
    """Calibrations after the placebo check. It runs on the metric's main bound alone; its result is applied to all bounds."""
    known = {bound: one for bound, one in found.items() if not one.assumed}
    if not known:
        return found
    bound = sequential_test.main_track(MetricEvidence(tuple(Track(bound, one) for bound, one in known.items()))).bound
    random = Random(f"{inputs.seed}/{metric.name}")  # a draw of pods, no secret
    checked = placebo.calibrate_by_placebo(known[bound], past[bound], metric.margin, inputs.alpha, inputs.fraction, random)
    raised = checked.phi / known[bound].phi
    tried = f"; {checked.crossed} of {checked.placebos} placebo releases on it were false alarms" if checked.placebos else ""

    def after(one: Calibration) -> Calibration:
        phi, block = one.phi * raised, 0 if raised > 1 else one.block
        basis = f"{one.basis}: dispersion {phi:.3g}{tried}"
        return replace(one, phi=phi, block=block, crossed=checked.crossed, placebos=checked.placebos, basis=basis)

    return {at: after(one) if at in known else one for at, one in found.items()}


def _histories(
    metric: EvidenceMetric, total: Selector, special: Selector, look: Look, inputs: CalibrationInputs, until: float, *, patient: bool
) -> Mapping[float, History]:
    """Bound -> history; an empty one where the provider has none or knows no subqueries. The look keeps most of its time."""
    empty = {_le_bound(metric): History(COLUMN_SECONDS)} if metric.bound or not metric.histogram else {}
    pods = _pod_matchers(look)
    if not (inputs.history and pods):
        return empty
    window, label = f"[{round(inputs.history)}s:{round(COLUMN_SECONDS)}s]", look.fetch.labels.pod
    try:
        requests, others = (
            look.fetch.value(f"sum by ({by}) ({selector.where(*pods)}){window}", part=QUERY_FRACTION)
            for selector, by in ((total, label), (_only_bound(special, metric), f"{label}, le" if metric.histogram else label))
        )
    except MetricsError as error:
        if patient and not error.bad_query:
            raise HistoryUnavailable(f"the past of the stable pods could not be read yet: {error}") from error
        return empty
    if requests.warnings or others.warnings or not requests.series:
        return empty
    if not metric.histogram:
        return {0.0: history.from_series(others.series, requests.series, label, COLUMN_SECONDS, until)}
    all_ = history.from_series((), requests.series, label, COLUMN_SECONDS, until)
    return {
        bound: history.above_bound(history.from_series(series, requests.series, label, COLUMN_SECONDS, until), all_)
        for bound, series in _by_bound(others).items()
    } or empty


def _only_bound(special: Selector, metric: EvidenceMetric) -> Selector:
    return special.where(Matcher("le", "=~", selectors.le_pattern(_le_bound(metric)))) if metric.bound else special


def _le_bound(metric: EvidenceMetric) -> float:
    """The metric's bound in the unit of the histogram's `le`; 0 for bad requests."""
    return le_value(selectors.histogram(metric.histogram).name, metric.bound) if metric.histogram else 0.0


def _pod_matchers(look: Look) -> tuple[Matcher, ...]:
    """Matchers of all pods that the Deployment ever had, by the stem of their names; only those of now where the names have no stem.

    Names of a candidate's pods have one part more and do not match.
    """
    names = sorted({pod_name(pod) for pod in look.arms[STABLE]})
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
        if (bound := counts.le_bound(one.labels.get("le", ""))) < math.inf:
            found.setdefault(bound, []).append(one)
    return found


def _present_counts(special: Selector, total: Selector, look: Look, window: float) -> Mapping[float, History]:
    """Without a history: bound -> the stable side's present, as one column of one pod."""
    reach, label, stable = window + look.stale, look.fetch.labels.pod, look.arms[STABLE]
    requests = look.fetch.raw(total, reach).series
    if not requests:
        series = look.fetch.raw(replace(total, name=total.name.removesuffix("_count")), reach, native=True).series
        whole, fractions = native_histogram.fractions_above(one for one in series if one.labels.get(label) in stable)
        return {bound: History(window, ((round(fraction * whole),),), ((round(whole),),)) for bound, fraction in fractions.items() if whole}
    buckets, span = look.fetch.raw(special, reach).series, Span(look.now - window, look.now - reach)
    bounds = {counts.le_bound(one.labels.get("le", "")) for one in buckets} - {math.inf}
    counted = {bound: counts.count_slower(buckets, requests, bound, stable, span, label) for bound in bounds}
    return {bound: History(window, ((one.bad,),), ((one.total,),)) for bound, one in counted.items() if one.total}


def _bad_fraction(past: History) -> float:
    return past.events / past.requests if past.requests else 0.0
