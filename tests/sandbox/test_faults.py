"""Faults on demand: the nth call fails, before or after it took effect, or kills whoever made it; and the log of all calls."""

import pytest

from deliver.cluster.port import Watch
from deliver.model.errors import Conflict, Forbidden, Gone, NotFound, Rejected, Unreachable
from deliver.model.names import FENCE
from deliver_sandbox import faults
from deliver_sandbox.faults import Fault, Killed
from deliver_sandbox.fixtures import world

BODY = {"metadata": {"name": "a", "annotations": {FENCE: "7"}}, "data": {"x": "1"}}


def test_the_second_write_is_applied_and_not_answered() -> None:
    cluster = world(replicas=1).cluster
    cluster.script.add(Fault(faults.unreachable(), verb="write", nth=2, applied=True))
    cluster.create("configmaps", "shop", BODY)
    with pytest.raises(Unreachable):
        cluster.patch("configmaps", "shop", "a", {"data": {"x": "2"}})
    assert cluster.get("configmaps", "shop", "a")["data"] == {"x": "2"}


def test_a_fault_before_the_effect_changes_nothing_and_can_take_the_callers_time() -> None:
    made = world(replicas=1)
    made.cluster.create("configmaps", "shop", BODY)
    made.cluster.script.add(Fault(faults.too_many, verb="patch", kind="configmaps", times=1, seconds=100.0))
    before = made.clock.now()
    with pytest.raises(Unreachable):
        made.cluster.patch("configmaps", "shop", "a", {"data": {"x": "2"}}, deadline=4.0)
    assert made.clock.now() == before + 4.0
    made.cluster.patch("configmaps", "shop", "a", {"data": {"y": "2"}})
    assert made.cluster.get("configmaps", "shop", "a")["data"] == {"x": "1", "y": "2"}


@pytest.mark.parametrize("after", [False, True])
def test_a_driver_dies_at_a_chosen_call_and_no_handler_of_errors_stops_that(after: bool) -> None:
    cluster = world(replicas=1).cluster
    setattr(cluster.script, "kill_after" if after else "kill_at", len(cluster.calls) + 1)
    with pytest.raises(Killed):
        try:
            cluster.create("configmaps", "shop", BODY)
        except Exception:  # pragma: no cover
            pytest.fail("an except clause of the engine would have caught it")
    with pytest.raises(Killed):
        cluster.list("configmaps", "shop")  # a process that is dead makes no call more
    cluster.script.clear()
    assert bool(cluster.as_actor("another").list("configmaps", "shop")) is after


def test_the_log_says_who_did_what_under_which_fence_and_how_it_ended() -> None:
    cluster = world(replicas=1).cluster
    other = cluster.as_actor("other")
    other.create("configmaps", "shop", BODY)
    with pytest.raises(Conflict):
        cluster.create("configmaps", "shop", BODY)
    first, second = cluster.calls[-2:]
    assert (first.actor, first.verb, first.kind, first.name, first.fence, first.outcome, first.changed) == (
        "other",
        "create",
        "configmaps",
        "a",
        "7",
        "ok",
        True,
    )
    assert (second.actor, second.outcome, second.changed) == ("deliver", "Conflict", False)


def test_permissions_can_be_taken_away() -> None:
    cluster = world(replicas=1).cluster
    cluster.allow = lambda verb, kind, namespace, name, subresource: verb != "patch"
    assert cluster.allowed("get", "services", "shop")
    assert not cluster.allowed("patch", "services", "shop")
    with pytest.raises(Forbidden):
        cluster.patch("services", "shop", "web", {"spec": {"selector": None}})


def test_refusals_are_the_ports_errors() -> None:
    cluster = world(replicas=1).cluster
    with pytest.raises(NotFound):
        cluster.get("pods", "shop", "none")
    with pytest.raises(Rejected):
        cluster.patch("deployments", "shop", "web", {"spec": {"replicas": -1}})
    with pytest.raises(Conflict):
        cluster.delete("deployments", "shop", "web", uid="another")
    assert issubclass(Gone, Exception)


def test_what_is_handed_out_is_the_callers_own() -> None:
    cluster = world(replicas=1).cluster
    cluster.get("deployments", "shop", "web")["spec"]["replicas"] = 99
    cluster.list("deployments", "shop")[0]["spec"]["replicas"] = 99
    assert cluster.get("deployments", "shop", "web")["spec"]["replicas"] == 1


def test_a_feed_brings_changes_a_moment_later_wakes_and_forgets_what_leaves_its_selection() -> None:
    made = world(replicas=2)
    woken: list[float] = []
    feed = made.cluster.follow("shop", [Watch("pods", "app=web"), Watch("services", name="web")], lambda: woken.append(made.clock.now()))
    name = feed.list("pods")[0]["metadata"]["name"]
    made.api.patch("pods", "shop", name, {"metadata": {"labels": {"app": "gone"}}})
    assert feed.get("pods", name) is not None
    made.clock.wait(0.004)
    assert not woken
    made.clock.wait(0.01)
    assert feed.get("pods", name) is None
    assert woken
    assert feed.get("services", "web") is not None


def test_an_own_write_is_seen_at_once_and_an_older_event_does_not_undo_it() -> None:
    made = world(replicas=1)
    feed = made.cluster.follow("shop", [Watch("services")], lambda: None)
    made.api.patch("services", "shop", "web", {"metadata": {"labels": {"a": "1"}}})
    feed.apply("services", made.cluster.patch("services", "shop", "web", {"metadata": {"labels": {"a": "2"}}}))
    for _ in range(2):
        seen = feed.get("services", "web")
        assert seen is not None
        assert seen["metadata"]["labels"] == {"a": "2"}
        made.clock.wait(1.0)


def test_a_frozen_feed_grows_quiet_and_catches_up() -> None:
    made = world(replicas=1)
    feed = made.cluster.follow("shop", [Watch("services")], lambda: None)
    feed.freeze()
    made.api.delete("services", "shop", "web")
    made.clock.wait(30.0)
    assert feed.quiet() == 30.0
    assert feed.get("services", "web") is not None
    feed.thaw()
    assert feed.quiet() == 0.0
    assert feed.get("services", "web") is None
