"""A flag system whose plugin knows documents alone, as all did before `undo`: it goes on working, and gives nothing back to anybody."""

from typing import Any

import pytest

from deliver.model.release import Release
from deliver.plugins.flags import FlagBackend
from deliver.testing.flags import MemoryFlags
from tests.engine.driver.test_flags import FlagRig, stopped
from tests.engine.rig import in_step


class Older(MemoryFlags):
    """Its mark is part of what a revision is made of, and its kill keeps nothing aside."""

    undo = FlagBackend.undo  # type: ignore[assignment]  # what a class inherits that is derived from the Protocol

    def kill(self, *arguments: Any) -> str:
        revision = super().kill(*arguments)
        self.kept = {}
        return revision

    def release(self, *arguments: Any) -> None:
        super().release(*arguments)
        self.version += 1


@pytest.fixture
def rig() -> FlagRig:
    made = FlagRig.make()
    made.flags = Older()
    made.flag_clients = made.flags.flag_client
    return made


def taken_back(rig: FlagRig, **edit: Any) -> Release:
    rig.when(in_step(2), lambda: rig.flags.touch(**edit))
    assert rig.run().outcome == "HELD"
    release = rig.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert rig.flags.mark is None
    return release


def test_where_nobody_else_wrote_it_is_put_back_whole(rig: FlagRig):
    before = rig.flags.read("new-checkout").document
    stopped(rig)
    release = rig.verb("rollback")
    assert (release.outcome, release.flag_left) == ("ROLLED_BACK", ())
    assert rig.flags.read("new-checkout").document == before


def test_after_a_promotion_too(rig: FlagRig):
    before = rig.flags.read("new-checkout").document
    assert rig.run().outcome == "PROMOTED"
    assert rig.verb("rollback").outcome == "ROLLED_BACK"
    assert rig.flags.read("new-checkout").document == before


def test_what_a_person_switched_off_stays_off(rig: FlagRig):
    release = taken_back(rig, on=False)
    assert rig.flags.on is False
    assert release.flag_left == ("flag `new-checkout` was switched off by somebody else while the release ran: it stays off",)


def test_a_share_that_a_person_took_to_nobody_stays_there(rig: FlagRig):
    release = taken_back(rig, percent=0.0, mark=None)
    assert rig.flags.percent == 0.0
    assert release.flag_left == ("flag `new-checkout` was changed by somebody else while the release ran: it stays as they left it",)


@pytest.mark.parametrize("edit", [{"percent": 30.0}, {"percent": None}, {"rules": "staff"}])
def test_what_cannot_be_taken_apart_stays_at_the_safe_variant_and_that_is_said(rig: FlagRig, edit: dict[str, Any]):
    release = taken_back(rig, **edit)
    assert (rig.flags.percent, rig.flags.rules) == (0.0, "")
    [told] = release.flag_left
    assert "it stays at the safe variant for everyone, for `memory` cannot take our part alone out of it" in told


def test_what_a_person_changed_after_the_kill_is_not_written_over(rig: FlagRig):
    stopped(rig)
    rig.when(lambda release: bool(release.traffic_off), lambda: rig.flags.touch(on=False))
    release = rig.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert rig.flags.on is False
    assert release.flag_left == ("flag `new-checkout` was changed by somebody else while the release ran: it stays as it is",)


def test_a_flag_that_a_person_removed_stays_removed(rig: FlagRig):
    assert taken_back(rig, there=False, mark=None).flag_left == ("flag `new-checkout` was removed by somebody: it stays removed",)
    assert rig.flags.there is False
