"""The same command again: after its release was promoted, rolled back, held, while it runs, and after its driver died."""

import pytest

from deliver.model.errors import AlreadySo, Locked
from deliver.model.exitcodes import ExitCode
from deliver.model.release import Outcome
from deliver.model.verdict import Verdict
from deliver_sandbox.faults import Fault, forbidden
from tests.engine.interrupted import interrupted
from tests.engine.rig import Rig, in_step


def refused(rig: Rig) -> Locked:
    """By `plan` and by `run`, with the same words and nothing changed."""
    before = rig.before()
    with pytest.raises(Locked) as planned:
        rig.propose()
    with pytest.raises(Locked) as ran:
        rig.run()
    assert ran.value.what == planned.value.what
    assert ran.value.hint == planned.value.hint
    assert rig.before() == before
    return ran.value


def test_what_was_promoted_is_already_so():
    rig = Rig.make()
    assert rig.run().outcome is Outcome.PROMOTED
    rig.world.clock.wait(30.0)  # the old pods have gone
    before = rig.before()
    with pytest.raises(AlreadySo) as told:
        rig.run()
    assert told.value.exit_code is ExitCode.ALREADY
    assert told.value.what == "Deployment web runs registry/web:1.1.0 already"
    assert rig.before() == before


def test_what_runs_already_and_is_not_whole_is_refused_for_that():
    """A pipeline that takes `already so` for success must not be told so of pods that are not there."""
    rig = Rig.make()
    assert rig.run().outcome is Outcome.PROMOTED
    rig.world.clock.wait(30.0)
    rig.edit("deployments", "web", {"spec": {"paused": True}})
    with pytest.raises(Exception, match="Deployment web is paused") as told:
        rig.run()
    assert not isinstance(told.value, AlreadySo)
    assert "runs registry/web:1.1.0 already" in str(getattr(told.value, "why", ""))


def test_what_was_rolled_back_is_released_once_more():
    rig = Rig.make()
    rig.judge.verdict = lambda now: Verdict.FAIL
    assert rig.run().outcome is Outcome.ROLLED_BACK
    rig.judge.verdict = lambda now: Verdict.PASS
    again = rig.run()
    assert (again.number, again.outcome) == (2, Outcome.PROMOTED)


def test_a_held_release_is_named_and_nothing_that_would_harm_it_is_advised():
    rig = Rig.make()
    rig.when(in_step(2), lambda: rig.set_image("web", "registry/web:1.2.0"))
    held = rig.run()
    error = refused(rig)
    assert error.what == f"release web-20260105-1 of shop/web is HELD: {held.reason}"
    assert error.hint == "`deliver resume web -n shop` goes on with it, or `deliver rollback web -n shop` takes it back"
    assert "rollout resume" not in f"{error.what}{error.why}{error.hint}"


def test_one_that_runs_is_watched():
    rig = Rig.make()
    told: list[Locked] = []

    def again() -> None:
        with pytest.raises(Locked) as refused:
            rig.propose()
        told.append(refused.value)

    rig.when(in_step(2), again)
    assert rig.run().outcome is Outcome.PROMOTED
    assert "is under way, driven by " in told[0].what
    assert told[0].hint.startswith("`deliver status -w web -n shop` watches it")


@pytest.mark.parametrize("seconds", [20.0, 3600.0])
def test_one_whose_driver_died_is_resumed(seconds: float):
    """Its pipeline would wait for ever for somebody who is dead."""
    rig, _ = interrupted(in_step(2))
    rig.world.clock.wait(seconds)
    error = refused(rig)
    assert "is under way, and nobody drives it: " in error.what
    assert error.hint.startswith("`deliver resume web -n shop` goes on with it")


def test_where_the_lock_may_not_be_read_nobody_is_called_dead():
    rig, _ = interrupted(in_step(2))
    rig.world.cluster.script.add(Fault(forbidden, kind="leases"))
    with pytest.raises(Locked) as told:
        rig.propose()
    assert "its lock may not be read" in told.value.what
    assert "resume" not in told.value.hint
