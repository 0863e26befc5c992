"""Polls, one after the other, as a driver would have made them; and what it would have done."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from deliver.metrics.examiner import Examiner
from deliver.metrics.ledger import Ledger
from deliver.model.seen import PodSeen
from deliver.model.spec import Analysis
from deliver.model.verdict import CheckResult, Verdict, combined
from deliver.replaying.past import TIMEOUT, Past


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
    share: float | None = None


@dataclass(frozen=True)
class Stretch:
    """What is replayed: from when to when, and when each step began to bake (at least one, the first).

    baselines: of each step, the seconds of the stable side's past that it was compared with, 0 = its present.
    """

    start: float
    end: float
    begins: tuple[float, ...]
    baselines: tuple[float, ...] = ()


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
    ledger: Ledger | None = None,
) -> Replay:
    """Ends at the first FAIL, or when nothing could be judged for `max_blind`. Deterministic: the samples decide, not the time of day."""
    ledger = ledger or Ledger()
    steps = list(zip(stretch.begins, stretch.baselines or (0.0,) * len(stretch.begins), strict=True))
    examiner = _examiner(past, analysis, ledger, steps[0][1])
    turns: list[Turn] = []
    blind, looks = 0.0, 0
    past.at = stretch.start
    while True:
        if steps and past.at >= steps[0][0]:
            began, baseline = steps.pop(0)
            examiner = _examiner(past, analysis, ledger, baseline)
            examiner.reset(began)
        examination = examiner.examine(namespace, stable, candidate)
        looks += 1
        turn = Turn(past.at, combined(examination.results), examination.results, examination.share)
        blind = (blind or past.at) if turn.verdict is Verdict.BLIND else 0.0
        late = bool(blind) and past.at - blind >= analysis.max_blind
        last = past.at >= stretch.end
        if not turns or turn.verdict is not turns[-1].verdict or late or last:
            turns.append(turn)
        if turn.verdict is Verdict.FAIL:
            return Replay(Ending.ROLLED_BACK, turn.at, _told(turn, Verdict.FAIL), tuple(turns), looks)
        if late:
            ending = Ending.ROLLED_BACK if analysis.on_blind == "rollback" else Ending.HELD
            reason = f"could not be judged for {analysis.max_blind:g} s ({_told(turn, Verdict.BLIND)})"
            return Replay(ending, turn.at, reason, tuple(turns), looks)
        if last:
            return _through(turn, tuple(turns), looks)
        past.at = min(past.at + analysis.poll, stretch.end)


def _examiner(past: Past, analysis: Analysis, ledger: Ledger, baseline: float) -> Examiner:
    return Examiner(analysis, past, (), lambda: past.at, timeout=TIMEOUT, baseline=baseline, ledger=ledger)


def _through(turn: Turn, turns: tuple[Turn, ...], looks: int) -> Replay:
    if turn.verdict is Verdict.BLIND:
        return Replay(Ending.HELD, turn.at, f"not judged at the end ({_told(turn, Verdict.BLIND)})", turns, looks)
    if open_ := [check.name for check in turn.checks if check.proved is False]:
        return Replay(Ending.UNPROVED, turn.at, f"nothing against it, and not proved to be no worse: {', '.join(open_)}", turns, looks)
    return Replay(Ending.PASSED, turn.at, "nothing against it", turns, looks)


def _told(turn: Turn, verdict: Verdict) -> str:
    return "; ".join(f"{check.name}: {check.why}" for check in turn.checks if check.verdict is verdict)
