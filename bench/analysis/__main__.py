"""`python -m bench.analysis`: the analysis against other tools' rules in a simulated world; exit 1 when a gate is missed."""

import argparse
import os
import sys
import time
from pathlib import Path

from bench.analysis.gates import gates
from bench.analysis.report import page, write_csv
from bench.analysis.run import Plan, play
from bench.table import show

RESULTS = Path(__file__).parents[1] / "results"


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.analysis", description=__doc__)
    parser.add_argument(
        "--cells", choices=("null", "table", "all"), default="all", help="null: false alarms alone; table: those of statistics.md"
    )
    parser.add_argument(
        "--reps",
        type=int,
        default=Plan.reps,
        help="of each null cell; 5/3 of that for each cell of the table, a tenth for the rest of the grid",
    )
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for analysis.md, .csv and .svg")
    given = parser.parse_args(words)
    begin = time.monotonic()
    figures = play(Plan(given.cells, given.reps, given.seed), given.jobs)
    rows = gates(figures)
    given.out.mkdir(parents=True, exist_ok=True)
    write_csv(given.out / "analysis.csv", figures)
    (given.out / "analysis.md").write_text(page(figures, rows), encoding="utf-8")
    show(rows)
    from bench.analysis.plot import draw

    draw(given.out / "analysis.svg", figures)
    print(f"{len(figures)} figures in {time.monotonic() - begin:.0f} s, written to {given.out}", file=sys.stderr)
    return int(any(row.ok is False for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
