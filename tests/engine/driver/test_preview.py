"""The preview Service of a blue-green release: what it leads to and when, and whose it is afterwards."""

import json
from typing import Any

import pytest

from deliver.model.names import HASH, RELEASE_LABEL
from deliver.model.release import Outcome
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Fault, forbidden
from tests.engine.blue_green import ended, headless, preview, spec
from tests.engine.rig import Rig, in_step, steps


def test_one_is_made_with_the_ports_of_the_service_that_has_an_address():
    rig = headless(Rig.make(), "a-headless")
    seen: list[dict[str, Any]] = []
    rig.when(in_step(1), lambda: seen.append(rig.get("services", "web-preview")))
    release = ended(rig, Outcome.PROMOTED)
    [made] = seen
    assert made["spec"]["selector"] == {RELEASE_LABEL: release.id}
    assert [(port["name"], port["port"], port["targetPort"]) for port in made["spec"]["ports"]] == [("http", 80, 8080)]
    assert made["metadata"]["ownerReferences"][0]["name"] == "web-candidate"


def test_one_is_made_without_an_address_where_the_services_have_neither_address_nor_ports():
    rig = Rig.make()
    rig.remove("services", "web")
    headless(rig, "peers")
    rig.edit("services", "peers", {"spec": {"ports": None}})
    rig.world.clock.wait(5.0)
    seen: list[dict[str, Any]] = []
    rig.when(in_step(1), lambda: seen.append(rig.get("services", "web-preview")["spec"]))
    assert rig.run(spec()).outcome is Outcome.PROMOTED
    assert [(one["clusterIP"], one.get("ports")) for one in seen] == [("None", None)]


def test_it_leads_to_the_whole_candidate_and_to_nobody_else_when_the_preview_begins():
    rig, seen = Rig.make(), []

    def look() -> None:
        pods = {pod["metadata"]["uid"] for pod in rig.world.cluster.list("pods", "shop") if RELEASE_LABEL in pod["metadata"]["labels"]}
        slices = rig.world.cluster.list("endpointslices", "shop", selector="kubernetes.io/service-name=web-preview")
        seen.append((pods, {end["targetRef"]["uid"] for piece in slices for end in piece["endpoints"] if end["conditions"]["ready"]}))

    rig.when(in_step(1), look)
    ended(rig, Outcome.PROMOTED)
    [(pods, served)] = seen
    assert served == pods
    assert len(pods) == 4


@pytest.mark.parametrize("outcome", [Outcome.PROMOTED, Outcome.ROLLED_BACK])
def test_one_of_the_users_own_gets_its_selector_back_byte_for_byte(outcome: Outcome):
    rig = preview(Rig.make())
    before = rig.get("services", "web-preview")
    if outcome is Outcome.ROLLED_BACK:
        rig.judge.verdict = Verdict.FAIL
    ended(rig, outcome, spec(preview_service="web-preview"))
    after = rig.get("services", "web-preview")
    assert after["spec"] == before["spec"]
    assert after["metadata"].get("annotations") == before["metadata"].get("annotations")


def test_somebody_elses_edit_of_it_holds_the_release_before_the_switch():
    rig = preview(Rig.make())
    rig.when(in_step(1), lambda: rig.edit("services", "web-preview", {"spec": {"selector": {RELEASE_LABEL: None, "app": "other"}}}))
    release = ended(rig, Outcome.HELD, spec(preview_service="web-preview"))
    assert "the selector of the preview Service web-preview was changed by kubectl-edit" in release.reason
    back = rig.verb("rollback")
    assert back.outcome is Outcome.ROLLED_BACK
    assert rig.get("services", "web-preview")["spec"]["selector"] == {"app": "nobody"}


def taken_by_another(rig: Rig) -> dict[str, Any]:
    """Another Deployment's release uses the same preview Service; its lock has been taken more often."""
    marks = {"annotations": {"deliver.dev/fence": "9", "deliver.dev/undo": "{}"}}
    body = {"metadata": marks, "spec": {"selector": {"app": None, RELEASE_LABEL: "api-20260105-1"}}}
    rig.edit("services", "web-preview", body, manager="deliver")
    return rig.get("services", "web-preview")


def test_one_that_another_release_took_first_holds_this_one_and_says_whose_it_is():
    rig = preview(Rig.make())
    rig.when(lambda release: steps(release)[-1:] == ["scale-candidate 4"], lambda: taken_by_another(rig))
    release = ended(rig, Outcome.HELD, spec(preview_service="web-preview"))
    assert "preview Service web-preview is in use by release api-20260105-1" in release.reason


@pytest.mark.parametrize("place", ["before it is ours", "after"])
def test_a_rollback_leaves_the_preview_of_another_release_alone(place: str):
    rig = preview(Rig.make())
    before, theirs = rig.before(), {}
    moment = in_step(1) if place == "after" else lambda release: steps(release)[-1:] == ["scale-candidate 4"]
    rig.when(moment, lambda: theirs.update(taken_by_another(rig)))
    ended(rig, Outcome.HELD, spec(preview_service="web-preview"))
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK
    assert rig.get("services", "web-preview") == theirs
    assert rig.before() | {"services/web-preview": 0} == before | {"services/web-preview": 0}


def test_one_that_is_put_back_again_and_again_holds_the_release():
    rig = preview(Rig.make())
    home = {"spec": {"selector": {RELEASE_LABEL: None, "app": "nobody"}}}

    def put_back(change: Any) -> None:
        if change.kind == "services" and change.name == "web-preview" and RELEASE_LABEL in change.obj["spec"]["selector"]:
            rig.edit("services", "web-preview", home, manager="argocd")

    rig.world.store.listen(put_back)
    release = ended(rig, Outcome.HELD, spec(preview_service="web-preview"))
    assert "somebody keeps taking the preview Service web-preview away" in release.reason


def test_one_that_was_made_and_deleted_is_made_again():
    rig = Rig.make()
    rig.when(
        lambda release: bool(release.candidate_hash),
        lambda: rig.remove("services", "web-preview") if "web-preview" in rig.names("services") else None,
    )
    ended(rig, Outcome.PROMOTED)


def test_one_that_cannot_be_closed_keeps_nobody_from_going_back():
    rig = preview(Rig.make())
    rig.when(in_step(1), lambda: rig.ask("abort"))
    rig.world.cluster.script.add(
        Fault(forbidden, verb="patch", kind="services", name="web-preview", when=lambda call: '"app": "nobody"' in json.dumps(call.body))
    )
    release = rig.run(spec(preview_service="web-preview"))
    assert release.outcome is Outcome.ROLLED_BACK
    assert any("preview Service web-preview could not be closed" in sentence(entry, release) for entry in release.journal)
    assert HASH not in rig.get("services", "web")["spec"]["selector"]
