"""A fixed sample of hostile input; `python -m tests.hostile --cases 100000` plays the rest."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.__main__ import REGRESSIONS
from tests.hostile.families import FAMILIES
from tests.hostile.watch import environment, watched

SAMPLE = {"specs": 250, "arguments": 160, "kubeconfigs": 160, "answers": 1200, "objects": 40, "plugins": 180, "processes": 2}
SLICES = 4


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder and an environment of its own, and both as they were afterwards."""
    kept, cwd, level = dict(os.environ), Path.cwd(), logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    environment(tmp_path / "work")
    yield
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(kept)
    logging.disable(level)


@pytest.mark.parametrize("slice", range(SLICES))
@pytest.mark.parametrize("family", FAMILIES)
def test_hostile_input_gets_an_answer(family: str, slice: int):
    for seed in range(slice, SAMPLE[family], SLICES):
        report = watched(family, seed, FAMILIES[family][0])
        assert not report.fault, f"{family} {seed}: {report.fault}"


def kept() -> list[str]:
    lines = REGRESSIONS.read_text(encoding="utf-8").splitlines() if REGRESSIONS.exists() else []
    return sorted({line.partition("#")[0].strip() for line in lines} - {""})


@pytest.mark.parametrize("line", kept())
def test_what_once_had_no_answer(line: str):
    family, seed = line.split()
    report = watched(family, int(seed), FAMILIES[family][0])
    assert not report.fault, report.fault
