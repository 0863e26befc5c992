"""A request to stop, from a signal: the driver holds the release safely."""

import signal
import threading
from collections.abc import Callable


class Stop:
    """Set once; whoever waits is woken. signum: which signal it was, 0 = none."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._wakers: list[Callable[[], None]] = []
        self.signum = 0

    def request(self, signum: int = 0) -> None:
        self.signum = signum
        self._event.set()
        for wake in self._wakers:
            wake()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wakes(self, wake: Callable[[], None]) -> None:
        self._wakers.append(wake)

    def reason(self) -> str:
        return f"stopped by {signal.Signals(self.signum).name}" if self.signum else "stopped"
