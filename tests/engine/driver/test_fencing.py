"""One driver per target: whoever takes over is the only one whose writes count (design.md rule 7)."""

import pytest

from deliver.engine.runtime.lease import Lease
from deliver.model.errors import Conflict, Locked, Superseded
from deliver.model.names import FENCE
from deliver.model.release import Outcome
from deliver.model.verdict import Verdict
from deliver_sandbox.faults import Fault, Killed, conflict, killed, unreachable
from tests.engine.invariants import watched
from tests.engine.rig import TARGET, Rig, in_step


def test_run_against_a_live_holder_is_locked_and_names_it():
    rig = Rig.make()
    caught: list[Locked] = []

    def second() -> None:
        with pytest.raises(Locked) as error:
            rig.run(rig.spec("registry/web:1.2.0"), actor="ci@runner")
        caught.append(error.value)

    rig.when(in_step(1), second)
    assert rig.run().outcome is Outcome.PROMOTED
    assert "web-20260105-1" in caught[0].what or "test@here" in caught[0].what


def test_a_dead_holders_lease_is_inherited_only_after_15_s_of_silence():
    rig = Rig.make()
    rig.when(in_step(1), lambda: rig.world.cluster.script.add(Fault(killed, actor="test@here")))
    with pytest.raises(Killed):
        rig.run()
    rig.world.cluster.script.clear()
    rig.world.clock.wait(16.0)
    start = rig.world.clock.now()
    release = rig.verb("resume")
    assert release.resumed - start >= 15.0
    assert release.outcome is Outcome.PROMOTED


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_rollback_while_a_driver_lives_is_never_undone_by_it(step: int):
    rig = Rig.make()
    before, dog = rig.before(), watched(rig)
    taken: list[int] = []

    def take_back() -> None:
        assert rig.verb("rollback", actor="oncall@laptop").outcome is Outcome.ROLLED_BACK
        taken.append(len(rig.world.cluster.calls))

    rig.when(in_step(step), take_back)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.ended_by == "oncall@laptop"
    old = [call for call in rig.world.cluster.calls[taken[0] :] if call.actor == "test@here" and call.changed]
    assert not old
    assert rig.before() == before
    dog.check(release)


@pytest.mark.parametrize(
    ("kind", "nth"), [("services", 1), ("services", 2), ("services", 3), ("deployments", 1), ("deployments", 4), ("configmaps", 12)]
)
def test_a_write_prepared_before_the_takeover_changes_nothing_after_it(kind: str, nth: int):
    """The old driver is frozen with its write in hand, somebody takes the traffic back, and the old one goes on."""
    rig = Rig.make()
    before, changed = rig.before(), []
    inside: list[bool] = []

    def frozen(call) -> bool:
        if inside:
            return False
        frozen.count += 1
        if frozen.count == nth:
            inside.append(True)
            assert rig.verb("rollback", actor="oncall@laptop").outcome is Outcome.ROLLED_BACK
            changed.append(rig.before())
        return False

    frozen.count = 0
    rig.world.cluster.script.add(Fault(killed, verb="patch", kind=kind, actor="test@here", when=frozen))
    try:
        release = rig.run()
        assert release.outcome is Outcome.ROLLED_BACK
    except Superseded:
        pass
    assert inside
    assert changed == [before]
    assert rig.before() == before
    assert rig.names("deployments") == {"web"}
    assert rig.record().outcome is Outcome.ROLLED_BACK


@pytest.mark.parametrize("stamped", [False, True])
def test_a_candidate_created_after_the_takeover_is_taken_away_again_unless_the_heir_has_taken_it_up(stamped: bool):
    """A create has no version to be guarded by: its driver stood still just before it, and the rollback of another was over by then."""
    rig = Rig.make()
    before, frozen = rig.before(), list[object]()

    def stands_still(call) -> bool:
        if not frozen:
            frozen.append(call)
            assert rig.verb("rollback", actor="oncall@laptop").outcome is Outcome.ROLLED_BACK
        return False

    def seen(call) -> bool:
        if stamped and "web-candidate" in rig.names("deployments"):
            rig.edit("deployments", "web-candidate", {"metadata": {"annotations": {FENCE: "2"}}})
        return False

    rig.world.cluster.script.add(Fault(killed, verb="create", kind="deployments", actor="test@here", when=stands_still))
    rig.world.cluster.script.add(Fault(killed, verb="get", kind="leases", actor="test@here", when=seen))
    assert rig.run().outcome is Outcome.ROLLED_BACK
    assert frozen
    assert rig.names("deployments") == ({"web", "web-candidate"} if stamped else {"web"})
    assert stamped or rig.before() == before


def test_renewals_whose_answers_are_lost_keep_the_lock():
    """They were carried out, as the Lease itself shows. Else a rollback would wait until the answers come again."""
    rig = Rig.make()

    def cut() -> None:
        rig.world.cluster.script.add(Fault(unreachable(), verb="patch", applied=True, until=rig.world.clock.now() + 120))
        rig.world.clock.after(40.0, lambda: setattr(rig.judge, "verdict", Verdict.FAIL))

    bad = rig.when(in_step(1), cut)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.traffic_off - bad[0] < 40.0 + 15.0


def test_a_lock_that_others_are_quicker_to_take_is_taken_all_the_same():
    rig = Rig.make()
    lease = Lease(rig.world.cluster, TARGET, "oncall@laptop", rig.world.engine_clock)
    lease.acquire()
    rig.world.cluster.script.add(Fault(conflict, verb="patch", kind="leases", times=5))
    start, first = rig.world.clock.now(), len(rig.world.cluster.calls)
    lease.seize()
    assert lease.valid()
    assert rig.world.clock.now() - start < 1.0
    assert len(rig.world.cluster.calls) - first == 12


def test_a_lock_that_can_never_be_taken_is_given_up_without_a_storm_of_calls():
    """The hunt found a rollback that asked without end while every write was answered with a conflict."""
    rig = Rig.make()
    lease = Lease(rig.world.cluster, TARGET, "oncall@laptop", rig.world.engine_clock)
    lease.acquire()
    rig.world.cluster.script.add(Fault(conflict, verb="patch", kind="leases"))
    start, first = rig.world.clock.now(), len(rig.world.cluster.calls)
    with pytest.raises(Conflict, match="keeps changing"):
        lease.seize()
    assert 30.0 < rig.world.clock.now() - start < 90.0
    assert len(rig.world.cluster.calls) - first <= 120


@pytest.mark.parametrize("there", [False, True])
def test_of_two_that_find_it_free_at_the_same_moment_the_second_is_told_who_was_first(there: bool):
    """Both look, then both write. Seen with two `deliver run` at once: the second ended as if the cluster could not be reached."""
    rig = Rig.make()
    first, second = (Lease(rig.world.cluster, TARGET, name, rig.world.engine_clock) for name in ("first@here", "second@there"))
    if there:
        first.acquire()
        first.release()
    look, asked = second.look, list[object]()

    def late(**more: object):
        found = look(**more)
        if not asked:
            asked.append(found)
            first.acquire()
        return found

    second.look = late  # type: ignore[method-assign]  # the other one comes in between
    with pytest.raises(Locked) as error:
        second.acquire()
    assert "first@here" in error.value.what
