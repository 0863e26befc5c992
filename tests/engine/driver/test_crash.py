"""Killed before or after any API call, and taken up by another driver: it ends where the unkilled run ends (design.md rule 8)."""

import pytest

from deliver.model.journal import open_intents
from deliver.model.release import Outcome, Release
from deliver.model.spec import Analysis, Limits, ReleaseSpec
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Fault, Killed, killed
from deliver_sandbox.images import Behaviour
from deliver_sandbox.store import Change
from tests.engine.invariants import is_ready, watched
from tests.engine.rig import GOOD, METRIC, TARGET, Rig, in_step, steps

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


def test_a_driver_that_died_between_two_services_is_continued():
    """One Service moved, the other not: the next driver waited for `limits.total`."""
    rig = Rig.make(services=("web", "web-internal"))

    def die_between(change: Change) -> None:
        if change.kind == "services" and "pod-template-hash" not in change.obj["spec"]["selector"]:
            rig.world.cluster.script.add(Fault(killed, actor="test@here"))

    rig.world.store.listen(die_between)
    with pytest.raises(Killed):
        rig.run()
    rig.world.cluster.script.clear()
    start = rig.world.clock.now()
    release = rig.verb("resume")
    assert release.outcome is Outcome.PROMOTED, release.reason
    assert rig.world.clock.now() - start < 600


def test_exposure_does_not_rise_on_the_verdict_of_a_driver_that_is_gone():
    """It died after the PASS and before the rise; minutes later nobody knows whether the version is still good."""
    rig = Rig.make()
    rig.when(in_step(2, "Preparing"), lambda: rig.world.cluster.script.add(Fault(killed, actor="test@here")))
    with pytest.raises(Killed):
        rig.run()
    rig.world.cluster.script.clear()
    rig.world.clock.wait(600)
    start = rig.world.clock.now()
    dog = watched(rig)
    release = rig.verb("resume")
    assert release.outcome is Outcome.PROMOTED
    rise = next(
        entry.at
        for entry in release.journal
        if sentence(entry, release).startswith("scale-candidate 4: ") and entry.kind == "intent" and entry.at > start
    )
    assert rise - start >= 60.0
    dog.check(release)


def test_a_surge_of_a_step_that_the_next_driver_begins_again_is_taken_away_too():
    """Hunt, wild 7103137: the heir was back in the step before, whose size knew of no surge, and left a pod more than there were."""
    rig = Rig.make(replicas=12)
    before = rig.before()
    surged = rig.when(
        lambda release: release.step == 1 and steps(release)[-1] == "scale-stable 13",
        lambda: rig.world.cluster.script.add(Fault(killed, actor="test@here")),
    )
    with pytest.raises(Killed):
        rig.run(rig.spec(weights=(20, 35, 80), options={"surge": 3}))
    rig.world.cluster.script.clear()
    rig.when(in_step(1), lambda: setattr(rig.judge, "verdict", Verdict.FAIL))
    assert surged
    assert rig.verb("resume").outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
