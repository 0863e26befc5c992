"""A flag release: raised step by step, watched, and killed for everyone when it goes wrong."""

import copy
import signal
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from deliver.engine.runtime.stop_signal import Stop
from deliver.model.errors import AlreadySo, GateRefused, InputError, Locked, Rejected, Unreachable
from deliver.model.release import Release
from deliver.model.spec import Analysis, Limits, ReleaseSpec, Target
from deliver.model.verdict import Verdict
from deliver.plugins.flags import Mark
from deliver.render.sentences import sentence
from deliver.testing.flags import MemoryFlags
from deliver_sandbox.faults import Fault, unreachable
from tests.engine.driver.test_blue_green_around import left_behind
from tests.engine.rig import METRIC, TARGET, Rig, in_step, steps


@dataclass
class FlagRig(Rig):
    flags: MemoryFlags = field(default_factory=MemoryFlags)

    def __post_init__(self) -> None:
        self.flag_clients = self.flags.flag_client

    def spec(self, image: str = "", weights: Any = (5, 50), bake: str = "60s", **more: Any) -> ReleaseSpec:
        options = {"flag": "new-checkout", "weight": list(weights), "bake": bake, "backend": "memory"}
        analysis = Analysis(metrics=(METRIC,), poll=5.0)
        return ReleaseSpec(TARGET, "", "flag", options, analysis=analysis, limits=Limits(**more))

    def fails_from(self, step: int) -> None:
        """The metric is bad from that step on."""
        bad: list[bool] = []
        self.when(in_step(step), lambda: bad.append(True))
        self.judge.verdict = lambda now: Verdict.FAIL if bad else Verdict.PASS


@pytest.fixture
def rig() -> FlagRig:
    return FlagRig.make()


def test_a_good_flag_is_raised_step_by_step_until_everyone_has_it(rig: FlagRig):
    before = rig.before()
    release = rig.run()
    assert release.outcome == "PROMOTED"
    assert rig.flags.writes == ["set 5", "set 50", "set 100"]
    assert steps(release) == ["note-undo", "set-share 5", "set-share 50", "set-share 100", "release-flag", "clear-undo"]
    assert rig.before() == before, "pods, Services and Deployments are as they were"


def test_a_bad_one_is_killed_for_everyone_then_the_flag_is_as_it_stood_before(rig: FlagRig):
    before, document = rig.before(), rig.flags.read("new-checkout").document
    rig.fails_from(2)
    release = rig.run()
    assert release.outcome == "ROLLED_BACK"
    assert rig.flags.writes == ["set 5", "set 50", "kill 0", "restore 0"]
    assert rig.flags.read("new-checkout").document == document
    assert rig.before() == before
    assert release.traffic_off


def test_a_step_bakes_only_once_every_instance_serves_it(rig: FlagRig):
    opened: list[float] = []
    rig.flags.arrives = lambda percent: percent < 50 or bool(opened)
    rig.world.clock.after(200.0, lambda: opened.append(rig.world.clock.now()))
    release = rig.run(rig.spec(shift=600.0))
    baking = next(one for one in release.journal if one.kind == "state" and "baking 50 %" in sentence(one, release))
    assert release.outcome == "PROMOTED"
    assert baking.at >= opened[0]


def test_one_that_never_arrives_is_taken_back_and_says_where_it_did_not(rig: FlagRig):
    rig.flags.arrives = lambda percent: percent < 50
    release = rig.run()
    assert release.outcome == "ROLLED_BACK"
    assert "not seen to arrive within 60 s: served by 0 of 4; not by web-" in release.reason


def test_instances_that_disagree_on_who_is_in_take_it_back(rig: FlagRig):
    rig.flags.disagree = "web-a and web-b put 941 of 1000 users into different groups"
    release = rig.run()
    assert release.outcome == "ROLLED_BACK"
    assert "941 of 1000 users" in release.reason


def test_a_strangers_edit_holds_the_release_and_is_left_alone(rig: FlagRig):
    rig.when(in_step(1), lambda: rig.flags.edit(30.0))
    release = rig.run()
    assert release.outcome == "HELD"
    assert "flag new-checkout was changed by somebody else: it serves 30 % now" in release.reason
    assert rig.flags.percent == 30.0


def test_one_who_puts_back_what_stood_before_is_a_stranger_too_and_nobody_gets_the_treatment_again(rig: FlagRig):
    """As a person's own kill does, or Git: the very bytes of before, so the very revision of before."""
    stood = rig.flags.percent, rig.flags.version, rig.flags.mark, rig.flags.note

    def put_back() -> None:
        rig.flags.percent, rig.flags.version, rig.flags.mark, rig.flags.note = stood

    rig.when(in_step(2), put_back)
    release = rig.run()
    assert release.outcome == "HELD"
    assert "flag new-checkout was changed by somebody else: it serves 0 % now" in release.reason
    assert rig.flags.writes == ["set 5", "set 50"]


def test_a_release_of_another_cluster_that_shares_the_flag_system_is_a_stranger_and_no_heir(rig: FlagRig):
    """Its mark carries a fence, of its own lock: that was taken for a takeover, and left nobody in charge."""

    def theirs() -> None:
        rig.flags.edit(30.0)
        rig.flags.mark = Mark("web-20260105-7", 1, 40)

    rig.when(in_step(1), theirs)
    release = rig.run()
    assert release.outcome == "HELD"
    assert "flag new-checkout was changed by release web-20260105-7: it serves 30 % now" in release.reason
    assert rig.verb("rollback").outcome == "ROLLED_BACK"


def test_a_kill_goes_over_a_strangers_edit(rig: FlagRig):
    rig.when(in_step(1), lambda: rig.flags.edit(30.0))
    assert rig.run().outcome == "HELD"
    release = rig.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert rig.flags.writes[-2:] == ["kill 0", "restore 0"]


def test_a_write_whose_answer_was_lost_is_known_as_ours(rig: FlagRig):
    rig.flags.loses_answers = True
    release = rig.run()
    assert release.outcome == "PROMOTED"
    assert rig.flags.writes == ["set 5", "set 50", "set 100"]


def test_a_flag_that_cannot_be_read_for_long_holds_the_release_where_it_is(rig: FlagRig):
    def cut() -> None:
        rig.flags.fails = Unreachable("the flag system does not answer")

    rig.when(in_step(1), cut)
    release = rig.run(rig.spec(bake="10m"))
    assert release.outcome == "HELD"
    assert "cannot be read for 6" in release.reason
    assert "does not answer" in release.reason
    assert rig.flags.percent == 5.0


def test_a_rollback_waits_for_the_flag_system_and_kills_as_soon_as_it_answers(rig: FlagRig):
    def cut() -> None:
        rig.flags.fails = Unreachable("the flag system does not answer")
        rig.judge.verdict = Verdict.FAIL
        rig.world.clock.after(300.0, lambda: setattr(rig.flags, "fails", None))

    rig.when(in_step(2), cut)
    release = rig.run()
    assert release.outcome == "ROLLED_BACK"
    assert rig.flags.writes[-2:] == ["kill 0", "restore 0"]


def test_a_flag_system_that_never_answers_again_ends_as_a_rollback_that_failed(rig: FlagRig):
    def cut() -> None:
        rig.flags.fails = Unreachable("the flag system does not answer")
        rig.judge.verdict = Verdict.FAIL

    rig.when(in_step(2), cut)
    release = rig.run()
    assert release.outcome == "ROLLBACK_FAILED"
    assert "does not answer" in release.reason


def test_a_flag_that_cannot_be_put_back_fails_the_rollback_with_what_the_flag_system_says(rig: FlagRig):
    """Nobody has the treatment: who serves what is not the trouble."""
    rig.fails_from(2)
    rig.flags.undo = refuses  # type: ignore[method-assign,assignment]  # as a flag system may, for reasons of its own
    release = rig.run()
    assert release.outcome == "ROLLBACK_FAILED"
    assert "not done within 1800 s: restore-flag: its strategies were changed (rolling back because errors" in release.reason
    assert rig.flags.percent == 0.0


def test_rollback_after_a_promotion_kills_and_puts_back_what_stood_before(rig: FlagRig):
    assert rig.run().outcome == "PROMOTED"
    release = rig.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert rig.flags.writes[-2:] == ["kill 0", "restore 0"]
    assert rig.flags.percent == 0.0


def test_a_deployment_made_again_from_what_was_exported_meanwhile_loses_our_note_too(rig: FlagRig):
    """`kubectl get -o yaml`, then delete and create: the note of the release comes along."""
    assert stopped(rig).outcome == "HELD"
    body = copy.deepcopy(rig.get("deployments", "web"))
    rig.remove("deployments", "web")
    rig.world.clock.wait(5.0)
    kept = {key: body["metadata"][key] for key in ("name", "namespace", "annotations")}
    rig.world.api.create("deployments", "shop", {**body, "metadata": kept, "status": {}})
    rig.world.clock.wait(30.0)
    assert rig.verb("rollback").outcome == "ROLLED_BACK"
    assert not {"deliver.dev/undo", "deliver.dev/fence"} & set(rig.get("deployments", "web")["metadata"]["annotations"])


@pytest.mark.parametrize("damage", ["lost", "corrupt"])
def test_rollback_works_when_the_record_is_lost(rig: FlagRig, damage: str):
    assert stopped(rig).outcome == "HELD"
    if damage == "lost":
        rig.remove("configmaps", "deliver-web")
    else:
        rig.edit("configmaps", "deliver-web", {"data": {"release": "{}"}})
    release = rig.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert rig.flags.percent == 0.0
    assert "deliver.dev/undo" not in (rig.get("deployments", "web")["metadata"].get("annotations") or {})


def test_resume_goes_on_where_a_held_one_stands(rig: FlagRig):
    assert stopped(rig).outcome == "HELD"
    release = rig.verb("resume")
    assert release.outcome == "PROMOTED"
    assert rig.flags.percent == 100.0


def test_a_share_that_was_let_in_before_its_driver_went_is_not_lowered_to_be_raised_again(rig: FlagRig):
    rig.when(in_step(2, "Shifting"), lambda: rig.stop.request(signal.SIGTERM))
    assert rig.run().outcome == "HELD"
    assert rig.flags.writes == ["set 5", "set 50"]
    rig.stop = Stop()
    release = rig.verb("resume")
    assert release.outcome == "PROMOTED"
    assert rig.flags.writes == ["set 5", "set 50", "set 100"]
    bakes = [one.at for one in release.journal if "baking 50 %" in sentence(one, release) or sentence(one, release).endswith("50 %: PASS")]
    assert bakes[-1] - bakes[0] >= 60.0


def test_a_raise_that_was_refused_for_long_needs_a_pass_again(rig: FlagRig):
    """Hunt, flag 8002350: it was let in by a PASS, refused for a while, and made when nothing could be judged any more."""
    dark: list[float] = []

    def refuse() -> None:
        now = rig.world.clock.now()
        dark.extend([now, now + 100.0])
        rig.world.cluster.script.add(Fault(unreachable(), verb="patch", kind="configmaps", until=now + 40.0))

    rig.judge.verdict = lambda now: Verdict.BLIND if dark and dark[0] <= now < dark[1] else Verdict.PASS
    rig.when(in_step(2, "Preparing"), refuse)
    release = rig.run()
    assert release.outcome == "PROMOTED"
    raised = next(entry.at for entry in release.journal if entry.kind == "outcome" and sentence(entry, release) == "set-share 50")
    assert raised >= dark[1]


def test_crashing_pods_take_the_flag_back(rig: FlagRig):
    def crash() -> None:
        for pod in rig.world.cluster.list("pods", "shop")[:2]:
            rig.world.kubelet.change(pod["metadata"]["name"], crash=1.0)

    rig.when(in_step(2), crash)
    release = rig.run(rig.spec(bake="10m"))
    assert release.outcome == "ROLLED_BACK"
    assert "keeps crashing" in release.reason


def test_an_application_of_which_no_pod_is_ready_any_more_takes_the_flag_back_at_once(rig: FlagRig):
    """Where it waited for checks that nobody was left to answer, and was held with half of the users on it."""
    hurt = rig.when(in_step(2), lambda: unready(rig, 4))
    release = rig.run(rig.spec(bake="10m"))
    assert release.outcome == "ROLLED_BACK"
    assert release.reason == "none of the 4 pods of Deployment web is ready any more"
    assert release.traffic_off - hurt[0] < 10.0


def test_a_pod_or_two_that_are_not_ready_are_judged_by_what_users_see(rig: FlagRig):
    rig.when(in_step(2), lambda: unready(rig, 2))
    assert rig.run(rig.spec(bake="10m")).outcome == "PROMOTED"


@pytest.mark.parametrize(("restarts", "ended"), [(1, "OOMKilled"), (7, "Error")])
def test_what_a_pod_died_of_long_ago_is_not_the_treatments_fault(rig: FlagRig, restarts: int, ended: str):
    """The kubelet tells of a container's last end for as long as the pod lives."""
    died_in_the_past(rig, restarts, ended)
    assert rig.run().outcome == "PROMOTED"


def test_but_what_it_dies_of_with_the_treatment_is(rig: FlagRig):
    died_in_the_past(rig, 1, "OOMKilled")
    rig.when(in_step(2), lambda: rig.world.kubelet.change(rig.world.cluster.list("pods", "shop")[0]["metadata"]["name"], crash=1.0))
    release = rig.run(rig.spec(bake="10m"))
    assert release.outcome == "ROLLED_BACK"
    assert "keeps crashing" in release.reason


def test_a_pod_that_a_node_left_behind_failed_is_not_the_treatments_fault_either(rig: FlagRig):
    left_behind(rig, {})
    assert rig.run().outcome == "PROMOTED"


def test_pause_stops_at_the_present_share_and_resume_goes_on(rig: FlagRig):
    rig.when(in_step(1), lambda: rig.ask("pause"))
    rig.when(lambda release: release.phase == "Paused", lambda: rig.ask("resume"))
    release = rig.run()
    assert release.outcome == "PROMOTED"
    assert "Paused" in rig.reporter.phases


@pytest.mark.parametrize(
    ("percent", "error", "says"),
    [
        (100.0, AlreadySo, "serves 100 % already"),
        (5.0, GateRefused, "serves 5 % already"),
        (None, InputError, "no such thing as a percentage: three rules"),
    ],
)
def test_a_flag_that_cannot_be_released_is_refused_and_left_alone(rig: FlagRig, percent: float | None, error: type[Exception], says: str):
    rig.flags.percent = percent
    with pytest.raises(error, match=says):
        rig.run()
    assert rig.flags.writes == []


def test_a_flag_that_somebody_has_switched_off_is_not_released_for_no_release_switches_one_on(rig: FlagRig):
    """Hunt, person 114: beneath the switch it served everyone, and that was to be put back."""
    rig.flags.percent, rig.flags.on = 100.0, False
    with pytest.raises(GateRefused, match="gives the treatment to nobody, whatever its share: its switch is off"):
        rig.run()
    assert rig.flags.writes == []


def test_it_is_said_beforehand_when_it_cannot_be_done_in_its_time(rig: FlagRig):
    told = [one.message for one in rig.propose(rig.spec(bake="12h")).findings if one.rule == "too-long"]
    assert told == ["the release takes at least 36 h 3 s, and is held after 24 h (`limits.total`)"]
    assert "too-long" not in {one.rule for one in rig.propose().findings}


def test_a_deployment_without_pods_is_refused_since_nobody_could_tell_how_its_users_fare(rig: FlagRig):
    rig.edit("deployments", "web", {"spec": {"replicas": 0}})
    rig.world.clock.wait(10.0)
    with pytest.raises(GateRefused, match="Deployment web is scaled to 0"):
        rig.run()
    assert rig.flags.writes == []


def test_a_kill_that_does_not_arrive_says_where_long_before_it_gives_up(rig: FlagRig):
    rig.fails_from(2)
    rig.flags.arrives = lambda percent: percent > 0
    release = rig.run()
    assert release.outcome == "ROLLBACK_FAILED"
    killed = next(one.at for one in release.journal if sentence(one, release) == "kill-flag")
    [told] = [one for one in release.journal if "not seen to be served" in sentence(one, release)]
    assert "the safe variant is not seen to be served everywhere yet: served by 0 of 4; not by web-" in sentence(told, release)
    assert 60.0 <= told.at - killed < 65.0


def test_two_releases_of_one_flag_by_two_deployments_exclude_each_other(rig: FlagRig):
    """By the records, since not every flag system can hold a mark."""
    assert stopped(rig).outcome == "HELD"
    rig.flags.percent = 0.0
    other = copy.deepcopy(rig.get("deployments", "web"))
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": other["spec"]}
    body["spec"]["selector"] = {"matchLabels": {"app": "api"}}
    body["spec"]["template"]["metadata"]["labels"] = {"app": "api"}
    rig.world.api.create("deployments", "shop", body)
    rig.world.clock.wait(30.0)
    with pytest.raises(Locked, match="flag `new-checkout` is in release web-"):
        rig.run(replace(rig.spec(), target=Target("shop", "api")))


def refuses(*_: Any) -> str:
    raise Rejected("its strategies were changed", status=422)


def unready(rig: FlagRig, count: int) -> None:
    for pod in rig.world.cluster.list("pods", "shop")[:count]:
        rig.world.kubelet.change(pod["metadata"]["name"], ready=False)


def died_in_the_past(rig: FlagRig, restarts: int, ended: str) -> None:
    """One of the pods was restarted a week ago, and has run since."""
    pod = copy.deepcopy(rig.world.cluster.list("pods", "shop")[0])
    [container] = pod["status"]["containerStatuses"]
    container |= {
        "restartCount": restarts,
        "lastState": {"terminated": {"reason": ended, "exitCode": 137, "finishedAt": "2025-12-20T00:00:00Z"}},
        "state": {"running": {"startedAt": "2025-12-20T00:00:01Z"}},
    }
    body = {"status": {"containerStatuses": [container]}}
    rig.world.api.patch("pods", "shop", pod["metadata"]["name"], body, "application/merge-patch+json", "status")


def stopped(rig: FlagRig) -> Release:
    """A release that its driver was made to let go of, in its second step."""
    rig.when(in_step(2), lambda: rig.stop.request(signal.SIGTERM))
    release = rig.run()
    rig.stop = Stop()
    return release
