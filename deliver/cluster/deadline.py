"""The end of one operation."""

from collections.abc import Callable


class Deadline:
    """A moment on the caller's monotonic clock; it never reads a clock of its own.

    One Deadline covers an operation with everything it takes: attempts, back-offs, pages, credential plugins. It is handed down and
    never restarted, so that nested retries cannot multiply. An attempt gets `bound(its own timeout)`; a wait that would end past
    the deadline is not begun (the last error is raised at once); an attempt that is under way at the end is cut by its own timeout.
    seconds may be math.inf: then only the timeouts of each attempt hold.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - self._clock())

    def over(self) -> bool:
        return self.remaining() <= 0

    def bound(self, timeout: float) -> float:
        """The smaller of `timeout` and what is left; at least a millisecond, as a timeout of 0 means "do not block" to a socket."""
        return max(0.001, min(timeout, self.remaining()))
