"""A flag system in memory, with the contract's manners: for tests of whatever stands on a flag, without a flag system."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel

from deliver.engine.users.hand import Hand
from deliver.model.errors import ClusterError, Conflict, NotFound, Unreachable
from deliver.model.seen import Ack, FlagState, PodSeen
from deliver.plugins.flags import Capabilities, Mark
from deliver.plugins.interfaces import Finding, Object, Writer

FLAG = "new-checkout"


class NoOptions(BaseModel):
    """None."""


@dataclass
class MemoryFlags:
    """served: what the instances serve by now; `arrives` says whether a write gets to them."""

    name: ClassVar[str] = "memory"
    summary: ClassVar[str] = "in memory"
    Options: ClassVar[type[BaseModel]] = NoOptions
    capabilities: ClassVar[Capabilities] = Capabilities(step=0.001, conditional=True, monotone=True, ack="instance")

    percent: float | None = 0.0
    writes: list[str] = field(default_factory=list)
    version: int = 1
    mark: Mark | None = None
    note: str = "as it was"
    fails: ClusterError | None = None
    arrives: Callable[[float], bool] = lambda percent: True
    disagree: str = ""
    loses_answers: bool = False

    def hand(self, *_: Any) -> Hand:
        return Hand(FLAG, self)

    def watches(self) -> Sequence[Any]:
        return ()

    def check(self, flag: str, workload: Object, pods: Sequence[Object]) -> list[Finding]:
        return []

    def _answers(self) -> None:
        if self.fails:
            raise self.fails

    def read(self, flag: str) -> FlagState:
        self._answers()
        if flag != FLAG:
            raise NotFound(f"there is no flag `{flag}`", status=404)
        why = "three rules" if self.percent is None else ""
        mark = self.mark or Mark("", 0, 0)
        document = json.dumps({"percent": self.percent, "note": self.note})
        return FlagState(self.percent, str(self.version), document, why, mark.release, mark.fence, "on", "off")

    def edit(self, percent: float | None) -> None:
        """A stranger's write."""
        self.percent, self.version = percent, self.version + 1

    def _write(self, percent: float, mark: Mark | None, verb: str) -> str:
        self._answers()
        self.percent, self.mark, self.version = percent, mark, self.version + 1
        self.note = "as it was" if verb == "restore" else "ours"
        self.writes.append(f"{verb} {percent:g}")
        if self.loses_answers:
            self.loses_answers = False
            raise Unreachable("no answer")
        return str(self.version)

    def set(self, write: Writer, flag: str, percent: float, mark: Mark, *, if_revision: str) -> str:
        if if_revision != str(self.version):
            raise Conflict("changed meanwhile", status=409)
        return self._write(percent, mark, "set")

    def kill(self, write: Writer, flag: str, mark: Mark) -> str:
        return self._write(0.0, mark, "kill")

    def restore(self, write: Writer, flag: str, document: str, mark: Mark) -> str:
        return self._write(json.loads(document)["percent"], None, "restore")

    def release(self, write: Writer, flag: str) -> None:
        self.mark = None

    def confirm(self, flag: str, revision: str, percent: float, pods: Sequence[PodSeen]) -> Ack:
        served = revision == str(self.version) and self.arrives(percent)
        missing = () if served else tuple(pod.name for pod in pods)
        return Ack(len(pods) if served else 0, len(pods), percent=percent, missing=missing, disagree=self.disagree)
