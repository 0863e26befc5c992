"""Plays the cells: groups that share a history, each in a process of its own."""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial

import numpy as np

from bench.analysis import latency, latency_world, world
from bench.analysis.cells import Cell, grid, reference
from bench.analysis.figures import Ended, Figure, figure, joined
from bench.analysis.hybrid import Tuning
from bench.analysis.latency_world import Slow
from bench.analysis.methods import HYBRID, KAYENTA, WORSE, judged
from bench.analysis.tuning import checked, tune

AT_ONCE = 250  # repetitions of a rollout
PASTS_AT_ONCE = 50
FEW = 20


@dataclass(frozen=True)
class Plan:
    """reps: of null cells; those of statistics.md have more, the rest of the grid a tenth. cells: null, table or all."""

    cells: str = "all"
    reps: int = 600
    seed: int = 1

    def of(self, cell: Cell) -> int:
        return self.reps if cell.null else self.table if cell in reference() else max(FEW, self.reps // 10)

    def kayenta(self, cell: Cell) -> int:
        return max(FEW, self.table // 5 if cell in reference() else self.reps // 10 if cell.null else FEW)

    @property
    def table(self) -> int:
        return self.reps * 5 // 3

    @property
    def histories(self) -> int:
        return max(FEW, self.reps // 3)

    def chosen(self) -> list[Cell]:
        known = list(reference())
        match self.cells:
            case "null":
                return [cell for cell in grid() if cell.null]
            case "table":
                return known
            case _:
                return list(dict.fromkeys([*grid(), *known]))

    def latencies(self) -> list[tuple[Slow, int]]:
        kinds = [kind for kind in latency_world.KINDS if self.cells == "all" or kind.null == (self.cells == "null")]
        return [(kind, rps) for rps in (200, 20) for kind in kinds]


def play(plan: Plan, jobs: int) -> list[Figure]:
    """Every figure of every cell, in the order of the cells."""
    tasks: list[Callable[[], list[Figure]]] = [partial(play_latency, plan, kind, rps) for kind, rps in plan.latencies()]
    tasks += [partial(play_group, plan, cells) for cells in _groups(plan.chosen())]
    found: dict[int, list[Figure]] = {}
    begin = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        running = {pool.submit(task): number for number, task in enumerate(tasks)}
        for done in as_completed(running):
            found[running[done]] = done.result()
            if len(found) % 20 == 0 or len(found) == len(tasks):
                print(f"bench analysis: {len(found)} of {len(tasks)} worlds, {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return [row for number in range(len(tasks)) for row in found[number]]


def play_group(plan: Plan, cells: list[Cell]) -> list[Figure]:
    """Cells of one world, which share their histories: the canary's share and its regression are not in these."""
    tuning = _tuned(plan, cells[0])
    return [row for cell in cells for row in _figures(cell, _play(plan, cell, tuning))]


def _tuned(plan: Plan, cell: Cell) -> Tuning:
    rng = np.random.default_rng([plan.seed, Cell(cell.model, cell.base, cell.rps, 0.0, 1.0).seed, 0])
    parts = []
    for begin in range(0, plan.histories, PASTS_AT_ONCE):
        past = world.history(rng, cell, min(PASTS_AT_ONCE, plan.histories - begin))
        parts.append(checked(rng, past, tune(past)))
    return _one(parts)


def _play(plan: Plan, cell: Cell, tuning: Tuning) -> dict[str, Ended]:
    rng = np.random.default_rng([plan.seed, cell.seed, 1])
    parts, reps, kayenta = [], plan.of(cell), plan.kayenta(cell)
    for begin in range(0, reps, AT_ONCE):
        many = min(AT_ONCE, reps - begin)
        at = tuning.take(np.arange(begin, begin + many) % len(tuning.phi))  # the histories in turn
        parts.append(judged(world.rollout(rng, cell, many), at, with_kayenta=max(0, min(many, kayenta - begin))))
    return joined(parts)


def _figures(cell: Cell, ended: dict[str, Ended]) -> list[Figure]:
    """A regression that comes late is no wrong promotion: what was proved before it was true then."""
    return [figure(cell, name, one, null=cell.null, worse=cell.factor >= WORSE and not cell.start) for name, one in ended.items()]


def play_latency(plan: Plan, kind: Slow, rps: int) -> list[Figure]:
    """Each method on response times."""
    rng = np.random.default_rng([plan.seed, latency_world.seed(kind, rps)])
    pasts = [
        latency.tunings(latency_world.history(rng, kind, rps, PASTS_AT_ONCE)) for _ in range(0, max(1, plan.histories // 2), PASTS_AT_ONCE)
    ]
    tuned = [_one([past[0][i] for past in pasts]) for i in range(len(latency_world.BOUNDARIES))]
    useful = np.concatenate([past[1] for past in pasts])
    parts = []
    reps = plan.reps if kind.null else plan.table
    for begin in range(0, reps, AT_ONCE):
        many = min(AT_ONCE, reps - begin)
        which = np.arange(begin, begin + many) % len(useful)
        counts = latency_world.rollout(rng, kind, rps, many)
        when = {name: latency.hybrid(counts, [one.take(which) for one in tuned], useful[which], alpha) for alpha, name in HYBRID.items()}
        when |= {"dkw bands .01": latency.dkw(counts, 0.01), "flagger p99 > 500 ms": latency.flagger(counts)}
        some = counts[: max(0, reps // 5 - begin)]
        if len(some):
            when |= dict(zip(KAYENTA, (latency.kayenta_hourly(some), latency.kayenta_growing(some)), strict=True))
        parts.append({name: Ended(one) for name, one in when.items()})
    return [figure((kind.name, rps), name, one, null=kind.null, worse=False) for name, one in joined(parts).items()]


def _one(parts: list[Tuning]) -> Tuning:
    names = ("phi", "block", "tempered", "assumed")
    return Tuning(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _groups(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Those that take longest first."""
    groups: dict[tuple[str, float, int], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[cell.model, cell.base, cell.rps].append(cell)
    slow = {"sticky": 2, "cluster": 1}
    return sorted(groups.values(), key=lambda group: (slow.get(group[0].model, 0), group[0].rps * group[0].base), reverse=True)
