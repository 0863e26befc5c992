"""Blue-green: nobody is moved before the candidate was checked, all are moved at once, and the old side is one write away for its hold."""

import json
from typing import Any

import pytest

from deliver.model.errors import InputError
from deliver.model.names import HASH, RELEASE_LABEL
from deliver.model.observation import CutoverSeen
from deliver.model.release import Outcome, Release
from deliver.model.spec import Analysis, Limits, PluginSpec, ReleaseSpec
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.render.sentences import sentence
from deliver_sandbox import fixtures
from deliver_sandbox.api import Write
from deliver_sandbox.faults import Fault, forbidden
from tests.engine.invariants import watched
from tests.engine.rig import GOOD, METRIC, TARGET, Judge, Rig, in_step, steps

HTTP = PluginSpec("http", {"port": 8080, "path": "/healthz"})


def spec(image: str = GOOD, limits: Limits | None = None, health: tuple[PluginSpec, ...] = (), **options: Any) -> ReleaseSpec:
    wanted = {"preview_bake": "30s", "bake": "60s", "hold": "120s"} | options
    analysis = Analysis(metrics=(METRIC,), health=health, poll=5.0)
    return ReleaseSpec(TARGET, image, "blue-green", wanted, analysis=analysis, limits=limits or Limits(drain=10.0))


def at(release: Release, text: str) -> float:
    return next(entry.at for entry in release.journal if sentence(entry, release).startswith(text))


def ended(rig: Rig, outcome: Outcome, wanted: ReleaseSpec | None = None) -> Release:
    dog = watched(rig)
    release = rig.run(wanted or spec())
    assert release.outcome is outcome, release.reason
    dog.check(release)
    assert rig.world.traffic.tally.lost() == 0
    return release


def candidates(rig: Rig) -> list[str]:
    """Names of the candidate's pods."""
    return [pod["metadata"]["name"] for pod in rig.world.cluster.list("pods", "shop", selector=RELEASE_LABEL)]


def preview(rig: Rig, name: str = "web-preview", app: str = "nobody") -> Rig:
    """The user has a preview Service of his own."""
    rig.world.api.create("services", "shop", fixtures.service(name, app), Write(manager="kubectl-client-side-apply"))
    return rig


def headless(rig: Rig, name: str) -> Rig:
    """A Service of the same pods without an address of its own."""
    body = fixtures.service(name)
    rig.world.api.create("services", "shop", {**body, "spec": {**body["spec"], "clusterIP": "None"}}, Write(manager="kubectl"))
    return rig


# ---------------------------------------------------------------- a good release


def test_the_order_of_actions():
    assert steps(ended(preview(Rig.make()), Outcome.PROMOTED, spec(preview_service="web-preview"))) == [
        "hold-stable",
        "route stable",
        "create-candidate 0",
        "scale-candidate 4",
        "open-preview",
        "route candidate",
        "update-stable",
        "hold-stable",
        "route stable",
        "delete-candidate",
        "restore-route",
        "close-preview",
        "release-stable",
    ]


def test_promoted_leaves_what_kubectl_set_image_would_have():
    rig = Rig.make()
    expected = rig.before()
    ended(rig, Outcome.PROMOTED)
    expected["deployments/web"]["spec"]["template"]["spec"]["containers"][0]["image"] = GOOD
    assert rig.before() == expected
    assert rig.names("deployments") == {"web"}
    assert rig.names("services") == {"web"}


def test_nobody_reaches_the_candidate_before_the_switch_and_nobody_the_old_side_after_it():
    rig = Rig.make()
    tallies: dict[str, Any] = {}
    rig.when(in_step(2, "Shifting"), lambda: tallies.update(before=rig.world.traffic.tally.copy()))
    rig.when(lambda release: release.course == "finish", lambda: tallies.update(after=rig.world.traffic.tally.copy()))
    release = ended(rig, Outcome.PROMOTED)
    assert tallies["before"].by_image[GOOD] == 0
    assert tallies["before"].requests > 2000
    assert tallies["after"].fresh_at["registry/web:1.0.0"] <= at(release, "traffic on the candidate side")


def test_the_candidate_is_as_large_as_the_live_stable_side_not_as_its_manifest():
    rig = Rig.make(hpa=True, replicas=3)
    rig.when(
        in_step(1),
        lambda: rig.edit("horizontalpodautoscalers", "web", {"spec": {"minReplicas": 3, "maxReplicas": 20}}, manager="deliver"),
    )
    release = ended(rig, Outcome.PROMOTED)
    assert release.plan.steps[0].candidate_pods == 3


def test_one_patch_a_service_makes_the_switch():
    rig = Rig.make(services=("web", "web-admin"))
    release = ended(rig, Outcome.PROMOTED)
    begin, end = at(release, "step 2/2: shifting"), at(release, "traffic on the candidate side")
    switched = [
        (call.verb, call.name) for call in rig.world.cluster.calls if call.kind == "services" and begin <= call.at <= end and call.changed
    ]
    assert switched == [("patch", "web"), ("patch", "web-admin")]


def test_the_old_side_is_whole_for_its_hold_and_the_hold_begins_after_the_bake():
    rig, fewest = Rig.make(), [9]
    rig.world.store.listen(
        lambda change: fewest.append(change.obj["spec"]["replicas"]) if change.kind == "deployments" and change.name == "web" else None
    )
    release = ended(rig, Outcome.PROMOTED, spec(hold="10m"))
    assert at(release, "update-stable") - at(release, "all steps passed") >= 600.0
    assert min(fewest) == 4


def test_promote_ends_the_hold():
    rig = Rig.make()
    asked = rig.when(lambda release: release.course == "finish", lambda: rig.ask("promote"))
    release = ended(rig, Outcome.PROMOTED, spec(hold="10m"))
    assert at(release, "update-stable") - asked[0] < 15.0


# ---------------------------------------------------------------- the preview Service


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


def test_the_plan_does_not_name_the_wrong_service_for_its_ports():
    [line] = [one for one in headless(Rig.make(), "a-headless").propose(spec()).patches if "web-preview: created" in one]
    assert "a-headless" not in line
    [line] = [one for one in Rig.make().propose(spec()).patches if "web-preview: created" in one]
    assert "with the ports of Service web," in line


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


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ({"app": "web"}, "it selects the live pods"),
        (None, "it has no selector"),
        ({RELEASE_LABEL: "web-20250101-1"}, "its selector is what a release made of it"),
    ],
)
def test_a_service_that_cannot_be_a_preview_is_bad_input(selector: dict[str, str] | None, said: str):
    rig = preview(Rig.make())
    rig.edit(
        "services", "web-preview", {"spec": {"selector": {"app": None, **selector} if selector and "app" not in selector else selector}}
    )
    with pytest.raises(InputError, match=said):
        rig.propose(spec(preview_service="web-preview"))


def test_a_preview_service_that_does_not_exist_is_bad_input():
    with pytest.raises(InputError, match="preview Service `green` does not exist") as error:
        Rig.make().propose(spec(preview_service="green"))
    assert "one is made for the release" in error.value.hint


def test_a_strangers_service_of_the_name_that_would_be_made_is_left_alone():
    rig = preview(Rig.make())
    with pytest.raises(InputError, match="Service `web-preview` exists already") as error:
        rig.propose(spec())
    assert "--preview-service web-preview" in error.value.hint


# ---------------------------------------------------------------- before the switch


def test_a_bad_verdict_in_the_preview_takes_it_back_and_no_user_has_seen_it():
    rig = Rig.make()
    before = rig.before()
    rig.judge.verdict = lambda now: Verdict.FAIL if rig.get("deployments", "web-candidate")["spec"]["replicas"] else Verdict.PASS
    release = ended(rig, Outcome.ROLLED_BACK)
    assert not release.exposed
    assert rig.world.traffic.tally.by_image[GOOD] == 0
    assert rig.before() == before
    assert rig.names("services") == {"web"}


def test_a_pod_that_loses_its_readiness_in_the_preview_takes_it_back():
    rig = Rig.make()
    rig.when(in_step(1), lambda: rig.world.kubelet.change(candidates(rig)[0], ready=False))
    release = ended(rig, Outcome.ROLLED_BACK)
    assert "lost its readiness" in release.reason
    assert not release.exposed


@pytest.mark.parametrize("wanted", [False, True], ids=["not", "asked for"])
def test_metrics_are_judged_in_the_preview_only_where_that_is_asked_for(wanted: bool):
    rig = Rig.make()
    judge = rig.judge = Asked(rig.world.clock.now)
    seen: set[tuple[int, bool]] = set()

    def update(release: Release, _: Any) -> None:
        told = judge.taken()
        seen.update((release.step + 1, one) for one in told if release.phase == "Baking")

    rig.reporter.on_update = update
    ended(rig, Outcome.PROMOTED, spec(preview_metrics=wanted))
    assert seen == ({(1, True), (2, True)} if wanted else {(2, True)})


class Asked(Judge):
    """Remembers whether it was to judge requests."""

    def __init__(self, now: Any) -> None:
        super().__init__(now)
        self.asked: list[bool] = []

    def examine(self, namespace: str, stable: Any, candidate: Any, *, traffic: bool = True) -> Judge.Said:
        self.asked.append(traffic)
        return super().examine(namespace, stable, candidate, traffic=traffic)

    def taken(self) -> list[bool]:
        told, self.asked = self.asked, []
        return told


# ---------------------------------------------------------------- a person is asked


def test_the_switch_waits_for_promote():
    rig = Rig.make()
    asked = rig.when(in_step(1, "Waiting"), lambda: rig.world.clock.after(300.0, lambda: rig.ask("promote")))
    release = ended(rig, Outcome.PROMOTED, spec(approve=True))
    assert 300.0 <= at(release, "step 2/2: shifting") - asked[0] < 302.0


def test_an_approval_nobody_gives_in_time_ends_held_with_everything_where_it_is():
    rig = Rig.make()
    release = ended(rig, Outcome.HELD, spec(approve=True, approve_timeout="10m"))
    assert "nobody answered within 600 s" in release.reason
    assert rig.get("services", "web")["spec"]["selector"][HASH] == release.snapshot.hash
    assert rig.verb("promote").outcome is Outcome.PROMOTED


def test_or_rolled_back_where_that_was_asked_for():
    rig = Rig.make()
    before = rig.before()
    release = ended(rig, Outcome.ROLLED_BACK, spec(approve=True, approve_timeout="10m", on_unanswered="rollback"))
    assert "nobody answered within 10 m" in release.reason
    assert rig.before() == before


# ---------------------------------------------------------------- the three facts


class Facts(Judge):
    """Tells what a real examiner would of the switch: `rates` by pod at a time, and what asking the Service gave."""

    def __init__(self, now: Any, rates: Any = None, asked: Verdict | None = None, unasked: str = "") -> None:
        super().__init__(now)
        self.rates, self.asked, self.unasked = rates, asked, unasked

    def examine(self, namespace: str, stable: Any, candidate: Any, *, traffic: bool = True) -> Judge.Said:
        found = super().examine(namespace, stable, candidate, traffic=traffic)
        rates = self.rates(self.now(), [pod.name for pod in stable]) if self.rates else {}
        asked = (
            (CheckResult("Service web", "service", self.asked, "10 of 10", evidence=Evidence(at=self.now())),)
            if self.asked and traffic
            else ()
        )
        healthy = (CheckResult("http", "health", Verdict.PASS, "4 of 4 pods are healthy"),)
        return Judge.Said(found.results + healthy + asked, found.share, found.at, CutoverSeen(self.now(), rates, unasked=self.unasked))


def test_switched_probed_and_drained_have_three_times():
    rig = Rig.make()
    begin = rig.world.clock.now()
    rig.judge = Facts(rig.world.clock.now, lambda now, pods: dict.fromkeys(pods, 20.0 if now < begin + 70 else 0.0), Verdict.PASS)
    switch = ended(rig, Outcome.PROMOTED, spec(health=(HTTP,))).switch
    assert switch
    assert switch.switched < switch.probed < switch.drained
    assert switch.drained >= begin + 70
    assert switch.clinging == ()


def test_what_clings_to_the_old_side_is_named_and_said_again_when_that_side_goes():
    rig = Rig.make()
    rig.judge = Facts(rig.world.clock.now, lambda now, pods: {name: 25.0 * (name == max(pods)) for name in pods})
    release = ended(rig, Outcome.PROMOTED)
    told = [sentence(entry, release) for entry in release.journal if sentence(entry, release).startswith("connections still held on")]
    assert release.switch
    assert not release.switch.drained
    [pod] = release.switch.clinging
    assert told == [f"connections still held on {pod}: 25 requests a second", f"connections still held on {pod} end with these pods"]


def test_the_kubelets_own_probes_are_no_connection_that_is_held():
    rig = Rig.make()
    rig.judge = Facts(rig.world.clock.now, lambda now, pods: dict.fromkeys(pods, 1.0))  # the probe of the fixture comes each second
    switch = ended(rig, Outcome.PROMOTED).switch
    assert switch
    assert switch.drained


def test_without_metrics_only_time_is_known_and_that_is_said():
    rig = Rig.make()
    wanted = ReleaseSpec(TARGET, GOOD, "blue-green", {"bake": "60s", "hold": "60s"}, limits=Limits(drain=10.0))
    switch = ended(rig, Outcome.PROMOTED, wanted).switch
    assert switch
    assert switch.drained - switch.switched >= 10.0
    assert "by time alone" in switch.how["drained"]
    assert "no health check and no load names a path" in switch.how["probed"]


def test_a_service_that_cannot_be_asked_is_not_probed_and_stops_nothing():
    rig = Rig.make()
    rig.judge = Facts(rig.world.clock.now, unasked="Service web: not permitted")
    switch = ended(rig, Outcome.PROMOTED, spec(health=(HTTP,))).switch
    assert switch
    assert not switch.probed
    assert switch.how["probed"] == "Service web: not permitted"


def test_a_service_that_answers_badly_on_fresh_connections_takes_it_back():
    rig = Rig.make()
    rig.judge = Facts(rig.world.clock.now, asked=Verdict.FAIL)
    assert "Service web" in ended(rig, Outcome.ROLLED_BACK, spec(health=(HTTP,))).reason
