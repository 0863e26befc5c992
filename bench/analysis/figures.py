"""What a cell of the benchmark says of one method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.arrays import Bools, Floats, Ints

HOUR = 60.0


@dataclass(frozen=True)
class Figure:
    """One row of the table. Shares of the repetitions; minutes are censored at the hour. None: has no such thing."""

    cell: object
    method: str
    reps: int
    null: bool
    rolled_back: float
    minutes: float
    minutes_error: float
    failed: float | None
    inconclusive: float | None
    wrong_promotion: float | None

    @property
    def false_rollback(self) -> float | None:
        return self.rolled_back if self.null else None

    @property
    def missed(self) -> float | None:
        return None if self.null else 1 - self.rolled_back


@dataclass(frozen=True)
class Ended:
    """Of each repetition: when it was rolled back (infinity: never), failed requests served until then, when it was proved fit."""

    when: Floats
    failed: Floats | None = None
    proved: Floats | None = None


def figure(cell: object, method: str, ended: Ended, *, null: bool, worse: bool) -> Figure:
    """worse: the candidate is as bad as a promotion must not be."""
    back = np.isfinite(ended.when)
    minutes = np.minimum(ended.when, HOUR)
    inconclusive = wrong = None
    if ended.proved is not None:
        fit = ended.proved < ended.when
        inconclusive, wrong = _share(~back & ~fit), _share(fit) if worse else None
    error = float(minutes.std() / np.sqrt(len(minutes)))
    failed = None if ended.failed is None else float(ended.failed.mean())
    return Figure(cell, method, len(back), null, _share(back), float(minutes.mean()), error, failed, inconclusive, wrong)


def served(bad: Ints, when: Floats, tick: float) -> Floats:
    """Failed requests of the canary until it was rolled back, or until the hour was over."""
    until = np.rint(60 * np.minimum(when, HOUR) / tick).astype(np.int64)
    return np.take_along_axis(np.cumsum(bad, axis=1), until[:, None] - 1, axis=1)[:, 0].astype(np.float64)


def joined(parts: Sequence[Mapping[str, Ended]]) -> dict[str, Ended]:
    """The same methods over several lots of repetitions; a method that a lot has not is left out there."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: _join([part[name] for part in parts if name in part]) for name in names}


def _join(all_: list[Ended]) -> Ended:
    def column(values: list[Floats | None]) -> Floats | None:
        there = [value for value in values if value is not None]
        return np.concatenate(there) if there else None

    return Ended(np.concatenate([e.when for e in all_]), column([e.failed for e in all_]), column([e.proved for e in all_]))


def _share(which: Bools) -> float:
    return float(which.mean())
