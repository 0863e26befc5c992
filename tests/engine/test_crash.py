"""Killed before or after any API call, and taken up by another driver: it ends where the unkilled run ends (design.md rule 8)."""

import pytest

from deliver.engine.record import open_intents
from deliver.model.errors import InputError
from deliver.model.release import Release
from deliver.model.verdict import Verdict
from deliver.sandbox.faults import Fault, Killed, killed
from tests.engine.invariants import watched
from tests.engine.rig import Rig

KINDS = ("good", "bad")
EVERY = 23  # of the calls, in the sample; a prime, so that it does not keep step with the loop's own rhythm


def scenario(kind: str) -> Rig:
    rig = Rig.make()
    if kind == "bad":
        start = rig.world.clock.now()
        rig.judge.verdict = lambda now: Verdict.FAIL if now - start > 100 else Verdict.PASS
    return rig


def unkilled(kind: str) -> tuple[tuple[object, ...], int]:
    rig = scenario(kind)
    first = len(rig.world.cluster.calls)
    release = rig.run()
    return end_state(rig, release), len(rig.world.cluster.calls) - first


def end_state(rig: Rig, release: Release) -> tuple[object, ...]:
    return release.outcome, rig.before(), rig.names("deployments"), rig.names("configmaps")


def crash(kind: str, nth: int, *, applied: bool, expected: tuple[object, ...]) -> None:
    rig = scenario(kind)
    dog = watched(rig)
    rig.world.cluster.script.add(Fault(killed, actor="test@here", nth=nth, times=1, applied=applied))
    try:
        release = rig.run()
    except Killed:
        try:
            release = rig.verb("resume")
        except InputError:
            if rig.names("configmaps") == set():
                return  # it had not begun
            release = rig.record()  # it had ended
    assert end_state(rig, release) == expected
    assert not open_intents(release)
    assert rig.world.traffic.tally.lost() == 0
    dog.check(release)


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_a_sample_of_calls(kind: str):
    expected, calls = unkilled(kind)
    for at, nth in enumerate(range(3, calls + 1, EVERY)):
        crash(kind, nth, applied=bool(at % 2), expected=expected)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_every_call(kind: str, applied: bool):
    expected, calls = unkilled(kind)
    for nth in range(1, calls + 1):
        crash(kind, nth, applied=applied, expected=expected)
