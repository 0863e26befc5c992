"""A handful of the real SIGKILLs; a hundred and more by `python -m tests.hunt.sigkill`."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hunt.sigkill import Case, play


@pytest.mark.slow  # real processes, by the machine's clock
@pytest.mark.timeout(400)
def test_killed_processes_are_taken_up_by_others():
    cases = [Case.of(seed) for seed in range(1, 5)]  # one death each
    with ThreadPoolExecutor(len(cases)) as pool:
        found = list(pool.map(play, cases))
    assert found == [[]] * len(cases)
