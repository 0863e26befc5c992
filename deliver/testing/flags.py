"""A flag system in memory, with the contract's manners: for tests of whatever stands on a flag, without a flag system."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel

from deliver.engine.runtime.flag_client import FlagClient
from deliver.model.errors import ClusterError, Conflict, Rejected, Unreachable
from deliver.model.objects import Object
from deliver.model.observation import Ack, FlagState, PodSeen
from deliver.plugins.flags import Capabilities, FlagGone, Mark, Undone
from deliver.plugins.interfaces import Finding, Writer
from deliver.plugins.three_way_merge import MISSING, differences, merge

FLAG = "new-checkout"
KILLED = {"percent": 0.0, "note": "ours", "rules": ""}
"""What a kill leaves of the document."""


class NoOptions(BaseModel):
    """None."""


@dataclass
class MemoryFlags:
    """served: what the instances serve by now; `arrives` says whether a write gets to them.

    on: its switch, which no release ever turns on. rules: what other people's own rules give the treatment to, beside the share. kept: of
    what is other people's, what our writes went over. there: nobody has removed it.
    """

    name: ClassVar[str] = "memory"
    summary: ClassVar[str] = "in memory"
    Options: ClassVar[type[BaseModel]] = NoOptions
    capabilities: ClassVar[Capabilities] = Capabilities(step=0.001, conditional=True, monotone=True, ack="instance")

    percent: float | None = 0.0
    writes: list[str] = field(default_factory=list)
    version: int = 1
    mark: Mark | None = None
    note: str = "as it was"
    on: bool = True
    rules: str = ""
    kept: dict[str, Any] = field(default_factory=dict)
    there: bool = True
    fails: ClusterError | None = None
    arrives: Callable[[float], bool] = lambda percent: True
    disagree: str = ""
    loses_answers: bool = False

    def flag_client(self, *_: Any) -> FlagClient:
        return FlagClient(FLAG, self)

    def watches(self) -> Sequence[Any]:
        return ()

    def check(self, flag: str, workload: Object, pods: Sequence[Object]) -> list[Finding]:
        return []

    def _answers(self) -> None:
        if self.fails:
            raise self.fails

    def read(self, flag: str) -> FlagState:
        self._answers()
        if flag != FLAG or not self.there:
            raise FlagGone(f"there is no flag `{flag}`", status=404)
        why = "three rules" if self.percent is None else ""
        mark = self.mark or Mark("", 0, 0)
        percent, off = (self.percent, "") if self.on else (0.0, "its switch is off")
        return FlagState(
            percent, str(self.version), json.dumps(self._document()), why, mark.release, mark.fence, "on", "off", off, self.rules
        )

    def _document(self) -> dict[str, Any]:
        return {"percent": self.percent, "note": self.note, "on": self.on, "rules": self.rules}

    def edit(self, percent: float | None) -> None:
        """A stranger's write."""
        self.touch(percent=percent)

    def touch(self, **parts: Any) -> None:
        """A stranger's write of any part: percent, on, rules, note, there."""
        for name, value in parts.items():
            setattr(self, name, value)
        self.version += 1

    def _write(self, percent: float | None, mark: Mark | None, verb: str) -> str:
        self._answers()
        if not self.there:
            raise FlagGone(f"there is no flag `{FLAG}`", status=404)
        self.percent, self.mark, self.version = percent, mark, self.version + 1
        if verb != "restore":
            self.note = "ours"
        self.writes.append(f"{verb} {'a rule' if percent is None else format(percent, 'g')}")
        if self.loses_answers:
            self.loses_answers = False
            raise Unreachable("no answer")
        return str(self.version)

    def set(self, write: Writer, flag: str, percent: float, mark: Mark, *, if_revision: str) -> str:
        if if_revision != str(self.version):
            raise Conflict("changed meanwhile", status=409)
        if not self.on:
            raise Rejected("it is switched off, and not by this release", status=422)
        if self.fails is None and self._is_somebodys("note", self.note):
            self.kept = {**self.kept, "note": self.note}
        return self._write(percent, mark, "set")

    def kill(self, write: Writer, flag: str, mark: Mark) -> str:
        """Kept aside and gone over in one write."""
        theirs = {key: value for key, value in self._document().items() if key in KILLED and self._is_somebodys(key, value)}
        if self.fails is None:
            self.kept, self.rules = {**self.kept, **theirs}, ""
        return self._write(0.0, mark, "kill")

    def _is_somebodys(self, key: str, value: Any) -> bool:
        return value is None if key == "percent" else value != KILLED[key]

    def restore(self, write: Writer, flag: str, document: str, mark: Mark) -> str:
        return self._put(json.loads(document))

    def undo(self, write: Writer, flag: str, document: str, mark: Mark) -> Undone:
        self._answers()
        if not self.there:
            raise FlagGone(f"there is no flag `{flag}`", status=404)
        before, now = json.loads(document), self._document()
        now |= {key: value for key, value in self.kept.items() if now[key] == KILLED[key]}
        ours = {**before, "note": "ours"} | ({"percent": now["percent"]} if now["percent"] is not None else {})
        after = merge(before, ours, now)
        left = [f"`{path[0]}` of flag `{flag}` was {_how(new)} by somebody: it stays so" for path, _, new in differences(before, after)]
        return Undone(self._put(after), tuple(left))

    def _put(self, document: dict[str, Any]) -> str:
        self._answers()
        self.note, self.on, self.rules, self.kept, self.there = document["note"], document["on"], document["rules"], {}, True
        return self._write(document["percent"], None, "restore")

    def release(self, write: Writer, flag: str) -> None:
        self.mark, self.kept = None, {}

    def confirm(self, flag: str, revision: str, percent: float, pods: Sequence[PodSeen]) -> Ack:
        served = (revision == str(self.version) or not self.there) and self.arrives(percent)
        missing = () if served else tuple(pod.name for pod in pods)
        return Ack(len(pods) if served else 0, len(pods), percent=percent, missing=missing, disagree=self.disagree)


def _how(new: Any) -> str:
    return "switched off" if new is False else "removed" if new is MISSING else "changed"
