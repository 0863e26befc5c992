"""The way back: users first, everything as it was, whatever else is lost (design.md rules 3, 4 and 6)."""

import json
from contextlib import suppress
from itertools import takewhile

import pytest

from deliver.model.action import Verb
from deliver.model.errors import ClusterError, RollbackIncomplete
from deliver.model.journal import Event, done, times
from deliver.model.release import Outcome
from deliver.model.spec import Limits
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Call, Fault, Killed, forbidden, killed, unreachable
from deliver_sandbox.store import Change
from tests.engine.interrupted import PLACES, finishing, interrupted
from tests.engine.invariants import back, is_ready, watched
from tests.engine.rig import TARGET, Rig, in_step, lose, steps, taken_over

# ---------------------------------------------------------------- from every place


@pytest.mark.parametrize("place", PLACES)
def test_rollback_by_another_machine_after_the_driver_was_killed(place: str):
    rig, before = interrupted(PLACES[place], services=("web", "web-internal"))
    release = back(rig, before)
    assert release.reason == "rolled back by oncall@laptop: users complain"
    assert release.ended_by == "oncall@laptop"


def test_the_order_stable_whole_then_traffic_then_verified_then_the_candidate_goes():
    rig = Rig.make()
    rig.judge.verdict = lambda now: Verdict.FAIL if rig.record().step == 1 and rig.record().phase == "Baking" else Verdict.PASS
    release = rig.run(rig.spec(limits=Limits(drain=30.0)))
    journal = [entry for entry in release.journal if entry.at >= times(release.journal, Event.TURNED_BACK)[0]]
    texts = [sentence(entry, release).partition(":")[0] for entry in journal if entry.kind != "outcome"]
    assert texts == [
        "rolling back",
        "route stable",
        "the EndpointSlices lead to the stable side",
        "traffic on the stable side is verified",
        "traffic is off the new version",
        "delete-candidate",
        "restore-route",
        "release-stable",
        "ROLLED_BACK",
    ]
    at = {sentence(entry, release).partition(":")[0]: entry.at for entry in journal}
    assert at["route stable"] - at["rolling back"] < 0.1
    assert at["traffic is off the new version"] - at["the EndpointSlices lead to the stable side"] >= 1.0
    assert at["delete-candidate"] - at["traffic on the stable side is verified"] >= 30.0


@pytest.mark.parametrize(("step", "fenced"), [(1, []), (3, [("patch", "deployments", "web")])], ids=["a step", "the last step"])
def test_the_first_write_of_a_rollback_moves_the_traffic_but_for_a_fence_where_the_driver_may_be_about_to_promote(
    step: int, fenced: list[tuple[str, str, str]]
):
    rig, _ = interrupted(in_step(step))
    first = len(rig.world.cluster.calls)
    rig.verb("rollback")
    writes = [call for call in rig.world.cluster.calls[first:] if call.changed]
    before = [(call.verb, call.kind, call.name) for call in takewhile(lambda call: call.kind != "services", writes)]
    assert before == fenced
    assert all(set(call.body) == {"metadata"} for call in writes[: len(before)])
    assert writes[len(before)].seq - first <= 8 + 2 * len(before)


@pytest.mark.parametrize("harm", ["refused", "unanswered"])
def test_a_deployment_that_cannot_be_written_to_does_not_hold_the_users_up(harm: str):
    """A webhook for Deployments that is down, for one."""
    rig, _ = interrupted(in_step(3))
    began = rig.world.clock.now()
    error, seconds = (forbidden, 0.0) if harm == "refused" else (unreachable(), 30.0)
    rig.world.cluster.script.add(Fault(error, verb="patch", kind="deployments", seconds=seconds, until=began + 30.0))
    moved: list[float] = []
    rig.world.store.listen(lambda change: moved.append(rig.world.clock.now()) if change.kind == "services" else None)
    with suppress(RollbackIncomplete):  # the rest of the way back needs the right to it
        rig.verb("rollback")
    assert moved[0] - began < 2.5
    assert rig.world.traffic.tally.lost() == 0


def test_a_rollback_that_gets_no_further_than_its_first_move_says_what_stands_and_does_the_rest_when_typed_again():
    """Not the words of the call that failed, which changed nothing itself."""
    rig, before = interrupted(in_step(3))
    rig.world.cluster.script.add(Fault(forbidden, verb="patch", kind="deployments", until=rig.world.clock.now() + 30.0))
    with pytest.raises(RollbackIncomplete) as caught:
        rig.verb("rollback")
    assert "taken back in part: forbidden by a fault script" in caught.value.what
    assert caught.value.state == "the Services were led to the stable pods; the candidate, the holds and the record stay"
    assert "`deliver rollback web" in caught.value.hint
    rig.world.cluster.script.clear()
    back(rig, before)


@pytest.mark.parametrize("unreadable", ["deployments", "[dr]*[ts]s"])
def test_users_are_not_led_to_pods_that_roll_away_while_nobody_may_look_at_the_deployment(unreadable: str):
    """Hunt, late 830004156: half of the old side still stood, and was gone a minute later with all users on it."""
    rig, _ = interrupted(lambda release: bool(done(release.journal, Verb.UPDATE_STABLE)))
    rig.world.cluster.script.add(Fault(forbidden, verb="*t", kind=unreadable, until=rig.world.clock.now() + 30.0))
    rig.world.cluster.script.add(Fault(forbidden, verb="patch", kind="deployments", until=rig.world.clock.now() + 30.0))
    selector = rig.get("services", "web")["spec"]["selector"]
    with pytest.raises(ClusterError) as refused:
        rig.verb("rollback")
    assert refused.value.state == "the release was not taken up: its record is as it was, and nobody drives it now"
    assert rig.get("services", "web")["spec"]["selector"] == selector
    rig.world.clock.wait(300.0)
    assert rig.world.traffic.tally.lost() == 0


def test_after_traffic_is_off_no_fresh_connection_reaches_the_candidate():
    rig = Rig.make()
    rig.when(in_step(3), lambda: setattr(rig.judge, "verdict", Verdict.FAIL))
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    kube_proxy = 1.0  # seconds that the nodes may be behind the EndpointSlices
    assert rig.world.traffic.tally.fresh_at["registry/web:1.1.0"] <= release.traffic_off + kube_proxy


# ---------------------------------------------------------------- with pods in a bad state


def pods(rig: Rig, candidate: bool) -> list[str]:
    selector = "deliver.dev/release" if candidate else "!deliver.dev/release,app=web"
    return [pod["metadata"]["name"] for pod in rig.world.cluster.list("pods", "shop", selector=selector)]


def test_half_of_the_stable_side_is_enough_to_take_users_from_a_bad_version():
    rig, before = interrupted(in_step(3))
    for name in pods(rig, candidate=False)[:2]:
        rig.world.kubelet.change(name, ready=False)
    rig.world.clock.wait(10)
    start = rig.world.clock.now()
    release = back(rig, before)
    assert release.traffic_off - start < 3.0


def test_an_empty_stable_side_gets_its_pods_before_it_gets_the_traffic():
    """Rule 1 before rule 3's haste: the candidate serves until the stable side can."""
    rig, before = interrupted(in_step(3))
    rig.edit("deployments", "web", {"spec": {"replicas": 0}})
    rig.world.clock.wait(10)
    release = back(rig, before)
    assert "restore-stable" in steps(release)


def test_while_the_stable_side_cannot_take_the_users_one_sentence_says_so_and_since_when():
    rig = Rig.make()
    stable = [one["metadata"]["name"] for one in rig.world.cluster.list("pods", "shop")]

    def both_bad() -> None:
        for name in stable:
            rig.world.kubelet.change(name, ready=False)
        rig.judge.verdict = lambda now: Verdict.FAIL
        rig.world.clock.after(40.0, lambda: [rig.world.kubelet.change(name, ready=True) for name in stable])

    rig.when(in_step(2), both_bad)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    (said,) = [entry for entry in release.journal if entry.event is Event.STABLE_AWAITED]
    assert sentence(said, release) == "the stable side has 0 of 4 pods ready: users are led to it as soon as it can take them"
    assert said.at - times(release.journal, Event.TURNED_BACK)[0] < 5.0
    assert rig.world.traffic.tally.lost() == 0


@pytest.mark.parametrize("place", ["step 1", "step 3", "rolled"])
@pytest.mark.parametrize("harm", ["crashing", "scaled to 0", "deleted"])
def test_rollback_does_not_need_the_candidate(place: str, harm: str):
    rig, before = interrupted(PLACES[place])
    if harm == "crashing":
        for name in pods(rig, candidate=True):
            rig.world.kubelet.change(name, crash=0.05)
    elif harm == "scaled to 0":
        rig.edit("deployments", "web-candidate", {"spec": {"replicas": 0}})
    else:
        rig.remove("deployments", "web-candidate")
    rig.world.clock.wait(0.3)
    dog = watched(rig, grace=2.0)
    release = rig.verb("rollback")
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
    assert rig.names("deployments") == {"web"}
    dog.check()


def test_when_stable_loses_its_last_ready_pod_after_the_traffic_was_pinned_to_it_whoever_is_ready_serves():
    """Until it can take the users again: then they are taken back as at first, proven, and only then the candidate goes (safety.md F23)."""
    rig = Rig.make()
    dog = watched(rig, grace=0.5)
    rig.when(in_step(2), lambda: setattr(rig.judge, "verdict", Verdict.FAIL))

    rig.when(lambda release: release.traffic_off > 0, lambda: lose(rig, 60.0))
    release = rig.run(rig.spec(limits=Limits(drain=30.0)))
    assert release.outcome is Outcome.ROLLED_BACK
    assert [text for text in steps(release) if text.startswith(("route", "delete"))][-4:] == [
        "route stable",
        "route both",
        "route stable",
        "delete-candidate",
    ]
    offs = [entry.at for entry in release.journal if sentence(entry, release) == "traffic is off the new version"]
    assert len(offs) == 2
    assert release.traffic_off >= offs[0] + 60.0
    dog.check(release)


def test_a_rollback_that_finds_the_traffic_on_pods_that_are_gone_lets_whoever_is_ready_serve_first():
    """The Deployment has just taken over, its new pods are deleted, and it is to go back: the pods of before have to be made again."""
    rig = Rig.make()
    before, dog = rig.before(), watched(rig, grace=0.5)

    def lose() -> None:
        for pod in rig.world.cluster.list("pods", "shop"):
            if "deliver.dev/release" not in pod["metadata"]["labels"] and not pod["metadata"].get("deletionTimestamp"):
                rig.remove("pods", pod["metadata"]["name"])
        rig.ask("abort")

    rig.when(taken_over, lose)
    release = rig.run(rig.spec(limits=Limits(drain=30.0)))
    assert release.outcome is Outcome.ROLLED_BACK
    turned = next(entry.at for entry in release.journal if sentence(entry, release).startswith("rolling back"))
    after = [sentence(entry, release).partition(":")[0] for entry in release.journal if entry.kind == "intent" and entry.at >= turned]
    assert after[:3] == ["route both", "restore-stable", "route stable"]
    assert rig.before() == before
    dog.check(release)


def test_a_rollback_that_dies_while_the_deployment_that_has_the_traffic_rolls_back_leaves_users_with_pods():
    """Hunt, wild 30006868: the Services were pinned to the new pods, which went away one after the other while nobody looked."""
    rig, before = interrupted(taken_over)
    dog = watched(rig, grace=0.5)
    rig.world.cluster.script.add(Fault(killed, verb="patch", kind="deployments", name="web", actor="oncall@laptop", applied=True, nth=2))
    with pytest.raises(Killed):
        rig.verb("rollback")
    rig.world.cluster.script.clear()
    assert rig.get("deployments", "web")["spec"]["template"] == before["deployments/web"]["spec"]["template"], "it rolls back by itself"
    rig.world.clock.wait(60.0)
    release = rig.verb("rollback", actor="another@desk")
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
    dog.check(release)


# ---------------------------------------------------------------- late failures


@pytest.mark.parametrize("place", ["finishing", "rolled"])
def test_a_version_that_turns_bad_in_the_finish_is_taken_back(place: str):
    rig = Rig.make()
    before, dog = rig.before(), watched(rig, grace=1.0)

    def turn() -> None:
        for name in pods(rig, candidate=True):
            rig.world.kubelet.change(name, ready=False)

    rig.when(PLACES[place], turn)
    release = rig.run(rig.spec(limits=Limits(drain=30.0)))
    assert release.outcome is Outcome.ROLLED_BACK, release.reason
    assert "lost its readiness" in release.reason
    assert rig.before() == before
    dog.check(release)


def test_the_deployment_cannot_roll_out_in_the_finish_held_with_all_traffic_on_the_candidate():
    rig = Rig.make()

    def break_image() -> None:
        rig.world.images.tags = {**rig.world.images.tags, "1.1.0": rig.world.images.of("registry/web:2.0.0-unready")}

    rig.when(finishing, break_image)
    dog = watched(rig)
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert "did not roll out: 0 of 4 ready within 300 s" in release.reason
    assert "all traffic stays on the candidate" in release.reason
    assert rig.world.traffic.tally.lost() == 0
    dog.check(release)


# ---------------------------------------------------------------- it says when it cannot


def test_rollback_of_a_deployment_that_is_gone_fails_at_once_and_says_so():
    rig, _ = interrupted(in_step(1))
    rig.remove("deployments", "web")
    release = rig.verb("rollback")
    assert release.outcome is Outcome.ROLLBACK_FAILED
    assert "Deployment web is not the one that stood before" in release.reason


def test_a_rollback_that_cannot_get_done_ends():
    rig, _ = interrupted(in_step(3))
    rig.edit("deployments", "web", {"spec": {"replicas": 0}})
    rig.world.images.tags = {**rig.world.images.tags, "1.0.0": rig.world.images.of("registry/web:2.0.0-unready")}
    rig.world.clock.wait(10)
    start = rig.world.clock.now()
    release = rig.verb("rollback")
    assert release.outcome is Outcome.ROLLBACK_FAILED
    assert "not done within 1800 s" in release.reason
    assert rig.world.clock.now() - start < 1900
    assert rig.world.traffic.tally.lost() == 0  # all of it on the candidate: who can serve serves


def test_the_snapshot_on_the_service_is_enough_to_undo_by_hand():
    rig, _ = interrupted(in_step(1))
    note = json.loads(rig.get("services", "web")["metadata"]["annotations"]["deliver.dev/undo"])
    assert note["services"] == {"web": {"app": "web"}}
    assert note["replicas"] == 4
    assert note["candidate"] == "web-candidate"
    assert TARGET.deployment == note["deployment"]


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
