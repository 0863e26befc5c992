"""Services that are not moved with a release and lead to its pods all the same: joined while it runs, or left alone by choice."""

from collections.abc import Callable
from typing import Any

import pytest

from deliver.model.action import Verb
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.names import RELEASE_LABEL
from deliver.model.release import Outcome
from deliver.model.spec import Limits
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Fault, Killed, killed
from tests.engine.interrupted import interrupted
from tests.engine.invariants import watched
from tests.engine.rig import TARGET, Rig, in_step

OTHER: dict[str, Any] = {"metadata": {"name": "all"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}


def joins(rig: Rig) -> None:
    rig.world.api.create("services", "shop", OTHER)


def made_again(rig: Rig) -> None:
    rig.remove("services", "web-internal")
    rig.world.api.create("services", "shop", {**OTHER, "metadata": {"name": "web-internal"}})


def edited(rig: Rig, tier: str | None) -> None:
    rig.edit("services", "web-internal", {"spec": {"selector": {"app": "web", "tier": tier}}})


def candidates_served(rig: Rig) -> set[str]:
    """Services that lead to a pod of the candidate."""
    pods = [pod for pod in rig.world.store.every("pods", "shop") if RELEASE_LABEL in pod["metadata"]["labels"]]
    uids = {pod["metadata"]["uid"] for pod in pods}
    return {
        piece["metadata"]["labels"]["kubernetes.io/service-name"]
        for piece in rig.world.store.every("endpointslices", "shop")
        if any(end["conditions"]["ready"] and end["targetRef"]["uid"] in uids for end in piece["endpoints"] or ())
    }


@pytest.mark.parametrize(
    ("before", "meanwhile", "name"),
    [
        (lambda rig: None, joins, "all"),
        (lambda rig: None, made_again, "web-internal"),
        (lambda rig: edited(rig, "front"), lambda rig: edited(rig, None), "web-internal"),
    ],
    ids=["made", "made again", "its selector comes back"],
)
def test_traffic_is_not_off_before_the_services_that_joined_have_left_the_new_version(
    before: Callable[[Rig], Any], meanwhile: Callable[[Rig], Any], name: str
):
    rig = Rig.make(services=("web", "web-internal"))
    before(rig)
    rig.when(in_step(2), lambda: meanwhile(rig))
    assert rig.run().outcome is Outcome.HELD
    rig.world.clock.wait(1.0)
    assert name in candidates_served(rig)
    dog, lost = watched(rig), rig.world.traffic.tally.lost()
    release = rig.verb("rollback")
    assert release.outcome is Outcome.ROLLED_BACK
    (said,) = [entry.reason for entry in release.journal if entry.event is Event.SERVICES_BESIDE]
    assert said == f"Service {name} is not part of the release and leads"
    deleted = next(entry.at for entry in release.journal if entry.action and entry.action.verb is Verb.DELETE_CANDIDATE)
    (serves,) = [entry.at for entry in release.journal if entry.event is Event.STABLE_SERVES]
    assert deleted < serves <= release.traffic_off - 1.0, "until then it is not so of all Services"
    assert candidates_served(rig) == set()
    assert rig.world.traffic.tally.lost() == lost
    dog.check()


def test_what_was_said_of_traffic_is_taken_back_when_a_service_joins_after_it():
    rig, _ = interrupted(in_step(2))
    rig.when(lambda release: release.traffic_off > 0, lambda: joins(rig))
    dog = watched(rig, grace=0.5)  # users may have met what the stranger did
    release = rig.verb("rollback")
    assert release.outcome is Outcome.ROLLED_BACK
    first, again = (entry.at for entry in release.journal if entry.event is Event.TRAFFIC_OFF)
    (retracted,) = [entry for entry in release.journal if entry.event is Event.TRAFFIC_OFF_RETRACTED]
    assert sentence(retracted, release) == (
        "traffic is not off the new version any more: Service all is not part of the release and leads to it"
    )
    assert first < retracted.at < first + 1.0
    assert again == release.traffic_off
    dog.check()


@pytest.mark.parametrize("peers", [False, True], ids=["a Service", "peers that look for each other"])
def test_a_service_that_is_left_alone_by_choice_keeps_its_selector_and_holds_nothing(peers: bool):
    rig = Rig.make()
    headless = {"clusterIP": "None", "publishNotReadyAddresses": True} if peers else {}
    rig.world.api.create("services", "shop", {**OTHER, "spec": {**OTHER["spec"], **headless}})
    rig.world.clock.wait(1.0)
    selectors: list[object] = []
    rig.world.store.listen(lambda change: selectors.append(change.obj["spec"]["selector"]) if change.name == "all" else None)
    target = replace(TARGET, services=() if peers else ("web",))  # peers' Services are left alone without a word of the person
    release = rig.run(replace(rig.spec(), target=target))
    assert release.outcome is Outcome.PROMOTED
    assert release.snapshot.left_alone == ("all",)
    assert [one for one in selectors if one != {"app": "web"}] == []


def test_it_is_left_alone_too_when_the_record_is_lost():
    """The note on the Services that are moved says which these are."""
    rig = Rig.make(services=("web", "all"))
    before = rig.before()
    rig.when(in_step(2), lambda: rig.world.cluster.script.faults.append(Fault(killed, actor="test@here")))
    with pytest.raises(Killed):
        rig.run(replace(rig.spec(), target=replace(TARGET, services=("web",))))
    rig.world.cluster.script.clear()
    rig.remove("configmaps", "deliver-web")
    pins: list[object] = []
    rig.world.store.listen(lambda change: pins.append(change.obj["spec"]["selector"]) if change.name == "all" else None)
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK
    assert [one for one in pins if one != {"app": "web"}] == []
    assert rig.before() == before


def test_its_users_are_told_of_when_the_release_goes_back():
    rig = Rig.make(services=("web", "all"))
    before = rig.before()
    rig.judge.verdict = lambda now: Verdict.FAIL if rig.record().step == 1 and rig.record().phase == "Baking" else Verdict.PASS
    release = rig.run(replace(rig.spec(limits=Limits(drain=3.0)), target=replace(TARGET, services=("web",))))
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before
    (said,) = [sentence(entry, release) for entry in release.journal if entry.event is Event.SERVICES_BESIDE]
    assert said == (
        "Service all is not part of the release and leads to the new version: who comes by there gets it until its pods are gone"
    )
    deleted = next(entry.at for entry in release.journal if entry.action and entry.action.verb is Verb.DELETE_CANDIDATE)
    assert release.traffic_off > deleted
