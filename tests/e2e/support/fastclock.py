"""A whole Python process that lives by the sandbox's clock, and waits accordingly: nothing in the program is changed for it.

What a program reads the time by and waits with goes through here: the `time` module, conditions and events, time-outs of sockets.
A wait is over when the sandbox's time says so, never because a busy machine kept somebody waiting.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.e2e.support.dial import Dial

_now, _monotonic = time.time, time.monotonic
_dial: Dial | None = None
_apart = 0.0
"""Seconds from the monotonic clock to the other one."""


def start(path: str) -> None:
    global _dial, _apart  # noqa: PLW0603  a process has one clock
    _dial = Dial(path)
    _apart = _dial.now() - _monotonic()


def now() -> float:
    return _dial.now() if _dial else _now()


def monotonic() -> float:
    return _dial.now() - _apart if _dial else _monotonic()


def _shorter(seconds: float) -> float:
    return seconds / _dial.rate if _dial else seconds


def install() -> None:
    """Before the program's modules are imported: some of them take a function of `time` as a default."""
    pause, wait, limit, limited = time.sleep, threading.Condition.wait, socket.socket.settimeout, socket.socket.gettimeout

    def clock_gettime(clock: int) -> float:
        return now() if clock == time.CLOCK_REALTIME else monotonic()

    def sleep(seconds: float) -> None:
        end = monotonic() + seconds
        pause(_shorter(seconds))
        while (left := end - monotonic()) > 0:
            pause(_shorter(left))

    def condition_wait(self: threading.Condition, timeout: float | None = None) -> bool:
        if timeout is None:
            return wait(self)
        end = monotonic() + timeout
        while not wait(self, _shorter(end - monotonic())):
            if monotonic() >= end:
                return False
        return True

    def settimeout(self: socket.socket, value: float | None) -> None:
        limit(self, _shorter(value) if value else value)

    def gettimeout(self: socket.socket) -> float | None:
        value = limited(self)
        return value / _shorter(1.0) if value else value

    def patient(receive: Callable[..., Any]) -> Callable[..., Any]:
        def received(self: socket.socket, *args: Any) -> Any:
            end = monotonic() + (gettimeout(self) or 0.0)
            while True:
                try:
                    return receive(self, *args)
                except TimeoutError:
                    if monotonic() >= end:
                        raise

        return received

    replaced: dict[str, Any] = {
        "time": now,
        "time_ns": lambda: int(now() * 1e9),
        "monotonic": monotonic,
        "perf_counter": monotonic,
        "clock_gettime": clock_gettime,
        "sleep": sleep,
    }
    for name, function in replaced.items():
        setattr(time, name, function)
    others: list[tuple[Any, str, Any]] = [
        (threading.Condition, "wait", condition_wait),
        (threading, "_time", monotonic),
        (queue, "time", monotonic),
        (socket.socket, "settimeout", settimeout),
        (socket.socket, "gettimeout", gettimeout),
        (socket.socket, "recv", patient(socket.socket.recv)),
        (socket.socket, "recv_into", patient(socket.socket.recv_into)),
    ]
    for owner, name, function in others:
        setattr(owner, name, function)
