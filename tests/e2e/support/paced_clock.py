"""The sandbox's clock for scenarios: several times as fast as the machine's, and no faster than the sandbox gets its turns."""

import time
from pathlib import Path

from deliver_sandbox.clock import RealClock
from tests.e2e.support.dial import Dial

LEAP = 0.25
"""Seconds, of its own, that pass at most while the sandbox gets no turn from the machine."""


class PacedClock(RealClock):
    """dial: for the processes that live by it, from go() on."""

    def __init__(self, path: Path, rate: float, ago: float) -> None:
        super().__init__(ago=ago)
        self.rate, self._path = rate, path
        self.longest = LEAP / rate / 2

    def go(self) -> None:
        self.wait(time.time() - self._now)
        self.dial = Dial.make(str(self._path), self.rate, LEAP, self._now)
        super().go()

    def reading(self) -> float:
        return self.dial.now() if self._went else self._now

    def sleep(self, seconds: float) -> None:
        """Of a bystander: also while nobody can come in."""
        if not self._went:
            self.wait(seconds)
            return
        end = self.reading() + seconds
        while (left := end - self.reading()) > 0:
            time.sleep(left / self.rate)

    def turn(self) -> None:
        self.dial.turn()
