"""The finish: the traffic is on a side with ready pods until nothing of ours is left (design.md rules 1 and 4)."""

from dataclasses import replace

import pytest

from deliver.model.release import Outcome
from deliver.model.spec import Limits
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Fault, Killed, killed
from tests.engine.invariants import watched
from tests.engine.rig import GOOD, Rig, lose, steps, taken_over


def test_when_the_deployment_loses_its_pods_after_it_took_over_the_candidate_serves_on_until_they_are_back():
    rig = Rig.make()
    dog = watched(rig, grace=0.5)
    lost = rig.when(taken_over, lambda: lose(rig, 90.0))
    release = rig.run(rig.spec(limits=Limits(drain=30.0)))
    assert release.outcome is Outcome.PROMOTED
    assert [text for text in steps(release) if text.startswith(("route", "delete"))][-4:] == [
        "route stable",
        "route candidate",
        "route stable",
        "delete-candidate",
    ]
    deleted = next(entry.at for entry in release.journal if sentence(entry, release) == "delete-candidate")
    assert deleted >= lost[0] + 90.0 + 30.0, "there again, and drained once more"
    pins = [pin for _, pin in dog.routed]
    assert pins[-4:] == [release.new_hash, release.candidate_hash, release.new_hash, ""]
    dog.check(release)


def test_a_deployment_that_somebody_sets_back_after_it_rolled_out_is_waited_for_anew():
    """The hunt (wild 6000200): its rollout was taken for done, and was stopped before its first pod to pin it."""
    rig = Rig.make()
    rig.when(lambda release: bool(release.new_hash), lambda: rig.world.cluster.script.add(Fault(killed, actor="test@here")))
    with pytest.raises(Killed):
        rig.run()
    rig.world.cluster.script.clear()
    rig.set_image("web", "registry/web:1.0.0")
    rig.edit("deployments", "web", {"spec": {"paused": False}})
    rig.world.clock.wait(60.0)
    release = rig.verb("resume")
    assert release.outcome is Outcome.PROMOTED, release.reason
    assert steps(release).count("update-stable") == 2


def test_a_deployment_that_somebody_made_smaller_gets_its_size_before_its_traffic():
    """Hunt, wild 8014084: all users were moved from three pods to one, and the size was put back after that."""
    rig = Rig.make()
    dog = watched(rig, grace=0.5)
    smaller = rig.when(lambda release: bool(release.new_hash), lambda: rig.edit("deployments", "web", {"spec": {"replicas": 1}}))
    ready = []
    rig.when(taken_over, lambda: ready.append(rig.get("deployments", "web")["status"]["readyReplicas"]))
    release = rig.run()
    assert smaller
    assert release.outcome is Outcome.PROMOTED
    assert ready == [4]
    dog.check(release)


def test_a_pod_that_is_lost_just_before_the_takeover_is_waited_for_however_long_the_bake_was():
    rig = Rig.make()
    lost = rig.when(lambda release: bool(release.new_hash), lambda: lose(rig, 20.0))
    release = rig.run(rig.spec(weights=(50,), bake="20m", limits=Limits(drain=10.0)))
    assert release.outcome is Outcome.PROMOTED
    back = next(entry.at for entry in release.journal if sentence(entry, release) == "route stable" and entry.at > lost[0])
    assert lost[0] + 20.0 <= back < lost[0] + 25.0


def test_pods_that_never_come_back_leave_the_traffic_on_the_candidate_and_hold_the_release():
    rig = Rig.make()
    dog = watched(rig, grace=0.5)
    lost = rig.when(taken_over, lambda: lose(rig, 1e6))
    release = rig.run(rig.spec(limits=Limits(drain=30.0)))
    assert release.outcome is Outcome.HELD
    assert "Deployment web has 0 of 4 pods ready since it rolled out; all traffic stays on the candidate" in release.reason
    assert release.ended < lost[0] + 400.0
    assert rig.names("deployments") == {"web", "web-candidate"}
    dog.check()


def test_the_candidate_stands_by_until_the_deployment_is_whole_again():
    """It lost one pod of four when it had taken over."""
    rig = Rig.make()

    def lose_one() -> None:
        pods = [pod["metadata"] for pod in rig.world.cluster.list("pods", "shop")]
        name = next(one["name"] for one in pods if "deliver.dev/release" not in one["labels"] and not one.get("deletionTimestamp"))
        rig.world.kubelet.change(name, ready=False)
        rig.world.clock.after(100.0, lambda: rig.world.kubelet.change(name, ready=True))

    lost = rig.when(taken_over, lose_one)
    release = rig.run(rig.spec(limits=Limits(drain=30.0)))
    assert release.outcome is Outcome.PROMOTED
    deleted = next(entry.at for entry in release.journal if sentence(entry, release) == "delete-candidate")
    assert lost[0] + 100.0 <= deleted < lost[0] + 110.0


def test_a_machine_that_slept_before_the_deployment_was_updated_has_not_waited_for_it():
    rig = Rig.make()
    rig.when(lambda release: release.phase == "Finishing", lambda: rig.world.clock.wait(600.0))
    assert rig.run().outcome is Outcome.PROMOTED


AWAY = "dial tcp 198.51.100.1:5000: connect: connection refused"


@pytest.mark.parametrize(
    ("why", "said", "after"),
    [("", "does not roll out: pod web-", 0.0), (AWAY, "did not roll out: 0 of 4 ready within 60 s (`limits.ready`); pod web-", 60.0)],
)
def test_a_deployment_that_does_not_roll_out_holds_the_release_with_the_traffic_on_the_candidate(why: str, said: str, after: float):
    """In seconds where nobody mends the cause by waiting."""
    rig = Rig.make()

    def gone() -> None:
        rig.world.images.known[GOOD] = replace(rig.world.images.of(GOOD), missing=True, why=why)

    rig.when(lambda release: release.phase == "Finishing", gone)
    release = rig.run(rig.spec(limits=Limits(drain=10.0, ready=60.0)))
    assert release.outcome is Outcome.HELD
    assert said in release.reason
    assert f": {why or 'not found'}; all traffic stays on the candidate" in release.reason.replace(f"{GOOD}: not found", ": not found")
    asked = next(entry.at for entry in release.journal if entry.kind == "outcome" and sentence(entry, release) == "update-stable")
    assert after <= release.ended - asked < after + 10.0


def test_a_deployment_whose_pods_may_not_be_made_holds_the_release_when_no_room_came():
    rig = Rig.make()
    tight = {"metadata": {"name": "tight"}, "spec": {"hard": {"pods": "7"}}}
    rig.when(lambda release: release.phase == "Finishing", lambda: rig.world.api.create("resourcequotas", "shop", tight))
    release = rig.run(rig.spec(limits=Limits(drain=10.0, ready=60.0)))
    assert release.outcome is Outcome.HELD
    assert "Deployment web did not roll out: " in release.reason
    assert "exceeded quota: tight" in release.reason
    asked = next(entry.at for entry in release.journal if entry.kind == "outcome" and sentence(entry, release) == "update-stable")
    assert 60.0 <= release.ended - asked < 70.0
    assert rig.world.traffic.tally.lost() == 0


def test_a_deployment_that_gets_room_as_its_old_pods_go_is_rolled_out():
    rig = Rig.make()
    tight = {"metadata": {"name": "tight"}, "spec": {"hard": {"pods": "8"}}}
    rig.when(lambda release: release.phase == "Finishing", lambda: rig.world.api.create("resourcequotas", "shop", tight))
    assert rig.run(rig.spec(limits=Limits(drain=10.0, ready=60.0))).outcome is Outcome.PROMOTED
    assert rig.world.traffic.tally.lost() == 0


def test_a_takeover_that_the_endpointslices_never_show_holds_the_release():
    rig = Rig.make()

    def stuck() -> None:
        rig.world.endpoints.sync = lambda namespace, name: None  # type: ignore[method-assign]  # broken on purpose

    rig.when(lambda release: bool(release.new_hash), stuck)
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert "the shift to the stable side was not seen to take effect within 60 s" in release.reason
    assert rig.names("deployments") == {"web", "web-candidate"}
    assert rig.world.traffic.tally.lost() == 0


def test_our_own_surge_is_taken_away():
    rig = Rig.make(replicas=2)
    release = rig.run(rig.spec(weights=(25,), options={"surge": 1}))
    assert release.outcome is Outcome.PROMOTED
    assert release.stable_size == 3
    assert rig.get("deployments", "web")["spec"]["replicas"] == 2
