"""How time passes where a test plays: as everywhere on the lab, several times as fast on the sandbox, for tests and processes alike."""

import time
from collections.abc import Callable
from typing import Any, Protocol

SHORTEST = 20.0
"""Seconds of the machine that anything may take: starting a process takes as long at any pace."""


class Pace(Protocol):
    @property
    def rate(self) -> float: ...

    def now(self) -> float:
        """Unix seconds, there."""

    def sleep(self, seconds: float) -> None: ...


class Real:
    rate = 1.0

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


REAL = Real()


def patience(pace: Pace, seconds: float) -> float:
    """The machine's seconds after which something that should take at most that long is taken to hang."""
    return seconds if pace.rate == 1 else max(seconds / pace.rate, SHORTEST)


def eventually(what: str, probe: Callable[[], Any], timeout: float = 30, every: float = 0.2, pace: Pace = REAL) -> Any:
    """The probe's first true answer."""
    deadline = time.monotonic() + patience(pace, timeout)
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what} (last answer: {answer!r})")
        pace.sleep(every)
