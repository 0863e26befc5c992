"""`make hunt SECONDS=600`: as many random worlds and crash pairs as fit on all cores; prints figures, and writes each failing seed down."""

# ruff: noqa: T201

import argparse
import gc
import itertools
import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.hunt.crash_pairs import Pair, crash
from tests.hunt.play import Result, play
from tests.hunt.worlds import MAKERS, Story

KINDS = ("wild", "late", "green", "pair", "wild", "late", "flag", "pair", "person", "wild", "green")
OFTEN = 1000
REGRESSIONS = Path(__file__).with_name("regressions.txt")


def one(job: tuple[str, int]) -> tuple[str, int, Result]:
    """A fault of the hunt itself must not look like a world without a broken rule."""
    kind, seed = job
    try:
        return kind, seed, crash(Pair.of(seed)) if kind == "pair" else play(MAKERS[kind](seed))
    except BaseException as error:
        return kind, seed, Result(Story(seed), (f"the hunt failed: {error!r}",), 0.0, 0, 0, "None")


def jobs(first: int) -> Iterator[tuple[str, int]]:
    for seed in itertools.count(first):
        yield KINDS[seed % len(KINDS)], seed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hunt")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--first", type=int, default=int(time.time()), help="first seed (default: the time)")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args()
    end, tally = time.monotonic() + options.seconds, Tally()
    room = threading.Semaphore(4 * options.processes)
    with multiprocessing.Pool(options.processes, seldom_collecting) as pool:
        for kind, seed, result in pool.imap_unordered(one, jobs_until(options.first, end, room)):
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


def seldom_collecting() -> None:
    """A world is gone as a whole when it has been played; to look for garbage in it meanwhile costs a tenth of the time."""
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)


def jobs_until(first: int, end: float, room: threading.Semaphore) -> Iterator[tuple[str, int]]:
    """The pool would take jobs far ahead of itself: there is room for some that wait."""
    for job in jobs(first):
        room.acquire()
        if time.monotonic() >= end:
            return
        yield job


if __name__ == "__main__":
    raise SystemExit(main())
