"""Random worlds against the rules of design.md section 3, after every change. `make hunt` plays other seeds for as long as you like."""

import pytest

from tests.hunt.__main__ import REGRESSIONS
from tests.hunt.crash_pairs import Pair, crash
from tests.hunt.play import play
from tests.hunt.worlds import MAKERS

TENS = (0, 1, *(pytest.param(tens, marks=pytest.mark.slow) for tens in (2, 3, 4)))


@pytest.mark.parametrize("tens", TENS)
@pytest.mark.parametrize("kind", MAKERS)
def test_ten_random_worlds(kind: str, tens: int):
    for seed in range(10 * tens, 10 * tens + 10):
        result = play(MAKERS[kind](seed))
        assert not result.broken, f"{result.story}"


@pytest.mark.parametrize("tens", TENS)
def test_ten_crash_pairs(tens: int):
    for seed in range(10 * tens, 10 * tens + 10):
        result = crash(Pair.of(seed))
        assert not result.broken, f"{Pair.of(seed)}"


def kept() -> list[str]:
    lines = REGRESSIONS.read_text().splitlines() if REGRESSIONS.exists() else []
    return sorted({line.partition("#")[0].strip() for line in lines} - {""})


@pytest.mark.parametrize("line", kept())
def test_what_the_hunt_once_found(line: str):
    kind, seed = line.split()
    result = crash(Pair.of(int(seed))) if kind == "pair" else play(MAKERS[kind](int(seed)))
    assert not result.broken, f"{result.story}"
