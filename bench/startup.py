"""`deliver --help` against a bare typer application, in the same interpreter, turn by turn."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.table import Row
from tests.e2e.support.process import SCRIPT, clean_environ

RUNS = 15
LIMIT = 1.5
BARE = """
import typer
app = typer.Typer()

@app.command()
def hello(name: str):
    pass

app()
"""


def measure(runs: int = RUNS) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder, "bare.py")
        bare.write_text(BARE)
        commands = {"ours": [str(SCRIPT), "--help"], "bare": [sys.executable, str(bare), "--help"]}
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs + 1):
            for name, command in commands.items():
                times[name].append(wall(command))
    ours, bare_time = (statistics.median(times[name][1:]) for name in ("ours", "bare"))  # the first of each only warms the disk cache
    ratio = ours / bare_time
    shown = f"{1000 * ours:.0f} ms, bare typer {1000 * bare_time:.0f} ms, ratio {ratio:.2f}"
    return [Row("`deliver --help`, wall time", shown, f"ratio <= {LIMIT}", ratio <= LIMIT)]


def wall(command: Sequence[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, env=clean_environ(), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin
