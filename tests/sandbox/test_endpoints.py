"""EndpointSlices follow pods and selectors, and traffic follows them a moment later."""

from typing import Any

from deliver_sandbox.fixtures import world
from deliver_sandbox.store import Change
from deliver_sandbox.world import World


def ends(made: World, service: str = "web") -> list[dict[str, Any]]:
    slices = made.api.list("endpointslices", "shop", f"kubernetes.io/service-name={service}")
    return [end for item in slices for end in item["endpoints"] or ()]


def test_over_a_hundred_pods_take_several_slices_each_pod_once() -> None:
    made = world(replicas=230)
    slices = made.api.list("endpointslices", "shop")
    assert sorted(len(item["endpoints"]) for item in slices) == [30, 100, 100]
    assert len({end["targetRef"]["uid"] for end in ends(made)}) == 230
    made.api.patch("deployments", "shop", "web", {"spec": {"replicas": 40}})
    made.clock.wait(30.0)
    assert len(ends(made)) == 40


def test_a_terminating_pod_is_serving_and_not_ready() -> None:
    made = world(replicas=2)
    name = made.api.list("pods", "shop")[0]["metadata"]["name"]
    made.api.delete("pods", "shop", name)
    made.clock.wait(0.2)
    (leaving,) = [end for end in ends(made) if end["targetRef"]["name"] == name]
    assert leaving["conditions"] == {"ready": False, "serving": True, "terminating": True}


def test_a_selector_that_gains_the_hash_selects_that_version_alone_in_one_write() -> None:
    made = world(replicas=3)
    mark = made.api.list("pods", "shop")[0]["metadata"]["labels"]["pod-template-hash"]
    changes: list[Change] = []
    made.store.listen(lambda change: changes.append(change) if change.kind == "endpointslices" else None)
    made.api.patch("services", "shop", "web", {"spec": {"selector": {"pod-template-hash": "none"}}})
    made.clock.wait(1.0)
    assert [(change.type, change.obj["endpoints"]) for change in changes] == [("MODIFIED", None)]
    made.api.patch("services", "shop", "web", {"spec": {"selector": {"pod-template-hash": mark}}})
    made.clock.wait(1.0)
    assert len(ends(made)) == 3


def test_slices_go_with_their_service_and_without_a_selector_nobody_writes_them() -> None:
    made = world(replicas=1, services=("web", "other"))
    made.api.delete("services", "shop", "other")
    made.clock.wait(1.0)
    assert not ends(made, "other")
    assert len(ends(made)) == 1
    made.api.create("services", "shop", {"metadata": {"name": "bare"}, "spec": {"ports": [{"port": 80}]}})
    made.clock.wait(1.0)
    assert not made.api.list("endpointslices", "shop", "kubernetes.io/service-name=bare")


def test_publish_not_ready_addresses_makes_every_pod_an_endpoint() -> None:
    made = world(replicas=1)
    made.kubelet.change(made.api.list("pods", "shop")[0]["metadata"]["name"], ready=False)
    made.clock.wait(10.0)
    assert [end["conditions"]["ready"] for end in ends(made)] == [False]
    made.api.patch("services", "shop", "web", {"spec": {"publishNotReadyAddresses": True}})
    made.clock.wait(1.0)
    assert [end["conditions"]["ready"] for end in ends(made)] == [True]


def test_a_named_port_with_two_numbers_takes_two_slices_and_a_flip_is_never_empty() -> None:
    """What a blue-green switch between versions with changed port numbers is seen as: old and new mixed for a moment."""
    made = world(replicas=2)
    old, new = (named_ports(name, number) for name, number in (("old", 8080), ("new", 9090)))
    made.api.create("deployments", "shop", old)
    made.api.create("deployments", "shop", new)
    ports = [{"name": "http", "port": 80, "targetPort": "web"}]
    made.api.create("services", "shop", {"metadata": {"name": "both"}, "spec": {"selector": {"app": "both"}, "ports": ports}})
    made.clock.wait(30.0)

    def slices() -> dict[int, int]:
        found = made.api.list("endpointslices", "shop", "kubernetes.io/service-name=both")
        return {item["ports"][0]["port"]: len(item["endpoints"]) for item in found}

    def flip(version: str) -> None:
        made.api.patch("services", "shop", "both", {"spec": {"selector": {"version": version}}})

    assert slices() == {8080: 2, 9090: 2}
    flip("old")
    made.clock.wait(1.0)
    assert slices() == {8080: 2}
    seen: list[dict[int, int]] = []
    stop = made.store.listen(lambda change: seen.append(slices()) if change.kind == "endpointslices" else None)
    flip("new")
    made.clock.wait(1.0)
    stop()
    assert seen == [{8080: 2, 9090: 2}, {9090: 2}]


def named_ports(name: str, number: int) -> Any:
    """A Deployment whose port `web` has that number."""
    container = {"name": "c", "image": "registry/web:1.0.0", "ports": [{"name": "web", "containerPort": number}]}
    labels = {"app": "both", "version": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {"metadata": {"name": name}, "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}}
