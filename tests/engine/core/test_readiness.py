"""What pods are waited for and since when, and which crash of which container is a verdict on the version."""

from dataclasses import replace
from typing import Any

import pytest

from deliver.engine.core import crashes, readiness
from deliver.engine.core.pod_guards import lost_readiness
from deliver.model.journal import Event
from deliver.model.observation import Crashes, PodSeen, Problem
from deliver.model.plan import Side
from deliver.model.release import Release
from tests.engine.core.states import CANDIDATE, HOME, NOW, baking, candidate, pods, seen, stable

PULL = Problem("image-pull", "cannot pull x (ErrImagePull): 429 Too Many Requests", certain=False)
BACKS_OFF = Problem("image-pull", "cannot pull x (ImagePullBackOff): Back-off pulling image", certain=False, vague=True)


def waiting(problem: Problem | None, at: float, release: Release | None = None, **more: Any) -> Release:
    """After a look at a candidate with one pod that is not ready."""
    arm = candidate(pods=pods(3, CANDIDATE) + pods(1, "late", ready=False, since=NOW - 3600, problem=problem, **more))
    return readiness.followed(release or baking(), seen(candidate=arm, at=at))


def test_a_cause_counts_from_when_it_was_seen_first_and_is_said_once_whatever_the_states_name():
    first = waiting(PULL, NOW)
    later = waiting(BACKS_OFF, NOW + 50, first)
    (trouble,) = later.troubles
    assert (trouble.since, trouble.message) == (NOW, PULL.message), "the words that tell why stay"
    assert [one.event for one in later.journal].count(Event.PODS_AWAITED) == 1
    assert waiting(None, NOW + 60, later).troubles == ()


def test_another_cause_begins_anew():
    other = waiting(Problem("unschedulable", "cannot be scheduled", certain=False), NOW + 50, waiting(PULL, NOW))
    assert [one.since for one in other.troubles] == [NOW + 50]


def test_several_pods_with_one_cause_are_one_sentence():
    arm = candidate(pods=pods(3, "late", ready=False, problem=PULL))
    (trouble,) = readiness.followed(baking(), seen(candidate=arm)).troubles
    assert str(trouble) == f"candidate pod late-0 (and 2 more): {PULL.message}"


def test_a_patience_of_its_own_ends_before_limits_ready():
    late = waiting(replace(PULL, patience=60.0), NOW)
    assert readiness.given_up(late, NOW + 59) is None
    assert readiness.given_up(late, NOW + 60) is not None
    assert readiness.given_up(waiting(PULL, NOW), NOW + 60) is None


def progress(release: Release, ready: int, at: float) -> Release:
    return readiness.followed(release, seen(candidate=candidate(pods=pods(ready, CANDIDATE)), at=at))


def test_pods_that_get_ready_renew_the_patience_and_those_that_come_and_go_do_not():
    """Argo Rollouts #3765: ready pods that go up and down looked like progress for a day."""
    release = progress(progress(baking(), 1, NOW), 3, NOW + 10)
    assert readiness.begun(release, NOW - 100) == NOW + 10
    for n in range(20):
        release = progress(release, 2 + n % 2, NOW + 20 + n)
    assert readiness.begun(release, NOW - 100) == NOW + 10
    assert readiness.begun(progress(release, 4, NOW + 50), NOW - 100) == NOW + 50


@pytest.mark.parametrize(("side", "ready"), [(Side.STABLE, 1), (Side.BOTH, 0), (Side.CANDIDATE, 0)])
def test_gates_are_asked_for_once_users_are_led_to_the_pods(side: Side, ready: int):
    arm = candidate(pods=pods(1, CANDIDATE, ready=False, gates=("x",)))
    assert readiness.ready_as_led(arm, CANDIDATE, seen(side), Side.CANDIDATE) == ready


# ---------------------------------------------------------------- crashes


def crashed(count: int, *, container: str = "web", **more: Any) -> Crashes:
    return Crashes(container, count, NOW - 5, message=f"container {container} keeps crashing", **more)


def judged(one: Crashes, *, ready: bool = False, stable_crashes: tuple[Crashes, ...] = (), **more: Any) -> Problem | None:
    """Of a candidate pod, beside stable pods that did so while they started."""
    problem = None if ready and not one.down else Problem("oom-kill" if one.oom else "crash-loop", one.message)
    pod = PodSeen("web-candidate-1", "u", hash=CANDIDATE, ready=ready, since=NOW - 20, problem=problem, crashes=(one,), **more)
    old = stable(pods=pods(4, HOME, since=NOW - 9000, crashes=tuple(replace(other, ended=NOW - 8980) for other in stable_crashes)))
    return crashes.judged_problem(baking(bake_since=0.0), seen(stable=old, candidate=candidate(pods=(pod,))), pod)


def ends(found: Problem | None) -> bool:
    return found is not None and found.certain


@pytest.mark.parametrize(
    ("one", "before", "fails"),
    [
        (crashed(1, down=True), (), False),
        (crashed(2, down=True), (), True),
        (crashed(1, down=True, oom=True), (), True),
        (crashed(3, down=True), (crashed(2),), False),
        (crashed(4, down=True), (crashed(2),), True),
        (crashed(1, down=True, oom=True), (crashed(1, oom=True),), False),
        (crashed(1, down=True, oom=True, container="proxy"), (), False),
        (crashed(2, down=True, oom=True, container="proxy"), (), True),
        (crashed(9, down=True, container="proxy"), (crashed(1, container="proxy"),), False),
        (crashed(9, down=True, container="wait", init=True), (), False),
    ],
    ids=lambda value: f"{value.container} {value.count}" if isinstance(value, Crashes) else str(value),
)
def test_which_crash_ends_a_release(one: Crashes, before: tuple[Crashes, ...], fails: bool):
    assert ends(judged(one, stable_crashes=before)) is fails


@pytest.mark.parametrize("one", [crashed(5), crashed(1, oom=True), crashed(5, container="wait", init=True)])
def test_what_a_container_did_in_the_past_is_no_verdict_on_a_pod_that_is_ready(one: Crashes):
    assert judged(one, ready=True) is None


def test_a_container_that_ends_again_while_it_serves_is():
    pod = PodSeen("web-candidate-1", "u", hash=CANDIDATE, ready=True, since=NOW - 900, crashes=(replace(crashed(2), ended=NOW - 5),))
    arm = candidate(pods=(pod,))
    assert ends(crashes.judged_problem(baking(bake_since=NOW - 600), seen(candidate=arm), pod))


def test_a_crash_of_a_stable_pod_long_after_its_start_excuses_nothing():
    old = stable(pods=pods(4, HOME, since=NOW - 9000, crashes=(crashed(9),)))
    pod = PodSeen("web-candidate-1", "u", hash=CANDIDATE, since=NOW - 20, problem=PULL, crashes=(crashed(2, down=True),))
    assert crashes.crashes_of_stable(baking(), seen(stable=old), pod.crashes[0]) == 0


@pytest.mark.parametrize(("container", "excused"), [("web", False), ("proxy", True)])
def test_readiness_lost_by_one_end_of_a_sidecar_is_waited_for(container: str, excused: bool):
    lost = {"ready": False, "lost": True, "turned": NOW - 4, "crashes": (crashed(1, container=container),)}
    look = seen(candidate=candidate(pods=pods(3, CANDIDATE) + pods(1, "weak", since=NOW - 900, **lost)))
    assert (lost_readiness(baking(), look) == []) is excused
    probes = {**lost, "turned": NOW - 1}
    look = seen(candidate=candidate(pods=pods(3, CANDIDATE) + pods(1, "weak", since=NOW - 900, **probes)))
    assert lost_readiness(baking(), look), "it was no end of a container"
