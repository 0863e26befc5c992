"""The flag system of a hunt: each call may fail, take its time or be a process's last, and each write is told to the referee."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from deliver.model.observation import Ack, FlagState, PodSeen
from deliver.plugins.flags import Mark, Undone
from deliver.plugins.interfaces import Writer
from deliver.testing.flags import FLAG, MemoryFlags
from deliver_sandbox.faults import Call

if TYPE_CHECKING:
    from tests.hunt.play import Play

T = TypeVar("T")


@dataclass
class HuntFlags(MemoryFlags):
    """One for all processes of a world."""

    play: "Play | None" = None

    def read(self, flag: str) -> FlagState:
        return self._called("get", lambda: super(HuntFlags, self).read(flag))

    def set(self, write: Writer, flag: str, percent: float, mark: Mark, *, if_revision: str) -> str:
        return self._called("patch", lambda: super(HuntFlags, self).set(write, flag, percent, mark, if_revision=if_revision))

    def kill(self, write: Writer, flag: str, mark: Mark) -> str:
        return self._called("patch", lambda: super(HuntFlags, self).kill(write, flag, mark))

    def restore(self, write: Writer, flag: str, document: str, mark: Mark) -> str:
        return self._called("patch", lambda: super(HuntFlags, self).restore(write, flag, document, mark))

    def undo(self, write: Writer, flag: str, document: str, mark: Mark) -> Undone:
        return self._called("patch", lambda: super(HuntFlags, self).undo(write, flag, document, mark))

    def touch(self, **parts: Any) -> None:
        changed = {name: value for name, value in parts.items() if getattr(self, name) != value}
        super().touch(**changed)
        if self.play is not None and changed:
            self.play.persons.touched(changed)

    def release(self, write: Writer, flag: str) -> None:
        self._called("patch", lambda: super(HuntFlags, self).release(write, flag))

    def confirm(self, flag: str, revision: str, percent: float, pods: Sequence[PodSeen]) -> Ack:
        return self._called("get", lambda: super(HuntFlags, self).confirm(flag, revision, percent, pods))

    def _put(self, document: dict[str, Any]) -> str:
        before = self.on, self.there
        try:
            return super()._put(document)
        finally:
            if self.play is not None:
                self.play.persons.put(*before)

    def _write(self, percent: float | None, mark: Mark | None, verb: str) -> str:
        before = self.percent
        try:
            return super()._write(percent, mark, verb)
        finally:
            if self.play is not None and self.fails is None:
                self.play.referee.flagged(verb, before, percent, mark.fence if mark else None)
                self.play.persons.shared(verb, percent)

    def _called(self, verb: str, work: Callable[[], T]) -> T:
        """As a call to the API server: the same faults, kills and moments in which others run."""
        assert self.play is not None
        script, author, me = self.play.script, self.play.author, self.play.stage.current
        call = Call(-1, self.play.clock.now(), verb, "flags", "shop", FLAG, actor=me.name if me else "")
        fault = script.before(call)
        if fault is not None and not fault.applied:
            raise fault.error()
        before, author.name = author.name, me.name if me else ""
        try:
            result = work()
        finally:
            author.name = before
        if fault is not None:
            raise fault.error()
        script.after(call)
        return result
