"""The processes' way to the cluster in a hunt: who wrote what is known, calls take time, fail as scripted, and the dead stay dead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from deliver_sandbox.cluster import SandboxCluster
from deliver_sandbox.faults import Call, Fault, Killed, Script
from tests.hunt.stage import STORM, Stage

MOST_CALLS = 30_000  # of one process: an hour's release has some hundreds; more is a loop in which no time passes
SECONDS = 10.0  # in which no process makes STORM calls


@dataclass
class Author:
    """Who is writing at this moment: a process of ours and its call, or nobody (a controller, a stranger)."""

    name: str = ""
    verb: str = ""
    kind: str = ""


class ProcessCluster(SandboxCluster):
    """One process's cluster. author: shared by all of a world."""

    author: Author

    def as_actor(self, actor: str) -> "ProcessCluster":
        other = ProcessCluster(self.api, self.kubelet, actor=actor, calls=self.calls, script=self.script)
        other.allow, other.author = self.allow, self.author
        return other

    def _do(
        self, verb: str, kind: str, namespace: str, name: str, deadline: float | None, work: Callable[[], Any], more: Mapping[str, Any] = {}
    ) -> Any:
        def mine() -> Any:
            before = self.author.name, self.author.verb, self.author.kind
            self.author.name, self.author.verb, self.author.kind = self.actor, verb, kind
            try:
                return work()
            finally:
                self.author.name, self.author.verb, self.author.kind = before

        return super()._do(verb, kind, namespace, name, deadline, mine, more)


@dataclass
class Kill:
    """The process dies at its call number `nth`, before the call or after its effect."""

    process: str
    nth: int
    after: bool = False


@dataclass
class HuntScript(Script):
    """Faults that take their time on the stage, kills that last, and at random calls a moment in which others run."""

    stage: Stage
    random: Random
    switch: float = 0.0
    kills: list[Kill] = field(default_factory=list)
    on_death: Callable[[str], None] = lambda name: None
    on_runaway: Callable[[str], None] = lambda name: None

    def __post_init__(self) -> None:
        super().__init__()

    def before(self, call: Call) -> Fault | None:
        me = self.stage.current
        if me is None:
            return None
        me.calls += 1
        me.recent.append(call.at)
        if me.calls > MOST_CALLS or (len(me.recent) == STORM and call.at - me.recent[0] < SECONDS):
            me.dead = True
            self.on_runaway(me.name)
        self._die(False)
        if self.switch and self.random.random() < self.switch:
            me.pause(self.random.random() ** 3 * 0.2)
        fault = super().before(call)
        if fault is None or not fault.seconds:
            return fault
        me.pause(fault.seconds)
        return replace(fault, seconds=0.0)

    def after(self, call: Call) -> None:
        if self.stage.current is not None:
            self._die(True)

    def _die(self, after: bool) -> None:
        me = self.stage.current
        assert me is not None
        if any(kill.process == me.name and kill.nth == me.calls and kill.after == after for kill in self.kills) and not me.dead:
            me.dead = True
            self.on_death(me.name)
        if me.dead:
            raise Killed(me.name)
