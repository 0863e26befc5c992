"""A past release out of its record: what it was judged by, when each step began to bake, and when it was looked at."""

from collections.abc import Iterator, Sequence
from math import ceil, inf, isfinite

from deliver.metrics.evidence_store import calibration_inputs_of
from deliver.model.errors import InputError
from deliver.model.frozen import replace
from deliver.model.journal import Entry, Event, times
from deliver.model.release import Release
from deliver.model.spec import Analysis
from deliver.model.verdict import Evidence
from deliver.replay import pods
from deliver.replay.question import Question
from deliver.replay.rejudge import Bake, Stretch

TENTH = 0.1  # seconds: what a record rounds the age of a sample to


def question(release: Release, analysis: Analysis) -> Question:
    """analysis: the release's own, or another one. Raises InputError for a release that was never judged, or cannot be again."""
    sides, release = pods.of_release(release), timed(release)
    judged = replace(release, spec=replace(release.spec, analysis=analysis))
    return Question(
        release.spec.target.namespace,
        analysis,
        sides,
        stretch(release, analysis.poll),
        inputs=calibration_inputs_of(judged, release.started),
    )


def stretch(release: Release, poll: float) -> Stretch:
    """From its first bake with metrics to when its candidate had no traffic any more, or everybody had it for good.

    poll: seconds; of another length than the release's own, it is looked at at other times.
    """
    steps = release.plan.steps
    began = (entry for entry in release.journal if entry.event is Event.BAKE_BEGAN and entry.step < len(steps))
    baked = [(entry.at, steps[entry.step]) for entry in began if steps[entry.step].metrics]
    if not baked:
        raise InputError(f"{release.id} never gave anybody the candidate", hint="`deliver explain` says why")
    start, end = baked[0][0], _end(release)
    if end <= start:
        raise InputError(f"{release.id} was not watched for a second", hint="`deliver explain` says why")
    bakes = tuple(Bake(at, step.side, step.baseline, step.by_weight) for at, step in baked)
    return Stretch(start, end, bakes, looks(release, start, end) if poll == release.spec.analysis.poll else ())


def timed(release: Release) -> Release:
    """With its times on the provider's clock, which its samples have: a driver's own may be wrong."""
    by = skew(release)
    if not by:
        return release
    return replace(
        release,
        started=release.started + by,
        ended=release.ended and release.ended + by,
        journal=tuple(replace(entry, at=entry.at + by) for entry in release.journal),
        trail=tuple(replace(point, at=point.at + by) for point in release.trail),
    )


def skew(release: Release) -> float:
    """Seconds that the provider's clock was ahead of the driver's, 0 where nothing shows it.

    A look's evidence carries the provider's clock. It began when its point of the trail says, and was over when its entry was written.
    """
    least, most = -inf, inf
    for entry in release.journal:
        told = max((check.evidence.at for check in entry.checks if check.kind == "metric" and check.evidence.numbers), default=0.0)
        begun = max((point.at for point in release.trail if point.at <= entry.at), default=0.0)
        if told and begun:
            least, most = max(least, told - entry.at), min(most, told - begun)
    return least if isfinite(least) and (0 < least <= most or least <= most < 0) else 0.0


def _end(release: Release) -> float:
    """Where it turned back, also out of the time in which the old side was kept warm; else where that was over."""
    last = release.ended or max((point.at for point in release.trail), default=0.0)
    turned, passed = (min(times(release.journal, event), default=0.0) for event in (Event.TURNED_BACK, Event.STEPS_PASSED))
    return turned or (min(passed + release.plan.hold, last) if passed else last)


def looks(release: Release, start: float, end: float) -> tuple[float, ...]:
    """When it was looked at, after start and up to end: counts are put into polls by that, so that other looks find other evidence.

    The journal has those that decided something, and the trail the others where there was something to count; in between, and where a
    long trail was thinned out, one each poll.
    """
    poll = release.spec.analysis.poll
    decided = {at for entry in release.journal if (at := _decided(entry))}
    # a point has the time at which its look began: one that decided is played at the time up to which it had samples
    counted = {point.at for point in release.trail if not any(at - poll < point.at < at for at in decided)}
    known = [at for at in sorted({*counted, *decided}) if start < at <= end]
    anew = times(release.journal, Event.TAKEN_UP)
    found = list(_filled(start, known, poll, anew))
    last = found[-1] if found else start
    after = [last + number * poll for number in range(1, int((end - last) / poll) + 1)]
    return (*found, *after) or (end,)


def _decided(entry: Entry) -> float:
    """The look that this entry rests on, with all that it saw; 0 = none. Never after the entry, whatever the provider's clock says."""
    return min(entry.at, max((_reaches(check.evidence) for check in entry.checks if check.kind == "metric"), default=0.0))


def _reaches(evidence: Evidence) -> float:
    """A provider that takes its time may answer with a sample that was not there when it was asked: its age, to a tenth, is not above 0."""
    age = evidence.numbers.get("newest_sample_age", 1.0)
    return evidence.at + (TENTH / 2 - age if age <= 0 else 0.0)


def _filled(start: float, known: Sequence[float], poll: float, anew: Sequence[float]) -> Iterator[float]:
    """With what is missing in between, counted back from the later look. anew: before a driver took it up nobody looked."""
    before = start
    for at in known:
        since = max([before, *(one for one in anew if one < at)])
        missing = ceil((at - since) / poll - 0.5) - 1
        yield from (at - number * poll for number in range(missing, 0, -1))
        yield at
        before = at
