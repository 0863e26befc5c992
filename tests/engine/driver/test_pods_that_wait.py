"""Candidate pods that are not ready yet for a cause that may mend itself: waited for, said at once, judged beside the stable pods."""

from dataclasses import replace
from typing import Any

import pytest

from deliver.model.journal import Event
from deliver.model.release import Outcome, Release
from deliver.model.spec import Limits
from deliver.render.sentences import sentence
from deliver_sandbox.api import MERGE, stamp
from deliver_sandbox.controllers.kubelet import Node
from deliver_sandbox.controllers.times import seconds
from deliver_sandbox.faults import Fault, forbidden
from tests.engine.rig import GOOD, Rig, in_step

STABLE = "registry/web:1.0.0"
FIVE_MINUTES = Limits(drain=10.0, ready=300.0)
BUSY = f'failed to pull and unpack image "{GOOD}": unexpected status from HEAD request: 429 Too Many Requests'
DOWN = "dial tcp 198.51.100.1:5000: connect: connection refused"


def awaited(release: Release) -> list[tuple[float, str]]:
    """What was said of pods that wait, and when."""
    return [(one.at, sentence(one, release)) for one in release.journal if one.event is Event.PODS_AWAITED]


def done(rig: Rig, release: Release) -> None:
    assert release.outcome is Outcome.PROMOTED, release.reason
    assert rig.world.traffic.tally.lost() == 0


def returned(rig: Rig, release: Release) -> float:
    """Seconds until it was turned back."""
    assert release.outcome is Outcome.ROLLED_BACK, release.reason
    assert rig.world.traffic.tally.lost() == 0
    return next(one.at for one in release.journal if one.event is Event.TURNED_BACK) - release.started


def full(rig: Rig, seconds: float) -> None:
    """No room for one pod more, until a second node comes."""
    rig.world.kubelet.nodes[:] = [Node(pods=4)]
    rig.world.clock.after(seconds, lambda: rig.world.kubelet.nodes.append(Node("node-2")))


def like(image: str, rig: Rig, **what: Any) -> None:
    rig.world.images.known[image] = replace(rig.world.images.of(image), **what)


# ---------------------------------------------------------------- no node, no quota


def test_a_node_that_comes_after_a_while_is_waited_for_and_that_is_said_at_once():
    rig = Rig.make()
    full(rig, 90.0)
    release = rig.run(rig.spec(limits=FIVE_MINUTES))
    done(rig, release)
    (at, said), *_ = awaited(release)
    assert at - release.started < 5.0
    assert said.startswith("waiting up to 5 m for candidate pod web-candidate-")
    assert "cannot be scheduled: 0/1 nodes are available: 1 Too many pods" in said


def test_no_node_at_all_ends_at_the_limit_in_the_schedulers_words():
    rig = Rig.make()
    rig.world.kubelet.nodes[:] = [Node(pods=4)]
    release = rig.run(rig.spec(limits=Limits(drain=10.0, ready=120.0)))
    assert 118.0 < returned(rig, release) < 130.0
    assert "cannot be scheduled: 0/1 nodes are available: 1 Too many pods" in release.reason
    assert "within 120 s (`limits.ready`)" in release.reason


def test_a_quota_that_is_full_for_a_moment_is_waited_for():
    rig = Rig.make()
    body = {"metadata": {"name": "pods"}, "spec": {"hard": {"pods": "4"}}}
    rig.when(lambda release: release.phase == "Preparing", lambda: rig.world.api.create("resourcequotas", "shop", body))
    rig.world.clock.after(60.0, lambda: rig.remove("resourcequotas", "pods"))
    release = rig.run(rig.spec(limits=FIVE_MINUTES))
    done(rig, release)
    assert "Deployment web-candidate: cannot make a pod: " in awaited(release)[0][1]
    assert "exceeded quota" in awaited(release)[0][1]


@pytest.mark.parametrize("step", [1, 3])
def test_a_pod_that_served_and_was_evicted_is_waited_for_from_then_on(step: int):
    """Its heir finds no room at first; the pod was ten minutes old."""
    rig = Rig.make()

    def evict() -> None:
        pod = rig.world.cluster.list("pods", "shop", selector="deliver.dev/release")[0]["metadata"]["name"]
        full(rig, 60.0)
        rig.world.kubelet.nodes[0] = Node(pods=len(rig.world.kubelet.runs) - 1)
        rig.remove("pods", pod)

    rig.when(lambda release: in_step(step)(release) and rig.world.clock.now() - release.bake_since > 590.0, evict)
    release = rig.run(rig.spec(bake="10m", limits=FIVE_MINUTES))
    done(rig, release)
    assert "cannot be scheduled" in awaited(release)[0][1]


# ---------------------------------------------------------------- images


@pytest.mark.parametrize("words", [BUSY, DOWN, "net/http: TLS handshake timeout", "unexpected EOF"])
def test_a_registry_that_is_busy_or_away_for_a_while_is_waited_for(words: str):
    rig = Rig.make()
    like(GOOD, rig, unpulled=3, why=words)
    release = rig.run(rig.spec(limits=FIVE_MINUTES))
    done(rig, release)
    (at, said), *more = awaited(release)
    assert at - release.started < 5.0
    assert words in said
    assert not [text for later, text in more if later < at + 60.0], "once, though the state's name alternates"


def test_a_registry_that_stays_away_ends_it_at_the_limit_in_its_words():
    rig = Rig.make()
    like(GOOD, rig, missing=True, why=DOWN)
    release = rig.run(rig.spec(limits=Limits(drain=10.0, ready=60.0)))
    assert 58.0 < returned(rig, release) < 70.0
    assert DOWN in release.reason


@pytest.mark.parametrize("words", ["manifest unknown: manifest unknown", "403 Forbidden", "no basic auth credentials"])
def test_an_image_that_nobody_will_give_ends_it_in_seconds(words: str):
    rig = Rig.make()
    like(GOOD, rig, missing=True, why=words)
    release = rig.run(rig.spec(limits=FIVE_MINUTES))
    assert returned(rig, release) < 5.0
    assert words in release.reason


# ---------------------------------------------------------------- volumes


@pytest.mark.parametrize("seconds_away", [30.0, 1000.0])
def test_a_volume_that_is_not_there_yet_is_told_from_events_in_the_kubelets_words(seconds_away: float):
    rig = Rig.make()
    like(GOOD, rig, mount=seconds_away)
    release = rig.run(rig.spec(limits=Limits(drain=10.0, ready=120.0)))
    (at, said), *_ = awaited(release)
    assert at - release.started < 5.0
    assert "FailedMount: MountVolume.SetUp failed" in said
    if seconds_away < 120.0:
        done(rig, release)
    else:
        assert 118.0 < returned(rig, release) < 130.0
        assert "volume is not attached yet" in release.reason


def test_who_may_not_read_events_is_told_less_and_the_release_goes_on():
    rig = Rig.make()
    like(GOOD, rig, mount=30.0)
    rig.world.cluster.script.add(Fault(forbidden, verb="list", kind="events"))
    release = rig.run(rig.spec(limits=FIVE_MINUTES))
    done(rig, release)
    assert awaited(release) == []


# ---------------------------------------------------------------- crashes


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_version_that_crashes_while_it_starts_as_the_stable_one_does_is_promoted(times: int):
    rig = Rig.make()
    like(GOOD, rig, crash=1.0, crashes=times)
    exited(rig, times, after=20.0)
    done(rig, rig.run(rig.spec(limits=FIVE_MINUTES)))


def exited(rig: Rig, times: int, after: float) -> None:
    """The stable pods' containers ended so many times, last so many seconds after they were created."""
    for pod in rig.world.cluster.list("pods", "shop"):
        (run,) = rig.world.kubelet.named(pod["metadata"]["name"])
        at = stamp(seconds(pod["metadata"]["creationTimestamp"]) + after)
        run.restarts, run.last = times, {"exitCode": 1, "reason": "Error", "startedAt": at, "finishedAt": at}
        item = {**pod["status"]["containerStatuses"][0], "restartCount": times, "lastState": {"terminated": run.last}}
        rig.world.store.put("pods", {**pod, "status": {**pod["status"], "containerStatuses": [item]}})


@pytest.mark.parametrize("times", [2, 4])
def test_a_version_that_crashes_while_it_starts_and_whose_stable_pods_never_did_fails_in_seconds(times: int):
    rig = Rig.make()
    like(GOOD, rig, crash=1.0, crashes=times)
    release = rig.run(rig.spec(limits=FIVE_MINUTES))
    assert returned(rig, release) < 15.0
    assert "keeps crashing (exit code 1)" in release.reason


def test_a_version_that_crashes_more_often_than_the_stable_one_fails():
    rig = Rig.make()
    like(GOOD, rig, crash=1.0)
    exited(rig, 1, after=20.0)
    assert returned(rig, rig.run(rig.spec(limits=FIVE_MINUTES))) < 60.0


def test_a_crash_of_a_stable_pod_that_had_served_for_hours_excuses_no_start():
    rig = Rig.make()
    rig.world.clock.wait(7200.0)
    like(GOOD, rig, crash=1.0)
    exited(rig, 5, after=7000.0)
    assert returned(rig, rig.run(rig.spec(limits=FIVE_MINUTES))) < 15.0


def test_one_exit_at_the_start_is_nobodys_fault():
    rig = Rig.make()
    like(GOOD, rig, crash=1.0, crashes=1)
    done(rig, rig.run(rig.spec(limits=FIVE_MINUTES)))


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_version_that_crashes_now_and_then_while_it_serves_fails(step: int):
    rig = Rig.make()
    exited(rig, 2, after=20.0)  # and though the stable one does so while it starts

    def crash() -> None:
        pod = rig.world.cluster.list("pods", "shop", selector="deliver.dev/release")[0]["metadata"]["name"]
        rig.world.kubelet.change(pod, crash=400.0)

    rig.when(in_step(step), crash)
    release = rig.run(rig.spec(bake="20m", limits=FIVE_MINUTES))
    assert release.outcome is Outcome.ROLLED_BACK


# ---------------------------------------------------------------- long roll-outs


def test_a_roll_out_takes_as_long_as_its_pods_need_one_after_another():
    rig = Rig.make()
    rig.world.api.patch("deployments", "shop", "web", {"spec": {"minReadySeconds": 20}}, MERGE)
    rig.world.clock.wait(30.0)
    release = rig.run(rig.spec(limits=Limits(drain=10.0, ready=15.0)))
    done(rig, release)
    updated = next(one.at for one in release.journal if one.event is Event.OUTCOME and str(one.action) == "update-stable")
    rolled = next(one.at for one in release.journal if one.event is Event.STABLE_UPDATED)
    assert rolled - updated > 15.0 + 20.0, "longer than one pod is given"
