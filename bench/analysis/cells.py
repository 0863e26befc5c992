"""The cells of the benchmark: which service, which regression, which share of the traffic, which kind of world."""

import csv
import itertools
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

MODELS = ("iid", "diurnal", "common", "traffburst", "cluster", "sticky", "podhet", "ramp")
BASES = (0.0001, 0.001, 0.01, 0.05)
FACTORS = (1.0, 1.5, 2.0, 5.0, 10.0, 50.0)
RATES = (2, 20, 200, 2000)
WEIGHTS = (0.01, 0.05, 0.1, 0.5)
RAMP = (0.05, 0.1, 0.25, 0.5)  # a quarter of the hour each
SURGE = {"diurnal": 1.5, "common": 20.0, "ramp": 1.5}  # how far the model itself lifts the error share, at most


@dataclass(frozen=True, order=True)
class Cell:
    """base: error share of stable. factor: how many times as bad the candidate is, from minute `start` on. weight 0: the ramp."""

    model: str
    base: float
    rps: int
    weight: float
    factor: float
    start: float = 0.0

    @property
    def null(self) -> bool:
        return self.factor == 1

    @property
    def possible(self) -> bool:
        return self.base * self.factor * SURGE.get(self.model, 1.0) <= 1

    @property
    def seed(self) -> int:
        return crc32(repr(self).encode())

    def __str__(self) -> str:
        late = f" from min {self.start:g}" if self.start else ""
        weight = "5/10/25/50 %" if self.model == "ramp" else f"{self.weight:.0%}"
        return f"{self.model}, {self.rps} rps, {100 * self.base:g} %, weight {weight}, x{self.factor:g}{late}"


@dataclass(frozen=True)
class Known:
    """Minutes and failed requests until the rollback that statistics.md measured for a cell, at alpha .01 and .05. None: not told."""

    minutes: dict[float, float | None]
    failed: dict[float, float | None]


def grid() -> list[Cell]:
    """Every cell that can be: no error share above one."""
    cells = [
        Cell(model, base, rps, weight, factor)
        for model, base, rps, factor in itertools.product(MODELS, BASES, RATES, FACTORS)
        for weight in ((0.0,) if model == "ramp" else WEIGHTS)
    ]
    return [cell for cell in cells if cell.possible]


def reference() -> dict[Cell, Known]:
    """The regression table of statistics.md: its columns HYBRID .01 and HYBRID .05."""
    known = {}
    for row in _rows("reference.csv"):
        cell = Cell(row["model"], float(row["base"]), int(row["rps"]), 0.1, float(row["factor"]), float(row["start"]))
        known[cell] = Known({a: _number(row[f"minutes{a}"]) for a in (0.01, 0.05)}, {a: _number(row[f"failed{a}"]) for a in (0.01, 0.05)})
    return known


def latency_reference() -> dict[tuple[str, int], float]:
    """Mean minutes of the hybrid, by kind of regression and requests a second."""
    return {(row["kind"], int(row["rps"])): float(row["minutes"]) for row in _rows("reference_latency.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    with Path(__file__).with_name(name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _number(text: str) -> float | None:
    return float(text) if text else None
