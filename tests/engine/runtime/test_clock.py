"""The real clock: durations do not follow the wall clock, and `wake` ends a wait."""

import threading
import time

import pytest

from deliver.engine.runtime.clock import SystemClock


def test_a_wall_clock_that_is_set_does_not_change_a_duration(monkeypatch: pytest.MonkeyPatch):
    clock = SystemClock()
    before = clock.now()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0 <= clock.now() - before < 5


def test_now_is_unix_time():
    assert abs(SystemClock().now() - time.time()) < 5


def test_a_wake_ends_the_next_wait_at_once_from_any_thread():
    clock = SystemClock()
    threading.Thread(target=clock.wake).start()
    began = clock.monotonic()
    clock.wait(30)
    assert clock.monotonic() - began < 5
