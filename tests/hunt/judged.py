"""`python -m tests.hunt.judged --seconds N`: random worlds in which the real judge judges real samples; `--seed N`: one, told.

`--table`: releases good and bad at fixed settings (judged_table.py). The rules are in judged_watch.py, by judging_rules.py.
"""

# ruff: noqa: T201

import argparse
import gc
import itertools
import multiprocessing
import re
import threading
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deliver.model.release import Outcome
from tests.hunt.judged_play import Result, play
from tests.hunt.judged_table import table
from tests.hunt.judged_watch import Wait
from tests.hunt.judged_worlds import story

REGRESSIONS = Path(__file__).with_name("judged_regressions.txt")


def one(seed: int) -> Result:
    """A fault of the hunt itself must not look like a world without a broken rule."""
    found = story(seed)
    try:
        return play(found)
    except BaseException:
        return Result(found, (f"(hunt) failed: {traceback.format_exc()[-1200:]}",), None)


@dataclass
class Tally:
    """What was played. found: rule -> (worlds in which it was broken, worlds played until the first one)."""

    worlds: int = 0
    hours: float = 0.0
    failing: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    found: dict[str, list[int]] = field(default_factory=dict)
    good: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    late: list[tuple[float, int]] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)

    def take(self, result: Result) -> None:
        self.worlds, self.hours = self.worlds + 1, self.hours + result.hours
        if result.outcome is None and not result.broken:
            self.refused[result.reason[:60]] += 1
        kind = "good" if not result.story.fault.kind else f"bad from the {result.story.fault.when}"
        self.ends[f"{kind}: {result.outcome}"] += 1
        self.failing += bool(result.broken)
        for rule in {text.partition(")")[0] + ")" for text in result.broken}:
            self.found.setdefault(rule, [0, self.worlds])[0] += 1
        if not result.story.fault.kind:
            how = result.story.scraping
            end = _end(result)
            self.good[f"scrape {how.every:3g} s"][end] += 1
            by = "evidence alone" if set(result.story.wanted) <= {"errors", "times"} else "a fixed limit too"
            self.good[f"by {by}"][end] += 1
            self.good[f"late  {result.story.lag + result.story.offset:3g} s"][end] += 1
            self.waits += result.waits
            self.late += [(wait.late, result.story.seed) for wait in result.waits if wait.late and not wait.leant]

    def __str__(self) -> str:
        lines = [f"{self.worlds} worlds, {self.hours:.0f} simulated hours, {self.failing} with a broken rule"]
        lines += [f"  {rule}: in {count} worlds, first in world number {first}" for rule, (count, first) in sorted(self.found.items())]
        lines += [f"  {name}: {count}" for name, count in sorted(self.ends.items())]
        lines += [f"  refused: {count} x {why}" for why, count in self.refused.most_common(5)]
        for name, ends in sorted(self.good.items()):
            shares = ", ".join(f"{end} {100 * count / ends.total():.1f} %" for end, count in sorted(ends.items()))
            lines.append(f"  good versions, {name}: {ends.total()}: {shares}")
        lines.append(f"  {_waited(self.waits)}")
        lines += [f"    {seconds:.0f} s later than due: seed {seed}" for seconds, seed in sorted(self.late, reverse=True)[:5]]
        return "\n".join(lines)


def _end(result: Result) -> str:
    """How a good version ended: taken back by what was measured, or for want of it."""
    blind = "could not be judged" in result.reason
    return {Outcome.ROLLED_BACK: "back unseen" if blind else "taken back", Outcome.HELD: "held unseen" if blind else "held"}.get(
        result.outcome or Outcome.PROMOTED, str(result.outcome).lower()
    )


def _waited(waits: Sequence[Wait]) -> str:
    """Of good versions' steps: which were longer than they had to be, on data that leant by chance or did not."""
    known = [wait for wait in waits if not (wait.proof or wait.asleep)]
    extra = sorted(wait.extra for wait in known) or [0.0]
    most = f"median {extra[len(extra) // 2]:.0f} s, nine of ten {extra[len(extra) * 9 // 10]:.0f} s, longest {extra[-1]:.0f} s"
    late = [wait for wait in known if wait.late]
    leant = sum(wait.leant for wait in late)
    told = f"longer than due: {leant} that leant by chance, {len(late) - leant} others"
    return f"steps of good versions: {len(known)}, beyond the bake {most}; {told}"


def seeds(first: int, *, good: bool) -> Iterator[int]:
    return (seed for seed in itertools.count(first) if not good or not story(seed).fault.kind)


def jobs(wanted: Iterator[int], end: float, room: threading.Semaphore) -> Iterator[int]:
    for seed in wanted:
        room.acquire()
        if time.monotonic() >= end:
            return
        yield seed


def seldom_collecting() -> None:
    """A world is gone as a whole when it has been played; to look for garbage in it meanwhile costs a tenth of the time."""
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)


def hunt(seconds: float, wanted: Iterator[int], processes: int, *, keep: bool) -> Tally:
    end, tally = time.monotonic() + seconds, Tally()
    room = threading.Semaphore(4 * processes)
    with multiprocessing.Pool(processes, seldom_collecting) as pool:
        for result in pool.imap_unordered(one, jobs(wanted, end, room)):
            room.release()
            tally.take(result)
            for text in result.broken:
                print(f"{result.story}\n    {text}", flush=True)
            if result.broken and keep:
                with REGRESSIONS.open("a") as file:
                    file.write(f"{result.story.seed}  # {result.broken[0]}\n")
    return tally


def told(seed: int) -> int:
    result = one(seed)
    print(result.story)
    print(f"{result.outcome}: {result.reason} ({result.hours:.2f} h, {result.served} requests to the new version)")
    for wait in result.waits:
        print(f"    {wait}")
    for text in result.broken:
        print(f"    {text}")
    return 1 if result.broken else 0


def kept() -> list[int]:
    """Seeds that broke a rule once."""
    lines = REGRESSIONS.read_text().splitlines() if REGRESSIONS.exists() else []
    return sorted({int(found[0]) for line in lines if (found := re.match(r"\d+", line))})


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hunt.judged")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--first", type=int, default=int(time.time()), help="first seed (default: the time)")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--seed", type=int, help="play this one world, and tell it")
    parser.add_argument("--table", action="store_true", help="releases good and bad at fixed settings, as a table")
    parser.add_argument("--good", action="store_true", help="good versions alone")
    parser.add_argument("--keep", action="store_true", help=f"write seeds that fail into {REGRESSIONS.name}")
    options = parser.parse_args()
    if options.seed is not None:
        return told(options.seed)
    if options.table:
        return table(options.processes)
    tally = hunt(options.seconds, seeds(options.first, good=options.good), options.processes, keep=options.keep)
    print(tally)
    return 1 if tally.failing else 0


if __name__ == "__main__":
    raise SystemExit(main())
