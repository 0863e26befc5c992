"""Blue-green beside what else there is: limits too short for it, an autoscaler, a person in its hold, what nodes left behind."""

import copy
from typing import Any

import pytest

from deliver.model.journal import Event, times
from deliver.model.names import HASH
from deliver.model.release import Outcome, Release
from deliver.model.spec import ReleaseSpec
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Fault, forbidden
from tests.engine.blue_green import at, spec
from tests.engine.rig import Rig, in_step, steps

# ---------------------------------------------------------------- how long it may take


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hold": "30h"}, "the release takes at least 30 h"),
        (
            {"approve": True, "approve_timeout": "26h", "on_unanswered": "rollback"},
            "the release, with the time to approve it, may take 26 h",
        ),
    ],
)
def test_it_is_said_beforehand_when_it_cannot_be_done_in_its_time(options: dict[str, Any], says: str):
    """Else a person would find it held in the middle of its hold, a day later; or an unanswered approval never rolled back."""
    [found] = [one for one in Rig.make().propose(spec(**options)).findings if one.rule == "too-long"]
    assert found.level == "warn"
    assert found.message.startswith(says)
    assert found.message.endswith("and is held after 24 h (`limits.total`)")


def test_nothing_is_said_of_one_that_has_time_enough():
    assert "too-long" not in {one.rule for one in Rig.make().propose(spec(approve=True, approve_timeout="2h")).findings}


# ---------------------------------------------------------------- an autoscaler


def grown(rig: Rig, release: ReleaseSpec) -> tuple[Release, list[int]]:
    """The load grows from three pods' worth to eight before all users move, and moves with them; the stable side's sizes after that."""
    sizes: list[int] = []

    def moved() -> None:
        rig.world.load["shop", "web"] = 0.0
        rig.world.store.listen(
            lambda change: sizes.append(change.obj["spec"]["replicas"]) if (change.kind, change.name) == ("deployments", "web") else None
        )

    rig.when(in_step(1), lambda: rig.world.load.update({("shop", "web"): 8.0}))
    rig.when(lambda now: now.last_step and now.phase == "Baking", moved)
    return rig.run(release), sizes


@pytest.mark.parametrize("strategy", ["blue-green", "canary"])
def test_the_stable_side_does_not_shrink_below_what_took_its_traffic(strategy: str):
    """Else a rollback, or the finish, would lead the traffic of eight pods to three."""
    rig = Rig.make(hpa=True, replicas=3)
    before = rig.get("horizontalpodautoscalers", "web")["spec"]
    wanted = spec(preview_bake="2m", hold="20m") if strategy == "blue-green" else rig.spec(weights=(50,), bake="10m")
    release, sizes = grown(rig, wanted)
    assert release.outcome is Outcome.PROMOTED
    until = [str(entry.action) for entry in release.journal if entry.event is Event.INTENT]
    assert [one for one in until if "autoscaler" in one] == ["hold-autoscaler 3", "hold-autoscaler 8", "release-autoscaler"]
    assert min(sizes) == 8
    assert rig.get("horizontalpodautoscalers", "web")["spec"] == before


def test_and_it_is_as_large_when_it_is_rolled_back():
    rig = Rig.make(hpa=True, replicas=3)
    rig.when(holds, lambda: rig.world.clock.after(900.0, lambda: setattr(rig.judge, "verdict", Verdict.FAIL)))
    release, sizes = grown(rig, spec(preview_bake="2m", hold="20m"))
    assert release.outcome is Outcome.ROLLED_BACK
    assert min(sizes) == 8
    assert rig.get("horizontalpodautoscalers", "web")["spec"]["minReplicas"] == 1


def test_a_rollback_that_may_not_give_the_autoscaler_back_says_so_when_it_gives_up():
    """All users are on the stable side by then, and it is whole."""
    rig = Rig.make(hpa=True, replicas=3)
    rig.when(in_step(2), lambda: setattr(rig.judge, "verdict", Verdict.FAIL))
    rig.when(in_step(2), lambda: rig.world.cluster.script.add(Fault(forbidden, verb="patch", kind="horizontalpodautoscalers")))
    release = rig.run(spec())
    assert release.outcome is Outcome.ROLLBACK_FAILED
    assert release.reason.startswith("not done within 1800 s: release-autoscaler: forbidden")


# ---------------------------------------------------------------- a person's hand in the hold


def holds(release: Release) -> bool:
    return release.course == "finish"


def asked_in_the_hold(*verbs: tuple[float, str]) -> tuple[Rig, Release]:
    """(seconds after the hold has begun, what is asked then), and how it ends."""
    rig = Rig.make()
    for after, verb in verbs:
        rig.when(holds, lambda after=after, verb=verb: rig.world.clock.after(after, lambda: rig.ask(verb)))
    return rig, rig.run(spec(hold="2m"))


def test_pause_keeps_the_old_side_until_resume_and_its_hold_begins_anew():
    rig, release = asked_in_the_hold((60.0, "pause"), (960.0, "resume"))
    assert release.outcome is Outcome.PROMOTED
    assert at(release, "update-stable") - at(release, "all steps passed") >= 960.0 + 120.0
    assert rig.reporter.phases[-5:] == ["Finishing", "Paused", "Finishing", "Ended", "end"]


def test_while_it_is_paused_no_end_of_the_hold_is_shown():
    """It was shown as over long ago."""
    rig, shown = Rig.make(), set()
    rig.when(holds, lambda: rig.ask("pause"))
    rig.when(lambda release: release.phase == "Paused", lambda: rig.world.clock.after(600.0, lambda: rig.ask("resume")))
    rig.when(lambda release: release.phase == "Paused", lambda: shown.add(rig.record().held_until))
    assert rig.run(spec(hold="2m")).outcome is Outcome.PROMOTED
    assert shown == {0.0}


def test_promote_ends_the_pause_and_the_hold():
    _, release = asked_in_the_hold((60.0, "pause"), (300.0, "promote"))
    assert release.outcome is Outcome.PROMOTED
    assert at(release, "update-stable") - at(release, "promote asked") < 15.0


def test_a_pause_that_nobody_ends_is_held_with_both_sides_as_they_are():
    rig, release = asked_in_the_hold((60.0, "pause"))
    assert release.outcome is Outcome.HELD
    assert "paused by ops@desk, and nobody answered within 3600 s" in release.reason
    assert rig.names("deployments") == {"web", "web-candidate"}
    assert rig.get("services", "web")["spec"]["selector"][HASH] == release.candidate_hash


def test_one_that_was_held_in_its_hold_and_goes_on_is_not_called_ended():
    rig, _ = asked_in_the_hold((60.0, "pause"))
    rig.reporter.phases.clear()
    assert rig.verb("resume").outcome is Outcome.PROMOTED
    assert rig.reporter.phases == ["Finishing", "Ended", "end"]


def test_a_pause_that_comes_when_the_old_side_is_going_changes_nothing():
    rig = Rig.make()
    rig.when(lambda release: "update-stable" in steps(release), lambda: rig.ask("pause"))
    release = rig.run(spec(hold="2m"))
    assert release.outcome is Outcome.PROMOTED
    assert release.paused is None


@pytest.mark.parametrize("harm", ["scaled to 1", "crashing"])
def test_an_old_side_that_is_not_warm_any_more_is_told_of_once(harm: str):
    """Whoever counts on the one write back learns of it in time."""
    rig = Rig.make()
    old = [pod["metadata"]["name"] for pod in rig.world.cluster.list("pods", "shop")]

    def hurt() -> None:
        if harm == "scaled to 1":
            rig.edit("deployments", "web", {"spec": {"replicas": 1}})
        for name in old if harm == "crashing" else ():
            rig.world.kubelet.change(name, crash=0.1)

    rig.when(holds, hurt)
    release = rig.run(spec(hold="5m"))
    told = [entry for entry in release.journal if sentence(entry, release).startswith("the old side has")]
    assert [sentence(one, release).partition(":")[2] for one in told] == [
        " until more of them are, a rollback cannot take the traffic back"
    ]
    assert told[0].at < at(release, "update-stable") - 240.0


def test_nothing_is_told_of_an_old_side_that_is_warm():
    assert not times(Rig.make().run(spec()).journal, Event.OLD_SIDE_COLD)


# ---------------------------------------------------------------- what stands around


@pytest.mark.parametrize("template", ["the present one", "an older one"])
@pytest.mark.parametrize("outcome", [Outcome.PROMOTED, Outcome.ROLLED_BACK])
def test_a_pod_that_a_node_left_behind_failed_is_not_waited_for(outcome: Outcome, template: str):
    """Evicted, or shut down with its node: it was replaced long ago, and stands there until its ReplicaSet goes."""
    rig = Rig.make()
    left_behind(rig, {} if template == "the present one" else {HASH: "5f6d7c8b9"})
    if outcome is Outcome.ROLLED_BACK:
        rig.judge.verdict = Verdict.FAIL
    assert rig.run(spec()).outcome is outcome


def left_behind(rig: Rig, labels: dict[str, str]) -> None:
    """One more pod of the Deployment's, that its node has ended."""
    pod = copy.deepcopy(rig.world.cluster.list("pods", "shop")[0])
    meta = pod["metadata"]
    kept = {"name": "web-left-behind", "labels": {**meta["labels"], **labels}, "ownerReferences": meta["ownerReferences"]}
    if labels:
        older = copy.deepcopy(rig.world.cluster.list("replicasets", "shop")[0])
        older["metadata"] = {key: older["metadata"][key] for key in ("labels", "ownerReferences")} | {"name": "web-older"}
        older["spec"] |= {"replicas": 0, "selector": {"matchLabels": {"app": "web", **labels}}}
        older["spec"]["template"]["metadata"]["labels"] |= labels
        older["spec"]["template"]["spec"]["containers"][0]["image"] = "registry/web:0.9.0"
        uid = rig.world.api.create("replicasets", "shop", {**older, "status": {}})["metadata"]["uid"]
        kept["ownerReferences"] = [{**meta["ownerReferences"][0], "name": "web-older", "uid": uid}]
    rig.world.api.create("pods", "shop", {**pod, "metadata": kept, "status": {}})
    status = {"phase": "Failed", "reason": "Terminated", "message": "Pod was terminated in response to imminent node shutdown."}
    rig.world.api.patch("pods", "shop", kept["name"], {"status": status}, "application/merge-patch+json", "status")
    rig.world.clock.wait(30.0)
