"""Blue-green on the way back, killed and taken up, and on Services of every shape."""

from typing import Any

import pytest

from deliver.model.journal import open_intents
from deliver.model.names import HASH, RELEASE_LABEL
from deliver.model.release import Outcome, Release
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from deliver_sandbox.faults import WRITES, Fault, Killed, killed
from tests.engine.blue_green import at, candidates, ended, headless, preview, spec
from tests.engine.invariants import back, watched
from tests.engine.rig import GOOD, Rig, in_step, steps


def holding(release: Release) -> bool:
    return release.course == "finish"


PLACES = {"preview": in_step(1), "bake": in_step(2), "hold": holding}


def interrupted(place: str, rig: Rig, **options: Any) -> dict[str, Any]:
    """The driver is killed there; what stood before the release."""
    before = rig.before()
    rig.when(PLACES[place], lambda: rig.world.cluster.script.faults.append(Fault(killed, actor="test@here")))
    with pytest.raises(Killed):
        rig.run(spec(**options))
    rig.world.cluster.script.clear()
    return before


# ---------------------------------------------------------------- one patch back


@pytest.mark.parametrize("place", ["bake", "hold"])
def test_the_way_back_is_one_patch_a_service_and_nothing_but_a_fence_is_written_before_it(place: str):
    rig = Rig.make(services=("web", "web-admin"))
    before = interrupted(place, rig)
    first = len(rig.world.cluster.calls)
    release = back(rig, before)
    writes = [call for call in rig.world.cluster.calls[first:] if call.verb in WRITES and call.changed]
    assert [(call.kind, call.name) for call in writes[:3]] == [("deployments", "web"), ("services", "web"), ("services", "web-admin")]
    assert [call.verb for call in writes[:3]] == ["patch"] * 3
    assert set(writes[0].body or {}) == {"metadata"}
    assert [set(call.body["spec"]["selector"].values()) for call in writes[1:3]] == [{release.snapshot.hash}] * 2  # type: ignore[index]  # a body
    assert rig.world.traffic.tally.lost() == 0


@pytest.mark.parametrize("named", [False, True], ids=["made", "named"])
@pytest.mark.parametrize("place", PLACES)
def test_everything_is_as_before_the_preview_service_too(place: str, named: bool):
    rig = preview(Rig.make()) if named else Rig.make()
    before = interrupted(place, rig, **({"preview_service": "web-preview"} if named else {}))
    back(rig, before)
    assert rig.names("services") == ({"web", "web-preview"} if named else {"web"})
    assert rig.world.traffic.tally.lost() == 0


@pytest.mark.parametrize("place", ["bake", "hold"])
@pytest.mark.parametrize("harm", ["crashing", "unready", "scaled to 0", "half deleted", "deleted"])
def test_rollback_never_waits_for_the_new_side(harm: str, place: str):
    rig = Rig.make()
    before = interrupted(place, rig, hold="10m")
    names = candidates(rig)
    match harm:
        case "crashing" | "unready":
            for name in names:
                rig.world.kubelet.change(name, **({"crash": 0.05} if harm == "crashing" else {"ready": False}))
        case "scaled to 0":
            rig.edit("deployments", "web-candidate", {"spec": {"replicas": 0}})
        case "half deleted":
            for name in names[:2]:
                rig.remove("pods", name)
        case _:
            rig.remove("deployments", "web-candidate")
    rig.world.clock.wait(0.3)
    began = rig.world.clock.now()
    release = back(rig, before, grace=2.0)
    assert at(release, "route stable: rollback") - began < 0.5
    assert release.traffic_off - began < 3.0


@pytest.mark.parametrize("place", ["bake", "hold"])
def test_a_version_that_turns_bad_after_the_switch_is_taken_back_by_its_driver(place: str):
    """Where Argo's blue-green stays on the dead side: the new pods lose their readiness, all of them."""
    rig = Rig.make()
    before, dog = rig.before(), watched(rig, grace=1.0)

    def turn() -> None:
        for name in candidates(rig):
            rig.world.kubelet.change(name, ready=False)

    began = rig.when(PLACES[place], turn)
    release = rig.run(spec(hold="10m"))
    assert release.outcome is Outcome.ROLLED_BACK
    assert "ready pod" in release.reason or "readiness" in release.reason
    assert release.traffic_off - began[0] < 10.0
    assert rig.before() == before
    dog.check(release)


def test_a_bad_verdict_in_the_hold_takes_it_back():
    rig = Rig.make()
    before = rig.before()
    rig.when(holding, lambda: setattr(rig.judge, "verdict", Verdict.FAIL))
    release = ended(rig, Outcome.ROLLED_BACK, spec(hold="10m"))
    assert rig.before() == before
    assert release.traffic_off - at(release, "all steps passed") < 15.0


@pytest.mark.parametrize("named", [False, True], ids=["made", "named"])
@pytest.mark.parametrize("place", PLACES)
def test_rollback_with_the_record_lost(place: str, named: bool):
    rig = preview(Rig.make()) if named else Rig.make()
    before = interrupted(place, rig, **({"preview_service": "web-preview"} if named else {}))
    rig.remove("configmaps", "deliver-web")
    back(rig, before)
    assert rig.names("services") == ({"web", "web-preview"} if named else {"web"})


# ---------------------------------------------------------------- killed, and taken up


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_killed_at_a_sample_of_calls_it_ends_where_the_unkilled_run_ends(kind: str):
    def scenario() -> Rig:
        rig = preview(Rig.make())
        begin = rig.world.clock.now()
        if kind == "bad":
            rig.judge.verdict = lambda now: Verdict.FAIL if now - begin > 60 else Verdict.PASS
        return rig

    def end_state(rig: Rig, release: Release) -> tuple[object, ...]:
        return release.outcome, rig.before(), rig.names("deployments"), rig.names("services")

    wanted = spec(preview_service="web-preview")
    rig = scenario()
    first = len(rig.world.cluster.calls)
    expected = end_state(rig, rig.run(wanted))
    calls = len(rig.world.cluster.calls) - first
    for number, nth in enumerate(range(3, calls + 1, 7)):
        rig = scenario()
        dog = watched(rig)
        rig.world.cluster.script.add(Fault(killed, actor="test@here", nth=nth, times=1, applied=bool(number % 2)))
        release = rig.outlived(wanted)
        if release is None:
            continue
        assert end_state(rig, release) == expected, f"killed at call {nth}"
        assert not open_intents(release.journal)
        assert rig.world.traffic.tally.lost() == 0
        dog.check(release)


def killed_before_the_bake(rig: Rig, **options: Any) -> None:
    """The Services were switched, and that is the last that the driver did."""
    rig.world.cluster.script.add(Fault(killed, actor="test@here", verb="patch", kind="services", nth=2, times=1, applied=True))
    with pytest.raises(Killed):
        rig.run(spec(**options))
    rig.world.cluster.script.clear()


def test_killed_between_switch_and_bake_the_users_are_not_moved_back_and_forth():
    rig = Rig.make()
    killed_before_the_bake(rig)
    assert rig.get("services", "web")["spec"]["selector"][HASH] != rig.record().snapshot.hash, "switched"
    release = rig.verb("resume")
    assert release.outcome is Outcome.PROMOTED
    assert steps(release).count("route candidate") == 1
    assert at(release, "all steps passed") - at(release, "step 2/2: baking all users") >= 60.0


def test_what_a_stranger_switches_for_a_release_that_was_taken_up_is_moved_back_all_the_same():
    """That a person has yet to let it pass is not settled by a patch of the Service."""
    rig = Rig.make()
    interrupted("preview", rig, approve=True)
    rig.when(
        lambda release: release.phase == "Waiting" and release.resumed > 0,
        lambda: rig.edit("services", "web", {"spec": {"selector": {HASH: rig.record().candidate_hash}}}),
    )
    release = rig.verb("resume")
    assert release.outcome is Outcome.HELD
    assert rig.get("services", "web")["spec"]["selector"][HASH] == release.snapshot.hash
    assert release.step == 0


def test_a_late_create_of_the_preview_by_a_dead_driver_leaves_nothing():
    """Its owner, the candidate, is gone by then: the cluster's garbage collector takes it."""
    rig = Rig.make()
    bodies: list[Any] = []
    rig.when(in_step(1), lambda: bodies.extend(c.body for c in rig.world.cluster.calls if c.verb == "create" and c.kind == "services"))
    ended(rig, Outcome.PROMOTED)
    rig.world.cluster.create("services", "shop", bodies[0])
    rig.world.clock.wait(5.0)
    assert rig.names("services") == {"web"}


# ---------------------------------------------------------------- Services of every shape


def test_more_endpoints_than_a_slice_holds():
    rig = Rig.make(replicas=120)
    slices: list[int] = []
    rig.when(
        in_step(2), lambda: slices.append(len(rig.world.cluster.list("endpointslices", "shop", selector="kubernetes.io/service-name=web")))
    )
    release = ended(rig, Outcome.PROMOTED)
    assert slices[0] > 1
    assert any("120 of 120 ready endpoints run the new version" in sentence(entry, release) for entry in release.journal)


def test_both_address_families_are_seen_to_have_switched():
    rig = Rig.make()
    rig.edit("services", "web", {"spec": {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "PreferDualStack"}})
    rig.world.clock.wait(2.0)
    seen: list[dict[str, set[str]]] = []

    def look() -> None:
        families: dict[str, set[str]] = {}
        for piece in rig.world.cluster.list("endpointslices", "shop", selector="kubernetes.io/service-name=web"):
            families.setdefault(piece["addressType"], set()).update(
                end["targetRef"]["name"] for end in piece["endpoints"] if end["conditions"]["ready"]
            )
        seen.append(families)

    rig.when(in_step(2), look)
    release = ended(rig, Outcome.PROMOTED)
    moved = next(entry.at for entry in release.journal if sentence(entry, release) == "route candidate")
    assert at(release, "traffic on the candidate side") - moved >= 0.3 + 1.0, "the second family follows later"
    assert seen == [{"IPv4": set(seen[0]["IPv4"]), "IPv6": set(seen[0]["IPv4"])}]
    assert all(name.startswith("web-candidate") for name in seen[0]["IPv4"])


def test_a_headless_twin_moves_with_it():
    rig = headless(Rig.make(), "web-headless")
    before = interrupted("bake", rig)
    pins = {rig.get("services", name)["spec"]["selector"][HASH] for name in ("web", "web-headless")}
    assert pins == {rig.record().candidate_hash}
    back(rig, before)


def test_a_named_port_behind_which_the_new_version_has_another_number():
    """As a webhook may make it: the Service's target is a name, and each pod says what number that is."""
    rig = Rig.make()
    ports = [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    rig.world.api.patch("services", "shop", "web", {"spec": {"ports": ports}}, "application/merge-patch+json", "")
    renamed = {"name": "http", "containerPort": 8080}
    container = {**rig.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0], "ports": [renamed]}
    rig.edit("deployments", "web", {"spec": {"template": {"spec": {"containers": [container]}}}})
    rig.world.clock.wait(60.0)

    def mutate(change: Any) -> None:
        pod = change.obj
        if change.kind == "pods" and change.type == "ADDED" and RELEASE_LABEL in pod["metadata"]["labels"]:
            pod["spec"]["containers"][0]["ports"][0]["containerPort"] = 9090

    rig.world.store.listen(mutate)
    numbers: list[set[int]] = []

    def look() -> None:
        slices = rig.world.cluster.list("endpointslices", "shop", selector="kubernetes.io/service-name=web")
        numbers.append({port["port"] for piece in slices if piece["endpoints"] for port in piece["ports"]})

    rig.when(in_step(1), look)
    rig.when(in_step(2), look)
    ended(rig, Outcome.PROMOTED)
    assert numbers == [{8080}, {9090}]


def test_the_image_alone_is_new():
    """Nothing else of the stable template changes for the candidate: a named port keeps its number by itself."""
    rig = Rig.make()
    templates: list[Any] = []
    rig.when(in_step(1), lambda: templates.append(rig.get("deployments", "web-candidate")["spec"]["template"]))
    ended(rig, Outcome.PROMOTED)
    [template] = templates
    assert template["spec"]["containers"][0]["image"] == GOOD
