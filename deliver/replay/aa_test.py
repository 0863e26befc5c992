"""A/A: stable pods against stable pods. Nothing was released, so that every alarm is a false one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb
from random import Random

from deliver.analysis.wilson import wilson_interval
from deliver.model.errors import InputError
from deliver.model.observation import PodSeen
from deliver.replay.rejudge import Ending, Replay

Split = tuple[tuple[PodSeen, ...], tuple[PodSeen, ...]]


@dataclass(frozen=True)
class Alike:
    """runs: releases that were none. alarms: of them taken back; held: could not be judged. low, high: of the share of alarms, 0..1.

    possible: how many different splits there are. templates: how many pod templates they are of, by their names: with more than one,
    something was released in that time.
    """

    runs: int
    alarms: int
    held: int
    low: float
    high: float
    possible: int
    templates: int = 1


def splits(pods: Sequence[PodSeen], share: float, runs: int, seed: int) -> Iterator[Split]:
    """(those that stand for the candidate, the others), drawn at random. share: 0..1 of the pods. Raises InputError for less than two."""
    if len(pods) < 2:
        raise InputError(f"{len(pods)} stable pod in that time: there is nothing to split", why="an A/A replay needs two pods at the least")
    chance = Random(f"alike {seed}")  # a draw of pods, no secret
    size = size_of(pods, share)
    for _ in range(runs):
        drawn = set(chance.sample(range(len(pods)), size))
        yield (
            tuple(pod for at, pod in enumerate(pods) if at in drawn),
            tuple(pod for at, pod in enumerate(pods) if at not in drawn),
        )


def size_of(pods: Sequence[PodSeen], share: float) -> int:
    return min(max(round(share * len(pods)), 1), len(pods) - 1)


def summed(replays: Sequence[Replay], pods: Sequence[PodSeen], share: float) -> Alike:
    alarms = sum(one.ending is Ending.ROLLED_BACK for one in replays)
    held = sum(one.ending is Ending.HELD for one in replays)
    low, high = wilson_interval(alarms, len(replays)) or (0.0, 1.0)
    templates = {pod.name.rpartition("-")[0] for pod in pods}
    return Alike(len(replays), alarms, held, low, high, comb(len(pods), size_of(pods, share)), len(templates))
