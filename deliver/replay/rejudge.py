"""Polls, one after the other, as a driver would have made them; and what it would have done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from deliver.metrics.analyzer import StepAnalyzer, StepSetup
from deliver.metrics.evidence_store import EvidenceStore
from deliver.model.observation import PodSeen
from deliver.model.plan import Side
from deliver.model.spec import Analysis
from deliver.model.verdict import CheckResult, Verdict, combined
from deliver.replay.past_provider import TIMEOUT, Past


class Ending(StrEnum):
    """What a release would have come to. PASSED: nothing speaks against it, and what was to be proved was."""

    PASSED = "PASSED"
    ROLLED_BACK = "ROLLED_BACK"
    HELD = "HELD"
    UNPROVED = "UNPROVED"


@dataclass(frozen=True)
class Turn:
    """A look at which something changed, and the last one. at: unix seconds."""

    at: float
    verdict: Verdict
    checks: tuple[CheckResult, ...]
    candidate_percent: float | None = None


@dataclass(frozen=True)
class Bake:
    """A step that was watched from `begin` on, unix seconds. side: whom its Services selected, None = not known.

    baseline: seconds of the stable side's past that it was compared with, 0 = its present. by_weight: as in Step.
    """

    begin: float
    side: Side | None = None
    baseline: float = 0.0
    by_weight: bool = False

    @property
    def shared(self) -> bool:
        """Users were spread over both sides by the number of their endpoints."""
        return self.side is Side.BOTH and not self.by_weight


@dataclass(frozen=True)
class Stretch:
    """What is replayed: from when to when, the steps in it (at least one, the first), and the looks; none: one each poll."""

    start: float
    end: float
    bakes: tuple[Bake, ...]
    looks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Replay:
    """at: when it would have been taken back, or the end. reason: one sentence. looks: how many polls there were."""

    ending: Ending
    at: float
    reason: str
    turns: tuple[Turn, ...]
    looks: int


def play(
    past: Past,
    analysis: Analysis,
    namespace: str,
    stable: Sequence[PodSeen],
    candidate: Sequence[PodSeen],
    stretch: Stretch,
    evidence_store: EvidenceStore | None = None,
) -> Replay:
    """Ends at the first FAIL, or when nothing could be judged for `max_blind`. Deterministic: the samples decide, not the time of day."""
    evidence_store, bakes = evidence_store or EvidenceStore(), list(stretch.bakes)
    analyzer = _analyzer_of(past, analysis, evidence_store, bakes[0])
    turns: list[Turn] = []
    turn, blind, looks = None, stretch.start, 0
    for past.at in stretch.looks or _polls(stretch, analysis.poll):
        while bakes and past.at >= bakes[0].begin:
            analyzer, blind = _analyzer_of(past, analysis, evidence_store, bakes[0]), bakes[0].begin
            analyzer.reset(bakes.pop(0).begin)
        examination = analyzer.analyze(namespace, *(_there(pods, past.at) for pods in (stable, candidate)))
        looks += 1
        turn = Turn(past.at, combined(examination.results), examination.results, examination.candidate_percent)
        blind = (blind or past.at) if turn.verdict is Verdict.BLIND else 0.0
        judged_from = max([blind, *(check.awaits for check in turn.checks)])
        late = bool(blind) and past.at - judged_from >= analysis.max_blind
        if not turns or turn.verdict is not turns[-1].verdict or late:
            turns.append(turn)
        if turn.verdict is Verdict.FAIL:
            return Replay(Ending.ROLLED_BACK, turn.at, _turn_text(turn, Verdict.FAIL), tuple(turns), looks)
        if late:
            ending = Ending.ROLLED_BACK if analysis.on_blind == "rollback" else Ending.HELD
            reason = f"could not be judged for {analysis.max_blind:g} s ({_turn_text(turn, Verdict.BLIND)})"
            return Replay(ending, turn.at, reason, tuple(turns), looks)
    assert turn is not None  # a stretch has one look at the least
    return _through(turn, (*turns, *([turn] if turn is not turns[-1] else [])), looks)


def _polls(stretch: Stretch, poll: float) -> Iterator[float]:
    """From its begin on, and its end."""
    count = int((stretch.end - stretch.start) / poll)
    yield from (stretch.start + number * poll for number in range(count + 1))
    if stretch.start + count * poll < stretch.end:
        yield stretch.end


def _there(pods: Sequence[PodSeen], at: float) -> tuple[PodSeen, ...]:
    """Those that existed by then."""
    return tuple(pod for pod in pods if pod.since <= at)


def _analyzer_of(past: Past, analysis: Analysis, evidence_store: EvidenceStore, bake: Bake) -> StepAnalyzer:
    setup = StepSetup(bake.baseline, shared=bake.shared, alone=bake.side is Side.CANDIDATE)
    return StepAnalyzer(analysis, past, (), lambda: past.at, setup, evidence_store=evidence_store, timeout=TIMEOUT)


def _through(turn: Turn, turns: tuple[Turn, ...], looks: int) -> Replay:
    if turn.verdict is Verdict.BLIND:
        return Replay(Ending.HELD, turn.at, f"not judged at the end ({_turn_text(turn, Verdict.BLIND)})", turns, looks)
    if open_ := [check.name for check in turn.checks if check.proved is False]:
        return Replay(Ending.UNPROVED, turn.at, f"nothing against it, and not proved to be no worse: {', '.join(open_)}", turns, looks)
    return Replay(Ending.PASSED, turn.at, "nothing against it", turns, looks)


def _turn_text(turn: Turn, verdict: Verdict) -> str:
    return "; ".join(f"{check.name}: {check.why}" for check in turn.checks if check.verdict is verdict)
