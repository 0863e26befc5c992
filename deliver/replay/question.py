"""One question to the past: whose pods, from when to when, judged how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deliver.metrics.calibrate import USUAL_SPACING, CalibrationInputs
from deliver.metrics.evidence_store import EvidenceStore
from deliver.metrics.scrape_delay import sample_spacing
from deliver.model.errors import InputError
from deliver.model.frozen import replace
from deliver.model.observation import PodSeen
from deliver.model.spec import Analysis
from deliver.plugins.interfaces import MetricProvider, MetricsError
from deliver.replay import aa_test, pods
from deliver.replay.aa_test import Alike
from deliver.replay.past_provider import Past
from deliver.replay.pods import Sides
from deliver.replay.rejudge import Bake, Replay, Stretch, play

SHORTEST = 30.0  # seconds


@dataclass(frozen=True)
class Question:
    """sides: names of pods. analysis: the spec's. seed: of the placebo draws, and of splits.

    inputs: of the release that it is about; None: the stretch is judged as if one had begun with it.
    """

    namespace: str
    analysis: Analysis
    sides: Sides
    stretch: Stretch
    seed: int = 1
    inputs: CalibrationInputs | None = None


@dataclass(frozen=True)
class Answered:
    """The replay, and the pods that it was about."""

    replay: Replay
    stable: tuple[PodSeen, ...]
    candidate: tuple[PodSeen, ...]


def since(now: float, seconds: float) -> Stretch:
    if seconds < SHORTEST:
        raise InputError(f"the past is too short: {seconds:g} s", hint="e.g. `--since 2h`")
    return Stretch(now - seconds, now, (Bake(now - seconds),))


def ask(question: Question, provider: MetricProvider) -> Answered:
    """Raises InputError where the past has no such pods, MetricsError where it cannot be asked."""
    past, stretch = Past(provider, question.stretch.start, question.stretch.start, question.stretch.end), question.stretch
    stable = _found(past, question, question.sides.stable)
    candidate = _found(past, question, question.sides.candidate)
    names = {pod.name for pod in candidate}
    others = tuple(pod for pod in stable if pod.name not in names)
    for side, found, pattern in (("candidate", candidate, question.sides.candidate), ("stable", others, question.sides.stable)):
        if not found:
            raise InputError(f"no {side} pod in that time", why=f"no series of a pod named like {pattern} in {question.namespace}")
    return Answered(_played(past, question, others, candidate, stretch, question.seed), others, candidate)


def alarms(
    question: Question, provider: MetricProvider, share: float, runs: int, told: Callable[[int], bool]
) -> tuple[Alike, Sequence[Replay]]:
    """A/A: how often stable pods against stable pods would have been taken back. told: after each run; True ends it early."""
    past = Past(provider, question.stretch.start, question.stretch.start, question.stretch.end)
    question = replace(question, analysis=replace(question.analysis, on_blind="hold"))
    found = _found(past, question, question.sides.stable)
    replays = []
    for count, (candidate, stable) in enumerate(aa_test.splits(found, share, runs, question.seed)):
        replays.append(_played(past, question, stable, candidate, question.stretch, question.seed + count))
        if told(count + 1):
            break
    return aa_test.summed(replays, found, share), replays


def _found(past: Past, question: Question, pattern: str) -> tuple[PodSeen, ...]:
    """A release's own pods are known by their hashes; of others, those that had gone before the stretch are none of it."""
    stretch = question.stretch
    since = stretch.start - pods.MARGIN if question.inputs else stretch.start
    return pods.found(past, question.namespace, question.analysis.metrics, pattern, stretch.start, stretch.end, since)


def _played(
    past: Past, question: Question, stable: tuple[PodSeen, ...], candidate: tuple[PodSeen, ...], stretch: Stretch, seed: int
) -> Replay:
    analysis = replace(question.analysis, health=())
    if not stretch.looks:  # nobody looked then: more often than there is something new is of no use
        analysis = replace(analysis, poll=max(analysis.poll, _scrape(past, question)))
    inputs = question.inputs or CalibrationInputs(
        started=stretch.start,
        seconds=stretch.end - stretch.start,
        fraction=len(candidate) / (len(candidate) + len(stable)),
        seed=f"replay {seed}",
        history=analysis.history,
        poll=analysis.poll,
        alpha=analysis.alpha,
    )
    return play(past, analysis, question.namespace, stable, candidate, stretch, EvidenceStore(inputs))


def _scrape(past: Past, question: Question) -> float:
    """Seconds between two samples: a look in between would see nothing new."""
    try:
        series = pods.series(past, question.namespace, question.analysis.metrics, question.sides.stable, question.stretch.end, 600.0)
    except MetricsError:
        return 0.0
    return (sample_spacing(series) or USUAL_SPACING) if series else 0.0
