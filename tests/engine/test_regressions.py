"""What the hunt (tests/hunt) once found in the engine, each as the smallest case that showed it."""

from itertools import pairwise

import pytest

from deliver.model.release import Outcome
from deliver.model.spec import Limits
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Call, Fault, Killed, forbidden, killed, unreachable
from deliver_sandbox.store import Change
from tests.engine.invariants import is_ready, journal_faults, watched
from tests.engine.rig import Rig, in_step, steps


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


def test_a_refused_action_is_not_asked_for_again_at_the_pace_of_our_own_records():
    """Each refusal is journalled, each save woke the driver: 600 calls a second, and a record that grows without end."""
    rig = Rig.make()

    def refuse() -> None:
        rig.judge.verdict = Verdict.FAIL
        rig.world.cluster.script.add(Fault(forbidden, verb="delete", until=rig.world.clock.now() + 60))

    turned = rig.when(in_step(1), refuse)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert len([call for call in rig.world.cluster.calls if turned[0] <= call.at < turned[0] + 60]) < 150


def test_a_version_that_turns_bad_while_the_record_cannot_be_written_is_taken_back_all_the_same():
    """Each look ended at the save of `status`, before the metrics were asked again: nobody judged."""
    rig = Rig.make()

    def refuse() -> None:
        rig.world.cluster.script.add(Fault(unreachable(), verb="patch", kind="configmaps", until=rig.world.clock.now() + 100))
        rig.world.clock.after(20.0, lambda: setattr(rig.judge, "verdict", Verdict.FAIL))

    rig.when(in_step(1), refuse)
    start = rig.world.clock.now()
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.traffic_off - start < 60


def test_writes_whose_answers_are_lost_are_not_repeated_at_the_pace_of_our_own_records():
    """Neither the move nor its refusal could be known to be written: each try was woken by the last one's record, 200 a second."""
    rig = Rig.make()

    def cut() -> None:
        rig.world.cluster.script.add(Fault(unreachable(), verb="patch", kind="leases", until=rig.world.clock.now() + 60))
        rig.world.cluster.script.add(Fault(unreachable(), verb="patch", applied=True, until=rig.world.clock.now() + 60))
        rig.world.clock.after(20.0, lambda: setattr(rig.judge, "verdict", Verdict.FAIL))  # the lock has lapsed by then

    turned = rig.when(in_step(1), cut)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert len([call for call in rig.world.cluster.calls if turned[0] <= call.at < turned[0] + 60]) < 400
    assert journal_faults(release) == []


def test_selectors_that_are_half_put_back_are_put_back_whole():
    """Hunt, wild 1795671640: the answer for the first Service was lost, so it was pinned again, and put back again, 200 times a second."""
    rig = Rig.make(services=("web", "web-internal"))
    before = rig.before()

    def cut() -> None:
        rig.world.cluster.script.add(Fault(unreachable(), verb="patch", kind="services", applied=True, until=rig.world.clock.now() + 20))

    rig.when(in_step(1), lambda: setattr(rig.judge, "verdict", Verdict.FAIL))
    rig.when(lambda release: steps(release)[-1:] == ["delete-candidate"], cut)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
    assert steps(release).count("route stable") == 2
    assert steps(release).count("restore-route") <= 3


def test_an_intent_whose_saving_was_not_answered_stands_in_the_journal_once():
    """The record had it, the driver did not know: it wrote another entry over it."""
    rig, seen = Rig.make(), []
    lost = Fault(unreachable(), verb="patch", kind="configmaps", applied=True, times=3)
    rig.when(in_step(1, "Preparing"), lambda: rig.world.cluster.script.add(lost))
    rig.world.store.listen(lambda change: seen.append(rig.record().journal) if change.kind == "configmaps" else None)
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED
    assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(seen))
    assert journal_faults(release) == []


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


def test_a_bake_that_somebody_interrupts_begins_again():
    """A GitOps controller put the selector back for a moment; the time before it counted on."""
    rig = Rig.make()
    unpin = {"spec": {"selector": {"pod-template-hash": None}}}
    done = rig.when(in_step(3), lambda: rig.world.clock.after(50.0, lambda: rig.edit("services", "web", unpin, "argocd")))
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED
    update = next(entry.at for entry in release.journal if sentence(entry, release).startswith("update-stable"))
    assert update - done[0] >= 50.0 + 60.0


def test_a_controller_that_keeps_putting_the_service_back_is_not_fought_for_ever():
    rig = Rig.make()

    def revert() -> None:
        if rig.get("services", "web")["spec"]["selector"].get("pod-template-hash"):
            rig.edit("services", "web", {"spec": {"selector": {"pod-template-hash": None}}}, "argocd")
        rig.world.clock.after(20.0, revert)

    rig.when(in_step(3), revert)
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert "somebody keeps taking traffic from 100 %" in release.reason


def test_the_first_move_of_a_rollback_that_stood_still_does_not_go_to_pods_that_are_gone():
    """It had counted the stable pods, was stopped for 20 s, and the release went on to its finish in between."""
    rig = Rig.make(replicas=1)
    after_count: list[float] = []

    def sleep(call: Call) -> bool:
        if call.actor == "oncall@laptop" and call.kind == "services" and call.verb == "patch" and not after_count:
            after_count.append(call.at)
            rig.edit("services", "web", {"spec": {"selector": {"pod-template-hash": "another"}}})
            rig.edit("deployments", "web", {"spec": {"replicas": 0}})
            rig.world.clock.wait(10.0)
        return False

    rig.when(in_step(1), lambda: rig.world.cluster.script.add(Fault(killed, actor="test@here")))
    with pytest.raises(Killed):
        rig.run(rig.spec(weights=[50]))
    rig.world.cluster.script.clear()
    rig.world.cluster.script.add(Fault(killed, when=sleep))
    pins: list[str] = []
    rig.world.store.listen(lambda change: pins.append(empty_pin(rig, change)) if change.kind == "services" else None)
    rig.verb("rollback")
    assert after_count
    assert "ours" not in pins


def empty_pin(rig: Rig, change: Change) -> str:
    """ "ours" for a Service that we lead to nobody."""
    selector = change.obj["spec"]["selector"]
    pods = [pod for pod in rig.world.store.every("pods", "shop") if selector.items() <= pod["metadata"]["labels"].items() and is_ready(pod)]
    ours = change.obj["metadata"].get("annotations", {}).get("deliver.dev/fence") and selector.get("pod-template-hash") != "another"
    return "ours" if ours and not pods else ""


def test_rollback_after_a_promotion_does_not_wait_for_the_lock_of_a_driver_that_hangs_at_its_end():
    rig = Rig.make()
    hang = Fault(killed, kind="leases", actor="test@here", when=lambda call: rig.record().outcome is Outcome.PROMOTED)
    rig.when(in_step(1), lambda: rig.world.cluster.script.add(hang))
    with pytest.raises(Killed):
        rig.run()
    rig.world.cluster.script.clear()
    assert rig.get("leases", "deliver-web")["spec"]["holderIdentity"] == "test@here"
    start = rig.world.clock.now()
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK
    assert rig.world.clock.now() - start < 15


def test_the_drain_counts_from_the_last_time_that_traffic_left_the_stable_side():
    """Hunt, wild 20003449: a GitOps controller led users back to both sides in the last step; the drain of before was taken for enough."""
    rig = Rig.make()

    def revert() -> None:
        service = rig.get("services", "web")
        labels = {key: None for key in service["spec"]["selector"] if key != "app"}
        rig.edit("services", "web", {"spec": {"selector": labels}}, "argocd")

    rig.when(lambda release: release.last_step and bool(release.bake_since) and release.bake_since + 10 < rig.world.clock.now(), revert)
    release = rig.run(rig.spec(weights=(50,), bake="20s", limits=Limits(drain=40.0)))
    assert release.outcome is Outcome.PROMOTED
    moved = [entry.at for entry in release.journal if entry.kind == "outcome" and sentence(entry, release) == "route candidate"]
    written = [entry.at for entry in release.journal if entry.kind == "outcome" and sentence(entry, release) == "update-stable"]
    assert len(moved) == 2, "it was led back once"
    assert written[0] - moved[-1] >= 40.0


def test_a_shift_that_was_refused_for_long_needs_a_pass_again():
    """Hunt, green 40002506: the PASS was half a minute old, and the metrics blind, when the API server took the shift at last."""
    rig = Rig.make()
    start = rig.world.clock.now()
    rig.when(
        lambda release: release.step == 1 and release.phase == "Shifting",
        lambda: rig.world.clock.after(40.0, rig.world.cluster.script.clear),
    )
    rig.when(in_step(1), lambda: rig.world.cluster.script.add(Fault(unreachable(), verb="get", kind="services", times=100_000)))
    dark = [float("inf"), float("inf")]

    def verdict(now: float) -> Verdict:
        record = rig.record()
        if record.step == 1 and not record.bake_since and dark[0] > now:
            dark[:] = now, now + 120.0
        return Verdict.BLIND if dark[0] <= now < dark[1] else Verdict.PASS

    rig.judge.verdict = verdict
    release = rig.run(rig.spec(weights=(50,)))
    assert release.outcome is Outcome.PROMOTED
    moved = next(
        entry.at
        for entry in release.journal
        if entry.kind == "outcome" and sentence(entry, release) == "route candidate" and entry.result == "done"
    )
    assert moved >= dark[1], "not while nothing can be judged"
    assert start < dark[0]


@pytest.mark.parametrize("bad", [False, True])
def test_pods_that_somebody_added_during_a_release_are_not_taken_away(bad: bool):
    """Hunt, wild 40006272: Git put 12 replicas where 2 were; the finish wrote the 2 of before under all the traffic."""
    rig = Rig.make(replicas=2)
    rig.when(in_step(1), lambda: rig.edit("deployments", "web", {"spec": {"replicas": 12}}, "argocd"))
    if bad:
        rig.when(in_step(2), lambda: setattr(rig.judge, "verdict", Verdict.FAIL))
    release = rig.run(rig.spec(weights=(50,)))
    assert release.outcome is (Outcome.ROLLED_BACK if bad else Outcome.PROMOTED)
    assert rig.get("deployments", "web")["spec"]["replicas"] == 12


def test_our_own_surge_is_taken_away():
    rig = Rig.make(replicas=2)
    release = rig.run(rig.spec(weights=(25,), options={"surge": 1}))
    assert release.outcome is Outcome.PROMOTED
    assert release.stable_size == 3
    assert rig.get("deployments", "web")["spec"]["replicas"] == 2


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
