"""Two writers and an operator: every way in which one stands still at one of its calls while the other goes on (rule 7).

The first driver is stopped before its call `first`; then the second begins, and is stopped before its call `second`; then the first
goes on, for longer than any lock lives. What was acknowledged as rolled back must stay so, and no write under an old fence may count.
"""

# ruff: noqa: T201

import argparse
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass

from deliver_sandbox.faults import Call, Fault
from tests.hunt.play import Play, Result
from tests.hunt.process_cluster import HuntScript
from tests.hunt.worlds import Start, Story

VERBS = ("rollback", "abort", "takeover")
CALLS = {"run": 120, "rollback": 60, "abort": 50, "takeover": 110}


@dataclass(frozen=True)
class Duel:
    """first, second: call numbers. verb: the second writer's. still: seconds for which each stands still.

    operator: a third process says abort while the second stands still.
    """

    first: int
    second: int
    verb: str = "rollback"
    still: float = 20.0
    operator: bool = False


class DuelScript(HuntScript):
    """Stops each of the two once."""

    duel: Duel
    play: Play

    def before(self, call: Call) -> Fault | None:
        fault = super().before(call)
        me, duel = self.stage.current, self.duel
        if me is not None and me.name == "run-1" and me.calls == duel.first:
            self.play.process(duel.verb)
            me.freeze(duel.still)
        elif me is not None and me.name.endswith("-2") and me.calls == duel.second:
            self.stage.processes[0].frozen = False
            self.stage.processes[0].due = self.play.clock.now()
            if duel.operator:
                self.play.process("abort")
            me.freeze(duel.still)
        return fault


def fight(duel: Duel) -> Result:
    start = Start(replicas=1, weights=(50,), bake=1.0, drain=0.0, last="rollback", rps=20.0)
    play = Play(Story(duel.first * 1000 + duel.second, start))
    old = play.script
    script = DuelScript(play.stage, play.random, on_death=old.on_death)
    script.duel, script.play = duel, play
    play.script = play.cluster.script = script
    return play.play()


def fought(duel: Duel) -> tuple[Duel, tuple[str, ...]]:
    return duel, fight(duel).broken


def every(stride: int = 1) -> Iterator[Duel]:
    for verb in VERBS:
        for operator in (False, True):
            for first in range(4, CALLS["run"], stride):
                for second in range(1, CALLS[verb], stride):
                    yield Duel(first, second, verb, 20.0 if (first + second) % 2 else 3.0, operator)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hunt.writers")
    parser.add_argument("--stride", type=int, default=1, help="1: all of them; n: every n-th call of each")
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args()
    end, count, failing = time.monotonic() + options.seconds, 0, 0
    with multiprocessing.Pool(options.processes) as pool:
        for duel, broken in pool.imap_unordered(fought, every(options.stride), chunksize=20):
            count += 1
            if broken:
                failing += 1
                print(f"{duel}: {broken[0]}", flush=True)
            if time.monotonic() > end:
                pool.terminate()
                break
    print(f"{count} interleavings of two writers and an operator, {failing} with a broken rule")
    return 1 if failing else 0


if __name__ == "__main__":
    raise SystemExit(main())
