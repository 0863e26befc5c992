"""A Lease that is deleted (a GitOps prune, a backup without Leases), and clocks that are hours wrong."""

import pytest

from deliver.engine.runtime.lease import Lease
from deliver.model.errors import Superseded
from deliver.model.release import Outcome
from deliver_sandbox.clock import EngineClock
from deliver_sandbox.faults import Fault, Killed, killed
from tests.engine.invariants import watched
from tests.engine.rig import TARGET, Rig, in_step


def orphaned() -> Rig:
    rig = Rig.make()
    rig.when(in_step(1), lambda: rig.world.cluster.script.add(Fault(killed, actor="test@here")))
    with pytest.raises(Killed):
        rig.run()
    rig.world.cluster.script.clear()
    return rig


def test_a_release_after_the_lease_was_deleted():
    """The record knows a higher fence than a Lease that begins anew."""
    rig = Rig.make()
    rig.run()
    rig.verb("rollback")  # the second of two fences
    rig.world.clock.wait(60)
    rig.remove("leases", "deliver-web")
    assert rig.run(rig.spec("registry/web:1.2.0")).outcome is Outcome.PROMOTED


@pytest.mark.parametrize("step", [1, 2])
def test_a_driver_whose_lease_is_pruned_goes_on(step: int):
    """Nobody else drives: a release that nobody watches would leave its users on the new version."""
    rig = Rig.make()
    dog = watched(rig)
    rig.when(in_step(step), lambda: rig.remove("leases", "deliver-web"))
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED
    dog.check(release)


def test_a_rollback_after_the_lease_was_pruned_supersedes_the_driver():
    rig = Rig.make()
    before = rig.before()

    def prune_and_roll_back() -> None:
        rig.remove("leases", "deliver-web")
        assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK

    rig.when(in_step(2), prune_and_roll_back)
    assert rig.run().outcome is Outcome.ROLLED_BACK
    assert rig.before() == before


def test_a_lock_that_another_has_taken_is_not_made_again():
    rig = Rig.make()
    first, second = (Lease(rig.world.cluster, TARGET, who, EngineClock(rig.world.clock)) for who in ("a", "b"))
    first.acquire()
    rig.remove("leases", "deliver-web")
    second.seize(fence_above=first.fence)
    with pytest.raises(Superseded):
        first.confirm()


@pytest.mark.parametrize("hours", [-2.0, 2.0])
def test_a_dead_driver_is_outlived_by_a_clock_that_is_hours_wrong(hours: float):
    rig = orphaned()
    lock = Lease(rig.world.cluster, TARGET, "other", wrong(rig, hours))
    lock.acquire()
    assert lock.fence == 2


def wrong(rig: Rig, hours: float) -> EngineClock:
    """Of a machine whose clock is wrong."""
    clock = EngineClock(rig.world.clock)
    clock.now = lambda: rig.world.clock.now() + hours * 3600  # type: ignore[method-assign]
    return clock
