"""Six cells of the analysis benchmark with real pods, requests and Prometheus, beside the same cells simulated."""

import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import log

from bench.shop import shop
from bench.table import Row
from deliver.analysis import e_process
from deliver.analysis.e_process import starting_logs
from deliver.metrics.calibrate import ASSUMED_DISPERSION
from deliver.model.evidence import Calibration, Tally, Wealth
from tests.e2e.support.events import baking, unix
from tests.e2e.support.world import ERRORS, World

RUNS = 3
REPS = 300
RPS = 200.0
SHARE = 0.25  # half of the endpoints, and half of the users keep their old connections
POLL = 2.0  # seconds, as the lab's Prometheus scrapes
LONGEST = 60.0  # seconds after which a run counts as not taken back
ALPHA, MARGIN = 0.05, 1.2
LAG = 3.0  # seconds: a scrape, the poll after it, and the traffic's way back


@dataclass(frozen=True)
class Cell:
    """base: stable's share of bad requests, percent. factor: the candidate's, times that."""

    base: float
    factor: float

    def __str__(self) -> str:
        return f"{self.base:g} % x{self.factor:g}"


CELLS = (Cell(1.0, 1.0), Cell(5.0, 1.0), Cell(5.0, 2.0), Cell(1.0, 5.0), Cell(1.0, 10.0), Cell(0.5, 50.0))


def measure(runs: int = RUNS) -> list[Row]:
    rows = []
    with shop("weighing", replicas=2) as world:
        for cell in CELLS:
            with world.users(RPS):
                seen = [real(world, cell) for _ in range(runs)]
            made = [simulated(cell, random.Random(seed)) for seed in range(REPS)]  # no secret
            print(f"  {cell}: {seen} s, simulated {told(made)}", file=sys.stderr)
            rows.append(
                Row(f"evidence, {cell}, {100 * SHARE:g} % of {RPS:g} rps", told(seen), f"simulated {told(made)}", agree(cell, seen, made))
            )
    return rows


def real(world: World, cell: Cell) -> float | None:
    """Seconds from the regression to the traffic off the candidate; None where it was not taken back in time."""
    world.chaos("1.0.0", f"errors={cell.base:g}")
    metric = {key: ERRORS[key] for key in ("name", "bad", "total")} | {"min_samples": 20, "margin": f"{MARGIN}x"}
    analysis = {"poll": f"{POLL:g}s", "false_alarms": f"{100 * ALPHA:g}%", "prove": "nothing", "metrics": [metric]}
    running = world.release("1.1.0", strategy={"canary": {"weight": [50], "bake": f"{LONGEST:g}s"}}, analysis=analysis)
    world.eventually("the candidate's pods", lambda: len(world.pods("1.1.0")) == 2, 60)
    running.wait_for("the bake", baking(0))
    world.chaos("1.1.0", f"errors={cell.base * cell.factor:g}")
    begin = time.time()
    with suppress(AssertionError, TimeoutError):  # it stays: the steps after it do not matter
        running.wait_for("an end", lambda event: "rolling back" in str(event.get("event", "")), LONGEST + 10)
    world.on_target("rollback")
    result = running.end()
    if result.code != 3:  # held, promoted or aborted: not by the evidence
        return None
    view = world.status()
    return round(unix(view["traffic_off"]) - begin, 1) if view["reason"].startswith("errors") else None


def simulated(cell: Cell, chance: random.Random) -> float | None:
    """By the product's own evidence, without a past, as on a lab that has just begun."""
    calibration = Calibration(phi=ASSUMED_DISPERSION, assumed=True, likelihood=True, every=POLL, planned=round(2 * LONGEST / POLL))
    now = Wealth()
    for number, poll in enumerate(polls(cell, chance), 1):
        now = e_process.compare(now, poll, calibration, MARGIN)
        if e_process.log_evidence(now, starting_logs(calibration)) >= -log(ALPHA):
            return number * POLL + LAG
    return None


def polls(cell: Cell, chance: random.Random) -> Iterator[Tally]:
    n, m = round(RPS * POLL * SHARE), round(RPS * POLL * (1 - SHARE))
    for _ in range(round(LONGEST / POLL)):
        arms = ((n, cell.base * cell.factor), (m, cell.base))
        mine, theirs = (sum(chance.random() < share / 100 for _ in range(many)) for many, share in arms)
        yield Tally(mine, n, theirs, m)


def agree(cell: Cell, seen: list[float | None], made: list[float | None]) -> bool:
    """Healthy: never taken back. Else: as often as simulated, within half of the simulated median and 3 s."""
    found = [one for one in seen if one is not None]
    if cell.factor == 1:
        return not found
    expected = [one if one is not None else LONGEST for one in made]
    middle = statistics.median(expected)
    return abs(statistics.median([one if one is not None else LONGEST for one in seen]) - middle) <= middle / 2 + LAG


def told(seen: list[float | None]) -> str:
    found = sorted(one for one in seen if one is not None)
    if not found:
        return f"0 of {len(seen)} taken back"
    return f"{len(found)} of {len(seen)} taken back, median {statistics.median(found):.1f} s"
