"""Other people's hands in mid-release: the release is held or taken back with the cause, and users are never left without pods."""

from collections.abc import Callable

import pytest

from deliver.cli import context
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.exitcodes import ExitCode
from deliver.model.journal import Event
from deliver.model.release import Outcome, Release
from deliver.model.spec import Limits
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from deliver.render.words import PODS
from deliver_sandbox.api import Write
from tests.engine.interrupted import interrupted
from tests.engine.invariants import watched
from tests.engine.rig import Rig, in_step

Hand = Callable[[Rig], object]


WHERE: dict[str, Callable[[Release], bool]] = {
    "before traffic": in_step(1, "Preparing"),
    "step 1": in_step(1),
    "step 3": in_step(3),
    "finishing": lambda release: release.phase == "Finishing",
}


HANDS: dict[str, tuple[Hand, str]] = {
    "set image": (lambda rig: rig.set_image("web", "registry/web:1.2.0"), "was changed by kubectl-set"),
    "scale stable down": (lambda rig: rig.edit("deployments", "web", {"spec": {"replicas": 2}}), "was scaled down to 2, 4 stood before"),
    "edit selector": (
        lambda rig: rig.edit("services", "web", {"spec": {"selector": {"tier": "x"}}}),
        "the selector of Service web was changed by kubectl-edit",
    ),
    "candidate deleted": (lambda rig: rig.remove("deployments", "web-candidate"), "is gone: somebody deleted it"),
    "candidate image": (lambda rig: rig.set_image("web-candidate", "registry/web:1.2.0"), "image was changed to registry/web:1.2.0"),
}


def ready_for(hand: str, where: str) -> bool:
    """The candidate exists only after the first preparation; in the finish a smaller Deployment is made whole by its update."""
    return not (where == "before traffic" and hand.startswith("candidate")) and not (where == "finishing" and hand == "scale stable down")


@pytest.mark.parametrize(("hand", "where"), [(h, w) for h in HANDS for w in WHERE if ready_for(h, w)])
def test_a_strangers_change_stops_the_release_with_its_cause(hand: str, where: str):
    rig = Rig.make()
    before = rig.before()
    dog = watched(rig, grace=3.0)  # an edited selector is the stranger's own doing, until the driver acts
    change, cause = HANDS[hand]
    rig.when(WHERE[where], lambda: change(rig))
    release = rig.run()
    assert release.outcome in (Outcome.HELD, Outcome.ROLLED_BACK)
    assert cause in release.reason
    assert release.ended - release.started < 250
    if release.outcome is Outcome.ROLLED_BACK:
        assert rig.before() == before
    if hand != "edit selector":
        dog.check(release)


@pytest.mark.parametrize("hand", HANDS)
def test_after_a_hold_rollback_puts_everything_back(hand: str):
    rig = Rig.make()
    before = rig.before()
    rig.when(in_step(2), lambda: HANDS[hand][0](rig))
    release = rig.run()
    if release.outcome is Outcome.HELD:
        release = rig.verb("rollback")
    assert release.outcome is Outcome.ROLLED_BACK, release.reason
    assert rig.before() == before


def test_somebody_who_unpauses_once_is_answered_and_one_who_insists_stops_it():
    rig = Rig.make()
    unpause = lambda: rig.edit("deployments", "web", {"spec": {"paused": None}})  # noqa: E731
    rig.when(in_step(1), unpause)
    assert rig.run().outcome is Outcome.PROMOTED

    rig = Rig.make()
    rig.world.store.listen(
        lambda change: (
            rig.world.clock.after(1.0, unpause)
            if change.kind == "deployments" and change.name == "web" and change.obj["spec"].get("paused")
            else None
        )
    )
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert release.reason == "somebody keeps unpausing Deployment web", "who took the field out is not known"


@pytest.mark.parametrize("where", ["step 1", "step 3", "finishing"])
@pytest.mark.parametrize("services", [("web",), ("api", "web")])
def test_a_deleted_service_holds_and_the_others_can_be_taken_back(where: str, services: tuple[str, ...]):
    rig = Rig.make(services=services)
    before = rig.before()
    rig.when(WHERE[where], lambda: rig.remove("services", services[0]))
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert f"Service {services[0]} was deleted" in release.reason
    release = rig.verb("rollback")
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.ended - release.resumed < 60
    assert rig.before() == {key: value for key, value in before.items() if key != f"services/{services[0]}"}


def test_nobody_is_said_to_be_served_where_no_service_is_left():
    """At 50 % the driver is killed, the Service deleted, and a rollback typed: the users reach nobody."""
    rig, _ = interrupted(in_step(2))
    rig.remove("services", "web")
    release = rig.verb("rollback")
    assert release.outcome is Outcome.ROLLED_BACK
    (said,) = [sentence(entry, release) for entry in release.journal if entry.event is Event.UNSERVED]
    assert said == "Service web was deleted: who came by there reaches nobody until it is made again"
    assert PODS.meaning(release, None) == "the version of before runs as it did, but its Services are gone: who came by them reaches nobody"
    assert context.ended(release, Stop(), taken_back=ExitCode.PROMOTED) == ExitCode.UNSERVED


def test_a_service_that_was_made_again_is_left_alone_and_does_not_lead_to_the_candidate_for_long():
    rig = Rig.make()

    def again() -> None:
        rig.remove("services", "web")
        rig.world.api.create(
            "services",
            "shop",
            {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}},
        )

    rig.when(in_step(3), again)
    assert rig.run().outcome is Outcome.HELD
    service = rig.before()["services/web"]
    release = rig.verb("rollback")
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.ended - release.resumed < 60
    assert rig.before()["services/web"] == service
    assert rig.names("deployments") == {"web"}


@pytest.mark.parametrize(
    ("selector", "held"),
    [({"app": "web"}, True), ({"deliver.dev/release": "web-20260105-1"}, True), ({"app": "api"}, False), (None, False)],
)
def test_a_service_made_during_the_release_that_leads_to_the_candidate_holds_it(selector: dict[str, str] | None, held: bool):
    """Its users would be on pods that nobody has judged, and no way back would take them off."""
    rig = Rig.make()
    service = {"metadata": {"name": "web-new"}, "spec": {"selector": selector, "ports": [{"port": 80}]}}
    at = rig.when(in_step(1), lambda: rig.world.api.create("services", "shop", service, Write(manager="argocd")))
    release = rig.run()
    assert release.outcome is (Outcome.HELD if held else Outcome.PROMOTED)
    if held:
        assert release.reason.startswith("Service web-new, which is not part of the release, leads to the candidate by argocd")
        assert release.ended - at[0] < 1.0
        rig.remove("services", "web-new")
        assert rig.verb("resume").outcome is Outcome.PROMOTED, "once it is gone, or leads elsewhere, the release goes on"


def test_a_service_that_leads_to_the_candidate_does_not_keep_it_from_being_taken_back():
    rig = Rig.make()
    service = {"metadata": {"name": "web-new"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    rig.when(in_step(1), lambda: rig.world.api.create("services", "shop", service))
    assert rig.run().outcome is Outcome.HELD
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK
    assert rig.names("deployments") == {"web"}


def test_the_deployment_deleted_or_made_again_holds():
    rig = Rig.make()
    rig.when(in_step(1), lambda: rig.remove("deployments", "web"))
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert "Deployment web was deleted" in release.reason


@pytest.mark.parametrize("step", [1, 3])
def test_a_candidate_that_somebody_scales_to_nothing_is_taken_back_at_once(step: int):
    rig = Rig.make()
    before, dog = rig.before(), watched(rig, grace=0.5)
    at = rig.when(in_step(step), lambda: rig.edit("deployments", "web-candidate", {"spec": {"replicas": 0}}))
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert "scaled to 0" in release.reason
    assert release.traffic_off - at[0] < 2.5
    assert rig.before() == before
    dog.check(release)


def test_all_pods_of_a_candidate_that_has_all_the_traffic_deleted():
    """Nobody waits for their heirs while the stable side stands ready."""
    rig = Rig.make()
    before, dog = rig.before(), watched(rig, grace=0.5)

    def delete() -> None:
        for pod in rig.world.cluster.list("pods", "shop", selector="deliver.dev/release"):
            rig.remove("pods", pod["metadata"]["name"])

    rig.when(in_step(3), delete)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert "no ready pod" in release.reason
    assert rig.before() == before
    dog.check(release)


@pytest.mark.parametrize("minimum", [2, 6])
@pytest.mark.parametrize("step", [1, 3])
def test_the_autoscalers_minimum_changed_by_somebody(minimum: int, step: int):
    rig = Rig.make(hpa=True)
    rig.when(in_step(step), lambda: rig.edit("horizontalpodautoscalers", "web", {"spec": {"minReplicas": minimum}}))
    release = rig.run()
    assert release.outcome is Outcome.HELD
    assert f"minReplicas of HorizontalPodAutoscaler web was changed to {minimum}" in release.reason


def test_what_somebody_writes_into_our_annotations_stops_nothing():
    rig = Rig.make()
    rig.when(in_step(1), lambda: rig.edit("deployments", "web", {"metadata": {"annotations": {"deliver.dev/fence": "soon"}}}))
    assert rig.run().outcome is Outcome.PROMOTED


@pytest.mark.parametrize(("undone", "outcome"), [(0.2, Outcome.ROLLED_BACK), (0.01, Outcome.ROLLBACK_FAILED)])
def test_somebody_who_undoes_the_rollback_all_the_time_is_answered_and_the_journal_stays_small(
    undone: float, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
):
    """The candidate goes once the EndpointSlices have followed; that traffic was off, which nobody has proven, is not said."""
    monkeypatch.setattr("deliver.engine.core.rollback.LIMIT", 300.0)
    rig = Rig.make()
    before = rig.before()
    unpin = lambda: rig.edit("services", "web", {"spec": {"selector": {"pod-template-hash": None}}}, "argocd")  # noqa: E731
    rig.when(in_step(2), lambda: rig.ask("abort"))

    def revert(change) -> None:
        if change.kind == "services" and "pod-template-hash" in change.obj["spec"]["selector"]:
            rig.world.clock.after(undone, lambda: rig.reporter.phases[-1] == "RollingBack" and unpin())

    rig.world.store.listen(revert)
    release = rig.run()
    assert (release.outcome, release.traffic_off) == (outcome, 0.0)
    if outcome is Outcome.ROLLED_BACK:
        assert rig.before() == before
        assert rig.world.traffic.tally.lost() == 0
    else:
        assert release.reason.startswith("not done within 300 s")
    assert len(release.journal) < 280  # it has to fit into an object, beside the history


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
