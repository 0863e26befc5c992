"""The clock that the end-to-end tests and their processes share."""

import time
from pathlib import Path

import pytest

from tests.e2e.support.dial import Dial
from tests.e2e.support.paced_clock import LEAP, PacedClock


def test_who_shares_it_sees_the_same_time_and_it_runs_faster_by_its_rate(tmp_path: Path) -> None:
    clock, seen = PacedClock(tmp_path / "dial", rate=100.0, ago=60.0), []
    try:
        clock.go()
        began, real, other = clock.now(), time.monotonic(), Dial(str(tmp_path / "dial"))
        clock.after(30.0, lambda: seen.append(clock.now() - began))
        assert clock.wait(600.0, lambda: bool(seen))
        assert time.monotonic() - real >= 0.29
        assert seen == [pytest.approx(30.0, abs=1.0)]
        assert clock.now() <= other.now() <= clock.now()
    finally:
        clock.close()


def test_it_stands_still_while_the_sandbox_gets_no_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = [1000.0]
    monkeypatch.setattr("tests.e2e.support.dial._monotonic", lambda: machine[0])
    dial = Dial.make(str(tmp_path / "dial"), rate=16.0, leap=LEAP, now=5000.0)
    machine[0] += 0.01
    assert dial.now() == pytest.approx(5000.16)
    machine[0] += 60.0
    assert dial.now() == 5000.0 + LEAP
    dial.turn()
    assert dial.now() == 5000.0 + LEAP
    machine[0] += 0.01
    assert Dial(dial.path).now() == pytest.approx(5000.16 + LEAP)


def test_it_goes_on_while_the_world_is_stopped(tmp_path: Path) -> None:
    clock = PacedClock(tmp_path / "dial", rate=100.0, ago=60.0)
    try:
        clock.go()
        began = clock.now()
        with clock.stopped():
            clock.sleep(10.0)
            assert clock.now() - began >= 10.0
    finally:
        clock.close()
