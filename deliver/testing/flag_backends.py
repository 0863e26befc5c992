"""The contract of a flag back end: conditional writes, a kill that goes over everything, and what stood put back byte for byte."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from deliver.model.errors import ClusterError
from deliver.plugins.flags import FlagBackend, Mark
from deliver.plugins.interfaces import Writer

MARK = Mark("web-20260105-1", 0, 7)


@dataclass(frozen=True)
class Held:
    """A flag that serves nobody the treatment, in a back end, with the writer for its objects."""

    backend: FlagBackend
    write: Writer
    flag: str


class FlagBackendContract(ABC):
    """make: a new flag, each time, that is at 0 %."""

    plugin: ClassVar[Any]

    @abstractmethod
    def make(self) -> Held:
        """The author's."""

    def tampered(self, held: Held) -> None:
        """A stranger changes the flag. By default as another release of the same back end would."""
        held.backend.set(held.write, held.flag, 33.0, Mark("other", 0, 7), if_revision=held.backend.read(held.flag).revision)

    def test_it_says_what_it_is_and_what_it_can(self) -> None:
        assert self.plugin.name
        assert self.plugin.summary
        assert 0 < self.plugin.capabilities.step <= 100
        assert self.plugin.capabilities.ack in ("instance", "server", "none")

    def test_a_share_that_is_set_is_read_back_at_a_new_revision(self) -> None:
        held = self.make()
        for percent in (5.0, 25.0, 50.0, 100.0):
            before = held.backend.read(held.flag)
            revision = held.backend.set(held.write, held.flag, percent, MARK, if_revision=before.revision)
            after = held.backend.read(held.flag)
            assert after.percent == pytest.approx(percent)
            assert after.revision == revision != before.revision

    def test_a_set_on_what_somebody_else_has_changed_changes_nothing(self) -> None:
        held = self.make()
        old = held.backend.read(held.flag)
        self.tampered(held)
        theirs = held.backend.read(held.flag)
        with pytest.raises(ClusterError):
            held.backend.set(held.write, held.flag, 50.0, MARK, if_revision=old.revision)
        assert held.backend.read(held.flag).document == theirs.document

    def test_a_kill_goes_over_everything_and_serves_nobody(self) -> None:
        held = self.make()
        self.tampered(held)
        revision = held.backend.kill(held.write, held.flag, MARK)
        after = held.backend.read(held.flag)
        assert (after.percent, after.revision) == (0.0, revision)

    def test_what_stood_before_is_restored_byte_for_byte(self) -> None:
        held = self.make()
        before = held.backend.read(held.flag)
        held.backend.set(held.write, held.flag, 25.0, MARK, if_revision=before.revision)
        held.backend.kill(held.write, held.flag, MARK)
        held.backend.restore(held.write, held.flag, before.document, MARK)
        after = held.backend.read(held.flag)
        assert after.document == before.document
        assert (after.release, after.fence) == ("", 0), "nothing of ours is left"

    def test_the_end_of_a_promoted_release_leaves_the_share_and_no_mark(self) -> None:
        held = self.make()
        held.backend.set(held.write, held.flag, 100.0, MARK, if_revision=held.backend.read(held.flag).revision)
        held.backend.release(held.write, held.flag)
        after = held.backend.read(held.flag)
        assert (after.percent, after.release, after.fence) == (100.0, "", 0)

    def test_a_flag_that_is_not_there_is_an_error_and_not_a_share(self) -> None:
        held = self.make()
        with pytest.raises(ClusterError):
            held.backend.read("no-such-flag-at-all")
