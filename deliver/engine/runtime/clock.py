"""Time, as the engine takes it: injected, so that an hour of bake can pass in milliseconds."""

import threading
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """now: unix seconds, for people and records. monotonic: for durations; never jumps.

    wait: sleep until `seconds` are over or `wake` was called.
    """

    def now(self) -> float: ...

    def monotonic(self) -> float: ...

    def wait(self, seconds: float) -> None: ...

    def wake(self) -> None: ...


class SystemClock:
    """The real one. `wake` may be called from any thread; a call between two waits ends the next one at once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._began = time.time() - self.monotonic()

    def now(self) -> float:
        """Counted on from the start of the process: a clock that is set meanwhile changes the length of no bake (safety.md F21)."""
        return self._began + self.monotonic()

    def monotonic(self) -> float:
        """With the time that a laptop was asleep, where the system tells it (Linux): a lock does not sleep either."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()

    def wait(self, seconds: float) -> None:
        self._event.wait(max(0.0, seconds))
        self._event.clear()

    def wake(self) -> None:
        self._event.set()


class Background(Protocol):
    """Runs something slow beside the driver's loop."""

    def run(self, work: Callable[[], None]) -> None: ...

    def keep(self, work: Callable[[], None]) -> None:
        """`work` goes on beside the loop until it returns by itself. Not where there is one thread alone."""


class Threads:
    """One daemon thread a job: a hung one never keeps the process from ending."""

    def run(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, daemon=True).start()

    keep = run


class Inline:
    """At once, in the caller's thread: for the virtual clock."""

    def run(self, work: Callable[[], None]) -> None:
        work()

    def keep(self, work: Callable[[], None]) -> None:
        pass  # the driver renews its lock at each tick
