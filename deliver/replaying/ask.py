"""One question to the past: whose pods, from when to when, judged how."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deliver.metrics.calibrate import Beginning, spacing
from deliver.metrics.ledger import Ledger
from deliver.model.errors import InputError
from deliver.model.plan import Step
from deliver.model.release import Entry, Release
from deliver.model.replace import replace
from deliver.model.seen import PodSeen
from deliver.model.spec import Analysis
from deliver.plugins.interfaces import MetricProvider, MetricsError
from deliver.replaying import alike, pods
from deliver.replaying.alike import Alike
from deliver.replaying.past import Past
from deliver.replaying.play import Replay, Stretch, play
from deliver.replaying.pods import Sides

_BAKING = re.compile(r"step (?P<step>\d+)/\d+: baking ")
SHORTEST = 30.0  # seconds


@dataclass(frozen=True)
class Question:
    """sides: names of pods. analysis: the spec's. seed: of the placebo draws, and of splits."""

    namespace: str
    analysis: Analysis
    sides: Sides
    stretch: Stretch
    seed: int = 1


@dataclass(frozen=True)
class Answered:
    """The replay, and the pods that it was about."""

    replay: Replay
    stable: tuple[PodSeen, ...]
    candidate: tuple[PodSeen, ...]


def of_release(release: Release) -> Stretch:
    """From its first bake with metrics to when its candidate had no traffic any more, or everybody had it for good."""
    baked = [(entry.at, step) for entry in release.journal if (step := _step(entry, release)) is not None and step.metrics]
    if not baked:
        raise InputError(f"{release.id} never gave anybody the candidate", hint="`deliver explain` says why")
    turned = next((entry.at for entry in release.journal if entry.text.startswith(("all steps passed", "rolling back"))), 0.0)
    end = turned or release.ended or max((point.at for point in release.trail), default=0.0)
    if end <= baked[0][0]:
        raise InputError(f"{release.id} was not watched for a second", hint="`deliver explain` says why")
    return Stretch(baked[0][0], end, tuple(at for at, _ in baked), tuple(step.baseline for _, step in baked))


def _step(entry: Entry, release: Release) -> Step | None:
    """The step that this line says to have begun to bake."""
    found = _BAKING.match(entry.text) if entry.kind == "state" else None
    index = int(found["step"]) - 1 if found else -1
    return release.plan.steps[index] if 0 <= index < len(release.plan.steps) else None


def since(now: float, seconds: float) -> Stretch:
    if seconds < SHORTEST:
        raise InputError(f"the past is too short: {seconds:g} s", hint="e.g. `--since 2h`")
    return Stretch(now - seconds, now, (now - seconds,))


def ask(question: Question, provider: MetricProvider) -> Answered:
    """Raises InputError where the past has no such pods, MetricsError where it cannot be asked."""
    past, stretch = Past(provider, question.stretch.start, question.stretch.start), question.stretch
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
    past = Past(provider, question.stretch.start, question.stretch.start)
    question = replace(question, analysis=replace(question.analysis, on_blind="hold"))
    found = _found(past, question, question.sides.stable)
    replays = []
    for count, (candidate, stable) in enumerate(alike.splits(found, share, runs, question.seed)):
        replays.append(_played(past, question, stable, candidate, question.stretch, question.seed + count))
        if told(count + 1):
            break
    return alike.summed(replays, found, share), replays


def _found(past: Past, question: Question, pattern: str) -> tuple[PodSeen, ...]:
    stretch = question.stretch
    return pods.found(past, question.namespace, question.analysis.metrics, pattern, stretch.start, stretch.end)


def _played(
    past: Past, question: Question, stable: tuple[PodSeen, ...], candidate: tuple[PodSeen, ...], stretch: Stretch, seed: int
) -> Replay:
    analysis = replace(question.analysis, health=(), poll=max(question.analysis.poll, _scrape(past, question)))
    beginning = Beginning(
        started=stretch.start,
        seconds=stretch.end - stretch.start,
        share=len(candidate) / (len(candidate) + len(stable)),
        seed=f"replay {seed}",
        history=analysis.history,
        poll=analysis.poll,
        alpha=analysis.alpha,
    )
    return play(past, analysis, question.namespace, stable, candidate, stretch, Ledger(beginning))


def _scrape(past: Past, question: Question) -> float:
    """Seconds between two samples: a look in between would see nothing new."""
    try:
        series = pods.series(past, question.namespace, question.analysis.metrics, question.sides.stable, question.stretch.end, 600.0)
    except MetricsError:
        return 0.0
    return spacing(series) if series else 0.0
