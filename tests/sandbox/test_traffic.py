"""Users: where their requests go, which are lost, and what the pods count of it."""

import contextlib
import time

import pytest

from deliver_sandbox.chance import below
from deliver_sandbox.clock import RealClock
from deliver_sandbox.counters import BOUNDS
from deliver_sandbox.fixtures import deployment, world
from deliver_sandbox.images import Behaviour
from deliver_sandbox.world import World

GOOD, NEW, BAD = "registry/web:1.0.0", "registry/web:1.1.0", "registry/web:2.0.0-errors"


def candidate(made: World, image: str, pods: int = 1) -> None:
    """A second Deployment behind the same Service."""
    body = deployment("web", image, pods)
    body["metadata"]["name"] = "candidate"
    body["spec"]["selector"]["matchLabels"]["arm"] = body["spec"]["template"]["metadata"]["labels"]["arm"] = "new"
    made.api.create("deployments", "shop", body)


def test_every_request_is_answered_while_nothing_happens() -> None:
    made = world(rps=200.0)
    made.clock.wait(60.0)
    tally = made.traffic.tally
    assert (tally.requests, tally.answered, tally.lost(), tally.errors) == (12000, 12000, 0, 0)


def test_a_rolling_update_loses_no_request_when_pods_stop_slower_than_the_proxy_learns() -> None:
    made = world(replicas=4, rps=200.0)
    made.api.patch("deployments", "shop", "web", {"spec": {"template": {"metadata": {"annotations": {"again": "1"}}}}})
    made.clock.wait(60.0)
    assert made.traffic.tally.lost() == 0


def test_pods_that_stop_at_once_lose_the_requests_that_still_come() -> None:
    made = world(replicas=4, rps=200.0, images={GOOD: Behaviour(stop=0.0)})
    made.api.patch("deployments", "shop", "web", {"spec": {"template": {"metadata": {"annotations": {"again": "1"}}}}})
    made.clock.wait(60.0)
    assert made.traffic.tally.failed["connection refused"] > 0


def test_a_service_that_selects_nobody_refuses_everybody_new() -> None:
    made = world(rps=100.0, fresh=1.0)
    made.api.patch("services", "shop", "web", {"spec": {"selector": {"app": "nobody"}}})
    made.clock.wait(10.0)
    assert 900 < made.traffic.tally.failed["no endpoint"] <= 1000


def test_new_connections_are_shared_evenly_and_kept_ones_stay_where_they_are() -> None:
    made = world(replicas=4, rps=1000.0, fresh=0.5)
    candidate(made, NEW)
    made.clock.wait(5.0)
    before = made.traffic.tally.copy()
    made.clock.wait(60.0)
    share = (made.traffic.tally.by_image[NEW] - before.by_image[NEW]) / (made.traffic.tally.requests - before.requests)
    assert share == pytest.approx(0.1, abs=0.01)


def test_an_image_answers_errors_by_its_share_and_the_pods_count_them() -> None:
    made = world(replicas=1, rps=1000.0, fresh=1.0)
    candidate(made, BAD)
    made.clock.wait(120.0)
    tally = made.traffic.tally
    assert tally.errors_by_image[BAD] / tally.by_image[BAD] == pytest.approx(0.2, abs=0.02)
    assert GOOD not in tally.errors_by_image


def test_a_shared_incident_hits_both_arms() -> None:
    made = world(replicas=1, rps=1000.0, fresh=1.0)
    candidate(made, NEW)
    made.clock.wait(10.0)
    made.traffic.set(incident=0.3)
    before = made.traffic.tally.copy()
    made.clock.wait(60.0)
    for image in (GOOD, NEW):
        served = made.traffic.tally.by_image[image] - before.by_image[image]
        assert made.traffic.tally.errors_by_image[image] / served == pytest.approx(0.3, abs=0.03)


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    def story(seed: int) -> tuple[object, ...]:
        made = world(seed=seed)
        candidate(made, BAD)
        made.clock.wait(300.0)
        names = tuple(pod["metadata"]["name"] for pod in made.api.list("pods", "shop"))
        return names, made.store.version, made.traffic.tally

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_how_often_time_is_looked_at_does_not_change_what_controllers_do() -> None:
    def story(step: float) -> int:
        made = world(seed=3)
        candidate(made, NEW)
        for _ in range(int(60 / step)):
            made.clock.wait(step)
        return made.store.version

    assert story(60.0) == story(0.5)


def test_a_crowd_is_told_of_second_by_second_and_counted_by_the_pods_alone() -> None:
    made = world(replicas=4, rps=0.0)
    candidate(made, BAD, pods=4)
    made.clock.wait(5.0)
    fresh, kept = made.traffic.come("shop", "web", 100.0), made.traffic.come("shop", "web", 100.0, kept=4)
    made.clock.wait(10.0)
    for crowd in (fresh, kept):
        made.traffic.go(crowd)
        assert [sum(second.versions.values()) for second in crowd.seconds] == [100] * 10
        assert all(sum(second.statuses.values()) == 100 and not second.failed for second in crowd.seconds)
    made.clock.wait(10.0)
    assert sum(sum(second.versions.values()) for second in fresh.seconds) == 1000, "they are gone"
    assert sum(row.good + row.bad for row in made.traffic.counters.values()) == 2000
    assert made.traffic.tally.requests == 0
    assert 50 < sum(second.statuses["500"] for second in fresh.seconds) < 150


def test_an_even_crowd_meets_errors_and_slowness_as_often_as_the_image_has_them_whenever_somebody_looks() -> None:
    def counted(looks: float) -> tuple[int, int]:
        made = world(replicas=1, rps=0.0, images={"registry/web:1.0.0": Behaviour(errors=0.2)})
        made.traffic.come("shop", "web", 100.0, even=True)
        for _ in range(round(10.0 / looks)):
            made.clock.wait(looks)
            made.traffic.settle()
        [row] = made.traffic.counters.values()
        return row.bad, sum(row.buckets[BOUNDS.index(0.1) :])

    bad, slow = counted(10.0)
    assert (bad, slow) == counted(0.4)
    assert (bad, slow) == (200, pytest.approx(1000 * (1 - below(0.05, 0.02, 0.5)), abs=1))


def test_a_crowd_loses_what_nobody_answers() -> None:
    made = world(replicas=2, rps=0.0)
    crowd = made.traffic.come("shop", "web", 10.0)
    made.api.patch("services", "shop", "web", {"spec": {"selector": {"app": "nobody"}}})
    made.clock.wait(5.0)
    made.traffic.go(crowd)
    assert crowd.seconds[-1].failed == {"no endpoint": 10}


def test_a_machine_that_is_away_for_a_minute_in_a_rolling_update_loses_nobody_a_request() -> None:
    """Pods stop no sooner after the proxy has learnt of it than they would have."""
    away = [0.0]
    clock = RealClock(ago=60.0, machine=lambda: time.monotonic() + away[0])
    made = world(replicas=4, rps=200.0, clock=clock)
    with contextlib.closing(clock):
        clock.go()
        with clock.lock:
            made.api.patch("deployments", "shop", "web", {"spec": {"template": {"metadata": {"annotations": {"again": "1"}}}}})
        for _ in range(3):
            away[0] += 20.0
            with clock.lock:
                tally = made.traffic.tally
        assert tally.lost() == 0
        assert made.api.get("deployments", "shop", "web")["status"]["updatedReplicas"] == 4
