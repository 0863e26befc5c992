"""From "traffic is off" on nobody gets the rejected version, whichever pods run it."""

import pytest

from deliver.model.release import Release
from deliver.model.spec import Limits
from deliver_sandbox.faults import Fault, Killed, killed
from deliver_sandbox.images import Behaviour
from tests.engine.invariants import is_ready, watched
from tests.engine.rig import GOOD, Rig

OLD = "registry/web:1.0.0"
SLOW = {OLD: Behaviour(start=20.0), GOOD: Behaviour(start=20.0, errors=0.2)}


def half_new(rig: Rig, release: Release) -> bool:
    """The Deployment rolls, and half of its own ready pods run the new version."""
    pods = rig.world.store.every("pods", "shop") if release.course == "finish" else ()
    own = [pod for pod in pods if "deliver.dev/release" not in pod["metadata"]["labels"] and is_ready(pod)]
    return sum(pod["spec"]["containers"][0]["image"] == GOOD for pod in own) == 2


@pytest.mark.parametrize("services", [("web",), ("web", "web-internal")])
def test_pods_of_the_rejected_version_that_the_deployment_still_has_get_no_user(services: tuple[str, ...]):
    rig = Rig.make(images=SLOW, services=services)
    rig.edit("deployments", "web", {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}})
    rig.world.clock.wait(1.0)
    before, dog, tally = rig.before(), watched(rig), rig.world.traffic
    rig.when(lambda release: half_new(rig, release), lambda: rig.ask("abort"))
    release = rig.run(rig.spec(limits=Limits(drain=3.0)))
    assert release.outcome == "ROLLED_BACK"
    assert rig.before() == before
    assert release.lingering >= release.traffic_off > 0, "the Deployment was not whole yet when traffic was off"
    assert tally.tally.fresh_at[GOOD] <= release.traffic_off
    assert tally.tally.lost() == 0
    dog.check(release)


@pytest.mark.parametrize("recorded", [True, False], ids=["resumed", "without a record"])
def test_so_it_is_when_the_driver_died_there_and_another_takes_it_back(recorded: bool):
    rig = Rig.make(images=SLOW)
    rig.edit("deployments", "web", {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}})
    rig.world.clock.wait(1.0)
    before, dog, tally = rig.before(), watched(rig), rig.world.traffic
    rig.when(lambda release: half_new(rig, release), lambda: rig.world.cluster.script.add(Fault(killed, actor="test@here")))
    with pytest.raises(Killed):
        rig.run(rig.spec(limits=Limits(drain=3.0)))
    if not recorded:
        rig.remove("configmaps", "deliver-web")
    release = rig.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert rig.before() == before
    assert release.lingering >= release.traffic_off > 0
    assert tally.tally.fresh_at[GOOD] <= release.traffic_off
    assert tally.tally.lost() == 0
    dog.check(release if recorded else None)
