"""Placebo releases: the test is run on the stable side's history with randomly drawn pods in the place of a candidate.

Nothing was released then, so each alarm is false. With too many of them the dispersion is raised (statistics.md 2e).
"""

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import TYPE_CHECKING

from deliver.analysis import e_process
from deliver.analysis.e_process import starting_logs
from deliver.analysis.history import History, coarser
from deliver.model.evidence import Calibration, Tally, Wealth

if TYPE_CHECKING:
    from random import Random  # the caller passes one with its own seed

RUNS, POLLS = 40, 120  # placebo releases, and polls of each at most: what the check may cost
COSTLY_RUNS, COSTLY_POLLS = 20, 60  # the same where each poll takes the exact law
RAISE = 1.5
TRIES = 8


def calibrate_by_placebo(
    calibration: Calibration, history: History, margin: float, alpha: float, fraction: float, random: "Random"
) -> Calibration:
    """The calibration with its dispersion raised until at most alpha of the placebo releases alarm. fraction: 0..1 of pods to draw."""
    many, polls = (COSTLY_RUNS, COSTLY_POLLS) if calibration.exact else (RUNS, POLLS)
    runs = [placebo_run(history, calibration.every, fraction, random, polls) for _ in range(many)] if len(history.total) > 1 else []
    runs = [run for run in runs if run]
    crossed = crossings(runs, calibration, margin, alpha)
    for _ in range(TRIES):
        if crossed <= alpha * len(runs):
            break
        calibration = replace(calibration, phi=calibration.phi * RAISE, block=0)
        crossed = crossings(runs, calibration, margin, alpha)
    return replace(calibration, crossed=crossed, placebos=len(runs))


def placebo_run(history: History, every: float, fraction: float, random: "Random", polls: int = POLLS) -> list[Tally]:
    """Polls of one placebo release: pods drawn at random against the others, from a random time on."""
    times = max(round(every / history.step), 1)
    pods = range(len(history.total))
    candidates = set(random.sample(pods, min(max(round(fraction * len(pods)), 1), len(pods) - 1)))
    length = polls * times
    begin = random.randrange(max(history.columns - length, 0) + 1)
    part = coarser(_cut(history, begin, length), times)
    return [_tally(part, at, candidates) for at in range(part.columns)]


def crossings(runs: Sequence[Sequence[Tally]], calibration: Calibration, margin: float, alpha: float) -> int:
    return sum(_crosses(run, calibration, margin, alpha) for run in runs)


def _crosses(run: Sequence[Tally], calibration: Calibration, margin: float, alpha: float) -> bool:
    calibration, now = replace(calibration, planned=len(run)), Wealth()
    for poll in run:
        if poll.candidate_total and poll.stable_total:
            now = e_process.compare(now, poll, calibration, margin)
            if e_process.log_evidence(now, starting_logs(calibration)) >= -log(alpha):
                return True
    return False


def _cut(history: History, begin: int, length: int) -> History:
    bad, total = (tuple(row[begin : begin + length] for row in rows) for rows in (history.bad, history.total))
    return History(history.step, bad, total)


def _tally(history: History, at: int, candidates: set[int]) -> Tally:
    counts = [0, 0, 0, 0]
    for pod, (bad, total) in enumerate(zip(history.bad, history.total, strict=True)):
        first = 0 if pod in candidates else 2
        counts[first] += bad[at]
        counts[first + 1] += total[at]
    return Tally(*counts)
