"""What goes wrong with calls on purpose, and the log of all calls for invariant checks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import NamedTuple

from deliver.model import errors as model

WRITES = frozenset({"create", "patch", "delete"})


class Killed(BaseException):
    """The process died here: nothing of it runs on. Not an Exception, so that no handler of the engine's can catch it."""


class Call(NamedTuple):
    """One API call by a driver. seq counts from 1. outcome: "" while it runs, then ok, or the error's class name.

    fence: of the fence annotation in the body, "" when it has none. changed: the write made a difference.
    """

    seq: int
    at: float
    verb: str
    kind: str
    namespace: str
    name: str
    subresource: str = ""
    actor: str = ""
    fence: str = ""
    body: object = None
    outcome: str = ""
    changed: bool = False


def unreachable(text: str = "the API server does not answer") -> Callable[[], BaseException]:
    return lambda: model.Unreachable(text)


def too_many() -> BaseException:
    return model.Unreachable("the server has received too many requests and has asked us to try again later", status=429)


def forbidden() -> BaseException:
    return model.Forbidden("forbidden by a fault script", status=403)


def conflict() -> BaseException:
    return model.Conflict("the object has been modified; please apply your changes to the latest version and try again", status=409)


def killed() -> BaseException:
    return Killed("killed by a fault script")


@dataclass
class Fault:
    """Fails calls that match. verb (or "write"), kind, name, actor: patterns.

    nth: of the matching calls, counted from 1 (0: each). times: how often at most.
    applied: the call takes effect first and then fails (an answer that was lost). seconds: how long the caller waits for the failure.
    since, until: only between these moments, unix seconds. when: any further condition.
    """

    error: Callable[[], BaseException]
    verb: str = "*"
    kind: str = "*"
    name: str = "*"
    actor: str = "*"
    nth: int = 0
    times: int = 1_000_000_000
    applied: bool = False
    seconds: float = 0.0
    since: float = 0.0
    until: float = float("inf")
    when: Callable[[Call], bool] = lambda call: True
    seen: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    def strikes(self, call: Call) -> bool:
        """Count this call; True when it is to fail."""
        verb = call.verb in WRITES if self.verb == "write" else fnmatch(call.verb, self.verb)
        if not (verb and fnmatch(call.kind, self.kind) and fnmatch(call.name, self.name) and fnmatch(call.actor, self.actor)):
            return False
        if not self.since <= call.at <= self.until or not self.when(call):
            return False
        self.seen += 1
        if (self.nth and self.seen != self.nth) or self.hits >= self.times:
            return False
        self.hits += 1
        return True


class Script:
    """The faults of a run. `kill_at` and `kill_after`: the driver's call number (Call.seq) at which it dies, before or after its effect."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.kill_at = self.kill_after = 0

    def add(self, fault: Fault) -> Fault:
        self.faults.append(fault)
        return fault

    def clear(self) -> None:
        self.faults.clear()
        self.kill_at = self.kill_after = 0

    def before(self, call: Call) -> Fault | None:
        if self.kill_at == call.seq:
            raise Killed(f"before call {call.seq}")
        return next((fault for fault in self.faults if fault.strikes(call)), None) if self.faults else None

    def after(self, call: Call) -> None:
        if self.kill_after == call.seq:
            raise Killed(f"after call {call.seq}")
