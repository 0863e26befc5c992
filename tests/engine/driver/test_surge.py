"""Deployments of one to three pods: temporary stable pods give the weight, and nothing of them is left."""

import pytest

from deliver.model.observation import Observation
from deliver.model.plan import Side
from deliver.model.release import Outcome, Release
from deliver.model.spec import ReleaseSpec
from tests.engine.invariants import watched
from tests.engine.rig import Rig, steps


def promoted(rig: Rig, spec: ReleaseSpec) -> Release:
    dog = watched(rig)
    release = rig.run(spec)
    assert release.outcome is Outcome.PROMOTED, release.reason
    dog.check(release)
    assert rig.world.traffic.tally.lost() == 0
    return release


def test_surge_adds_stable_pods_and_takes_them_away_again():
    rig = Rig.make()
    before = rig.before()["deployments/web"]["spec"]["replicas"]
    release = promoted(rig, rig.spec(weights=[10], options={"surge": 5}))
    assert "scale-stable 9" in steps(release)
    assert release.plan.steps[0].endpoints == 10.0
    assert rig.before()["deployments/web"]["spec"]["replicas"] == before


@pytest.mark.parametrize("hpa", [False, True])
@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_a_tenth_is_given_by_one_to_three_pods_and_everything_is_as_before(replicas: int, hpa: bool):
    rig = Rig.make(replicas=replicas, hpa=hpa)
    before = rig.before()
    release = promoted(rig, rig.spec(weights=[10]))
    assert release.plan.steps[0].endpoints <= 25.0
    after = rig.before()
    assert after["services/web"] == before["services/web"]
    if hpa:
        assert after["horizontalpodautoscalers/web"] == before["horizontalpodautoscalers/web"]
    else:
        assert after["deployments/web"]["spec"]["replicas"] == replicas


@pytest.mark.parametrize("hpa", [False, True])
def test_no_more_users_than_planned_and_no_more_pods(hpa: bool):
    """What the step says holds from its first moment on, and with all users the candidate is of the size that the plan says."""
    rig = Rig.make(replicas=1, hpa=hpa)
    seen_shares: list[float] = []
    most: list[int] = []

    def look(release: Release, seen: Observation | None) -> None:
        if seen and seen.stable and seen.candidate:
            most.append(seen.candidate.desired)
            if seen.route.side is Side.BOTH and release.step == 0 and release.course == "forward" and seen.candidate.ready:
                seen_shares.append(100.0 * seen.candidate.ready / (seen.candidate.ready + seen.stable.ready))

    rig.reporter.on_update = look
    release = promoted(rig, rig.spec(weights=[10]))
    assert seen_shares and max(seen_shares) <= release.plan.steps[0].endpoints + 0.01
    assert max(most) <= release.plan.steps[-1].candidate_pods


def test_a_rollback_takes_the_temporary_pods_away_again():
    rig = Rig.make(replicas=1)
    before = rig.before()
    rig.fails_after(30.0)
    release = rig.run(rig.spec(weights=[10]))
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before


@pytest.mark.parametrize("good", [True, False])
def test_an_autoscaler_without_metrics_takes_no_pod_away_so_we_do(good: bool):
    rig = Rig.make(replicas=1, hpa=True)
    del rig.world.load["shop", "web"]
    rig.world.clock.wait(30)
    before = rig.before()
    if not good:
        rig.fails_after(30.0)
    release = rig.run(rig.spec(weights=[10]))
    assert release.outcome is (Outcome.PROMOTED if good else Outcome.ROLLED_BACK)
    assert release.surged == 5
    rig.world.clock.wait(60)
    after = rig.before()
    assert after["deployments/web"]["spec"]["replicas"] == 1
    assert after["horizontalpodautoscalers/web"] == before["horizontalpodautoscalers/web"]


def test_an_autoscaler_that_measures_takes_them_away_itself():
    rig = Rig.make(replicas=1, hpa=True)
    promoted(rig, rig.spec(weights=[10]))
    assert rig.before()["deployments/web"]["spec"]["replicas"] == 5, "what the load needs by now is the autoscaler's to say"
    rig.world.clock.wait(400)
    assert rig.before()["deployments/web"]["spec"]["replicas"] == 1
