"""Virtual time: passes only in wait(), event by event, the same each time."""

import threading
import time

import pytest

from deliver_sandbox.clock import EPOCH, EngineClock, RealClock, VirtualClock


def test_time_passes_only_while_waiting() -> None:
    clock = VirtualClock()
    assert clock.now() == EPOCH
    assert clock.wait(3600.0) is False
    assert clock.monotonic() == 3600.0


def test_timers_run_in_order_at_their_own_time_and_equal_ones_as_they_were_set() -> None:
    clock, seen = VirtualClock(), []
    clock.after(2.0, lambda: seen.append(("c", clock.monotonic())))
    clock.after(1.0, lambda: seen.append(("a", clock.monotonic())))
    clock.after(1.0, lambda: seen.append(("b", clock.monotonic())))
    clock.wait(5.0)
    assert seen == [("a", 1.0), ("b", 1.0), ("c", 2.0)]


def test_wait_ends_at_the_event_that_makes_until_hold() -> None:
    clock, seen = VirtualClock(), []
    clock.after(7.0, lambda: seen.append(1))
    assert clock.wait(60.0, lambda: bool(seen)) is True
    assert clock.monotonic() == 7.0


def test_until_that_holds_already_costs_no_time() -> None:
    clock = VirtualClock()
    assert clock.wait(60.0, lambda: True) is True
    assert clock.monotonic() == 0.0


def test_a_cancelled_timer_does_not_run() -> None:
    clock, seen = VirtualClock(), []
    clock.after(1.0, lambda: seen.append(1)).cancel()
    clock.wait(2.0)
    assert not seen


def test_a_timer_set_by_a_timer_runs_within_the_same_wait() -> None:
    clock, seen = VirtualClock(), []
    clock.after(1.0, lambda: clock.after(1.0, lambda: seen.append(clock.monotonic())))
    clock.wait(3.0)
    assert seen == [2.0]


def test_time_cannot_pass_inside_an_event() -> None:
    clock = VirtualClock()
    clock.after(1.0, lambda: clock.wait(1.0))
    with pytest.raises(RuntimeError, match="inside an event"):
        clock.wait(2.0)


def test_the_engines_clock_is_woken_from_its_wait_and_once_only() -> None:
    clock = VirtualClock()
    mine, other = EngineClock(clock), EngineClock(clock)
    clock.after(5.0, mine.wake)
    mine.wait(60.0)
    assert clock.monotonic() == 5.0
    mine.wait(10.0)
    assert clock.monotonic() == 15.0
    mine.wake()
    other.wait(1.0)
    mine.wait(60.0)
    assert clock.monotonic() == 16.0


def test_the_real_clock_runs_timers_earlier_by_its_speed_and_tells_the_machines_own_time() -> None:
    clock, seen = RealClock(speed=1000.0), []
    try:
        clock.after(50.0, lambda: seen.append(clock.monotonic()))
        assert clock.wait(60000.0, lambda: bool(seen)) is True
        assert 0.05 <= seen[0] < 10.0
        assert abs(clock.now() - time.time()) < 5.0
    finally:
        clock.close()


def test_a_real_clock_may_begin_in_the_past_and_gets_there_without_waiting() -> None:
    clock, seen = RealClock(ago=3600.0), []
    try:
        clock.after(600.0, lambda: seen.append(clock.monotonic()))
        assert clock.wait(1200.0, lambda: bool(seen)) is True
        assert seen == [pytest.approx(600.0)]
        clock.go()
        assert abs(clock.now() - time.time()) < 5.0
        clock.after(0.0, lambda: seen.append(clock.monotonic()))
        assert clock.wait(60.0, lambda: len(seen) == 2) is True
        assert seen[1] >= 3599.0
    finally:
        clock.close()


class Machine:
    """A monotonic clock that a test turns: what it skips, the machine spent on something else."""

    def __init__(self) -> None:
        self.at = time.monotonic()

    def __call__(self) -> float:
        return self.at


def test_what_a_busy_machine_runs_late_happens_at_its_own_time_and_in_its_order() -> None:
    machine, seen = Machine(), []
    clock = RealClock(machine=machine)
    began = clock.now()

    def first() -> None:
        seen.append(("first", clock.now() - began))
        clock.after(1.0, lambda: seen.append(("its successor", clock.now() - began)))

    try:
        clock.after(1.0, first)
        clock.after(5.0, lambda: seen.append(("second", clock.now() - began)))
        machine.at += 30.0
        with clock.lock:
            assert clock.now() - began == pytest.approx(30.0)
        assert [what for what, _ in seen] == ["first", "its successor", "second"]
        assert [at for _, at in seen] == [pytest.approx(1.0), pytest.approx(2.0), pytest.approx(5.0)]
    finally:
        clock.close()


def test_time_stands_still_for_whoever_holds_the_lock() -> None:
    machine = Machine()
    clock = RealClock(machine=machine)
    try:
        with clock.lock:
            before = clock.now()
            machine.at += 10.0
            with clock.lock:
                assert clock.now() == before
        assert clock.now() == before + 10.0
    finally:
        clock.close()


def test_of_a_stopped_world_nothing_is_heard_until_it_goes_on() -> None:
    machine, seen = Machine(), []
    clock = RealClock(machine=machine)
    began = clock.now()
    try:
        clock.after(1.0, lambda: seen.append(clock.now() - began))
        with clock.stopped():
            late = threading.Thread(target=lambda: _comes_in(clock, seen), daemon=True)
            late.start()
            machine.at += 20.0
            late.join(0.1)
            assert late.is_alive()
            assert clock.now() - began == pytest.approx(20.0)
            assert seen == []
        late.join()
        assert seen == [pytest.approx(20.0), "in"]
    finally:
        clock.close()


def _comes_in(clock: RealClock, seen: list[object]) -> None:
    with clock.lock:
        seen.append("in")
