"""Twenty bad releases and twenty good ones at each setting and by each strategy, as a table: what the issue and the README promise."""

# ruff: noqa: T201

import multiprocessing
from collections.abc import Iterator, Sequence

from deliver.model.release import Outcome
from deliver_sandbox.scrapes import Scraping
from tests.hunt.judged_play import Result, play
from tests.hunt.judged_worlds import Fault, Story

RELEASES = 20
STORES = ((2.0, 0.0, 0.0), (15.0, 0.0, 0.0), (30.0, 0.0, 0.0), (15.0, 30.0, 0.0), (15.0, 0.0, 30.0))
STRATEGIES = ("canary", "blue-green", "flag")
BAD = Fault("errors", 0.2)
HEAD = ("store", "strategy", "version", "promoted", "back", "held", "passed on data against it", "longest extra wait", "broken rules")


def stories(store: tuple[float, float, float], strategy: str, fault: Fault) -> Iterator[Story]:
    every, lag, offset = store
    for seed in range(1, RELEASES + 1):
        scraping = Scraping(every, apart=True, jitter=0.05, discovery=5.0, born=True)
        yield Story(
            seed, scraping, lag, offset, past=900.0, rps=100.0, errors=0.001, fault=fault, strategy=strategy, weights=(20, 50),
            bake=60.0, hold=30.0, stale=max(60.0, 30.0 + 2 * (every + lag)),
        )  # fmt: skip


def table(processes: int) -> int:
    """Exit code 1 where a bad one was promoted or a step passed on data against it."""
    rows, wrong = [], False
    with multiprocessing.Pool(processes) as pool:
        for store in STORES:
            for strategy in STRATEGIES:
                for fault in (BAD, Fault()):
                    results = pool.map(play, stories(store, strategy, fault), chunksize=2)
                    rows.append(_row(store, strategy, fault, results))
                    print("  ".join(text.ljust(width) for text, width in zip(rows[-1], _widths([HEAD, *rows]), strict=True)), flush=True)
                    wrong = wrong or any(one.against or (fault.kind and one.outcome is Outcome.PROMOTED) for one in results)
    print()
    for row in [HEAD, *rows]:
        print("  ".join(text.ljust(width) for text, width in zip(row, _widths([HEAD, *rows]), strict=True)))
    return 1 if wrong else 0


def _row(store: tuple[float, float, float], strategy: str, fault: Fault, results: Sequence[Result]) -> tuple[str, ...]:
    every, lag, offset = store
    ends = [str(sum(one.outcome is end for one in results)) for end in (Outcome.PROMOTED, Outcome.ROLLED_BACK, Outcome.HELD)]
    waits = [wait.extra for one in results for wait in one.waits]
    broken = sorted({text.partition(")")[0] + ")" for one in results for text in one.broken})
    where = f"{every:g} s" + (f", {lag:g} s late" if lag else "") + (f", latencyOffset {offset:g} s" if offset else "")
    longest = f"{max(waits):.0f} s" if waits else "no step passed"
    against = str(sum(one.against for one in results))
    return (where, strategy, "20 % errors" if fault.kind else "good", *ends, against, longest, " ".join(broken) or "none")


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]
