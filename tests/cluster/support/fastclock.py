"""A whole Python process whose clock runs faster, and whose every wait is as much shorter: nothing in the program is changed for it.

What a program reads the time by and waits with goes through here: the `time` module, conditions and events, time-outs of sockets.
"""

import queue
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

_monotonic = time.monotonic


@dataclass
class _Frame:
    """Unix seconds `now` were when the machine's monotonic clock stood at `since`; from there on time passes `rate` times as fast."""

    rate: float = 1.0
    now: float = 0.0
    since: float = 0.0


_frame = _Frame(1.0, time.time(), _monotonic())


def start(rate: float, now: float, since: float) -> None:
    _frame.rate, _frame.now, _frame.since = rate, now, since


def _passed() -> float:
    return (_monotonic() - _frame.since) * _frame.rate


def _shorter(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / _frame.rate


def install() -> None:
    """Before the program's modules are imported: some of them take a function of `time` as a default."""
    sleep, wait, limit = time.sleep, threading.Condition.wait, socket.socket.settimeout

    def clock_gettime(clock: int) -> float:
        return now() if clock == time.CLOCK_REALTIME else monotonic()

    def now() -> float:
        return _frame.now + _passed()

    def monotonic() -> float:
        return _frame.since + _passed()

    def condition_wait(self: threading.Condition, timeout: float | None = None) -> bool:
        return wait(self, _shorter(timeout))

    def settimeout(self: socket.socket, value: float | None) -> None:
        limit(self, _shorter(value))

    replaced: dict[str, Any] = {
        "time": now,
        "time_ns": lambda: int(now() * 1e9),
        "monotonic": monotonic,
        "perf_counter": monotonic,
        "clock_gettime": clock_gettime,
        "sleep": lambda seconds: sleep(seconds / _frame.rate),
    }
    for name, function in replaced.items():
        setattr(time, name, function)
    others: list[tuple[Any, str, Any]] = [
        (threading.Condition, "wait", condition_wait),
        (threading, "_time", monotonic),
        (queue, "time", monotonic),
        (socket.socket, "settimeout", settimeout),
    ]
    for owner, name, function in others:
        setattr(owner, name, function)
