"""How long the cluster package waits for what. Seconds throughout."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """connect, read: of one attempt; read is the longest silence, not the whole answer. backoff, cap: between attempts of one call.

    watch: after how long the API server ends a watch by itself. mute: a watch without a byte for this long is taken for dead (bookmarks
    come about once a minute). silence: after this long without a byte on any watch the API server is probed, with `probe` as timeout.
    stream_backoff, stream_cap: between attempts of a watch. listing: for one list of a watch with its retries. plugin: for one call of a
    credential plugin, in which a person may have to sign in.
    """

    connect: float = 3.0
    read: float = 5.0
    deadline: float = 15.0
    backoff: float = 0.1
    cap: float = 2.0
    watch: float = 240.0
    mute: float = 75.0
    silence: float = 15.0
    probe: float = 2.0
    stream_backoff: float = 0.2
    stream_cap: float = 5.0
    listing: float = 10.0
    plugin: float = 120.0


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
