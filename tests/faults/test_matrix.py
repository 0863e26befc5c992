"""Every cell of the fault matrix: F1 to F28 in every phase of a release, each with its required end (tests/faults/table.py)."""

import pytest

from tests.faults.play import cells, play
from tests.faults.table import PHASES, ROWS


def test_all_28_faults_have_a_row():
    assert {row.id for row in ROWS} == {f"F{number}" for number in range(1, 29)}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(len(ROWS)), ids=lambda number: f"{ROWS[number].id} {ROWS[number].name}")
def test_a_fault_in_every_phase(number: int):
    row = ROWS[number]
    wrong = {phase: said for phase in PHASES if (said := play(row, phase))}
    assert not wrong, "\n".join(f"{phase}: must be {row.end(phase)}, is {said}" for phase, said in wrong.items())


def test_the_table_is_as_large_as_it_says():
    assert len(cells()) > 400
