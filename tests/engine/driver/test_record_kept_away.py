"""The record is made immutable in mid-release: what is refused for good holds a release that goes forward, and stops no rollback."""

import pytest

from deliver.model.errors import Rejected
from deliver.model.release import Outcome
from deliver.model.verdict import Verdict
from deliver_sandbox.faults import Fault
from tests.engine.rig import Rig, in_step


def immutable() -> BaseException:
    return Rejected("cannot change configmaps/deliver-web in shop", status=422, why="field is immutable when `immutable` is set")


def kept_away(rig: Rig) -> None:
    rig.world.cluster.script.add(Fault(immutable, verb="patch", kind="configmaps"))


def test_a_release_whose_record_cannot_be_written_is_held_and_says_why():
    rig = Rig.make()
    rig.when(in_step(1), lambda: kept_away(rig))
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert "field is immutable" in release.reason


@pytest.mark.parametrize("step", [1, 2])
def test_a_rollback_gets_done_without_its_record(step: int):
    rig = Rig.make()
    before = rig.before()
    rig.when(in_step(step), lambda: kept_away(rig))
    rig.run()
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
    assert rig.names("deployments") == {"web"}


def test_a_bad_version_is_taken_back_by_its_own_driver():
    rig = Rig.make()
    before = rig.before()

    def worse() -> None:
        kept_away(rig)
        rig.judge.verdict = Verdict.FAIL

    rig.when(in_step(2), worse)
    assert rig.run().outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
