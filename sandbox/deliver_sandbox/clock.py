"""Time for the sandbox: one heap of timers, driven by whoever waits (VirtualClock) or by a thread (RealClock).

Both hold `lock` while a timer runs, so that a timer and an API call never see each other half done.
"""

import contextlib
import heapq
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

EPOCH = 1_767_603_600.0
"""Where virtual time starts: 2026-01-05T09:00:00Z, unix seconds."""


class Timer:
    """A call that is due at `when`. cancel() keeps it from running."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callable[[], Any] | None) -> None:
        self.when, self.call = when, call

    def cancel(self) -> None:
        self.call = None


class Clock(Protocol):
    lock: Any
    rate: float
    """Seconds of this clock in one of the machine's, for whoever has to wait outside of it."""

    def now(self) -> float:
        """Unix seconds."""

    def monotonic(self) -> float: ...

    def after(self, delay: float, call: Callable[[], Any]) -> Timer:
        """Run `call` in `delay` seconds, under `lock`."""

    def wait(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass until `until()` holds (True) or the seconds are over (False)."""


class _Heap:
    """Timers by due time; equal times in the order in which they were set, so a run is the same each time."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = 0

    def push(self, timer: Timer) -> Timer:
        self._count += 1
        heapq.heappush(self._heap, (timer.when, self._count, timer))
        return timer

    def due(self) -> float | None:
        while self._heap and self._heap[0][2].call is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self) -> Timer:
        return heapq.heappop(self._heap)[2]


class VirtualClock:
    """Time that passes only inside wait(): an hour costs what its events cost."""

    rate = 1.0

    def __init__(self, start: float = EPOCH) -> None:
        self.lock: Any = threading.RLock()
        self._now = self._start = start
        self._timers = _Heap()
        self._running = False

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now - self._start

    def after(self, delay: float, call: Callable[[], Any]) -> Timer:
        return self._timers.push(Timer(self._now + max(0.0, delay), call))

    def wait(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        if self._running:
            raise RuntimeError("wait() was called from a timer or from an until(): time cannot pass inside an event")
        end = self._now + max(0.0, seconds)
        self._running = True
        try:
            if until is not None and until():
                return True
            while self._step(end):
                if until is not None and until():
                    return True
            return False
        finally:
            self._running = False

    def _step(self, end: float) -> bool:
        """Run the next timer that is due by `end`; False, with the time at `end`, when there is none."""
        with self.lock:
            due = self._timers.due()
            if due is None or due > end:
                self._now = end
                return False
            timer = self._timers.pop()
            self._now = max(self._now, timer.when)
            call, timer.call = timer.call, None
            if call is not None:
                call()
            return True


class EngineClock:
    """deliver.engine.runtime.clock.Clock on any clock above: one for each driver, because `wake` ends that driver's wait only."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.now, self.monotonic = clock.now, clock.monotonic
        self._woken = False

    def wait(self, seconds: float) -> None:
        """Ends after `seconds`, or at once when `wake` was called since the last wait."""
        self.clock.wait(seconds, lambda: self._woken)
        self._woken = False

    def wake(self) -> None:
        self._woken = True


class RealClock(VirtualClock):
    """The machine's own time, with a thread that runs the timers. close() ends the thread.

    Each timer runs at the time at which it is due, and everything that is due has happened when somebody comes in: how late the
    machine gives a thread its turn changes nothing of what happens in the world, nor in which order. now() stands still for whoever
    holds the lock.

    speed: what is due in 60 seconds happens after 60 / speed. now() is not sped up: the processes that talk to the sandbox read
    the machine's clock, and their time stamps and ours must agree.
    ago: begin that many seconds in the past, on virtual time, until go(): so a world has a past that cost nobody a wait.
    machine: a monotonic clock, in seconds.
    """

    longest = 1.0
    """Seconds of the machine after which the thread looks at the time at the latest."""

    def __init__(self, speed: float = 1.0, ago: float = 0.0, machine: Callable[[], float] = time.monotonic) -> None:
        super().__init__(time.time() - ago)
        self.speed, self.machine = speed, machine
        self._changed = threading.Condition(self.lock)
        self.lock = _Entrance(self._enter, self._leave)
        self._owner = self._depth = 0
        self._went: tuple[float, float] | None = None
        self._open, self._stopped = True, False
        self._thread = threading.Thread(target=self._run, name="sandbox-clock", daemon=True)
        if not ago:
            self.go()

    def go(self) -> None:
        """Let what is left of the past pass; from now on time is real."""
        self.wait(time.time() - self._now)
        self._went = (self._now, self.machine())
        self._thread.start()

    def now(self) -> float:
        return self._now if self._went is None or self._owner == threading.get_ident() else self.reading()

    def reading(self) -> float:
        """Unix seconds, whoever holds the lock."""
        then, since = self._went or (self._now, 0.0)
        return then + self.machine() - since

    def turn(self) -> None:
        """Called whenever a thread of the sandbox gets its turn, at the latest after `longest`."""

    def monotonic(self) -> float:
        return self.now() - self._start

    def after(self, delay: float, call: Callable[[], Any]) -> Timer:
        if self._went is None:
            return super().after(delay, call)
        with self._changed:
            timer = self._timers.push(Timer(self.now() + max(0.0, delay) / self.speed, call))
            self._changed.notify_all()
            return timer

    def wait(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        if self._went is None:
            return super().wait(seconds, until)
        with self.lock:
            end = self._now + max(0.0, seconds) / self.speed
            while True:
                if until is not None and until():
                    return True
                left = end - self._now
                if left <= 0:
                    return False
                self._pause(min(left / self.rate, 0.05))

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Time goes on; but nobody comes in, and what would have happened happens at the end."""
        with self.lock:
            self._stopped = True
        try:
            yield
        finally:
            with self._changed:
                self._stopped, self._now = False, self.reading()
                self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._open = False
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)

    def _run(self) -> None:
        with self.lock:
            while self._open:
                due = self._timers.due()
                left = self.longest if due is None else (due - self._now) / self.rate
                self._pause(min(max(left, 0.0), self.longest))

    # -- who is inside

    def _enter(self) -> None:
        self._changed.acquire()
        if self._depth:
            self._depth += 1
        else:
            self._begin(1)

    def _leave(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._owner = 0
        self._changed.release()

    def _pause(self, seconds: float) -> None:
        """Out, for that many seconds of the machine or until something happens, and in again."""
        depth, self._depth, self._owner = self._depth, 0, 0
        self._changed.wait(seconds)
        self._begin(depth)

    def _begin(self, depth: int) -> None:
        while self._stopped:
            self._changed.wait(self.longest)
            self.turn()
        self._depth, self._owner = depth, threading.get_ident()
        if self._went is not None:
            self._catch_up()

    def _catch_up(self) -> None:
        """All that is due by now."""
        self.turn()
        to = max(self._now, self.reading())
        while self._step(to):
            self._changed.notify_all()


class _Entrance:
    """RealClock's lock."""

    def __init__(self, enter: Callable[[], None], leave: Callable[[], None]) -> None:
        self._enter, self._leave = enter, leave

    def __enter__(self) -> None:
        self._enter()

    def __exit__(self, *_: object) -> None:
        self._leave()
