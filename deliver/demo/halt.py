"""Ctrl-C and SIGTERM while the show goes on: a flag that every wait looks at.

Not KeyboardInterrupt: Python raises none in a process that was started with SIGINT ignored, as a shell without job control starts
what it puts in the background (`deliver demo &` in a script, a CI step), and one that is raised in a finalizer is lost.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TICK = 0.05


class Halted(Exception):
    """number: of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by signal {number}")
        self.number = number


class Halt:
    """number: of the first signal, 0 as long as there was none. hasty: there was a second one."""

    def __init__(self) -> None:
        self.number, self.hasty = 0, False

    def set(self, number: int, frame: FrameType | None = None) -> None:
        """No lock is taken here: a handler runs in the middle of what may hold it."""
        self.hasty = bool(self.number)
        self.number = self.number or number

    def check(self) -> None:
        if self.number:
            raise Halted(self.number)

    def sleep(self, seconds: float) -> None:
        """Raises Halted as soon as there is a signal, and at once when there was one."""
        end = time.monotonic() + seconds
        self.check()
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, TICK))
            self.check()


@contextmanager
def listening() -> Iterator[Halt]:
    """Handlers are put back at the end. Outside of the main thread there is nothing to install."""
    halt = Halt()
    if threading.current_thread() is not threading.main_thread():
        yield halt
        return
    before = {number: signal.signal(number, halt.set) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield halt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
