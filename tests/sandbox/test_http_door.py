"""The API over HTTP: deliver's own port on the official client, watches, the Prometheus provider, all unmodified."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from deliver.cluster.client import KubernetesCluster, connect
from deliver.cluster.port import Watch
from deliver.model.errors import Conflict, NotFound, Rejected
from deliver_sandbox.clock import VirtualClock
from deliver_sandbox.fixtures import with_prometheus, world
from deliver_sandbox.http.server import Door
from deliver_sandbox.world import World


@pytest.fixture
def made() -> World:
    """On a virtual clock: nothing happens by itself while a test talks to it."""
    return with_prometheus(world(replicas=2, clock=VirtualClock()))


@pytest.fixture
def door(made: World) -> Iterator[Door]:
    with Door(made) as opened:
        yield opened


@pytest.fixture
def cluster(door: Door, tmp_path: Path) -> KubernetesCluster:
    file = tmp_path / "config"
    file.write_text(door.kubeconfig())
    return connect(str(file))


def get(door: Door, path: str) -> Any:
    with urllib.request.urlopen(door.url + path, timeout=5.0) as answer:
        return json.loads(answer.read())


def test_every_verb_of_the_port(cluster: KubernetesCluster) -> None:
    assert cluster.version() == "v1.37.2"
    assert cluster.namespace == "shop"
    made = cluster.create("configmaps", "shop", {"metadata": {"name": "a"}, "data": {"x": "1"}})
    changed = cluster.patch(
        "configmaps", "shop", "a", {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"x": "2"}}
    )
    assert changed["data"] == {"x": "2"}
    with pytest.raises(Conflict):
        cluster.patch("configmaps", "shop", "a", {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"x": "3"}})
    with pytest.raises(Conflict):
        cluster.create("configmaps", "shop", {"metadata": {"name": "a"}})
    cluster.delete("configmaps", "shop", "a", uid=made["metadata"]["uid"])
    with pytest.raises(NotFound):
        cluster.get("configmaps", "shop", "a")
    with pytest.raises(Rejected):
        cluster.patch("deployments", "shop", "web", {"spec": {"replicas": -1}})
    assert {pod["kind"] for pod in cluster.list("pods", "shop", selector="app=web")} == {"Pod"}
    assert cluster.allowed("patch", "deployments", "shop")
    pod = cluster.list("pods", "shop")[0]["metadata"]["name"]
    assert cluster.logs("shop", pod, "web") == ""


def test_the_date_of_an_answer_is_the_sandboxs_own(door: Door, made: World) -> None:
    with urllib.request.urlopen(f"{door.url}/version", timeout=5.0) as answer:
        assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == int(made.clock.now())


def test_a_feed_hears_of_changes_through_a_real_watch(cluster: KubernetesCluster, made: World) -> None:
    woken = threading.Event()
    feed = cluster.follow("shop", [Watch("services", name="web"), Watch("pods", "app=web")], woken.set)
    try:
        assert len(feed.list("pods")) == 2
        made.api.patch("services", "shop", "web", {"metadata": {"labels": {"a": "b"}}})
        assert woken.wait(5.0)
        seen = feed.get("services", "web")
        assert seen is not None
        assert seen["metadata"]["labels"] == {"a": "b"}
    finally:
        feed.close()


def test_a_watch_from_a_compacted_version_ends_with_410(door: Door, made: World) -> None:
    before = made.store.version
    made.api.patch("services", "shop", "web", {"metadata": {"labels": {"a": "b"}}})
    made.store.compact()
    with urllib.request.urlopen(f"{door.url}/api/v1/namespaces/shop/services?watch=1&resourceVersion={before}", timeout=5.0) as answer:
        (line,) = answer.read().splitlines()
    event = json.loads(line)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_a_watch_whose_client_has_gone_ends_though_nothing_happens(door: Door, made: World) -> None:
    before = len(made.store._listeners)
    answer = urllib.request.urlopen(f"{door.url}/api/v1/namespaces/shop/services?watch=1", timeout=5.0)
    assert answer.readline()
    assert len(made.store._listeners) == before + 1
    answer.close()
    end = time.monotonic() + 10.0
    while len(made.store._listeners) > before:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_initial_events_end_with_the_bookmark_that_says_so(door: Door) -> None:
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1"
    with urllib.request.urlopen(f"{door.url}/api/v1/namespaces/shop/pods?{query}", timeout=5.0) as answer:
        events = [json.loads(line) for line in answer.read().splitlines()]
    assert [event["type"] for event in events] == ["ADDED", "ADDED", "BOOKMARK"]
    assert events[-1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_prometheus_answers_through_the_service_proxy(door: Door, made: World) -> None:
    made.clock.wait(60.0)
    base = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1"
    answer = get(door, f"{base}/query?query=sum(rate(http_requests_total%5B30s%5D))")
    assert answer["status"] == "success"
    assert float(answer["data"]["result"][0]["value"][1]) == pytest.approx(100.0, rel=0.05)
    at = made.clock.now()
    ranged = get(door, f"{base}/query_range?query=sum(up)&start={at - 20}&end={at}&step=5")
    assert [value for _, value in ranged["data"]["result"][0]["values"]] == ["2"] * 5
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(door, f"{base}/query?query=sum(")
    with caught.value as error:
        assert (error.code, json.loads(error.read())["errorType"]) == (400, "bad_data")


def test_pods_answer_through_the_pod_proxy_as_the_labs_images_do(door: Door, made: World) -> None:
    pod = made.api.list("pods", "shop")[0]["metadata"]["name"]
    base = f"{door.url}/api/v1/namespaces/shop/pods/{pod}:8080/proxy"
    with urllib.request.urlopen(f"{base}/", timeout=5.0) as answer:
        assert answer.headers["X-Version"] == "1.0.0"
        assert answer.read() == f"1.0.0 {pod}\n".encode()
    urllib.request.urlopen(urllib.request.Request(f"{base}/chaos?healthy=false&errors=50", method="POST"), timeout=5.0).close()
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{base}/healthz", timeout=5.0)
    with caught.value as error:
        assert error.code == 503
    run = next(made.kubelet.named(pod))
    assert (run.behaviour.ready, run.behaviour.errors) == (False, 0.5)


def test_kubectl_get_has_its_columns_filled_by_the_server(door: Door, made: World) -> None:
    def rows(path: str) -> list[list[object]]:
        asked = urllib.request.Request(door.url + path, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"})
        with urllib.request.urlopen(asked, timeout=5.0) as answer:
            table = json.loads(answer.read())
        assert table["kind"] == "Table"
        assert all(len(row["cells"]) == len(table["columnDefinitions"]) for row in table["rows"])
        return [row["cells"] for row in table["rows"]]

    made.clock.wait(1200.0)
    pod = made.api.list("pods", "shop")[0]["metadata"]["name"]
    assert rows("/api/v1/namespaces/shop/pods")[0] == [pod, "1/1", "Running", 0, "20m"]
    assert rows("/apis/apps/v1/namespaces/shop/deployments/web") == [["web", "2/2", 2, 2, "20m"]]
    made.kubelet.change(pod, crash=0.01)
    made.clock.wait(2.0)
    assert rows(f"/api/v1/namespaces/shop/pods/{pod}")[0][1:4] == ["0/1", "CrashLoopBackOff", 1]
    for kind in ("services", "configmaps", "resourcequotas"):
        rows(f"/api/v1/namespaces/shop/{kind}")


def test_discovery_tells_kubectl_what_there_is(door: Door) -> None:
    assert get(door, "/version")["gitVersion"] == "v1.37.2"
    assert {group["name"] for group in get(door, "/apis")["groups"]} >= {"apps", "autoscaling", "discovery.k8s.io", "coordination.k8s.io"}
    resources = {item["name"] for item in get(door, "/apis/apps/v1")["resources"]}
    assert {"deployments", "deployments/scale", "deployments/status", "replicasets"} <= resources


def test_a_pod_refuses_a_port_that_it_does_not_listen_on(made: World, door: Door) -> None:
    pod = made.api.list("pods", "shop")[0]["metadata"]["name"]
    where = f"{door.url}/api/v1/namespaces/shop/pods/{pod}"
    with urllib.request.urlopen(f"{where}:8080/proxy/healthz", timeout=5) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{where}:8081/proxy/healthz", timeout=5)
    assert caught.value.code == 503
    assert b":8081: connect: connection refused" in caught.value.read()
