"""Killed before or after any API call, and taken up by another driver: it ends where the unkilled run ends (design.md rule 8)."""

import pytest

from deliver.model.journal import open_intents
from deliver.model.release import Release
from deliver.model.spec import Analysis, Limits, ReleaseSpec
from deliver.model.verdict import Verdict
from deliver_sandbox.faults import Fault, killed
from deliver_sandbox.images import Behaviour
from tests.engine.invariants import is_ready, watched
from tests.engine.rig import GOOD, METRIC, TARGET, Rig

KINDS = ("good", "bad", "late")  # late: taken back in the finish, while the Deployment has ready pods of the new version
LATE = {"canary": 100.0, "blue-green": 60.0}  # seconds after which the bad one is found out
STRATEGIES = tuple(LATE)
EVERY = 23  # of the calls, in the sample; a prime, so that it does not keep step with the loop's own rhythm


def scenario(strategy: str, kind: str) -> Rig:
    rig = Rig.make(images=dict.fromkeys(("registry/web:1.0.0", GOOD), Behaviour(start=6.0)) if kind == "late" else {})
    if kind == "late":
        rig.when(lambda release: bool(rolled(rig, release)), lambda: rig.ask("abort"))
    if kind == "bad":
        start = rig.world.clock.now()
        rig.judge.verdict = lambda now: Verdict.FAIL if now - start > LATE[strategy] else Verdict.PASS
    return rig


def rolled(rig: Rig, release: Release) -> int:
    """Ready pods of the Deployment itself that run the new version, before it has the traffic."""
    pods = rig.world.store.every("pods", "shop") if release.course == "finish" else ()
    own = [pod for pod in pods if "deliver.dev/release" not in pod["metadata"]["labels"] and is_ready(pod)]
    return sum(pod["spec"]["containers"][0]["image"] == GOOD for pod in own)


def wanted(rig: Rig, strategy: str) -> ReleaseSpec:
    if strategy == "canary":
        return rig.spec()
    options = {"preview_bake": "30s", "bake": "60s", "hold": "120s"}
    return ReleaseSpec(TARGET, GOOD, strategy, options, analysis=Analysis(metrics=(METRIC,), poll=5.0), limits=Limits(drain=10.0))


def unkilled(strategy: str, kind: str) -> tuple[tuple[object, ...], int]:
    rig = scenario(strategy, kind)
    first = len(rig.world.cluster.calls)
    release = rig.run(wanted(rig, strategy))
    return end_state(rig, release), len(rig.world.cluster.calls) - first


def end_state(rig: Rig, release: Release) -> tuple[object, ...]:
    return release.outcome, rig.before(), rig.names("deployments"), rig.names("configmaps")


def crash(strategy: str, kind: str, nth: int, *, applied: bool, expected: tuple[object, ...]) -> None:
    """Dead at its call number `nth`, before it or (applied) after its effect, and another goes on.

    That is both sides of each write, of the journal's and of those to the users' objects.
    """
    rig = scenario(strategy, kind)
    dog = watched(rig)
    rig.world.cluster.script.add(Fault(killed, actor="test@here", nth=nth, times=1, applied=applied))
    release = rig.outlived(wanted(rig, strategy))
    if release is None:
        return
    assert end_state(rig, release) == expected
    assert not open_intents(release.journal)
    assert rig.world.traffic.tally.lost() == 0
    dog.check(release)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_killed_at_a_sample_of_calls(strategy: str, kind: str):
    expected, calls = unkilled(strategy, kind)
    for at, nth in enumerate(range(3, calls + 1, EVERY)):
        crash(strategy, kind, nth, applied=bool(at % 2), expected=expected)


@pytest.mark.slow  # a minute each; `python -m tests.hunt.crashes` prints the figure
@pytest.mark.timeout(600)
@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_killed_at_every_call(strategy: str, kind: str, applied: bool):
    expected, calls = unkilled(strategy, kind)
    for nth in range(1, calls + 1):
        crash(strategy, kind, nth, applied=applied, expected=expected)
