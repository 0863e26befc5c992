"""One deadline for a call with its retries; a change is repeated only where an echo cannot hurt."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from deliver.cluster.client import KubernetesCluster
from deliver.cluster.retries import Retries
from deliver.cluster.timing import Timing
from deliver.model.errors import ClusterError, Conflict, NotFound, Unreachable
from tests.cluster.conftest import FakeTime
from tests.cluster.stub import Answer, Stub, answer, cut, cut_body, hang, obj, ok, status

Act = Callable[[KubernetesCluster], Any]
VERSIONED = {"metadata": {"resourceVersion": "6"}, "data": {"a": "1"}}

ACTS: dict[str, Act] = {
    "get": lambda c: c.get("configmaps", "shop", "web"),
    "list": lambda c: c.list("configmaps", "shop"),
    "create": lambda c: c.create("configmaps", "shop", {"metadata": {"name": "web"}}),
    "patch": lambda c: c.patch("configmaps", "shop", "web", {"data": {"a": "1"}}),
    "guarded patch": lambda c: c.patch("configmaps", "shop", "web", VERSIONED),
    "delete": lambda c: c.delete("configmaps", "shop", "web", uid="u"),
}
UNGUARDED: dict[str, Act] = {
    "patch": ACTS["patch"],
    "create with a generated name": lambda c: c.create("events", "shop", {"metadata": {"generateName": "web-"}}),
}
GUARDED: dict[str, Act] = {
    "create": ACTS["create"],
    "merge patch": ACTS["guarded patch"],
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
@pytest.mark.parametrize(
    "refusal", [status(429, Retry_After="3"), status(429, after=3), status(503, Retry_After="3")], ids=["429 header", "429 body", "503"]
)
def test_every_verb_waits_as_long_as_the_server_asks(
    cluster: KubernetesCluster, stub: Stub, fake_time: FakeTime, act: Act, refusal: Answer
) -> None:
    stub.script(refusal, ok())
    act(cluster)
    assert len(stub.requests) == 2
    assert len(fake_time.slept) == 1 and 3 <= fake_time.slept[0] <= 5


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_every_verb_is_sent_again_after_429_without_a_wish(cluster: KubernetesCluster, stub: Stub, fake_time: FakeTime, act: Act) -> None:
    stub.script(status(429), status(429), ok())
    act(cluster)
    assert len(stub.requests) == 3
    assert 0 < sum(fake_time.slept) < 1


@pytest.mark.parametrize(
    "trouble", [cut, cut_body, hang, status(500), answer(200, b"<html>")], ids=["cut", "cut body", "hang", "500", "html"]
)
@pytest.mark.parametrize("act", UNGUARDED.values(), ids=UNGUARDED.keys())
def test_an_unguarded_change_of_unknown_outcome_is_never_repeated(
    cluster: KubernetesCluster, stub: Stub, act: Act, trouble: Answer
) -> None:
    stub.script(trouble, ok())
    with pytest.raises(Unreachable) as caught:
        act(cluster)
    assert len(stub.requests) == 1
    assert caught.value.state == "the change may or may not have been applied"


@pytest.mark.parametrize("trouble", [cut, cut_body, hang, status(500)], ids=["cut", "cut body", "hang", "500"])
@pytest.mark.parametrize("act", GUARDED.values(), ids=GUARDED.keys())
def test_a_guarded_change_is_repeated(cluster: KubernetesCluster, stub: Stub, act: Act, trouble: Answer) -> None:
    stub.script(trouble, ok())
    act(cluster)
    assert len(stub.requests) == 2


def test_the_echo_of_the_own_first_try_is_shown_as_it_is(cluster: KubernetesCluster, stub: Stub) -> None:
    for act, echo, error in (("create", 409, Conflict), ("guarded patch", 409, Conflict), ("delete", 404, NotFound)):
        stub.script(cut, status(echo))
        with pytest.raises(error):
            ACTS[act](cluster)


@pytest.mark.parametrize("trouble", [cut, cut_body, hang, status(500), status(504), answer(200, b'{"a":')])
def test_reads_survive_anything_passing(cluster: KubernetesCluster, stub: Stub, trouble: Answer) -> None:
    stub.script(trouble, trouble, ok())
    assert cluster.get("configmaps", "shop", "web")["metadata"]["name"] == "web"


def test_a_refused_connection_changed_nothing_and_is_tried_until_the_deadline(
    connect_to: Callable[..., KubernetesCluster], fake_time: FakeTime
) -> None:
    began = fake_time.now
    with pytest.raises(Unreachable) as caught:
        connect_to("http://127.0.0.1:1").patch("services", "shop", "web", {}, deadline=9)
    assert caught.value.state == "nothing was changed by this call"
    assert 6 < fake_time.now - began <= 9


def test_the_deadline_holds_for_all_attempts_together(cluster: KubernetesCluster, stub: Stub, fake_time: FakeTime) -> None:
    began = fake_time.now
    stub.script(status(500, "etcd is on fire"))
    with pytest.raises(Unreachable, match="cannot read services/web in shop") as caught:
        cluster.get("services", "shop", "web", deadline=4)
    assert 2 < fake_time.now - began <= 4
    assert "etcd is on fire" in caught.value.why and caught.value.status == 500


def test_a_wait_beyond_the_deadline_is_not_begun(cluster: KubernetesCluster, stub: Stub, fake_time: FakeTime) -> None:
    stub.script(status(429, Retry_After="60"))
    with pytest.raises(Unreachable):
        cluster.get("services", "shop", "web")
    assert fake_time.slept == []


@pytest.mark.parametrize("code", [400, 403, 404, 409, 410, 422, 302])
def test_a_refusal_is_final(cluster: KubernetesCluster, stub: Stub, code: int) -> None:
    stub.script(status(code, Location="/elsewhere"), ok())
    with pytest.raises(ClusterError):
        cluster.get("services", "shop", "web")
    assert len(stub.requests) == 1


def test_a_body_in_drips_ends_at_the_deadline(connect_to: Callable[..., KubernetesCluster], stub: Stub) -> None:
    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not handler.stub.closing.wait(0.02):
            try:
                handler.wfile.write(b" ")
            except OSError:
                break
        handler.close_connection = True

    stub.script(drip)
    done = threading.Event()

    def read() -> None:
        with pytest.raises(Unreachable, match="cannot read"):
            connect_to(stub.url, real=True).get("services", "shop", "web", deadline=0.2)
        done.set()

    threading.Thread(target=read, daemon=True).start()
    assert done.wait(3)


def test_pages_are_joined_and_begun_anew_when_their_snapshot_has_expired(cluster: KubernetesCluster, stub: Stub) -> None:
    first = ok({"metadata": {"resourceVersion": "9", "continue": "next"}, "items": [obj("a", 1)]})
    second = ok({"metadata": {"resourceVersion": "9"}, "items": [obj("b", 1)]})
    stub.script(first, status(410), first, second)
    found = cluster.list("pods", "shop", selector="app=web", field="spec.nodeName=n")
    assert [(one["metadata"]["name"], one["kind"], one["apiVersion"]) for one in found] == [("a", "Pod", "v1"), ("b", "Pod", "v1")]
    assert "continue=next" in stub.requests[3].path and "labelSelector=app%3Dweb" in stub.requests[3].path


def test_back_off_doubles_up_to_its_cap_and_is_spread() -> None:
    low = Retries(Timing(backoff=0.1, cap=2), lambda _: None, lambda: 0.0)
    high = Retries(Timing(backoff=0.1, cap=2), lambda _: None, lambda: 1.0)
    assert [high.delay(n) for n in (1, 2, 3, 6, 2000)] == [0.1, 0.2, 0.4, 2, 2]
    assert [low.delay(n) for n in (1, 6)] == [0.05, 1]
    assert low.delay(1, asked=7) == 7.05
