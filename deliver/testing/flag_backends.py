"""The contract of a flag back end: conditional writes, a kill that goes over everything, and what we wrote taken back and nothing else."""

from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from deliver.model.errors import ClusterError
from deliver.model.observation import FlagState
from deliver.plugins.flags import FlagBackend, FlagGone, Mark, undoes
from deliver.plugins.interfaces import Writer
from deliver.testing.plugin import PluginContract

MARK = Mark("web-20260105-1", 0, 7)


@dataclass(frozen=True)
class Held:
    """A flag that serves nobody the treatment, in a back end, with the writer for its objects."""

    backend: FlagBackend
    write: Writer
    flag: str


class FlagBackendContract(PluginContract):
    """make: a new flag, each time, that is at 0 %. switched_off, edited, removed: what a person can do to it; without them, and without an
    `undo` of the back end's own, the tests of that are skipped.
    """

    @abstractmethod
    def make(self) -> Held:
        """The author's."""

    def tampered(self, held: Held) -> None:
        """A stranger changes the flag. By default as another release of the same back end would."""
        held.backend.set(held.write, held.flag, 33.0, Mark("other", 0, 7), if_revision=held.backend.read(held.flag).revision)

    def switched_off(self, held: Held) -> bool:
        """A person switches the flag off, by what the flag system has for that (a state, an environment). False: it has nothing, or it is
        off already.
        """
        return False

    def edited(self, held: Held) -> bool:
        """A person changes something of the flag that no release writes: an owner, a description, a variant. False: there is nothing."""
        return False

    def removed(self, held: Held) -> bool:
        """A person removes or archives the flag. False: that cannot be done here."""
        return False

    def test_it_says_what_it_can(self) -> None:
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
        held, before = self._begun(self.make(), 25.0)
        held.backend.kill(held.write, held.flag, MARK)
        held.backend.restore(held.write, held.flag, before.document, MARK)
        after = held.backend.read(held.flag)
        assert after.document == before.document
        assert (after.release, after.fence) == ("", 0), "nothing of ours is left"

    def test_where_nobody_else_wrote_an_undo_is_that_document_again_and_twice_does_no_harm(self) -> None:
        held, before = self._begun(self.able(), 25.0)
        held.backend.kill(held.write, held.flag, MARK)
        for _ in range(2):
            assert held.backend.undo(held.write, held.flag, before.document, MARK).left == ()
            after = held.backend.read(held.flag)
            assert (after.document, after.release, after.fence) == (before.document, "", 0)

    def test_an_undo_after_a_promotion_takes_the_share_back(self) -> None:
        held, before = self._begun(self.able(), 100.0)
        held.backend.release(held.write, held.flag)
        held.backend.kill(held.write, held.flag, MARK)
        held.backend.undo(held.write, held.flag, before.document, MARK)
        assert held.backend.read(held.flag).document == before.document

    def test_a_share_that_somebody_else_set_is_taken_back_with_ours(self) -> None:
        held, before = self._begun(self.able(), 25.0)
        self.tampered(held)
        held.backend.kill(held.write, held.flag, MARK)
        held.backend.undo(held.write, held.flag, before.document, MARK)
        after = held.backend.read(held.flag)
        assert (after.percent, after.release) == (0.0, "")

    @pytest.mark.parametrize("late", [False, True], ids=["in the release", "between kill and undo"])
    def test_what_a_person_switched_off_stays_off_and_is_told(self, late: bool) -> None:
        self._survives(self.switched_off, late)

    @pytest.mark.parametrize("late", [False, True], ids=["in the release", "between kill and undo"])
    def test_what_a_person_changed_beside_our_share_survives_and_is_told(self, late: bool) -> None:
        self._survives(self.edited, late)

    def test_what_a_person_switched_off_no_set_switches_on(self) -> None:
        held = self.able()
        if not self.switched_off(held):
            pytest.skip("it has no switch")
        theirs = held.backend.read(held.flag)
        with pytest.raises(ClusterError):
            held.backend.set(held.write, held.flag, 25.0, MARK, if_revision=theirs.revision)
        assert held.backend.read(held.flag).off

    def test_a_flag_that_a_person_removed_is_not_made_again(self) -> None:
        held, before = self._begun(self.able(), 25.0)
        if not self.removed(held):
            pytest.skip("flags cannot be removed")
        for verb in (
            lambda: held.backend.kill(held.write, held.flag, MARK),
            lambda: held.backend.undo(held.write, held.flag, before.document, MARK),
        ):
            with suppress(FlagGone):  # an archived one can be changed, and says so in what is left
                verb()
            with pytest.raises(FlagGone):
                held.backend.read(held.flag)

    def _begun(self, held: Held, percent: float) -> tuple[Held, FlagState]:
        """With that share set by a release, and what stood before."""
        before = held.backend.read(held.flag)
        held.backend.set(held.write, held.flag, percent, MARK, if_revision=before.revision)
        return held, before

    def able(self) -> Held:
        """One that has an `undo` of its own; without it the engine puts the flag back whole, or leaves it at the safe variant."""
        held = self.make()
        if not undoes(held.backend):
            pytest.skip("it has no undo of its own")
        return held

    def _survives(self, change: Callable[[Held], bool], late: bool) -> None:
        """As the same change leaves the flag where no release was."""
        held, before = self._begun(self.able(), 25.0)
        if not late and not change(held):
            pytest.skip("there is no such thing")
        held.backend.kill(held.write, held.flag, MARK)
        if late and not change(held):
            pytest.skip("there is no such thing, or it cannot be done over a kill")
        undone = held.backend.undo(held.write, held.flag, before.document, MARK)
        after = held.backend.read(held.flag)
        held.backend.restore(held.write, held.flag, before.document, MARK)
        change(held)
        wanted = held.backend.read(held.flag)
        assert (after.document, bool(after.off), after.release) == (wanted.document, bool(wanted.off), "")
        assert undone.left

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
