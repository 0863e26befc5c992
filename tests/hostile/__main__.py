"""`python -m tests.hostile --cases 100000`: hostile input of every family; prints figures, and writes each failing seed down."""

# ruff: noqa: T201  it is a command

import argparse
import logging
import multiprocessing
import tempfile
import time
from pathlib import Path

from tests.hostile.families import FAMILIES, jobs
from tests.hostile.watch import Report, environment, watched

REGRESSIONS = Path(__file__).with_name("regressions.txt")
OFTEN = 500  # cases that one worker plays: its memory is the sum of what they left behind


def started() -> None:
    logging.disable(logging.CRITICAL)
    environment(Path(tempfile.mkdtemp(prefix="deliver-hostile-")))


def one(job: tuple[str, int]) -> Report:
    family, seed = job
    return watched(family, seed, FAMILIES[family][0])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no new case after that")
    parser.add_argument("--first", type=int, default=1_000_000, help="first seed of each family")
    parser.add_argument("--family", action="append", choices=FAMILIES, help="these alone; may be repeated")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args()
    began, names = time.monotonic(), options.family or list(FAMILIES)
    reports: dict[str, list[Report]] = {name: [] for name in names}
    with multiprocessing.get_context("fork").Pool(options.processes, started, maxtasksperchild=OFTEN) as pool:
        for done, report in enumerate(pool.imap_unordered(one, jobs(options.cases, options.first, names), 5), 1):
            reports[report.family].append(report)
            if report.fault:
                print(f"{report.family} {report.seed}: {report.fault}", flush=True)
                with REGRESSIONS.open("a", encoding="utf-8") as file:
                    file.write(f"{report.family} {report.seed}  # {' '.join(report.fault.split())[:100]}\n")
            if done % 5000 == 0:
                print(f"{done} cases, {time.monotonic() - began:.0f} s", flush=True)
            if time.monotonic() - began > options.seconds:
                pool.terminate()
                break
    print(f"first seed {options.first}; family, cases, failing, slowest (s of CPU), largest worker (MB)")
    for name, found in reports.items():
        print(summed(name, found))
    everything = [report for found in reports.values() for report in found]
    print(summed("all", everything))
    return 1 if any(report.fault for report in everything) else 0


def summed(name: str, found: list[Report]) -> str:
    failing = sum(bool(report.fault) for report in found)
    slowest = max((report.seconds for report in found), default=0.0)
    return f"{name:12}{len(found):8}{failing:6}{slowest:8.2f}{max((report.megabytes for report in found), default=0.0):8.0f}"


if __name__ == "__main__":
    raise SystemExit(main())
