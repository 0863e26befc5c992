"""The way back: users first, everything as it was, whatever else is lost (design.md rules 3, 4 and 6)."""

import json
from collections.abc import Callable

import pytest

from deliver.model.errors import InputError
from deliver.model.journal import Event, times
from deliver.model.release import Outcome, Release
from deliver.model.spec import Limits
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Fault, Killed, killed
from tests.engine.invariants import back, watched
from tests.engine.rig import TARGET, Rig, in_step, lose, steps, taken_over


def interrupted(where: Callable[[Release], bool], services: tuple[str, ...] = ("web",), **world: object) -> tuple[Rig, dict[str, object]]:
    """A release whose driver was killed there."""
    rig = Rig.make(services=services, **world)
    before = rig.before()

    def die() -> None:
        rig.world.cluster.script.faults.append(Fault(killed, actor="test@here"))

    rig.when(where, die)
    with pytest.raises(Killed):
        rig.run()
    rig.world.cluster.script.clear()
    return rig, before


def finishing(release: Release) -> bool:
    return release.phase == "Finishing"


def rolled(release: Release) -> bool:
    """The Deployment has the new version, and the traffic is not on it yet."""
    return bool(release.new_hash)


PLACES = {
    "preparing": lambda release: release.phase == "Preparing",
    "step 1": in_step(1),
    "shifting to all": in_step(3, "Preparing"),
    "step 3": in_step(3),
    "finishing": finishing,
    "rolled": rolled,
    "taken over": taken_over,
}


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


def test_the_first_write_of_a_rollback_moves_the_traffic():
    rig, _ = interrupted(in_step(3))
    first = len(rig.world.cluster.calls)
    rig.verb("rollback")
    writes = [call for call in rig.world.cluster.calls[first:] if call.changed]
    assert (writes[0].verb, writes[0].kind) == ("patch", "services")
    assert writes[0].seq - first <= 8


def test_after_traffic_is_off_no_fresh_connection_reaches_the_candidate():
    rig = Rig.make()
    rig.when(in_step(3), lambda: setattr(rig.judge, "verdict", Verdict.FAIL))
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    kube_proxy = 1.0  # seconds that the nodes may be behind the EndpointSlices
    assert rig.world.traffic.tally.fresh_at["registry/web:1.1.0"] <= release.traffic_off + kube_proxy


# ---------------------------------------------------------------- with the journal lost


def edit_data(rig: Rig, **data: str | None) -> None:
    rig.edit("configmaps", "deliver-web", {"data": data})


def unmark(rig: Rig) -> None:
    rig.remove("configmaps", "deliver-web")
    for name in rig.names("services"):
        rig.edit("services", name, {"metadata": {"annotations": {"deliver.dev/undo": None}}})


def lose_both(rig: Rig) -> None:
    rig.remove("configmaps", "deliver-web")
    rig.remove("leases", "deliver-web")


LOSSES: dict[str, Callable[[Rig], None]] = {
    "deleted": lambda rig: rig.remove("configmaps", "deliver-web"),
    "cut off": lambda rig: edit_data(rig, release=rig.get("configmaps", "deliver-web")["data"]["release"][:200]),
    "edited": lambda rig: edit_data(rig, checksum="0" * 64),
    "newer schema": lambda rig: edit_data(rig, schema="2"),
    "not json": lambda rig: edit_data(rig, release="}{", checksum="3d5d87f3a12ba0a2ce5b6bb2ccb6cf1f"),
    "emptied": lambda rig: edit_data(rig, release=None, checksum=None, schema=None, history=None, requests=None),
    "record and lease deleted": lose_both,
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("place", ["step 1", "step 3", "rolled"])
def test_rollback_with_the_journal_lost(loss: str, place: str):
    rig, before = interrupted(PLACES[place])
    LOSSES[loss](rig)
    back(rig, before)


@pytest.mark.parametrize("place", ["step 1", "step 3"])
def test_rollback_with_the_journal_and_the_services_annotations_lost(place: str):
    rig, before = interrupted(PLACES[place])
    unmark(rig)
    back(rig, before)


def test_rollback_after_a_takeover_with_record_and_lease_lost():
    """The fence on the objects is higher than anything that is left to count from."""
    rig, before = interrupted(in_step(1))
    rig.world.clock.wait(20)
    rig.when(in_step(2), lambda: rig.world.cluster.script.faults.append(Fault(killed, actor="oncall@laptop")))
    with pytest.raises(Killed):
        rig.verb("resume")
    rig.world.cluster.script.clear()
    LOSSES["record and lease deleted"](rig)
    back(rig, before)


@pytest.mark.parametrize("services", [("web",), ("web", "web-internal")])
def test_rollback_with_the_record_lost_right_after_the_first_write(services: tuple[str, ...]):
    """The hold on the Deployment stands, and no mark on a Service yet."""
    rig = Rig.make(services=services)
    before = rig.before()
    calls = rig.world.cluster.calls

    def held() -> bool:
        return any(call.verb == "patch" and call.kind == "deployments" and call.changed for call in calls)

    rig.world.cluster.script.add(Fault(killed, actor="test@here", when=lambda call: held()))
    with pytest.raises(Killed):
        rig.run()
    rig.world.cluster.script.clear()
    assert rig.get("deployments", "web")["spec"]["paused"]
    rig.remove("configmaps", "deliver-web")
    back(rig, before)


def test_a_lost_journal_says_so_in_the_new_one():
    rig, before = interrupted(in_step(1))
    LOSSES["deleted"](rig)
    release = back(rig, before)
    assert any("the record was lost or unreadable" in sentence(entry, release) for entry in release.journal)


@pytest.mark.parametrize("verb", ["resume", "promote", "abort"])
def test_nothing_goes_forward_on_a_bad_record(verb: str):
    rig, _ = interrupted(in_step(1))
    edit_data(rig, checksum="0" * 64)
    with pytest.raises(InputError, match="cannot be trusted"):
        rig.verb(verb)


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
    assert "did not roll out within 300 s" in release.reason
    assert "all traffic stays on the candidate" in release.reason
    assert rig.world.traffic.tally.lost() == 0
    dog.check(release)


# ---------------------------------------------------------------- after a promotion


def image(rig: Rig) -> str:
    text: str = rig.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
    return text


def test_rollback_after_a_promotion_goes_to_the_version_before():
    rig = Rig.make()
    before = rig.before()
    rig.run()
    release = rig.verb("rollback", reason="slow logins")
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.reason == "rolled back by oncall@laptop: slow logins; back to registry/web:1.0.0 (before release 1)"
    assert rig.before() == before
    assert rig.world.traffic.tally.lost() == 0


def test_rollback_to_a_release_of_the_history():
    rig = Rig.make()
    rig.run()
    rig.world.clock.wait(5)
    rig.run(rig.spec("registry/web:1.2.0"))
    assert image(rig) == "registry/web:1.2.0"
    rig.verb("rollback", to="1")
    assert image(rig) == "registry/web:1.1.0"


def test_a_second_rollback_does_not_go_further_back():
    """Two people on call type it at once: the version before is meant, once."""
    rig = Rig.make()
    rig.run()
    rig.world.clock.wait(5)
    rig.run(rig.spec("registry/web:1.2.0"))
    rig.verb("rollback")
    with pytest.raises(InputError):
        rig.verb("rollback")
    assert image(rig) == "registry/web:1.1.0"


def test_rollback_after_a_release_that_was_taken_back_changes_nothing():
    """The newest release is undone already: the promotion before it is not meant."""
    rig = Rig.make()
    rig.run()
    rig.world.clock.wait(5)
    rig.run(rig.spec("registry/web:2.0.0-crash"))
    with pytest.raises(InputError, match="nothing of shop/web can be rolled back"):
        rig.verb("rollback")
    assert image(rig) == "registry/web:1.1.0"


def test_rollback_to_a_number_while_a_release_is_held_is_refused():
    rig = Rig.make()
    rig.run()
    rig.world.clock.wait(5)
    rig.when(in_step(2), lambda: rig.stop.request(2))
    assert rig.run(rig.spec("registry/web:1.2.0")).outcome is Outcome.HELD
    rig.stop = type(rig.stop)()
    with pytest.raises(InputError, match="under way"):
        rig.verb("rollback", to="1")
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK
    assert image(rig) == "registry/web:1.1.0"


def test_rollback_to_what_is_not_there():
    rig = Rig.make()
    with pytest.raises(InputError):
        rig.verb("rollback")
    rig.run()
    with pytest.raises(InputError, match="no promoted release `7`"):
        rig.verb("rollback", to="7")


def test_rollback_after_a_promotion_leaves_the_autoscaler_its_replicas():
    """It scales while the Deployment rolls back: its number is not ours to write."""
    rig = Rig.make(hpa=True)
    rig.run()
    rig.when(lambda release: release.spec.strategy == "rollback", lambda: rig.world.load.update({("shop", "web"): 7.0}))
    first = len(rig.world.cluster.calls)
    rig.world.load["shop", "web"] = 7.0
    rig.verb("rollback")
    written = [
        call.body["spec"]
        for call in rig.world.cluster.calls[first:]
        if call.changed and call.kind == "deployments" and isinstance(call.body, dict) and "spec" in call.body
    ]
    assert not [spec for spec in written if "replicas" in spec]


def test_rollback_after_a_promotion_keeps_what_became_of_the_services_since():
    rig = Rig.make()
    rig.run()
    rig.edit(
        "services",
        "web",
        {"spec": {"selector": {"tier": None, "app": "web"}, "ports": [{"name": "http", "port": 8080, "targetPort": 8080}]}},
    )
    rig.remove("services", "web")
    rig.world.clock.wait(1)
    rig.world.api.create(
        "services", "shop", {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}
    )
    service = rig.before()["services/web"]
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK
    assert rig.before()["services/web"] == service


def test_when_stable_loses_its_last_ready_pod_after_the_traffic_was_pinned_to_it_whoever_is_ready_serves():
    """Until it can take the users again: then they are taken back as at first, proven, and only then the candidate goes (F23)."""
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
