"""Several processes on one virtual clock: each is a greenlet, so exactly one of them runs at any moment.

A process gives the turn back when it waits, and at an API call when the script says so. So every order of events is a
function of the seed, and an hour of three drivers costs what their events cost.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]  # it has no types of its own

from deliver_sandbox.clock import VirtualClock
from deliver_sandbox.faults import Killed

STORM = 600  # calls of one process within seconds: it asks at the pace of its own answers


class Process:
    """One process; it is also the engine's Clock for it. skew: seconds by which its wall clock is wrong."""

    def __init__(self, stage: "Stage", name: str, call: Callable[["Process"], Any], due: float, skew: float) -> None:
        self.stage, self.name, self.call, self.due, self.skew = stage, name, call, due, skew
        self.woken = self.done = self.dead = self.frozen = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.calls = 0
        self.recent: deque[float] = deque(maxlen=STORM)
        self.began = due
        self.ended = 0.0
        self._greenlet = greenlet(self._live, stage.main)

    # ------------------------------------------------------------ the engine's Clock

    def now(self) -> float:
        return self.stage.clock.now() + self.skew

    def monotonic(self) -> float:
        return self.stage.clock.monotonic()

    def wait(self, seconds: float) -> None:
        """Ends after `seconds`, or at once when `wake` was called since the last wait."""
        if not self.woken:
            self.pause(seconds)
        self.woken = False

    def wake(self) -> None:
        self.woken = self.stage.stirred = True

    # ------------------------------------------------------------ its turn

    def pause(self, seconds: float) -> None:
        """Let the others run; dies here when it was killed meanwhile."""
        self.due = self.stage.clock.now() + max(0.0, seconds)
        self.stage.main.switch()
        if self.dead:
            raise Killed(self.name)

    def freeze(self, seconds: float) -> None:
        """As SIGSTOP: nothing wakes it before that time, or before `frozen` is taken back."""
        self.frozen = True
        self.pause(seconds)
        self.frozen = False

    def go(self) -> None:
        """From the stage: run until the next pause or the end."""
        self._greenlet.switch()

    def _live(self) -> None:
        try:
            if not self.dead:
                self.result = self.call(self)
        except BaseException as error:
            self.error = error
        self.done, self.ended = True, self.stage.clock.now()


@dataclass
class Stage:
    """clock: of the world. choose: which of the processes that could go on does (default: who has waited longest).

    stirred: somebody has come in or was woken since time began to pass.
    """

    clock: VirtualClock
    choose: Callable[[list[Process]], Process] = lambda able: min(able, key=lambda one: one.due)
    processes: list[Process] = field(default_factory=list)
    current: Process | None = None
    stirred: bool = False

    def __post_init__(self) -> None:
        self.main = getcurrent()

    def enter(self, name: str, call: Callable[[Process], Any], after: float = 0.0, skew: float = 0.0) -> Process:
        process = Process(self, name, call, self.clock.now() + after, skew)
        self.processes.append(process)
        self.stirred = True
        return process

    def run(self, until: float) -> None:
        """Until every process has ended, or that moment (unix seconds)."""
        while live := [one for one in self.processes if not one.done]:
            now = self.clock.now()
            able = [one for one in live if one.due <= now or (one.woken and not one.frozen)]
            if able:
                self._give(self.choose(able))
            elif now >= until:
                return
            else:
                self.stirred = False
                self.clock.wait(min(*[one.due for one in live], until) - now, lambda: self.stirred)

    def end(self) -> None:
        """Kill whoever still lives."""
        for one in self.processes:
            while not one.done:
                one.dead = True
                self._give(one)

    def _give(self, process: Process) -> None:
        self.current = process
        process.go()
        self.current = None
