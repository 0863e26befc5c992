"""The way forward: what is done in which order, what must hold before each step, and what takes a bad version back at once."""

from collections.abc import Callable
from typing import Any

import pytest

from deliver.model.analysis_result import AnalysisResult
from deliver.model.names import HASH
from deliver.model.release import Outcome, Release
from deliver.model.spec import Analysis, Limits, PluginSpec, ReleaseSpec
from deliver.model.verdict import CheckResult, Verdict
from deliver.render.sentences import sentence
from deliver_sandbox.controllers.kubelet import Node
from deliver_sandbox.images import Behaviour
from tests.engine.invariants import watched
from tests.engine.rig import TARGET, Judge, Rig, in_step, steps


def promoted(rig: Rig, spec: ReleaseSpec | None = None) -> Release:
    dog = watched(rig)
    release = rig.run(spec)
    assert release.outcome is Outcome.PROMOTED, release.reason
    dog.check(release)
    assert rig.world.traffic.tally.lost() == 0
    return release


# ---------------------------------------------------------------- a good release


def test_the_order_of_actions():
    assert steps(promoted(Rig.make())) == [
        "hold-stable",
        "route stable",
        "create-candidate 0",
        "scale-candidate 1",
        "route both",
        "scale-candidate 4",
        "route candidate",
        "update-stable",
        "hold-stable",
        "route stable",
        "delete-candidate",
        "restore-route",
        "release-stable",
    ]


def test_promoted_leaves_what_kubectl_set_image_would_have():
    rig = Rig.make()
    before = rig.before()
    promoted(rig)
    expected = before
    expected["deployments/web"]["spec"]["template"]["spec"]["containers"][0]["image"] = "registry/web:1.1.0"
    assert rig.before() == expected
    assert rig.names("deployments") == {"web"}
    assert rig.names("configmaps") == {"deliver-web"}


def test_no_pod_of_the_candidate_exists_before_the_services_are_pinned():
    rig, born = Rig.make(), []

    def hear(change: Any) -> None:
        labels = change.obj["metadata"].get("labels") or {}
        if change.kind == "pods" and change.type == "ADDED" and "deliver.dev/release" in labels:
            born.append(rig.get("services", "web")["spec"]["selector"].get(HASH))

    rig.world.store.listen(hear)
    release = rig.run()
    assert len(born) == 4
    assert born[0] == release.snapshot.hash


def test_the_candidate_is_created_without_pods():
    rig = Rig.make()
    rig.run()
    [create] = [call for call in rig.world.cluster.calls if call.verb == "create" and call.kind == "deployments"]
    assert isinstance(create.body, dict)
    assert create.body["spec"]["replicas"] == 0


def test_each_step_is_baked_for_its_time_after_two_looks_a_second_apart():
    release = promoted(Rig.make())
    at = [(sentence(entry, release), entry.at) for entry in release.journal]
    for name, side in (("10 %", "both sides"), ("100 %", "the candidate side")):
        route = (
            next(when for text, when in at if text.startswith("route") and name in text)
            if name == "10 %"
            else next(when for text, when in at if text.startswith("route candidate"))
        )
        verified = next(when for text, when in at if text.startswith(f"traffic on {side} is verified") and when >= route)
        passed = next(when for text, when in at if f"{name}: PASS" in text)
        assert verified - route >= 1.0
        assert 60.0 <= passed - verified < 61.0


def test_what_is_journalled_as_verified_is_what_the_slices_hold():
    rig, seen = Rig.make(), []
    rig.when(
        in_step(2),
        lambda: seen.append(
            [e["conditions"]["ready"] for piece in rig.world.cluster.list("endpointslices", "shop") for e in piece["endpoints"]]
        ),
    )
    release = rig.run()
    assert seen == [[True] * 8]
    assert any("4 of 8 ready endpoints run the new version, 50 %" in sentence(entry, release) for entry in release.journal)


def test_stable_capacity_is_whole_until_the_last_bake_and_the_drain_are_over():
    rig, fewest = Rig.make(), [99]
    rig.world.store.listen(
        lambda change: fewest.append(change.obj["spec"]["replicas"]) if change.kind == "deployments" and change.name == "web" else None
    )
    release = rig.run(rig.spec(bake="60s", limits=Limits(drain=30.0)))
    update = next(entry.at for entry in release.journal if sentence(entry, release).startswith("update-stable"))
    shifted = next(entry.at for entry in release.journal if sentence(entry, release).startswith("traffic on the candidate side"))
    assert min(fewest) == 4
    assert update - shifted >= 60.0
    gone = next(entry.at for entry in release.journal if sentence(entry, release).startswith("delete-candidate"))
    last = max(entry.at for entry in release.journal if "is verified" in sentence(entry, release))
    assert gone - last >= 30.0


def test_a_step_with_approval_waits_for_promote():
    rig = Rig.make()
    spec = rig.spec(options={"weight": [], "steps": [{"weight": 20, "bake": "10s", "approval": True}]})
    waited: list[float] = []
    rig.when(
        in_step(1, "Waiting"), lambda: rig.world.clock.after(300.0, lambda: (waited.append(rig.world.clock.now()), rig.ask("promote")))
    )
    release = promoted(rig, spec)
    passed = next(entry.at for entry in release.journal if sentence(entry, release).startswith("step 1/2 20 %: PASS"))
    assert waited
    assert 0 <= passed - waited[0] < 1


def test_an_approval_nobody_gives_ends_held():
    rig = Rig.make()
    spec = rig.spec(options={"weight": [], "steps": [{"weight": 20, "bake": "10s", "approval": True}]}, limits=Limits(pause=600.0))
    release = rig.run(spec)
    assert release.outcome is Outcome.HELD
    assert "20 % waits for `deliver promote`, and nobody answered within 600 s" in release.reason


# ---------------------------------------------------------------- shapes


def test_one_replica_at_half():
    rig = Rig.make(replicas=1)
    release = promoted(rig, rig.spec(weights=[50]))
    assert release.plan.steps[0].endpoints == 50.0


def test_twelve_replicas():
    release = promoted(Rig.make(replicas=12))
    assert [step.candidate_pods for step in release.plan.steps] == [1, 12, 12]


def test_two_services_move_together():
    rig = Rig.make(services=("web", "web-internal"))
    pins: list[tuple[str, str]] = []
    rig.world.store.listen(
        lambda change: pins.append((change.name, change.obj["spec"]["selector"].get(HASH, ""))) if change.kind == "services" else None
    )
    release = promoted(rig)
    kinds = {release.snapshot.hash: "stable", release.candidate_hash: "candidate", release.new_hash: "new", "": "both"}
    moves = [(name, kinds[pin]) for name, pin in pins]
    assert [m for m in moves if m[0] == "web"] == [("web", k) for k in ("stable", "both", "candidate", "new", "both")]
    assert [k for n, k in moves if n == "web-internal"] == [k for n, k in moves if n == "web"]


def test_an_autoscaler_is_held_at_the_live_count_and_released():
    rig = Rig.make(hpa=True)
    rig.world.clock.wait(400)
    before, lowest = rig.before(), []
    rig.when(in_step(3), lambda: rig.world.load.update({("shop", "web"): 1.0}))
    rig.when(in_step(3), lambda: lowest.append(rig.get("horizontalpodautoscalers", "web")["spec"]["minReplicas"]))
    release = promoted(rig, rig.spec(bake="600s"))
    assert lowest == [4]
    assert [step for step in steps(release) if "autoscaler" in step] == ["hold-autoscaler 4", "release-autoscaler"]
    assert rig.before()["horizontalpodautoscalers/web"] == before["horizontalpodautoscalers/web"]


def test_the_candidate_takes_all_at_the_size_the_stable_side_has_grown_to():
    rig = Rig.make(hpa=True)
    rig.when(in_step(1), lambda: rig.world.load.update({("shop", "web"): 7.0}))
    release = promoted(rig)
    assert "scale-candidate 7" in steps(release)
    assert rig.get("deployments", "web")["spec"]["replicas"] == 7


def test_slow_image_pulls_are_waited_for():
    rig = Rig.make(images={"registry/web:1.1.0": Behaviour(pull=45.0)})
    promoted(rig)


# ---------------------------------------------------------------- health before the first request


class Probed(Judge):
    """Answers as health checks do, with what a test says."""

    def analyze(self, namespace: str, stable: Any, candidate: Any, *, traffic: bool = True) -> AnalysisResult:
        self.asked = [*getattr(self, "asked", []), traffic]
        verdict = self.verdict(self.now()) if callable(self.verdict) else self.verdict
        return AnalysisResult((CheckResult("http", "health", verdict, f"/healthz says {verdict}"),), None, self.now())


def healthy_spec() -> ReleaseSpec:
    analysis = Analysis(health=(PluginSpec("http", {"port": 8080}),), poll=5.0)
    return ReleaseSpec(
        TARGET, "registry/web:1.1.0", "canary", {"weight": [20], "bake": "30s"}, analysis=analysis, limits=Limits(ready=60.0)
    )


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.BLIND])
def test_a_candidate_whose_health_check_does_not_pass_never_gets_a_request(verdict: Verdict):
    rig = Rig.make()
    rig.judge = Probed(rig.world.clock.now, verdict)
    before, dog = rig.before(), watched(rig)
    release = rig.run(healthy_spec())
    assert release.outcome is Outcome.ROLLED_BACK
    assert f"/healthz says {verdict}" in release.reason
    assert not dog.served
    assert rig.before() == before
    dog.check(release)


def test_health_is_asked_before_the_traffic_comes():
    rig = Rig.make()
    rig.judge = Probed(rig.world.clock.now)
    promoted(rig, healthy_spec())
    assert rig.judge.asked[0] is False
    assert rig.judge.asked[-1] is True


# ---------------------------------------------------------------- bad versions that never get a request


def no_room(rig: Rig) -> None:
    rig.world.kubelet.nodes[:] = [Node(pods=4)]


def small_quota(rig: Rig) -> None:
    """It appears when the preflight has been passed."""
    body = {"metadata": {"name": "pods"}, "spec": {"hard": {"pods": "4"}}}
    rig.when(lambda release: release.phase == "Preparing", lambda: rig.world.api.create("resourcequotas", "shop", body))


BAD: list[tuple[str, Callable[[Rig], object] | None, str, float]] = [
    ("registry/web:9.9.9-absent", None, "cannot pull registry/web:9.9.9-absent", 10.0),
    ("registry/web:2.0.0-crash", None, "keeps crashing (exit code 1)", 60.0),
    ("registry/web:2.0.0-oom", None, "killed for want of memory (OOMKilled)", 60.0),
    ("registry/web:2.0.0-unready", None, "not ready within 60 s (`limits.ready`): 0 of 1 candidate pods ready", 75.0),
    ("registry/web:1.1.0", no_room, "cannot be scheduled: 0/1 nodes are available", 75.0),
    ("registry/web:1.1.0", small_quota, "exceeded quota", 75.0),
]


@pytest.mark.parametrize(
    ("image", "arrange", "cause", "within"), BAD, ids=["image-pull", "crash-loop", "oom", "unready", "unschedulable", "quota"]
)
def test_a_version_that_cannot_run_is_taken_back_and_never_served(
    image: str, arrange: Callable[[Rig], object] | None, cause: str, within: float
):
    rig = Rig.make()
    before, dog = rig.before(), watched(rig)
    if arrange:
        arrange(rig)
    release = rig.run(rig.spec(image, limits=Limits(ready=60.0)))
    assert release.outcome is Outcome.ROLLED_BACK
    assert cause in release.reason
    assert next(entry.at for entry in release.journal if sentence(entry, release).startswith("rolling back")) - release.started < within
    assert rig.before() == before
    assert rig.names("deployments") == {"web"}
    assert not dog.served
    assert set(rig.world.traffic.tally.by_image) == {"registry/web:1.0.0"}
    assert rig.world.traffic.tally.lost() == 0
    dog.check(release)


def test_the_last_log_lines_of_a_crashing_candidate_are_kept():
    rig = Rig.make()
    release = rig.run(rig.spec("registry/web:2.0.0-crash"))
    assert any("told to crash: broken release" in line for line in release.evidence)


# ---------------------------------------------------------------- bad versions under traffic


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_failing_metric_takes_the_traffic_back_within_a_poll(step: int):
    rig = Rig.make()
    before, dog = rig.before(), watched(rig)

    def turn() -> None:
        rig.judge.verdict = Verdict.FAIL

    failed = rig.when(in_step(step), turn)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.reason == "errors: errors say FAIL"
    assert release.traffic_off - failed[0] < 5.0 + 2.0  # a poll, and two looks a second apart
    assert rig.before() == before
    dog.check(release)


def crash(rig: Rig) -> None:
    for pod in rig.world.cluster.list("pods", "shop", selector="deliver.dev/release"):
        rig.world.kubelet.change(pod["metadata"]["name"], crash=0.05)


def unready(rig: Rig) -> None:
    for pod in rig.world.cluster.list("pods", "shop", selector="deliver.dev/release"):
        rig.world.kubelet.change(pod["metadata"]["name"], ready=False)


@pytest.mark.parametrize("harm", [crash, unready])
@pytest.mark.parametrize("step", [1, 3])
def test_pods_that_turn_bad_under_traffic_are_seen_within_a_second(harm: Callable[[Rig], None], step: int):
    """The readiness probe needs three failures, a second apart, before Kubernetes itself knows."""
    rig = Rig.make()
    before, dog = rig.before(), watched(rig, grace=0.5)
    at = rig.when(in_step(step), lambda: harm(rig))
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    turned = next(entry.at for entry in release.journal if sentence(entry, release).startswith("rolling back"))
    assert turned - at[0] < (1.0 if harm is crash else 4.0)
    assert rig.before() == before
    dog.check(release)


# ---------------------------------------------------------------- stable pods come and go


def test_a_stable_pod_that_is_evicted_late_in_a_bake_does_not_fail_the_release():
    """A node drain is not the candidate's fault: exposure waits, and goes on when the pod is back (safety.md F18)."""
    rig = Rig.make()

    def evict() -> None:
        stable = next(p for p in rig.world.cluster.list("pods", "shop") if "deliver.dev/release" not in p["metadata"]["labels"])
        rig.world.clock.after(400.0, lambda: rig.remove("pods", stable["metadata"]["name"]))

    rig.when(in_step(1), evict)
    release = rig.run(rig.spec(bake="600s"))
    assert release.outcome is Outcome.PROMOTED, release.reason


def test_a_candidate_pod_that_is_evicted_is_not_a_failure_either():
    rig = Rig.make()

    def evict() -> None:
        rig.remove("pods", rig.world.cluster.list("pods", "shop", selector="deliver.dev/release")[0]["metadata"]["name"])

    rig.when(in_step(2), lambda: rig.world.clock.after(400.0, evict))
    release = rig.run(rig.spec(bake="600s"))
    assert release.outcome is Outcome.PROMOTED, release.reason
