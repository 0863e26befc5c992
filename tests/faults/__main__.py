"""`python -m tests.faults`: plays the fault matrix and prints it."""

# ruff: noqa: T201  it is a command

from tests.faults.play import cells, play
from tests.faults.table import PHASES, ROWS


def main() -> int:
    wrong = 0
    for row in ROWS:
        ends = []
        for phase in PHASES:
            said = play(row, phase)
            wrong += bool(said)
            ends.append(f"{phase}: {f'BROKEN ({said})' if said else row.end(phase).outcome}")
        print(f"{row.id:4} {row.name}\n     " + ", ".join(ends), flush=True)
    played = len(cells())
    print(f"{played} cells played, {len(ROWS) * len(PHASES) - played} cannot be, {wrong} do not end as the table says")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
