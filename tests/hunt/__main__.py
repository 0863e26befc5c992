"""`make hunt SECONDS=600`: as many random worlds and crash pairs as fit on all cores; prints figures, and writes each failing seed down."""

# ruff: noqa: T201

import argparse
import gc
import itertools
import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.hunt.crash_pairs import Pair, crash
from tests.hunt.play import Result, play
from tests.hunt.worlds import MAKERS, Story

KINDS = ("wild", "late", "green", "pair", "outside", "wild", "late", "flag", "pair", "person", "wild", "green", "small")
OFTEN = 1000
WORLDS = 50  # that a process plays before another takes its place
REGRESSIONS = Path(__file__).with_name("regressions.txt")


def one(job: tuple[str, int]) -> tuple[str, int, Result]:
    """A fault of the hunt itself must not look like a world without a broken rule."""
    kind, seed = job
    try:
        return kind, seed, crash(Pair.of(seed)) if kind == "pair" else play(MAKERS[kind](seed))
    except BaseException as error:
        return kind, seed, Result(Story(seed), (f"the hunt failed: {error!r}",), 0.0, 0, 0, "None")


def jobs(first: int, kinds: Sequence[str] = KINDS) -> Iterator[tuple[str, int]]:
    for seed in itertools.count(first):
        yield kinds[seed % len(kinds)], seed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hunt")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--first", type=int, default=int(time.time()), help="first seed (default: the time)")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--kinds", nargs="+", choices=(*MAKERS, "pair"), default=KINDS, help="what is played, in turns (default: all)")
    options = parser.parse_args()
    end, tally = time.monotonic() + options.seconds, Tally()
    room = threading.Semaphore(4 * options.processes)
    with multiprocessing.Pool(options.processes, never_collecting, maxtasksperchild=WORLDS) as pool:
        for kind, seed, result in pool.imap_unordered(one, jobs_until(jobs(options.first, options.kinds), end, room)):
            room.release()
            tally.take(kind, result)
            if result.broken:
                print(f"{kind} {seed}: {result.broken[0]}", flush=True)
                with REGRESSIONS.open("a") as file:
                    file.write(f"{kind} {seed}  # {result.broken[0]}\n")
            if tally.counts.total() % OFTEN == 0:
                print(f"so far {tally}", flush=True)
    print(tally)
    return 1 if tally.failing else 0


@dataclass
class Tally:
    """What was played."""

    counts: Counter[str] = field(default_factory=Counter)
    hours: float = 0.0
    events: int = 0
    failing: int = 0

    def take(self, kind: str, result: Result) -> None:
        self.counts[kind] += 1
        self.hours, self.events = self.hours + result.hours, self.events + result.events
        self.failing += bool(result.broken)

    def __str__(self) -> str:
        counts = self.counts
        kinds = f"{counts['green']} of them blue-green, {counts['flag']} with a flag, {counts['late']} taken back late"
        worlds = f"{counts.total() - counts['pair']} worlds ({kinds}), {counts['pair']} crash pairs"
        return f"{worlds}, {self.hours:.0f} simulated hours, {self.events} events, {self.failing} with a broken rule"


def never_collecting() -> None:
    """To look for garbage costs a tenth of the time; a process goes after WORLDS of them with all that they left."""
    gc.disable()


def jobs_until(all_jobs: Iterator[tuple[str, int]], end: float, room: threading.Semaphore) -> Iterator[tuple[str, int]]:
    """The pool would take jobs far ahead of itself: there is room for some that wait."""
    for job in all_jobs:
        room.acquire()
        if time.monotonic() >= end:
            return
        yield job


if __name__ == "__main__":
    raise SystemExit(main())
