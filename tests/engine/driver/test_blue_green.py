"""Blue-green: nobody is moved before the candidate was checked, all are moved at once, and the old side is one write away for its hold."""

from typing import Any

import pytest

from deliver.model.analysis_result import AnalysisResult
from deliver.model.names import HASH
from deliver.model.observation import CutoverSeen
from deliver.model.release import Outcome, Release
from deliver.model.spec import Limits, ReleaseSpec
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.render.sentences import sentence
from tests.engine.blue_green import HTTP, at, candidates, ended, preview, spec
from tests.engine.rig import GOOD, TARGET, Judge, Rig, in_step, steps

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

    def analyze(self, namespace: str, stable: Any, candidate: Any, *, traffic: bool = True) -> AnalysisResult:
        self.asked.append(traffic)
        return super().analyze(namespace, stable, candidate, traffic=traffic)

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
    """Tells what a real analyzer would of the switch: `rates` by pod at a time, and what asking the Service gave."""

    def __init__(self, now: Any, rates: Any = None, asked: Verdict | None = None, unasked: str = "") -> None:
        super().__init__(now)
        self.rates, self.asked, self.unasked = rates, asked, unasked

    def analyze(self, namespace: str, stable: Any, candidate: Any, *, traffic: bool = True) -> AnalysisResult:
        found = super().analyze(namespace, stable, candidate, traffic=traffic)
        rates = self.rates(self.now(), [pod.name for pod in stable]) if self.rates else {}
        asked = (
            (CheckResult("Service web", "service", self.asked, "10 of 10", evidence=Evidence(at=self.now())),)
            if self.asked and traffic
            else ()
        )
        healthy = (CheckResult("http", "health", Verdict.PASS, "4 of 4 pods are healthy"),)
        switch = CutoverSeen(self.now(), rates, unasked=self.unasked)
        return AnalysisResult(found.results + healthy + asked, found.candidate_percent, found.at, switch)


def test_switched_probed_and_drained_have_three_times():
    rig = Rig.make()
    begin = rig.world.clock.now()
    rig.judge = Facts(rig.world.clock.now, lambda now, pods: dict.fromkeys(pods, 20.0 if now < begin + 70 else 0.0), Verdict.PASS)
    switch = ended(rig, Outcome.PROMOTED, spec(health=(HTTP,))).switch
    assert switch
    assert switch.switched < switch.probed < switch.drained
    assert switch.drained >= begin + 70
    assert switch.clinging == ()


@pytest.mark.parametrize(("rate", "said"), [(25.0, "25"), (2031.0, "2031")])
def test_what_clings_to_the_old_side_is_named_and_said_again_when_that_side_goes(rate: float, said: str):
    rig = Rig.make()
    rig.judge = Facts(rig.world.clock.now, lambda now, pods: {name: rate * (name == max(pods)) for name in pods})
    release = ended(rig, Outcome.PROMOTED)
    told = [sentence(entry, release) for entry in release.journal if sentence(entry, release).startswith("connections still held on")]
    assert release.switch
    assert not release.switch.drained
    [pod] = release.switch.clinging
    assert told == [f"connections still held on {pod}: {said} requests a second", f"connections still held on {pod} end with these pods"]


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
