"""An answer that is no object of its kind is no answer; whatever a real API server says is one."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from deliver.cluster.client import KubernetesCluster
from deliver.cluster.schema import SHAPES, fitting
from deliver.engine.runtime.pod_facts import pod_seen
from deliver.model.errors import Unreachable
from tests.cluster.stub import Stub, obj, ok
from tests.engine.rig import Rig


def test_every_object_of_a_release_fits_its_kind():
    rig, seen = Rig.make(hpa=True), set()

    def look(change: Any) -> None:
        if change.kind in SHAPES:
            fitting(change.kind, change.obj)
            seen.add(change.kind)

    rig.world.store.listen(look)
    rig.run()
    assert seen >= {"deployments", "replicasets", "pods", "services", "endpointslices", "horizontalpodautoscalers", "configmaps", "leases"}


SERVICE = {"metadata": {"name": "web", "uid": "u", "resourceVersion": "1"}, "spec": {"selector": {"app": "web"}, "ports": None}}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (SERVICE | {"spec": None}, "spec is missing"),
        (SERVICE | {"metadata": None}, "metadata is missing"),
        (SERVICE | {"metadata": {"name": "web", "uid": 7, "resourceVersion": "1"}}, "metadata.uid is int, not str"),
        (SERVICE | {"spec": {"selector": {"app": True}}}, "spec.selector[app] is bool, not str"),
        (SERVICE | {"spec": {"ports": [{"port": 10**30}]}}, "spec.ports[0].port is int"),
        (SERVICE | {"spec": {"ports": {}}}, "spec.ports is no list"),
        (SERVICE | {"metadata": {**SERVICE["metadata"], "generation": None}}, "metadata.generation is null, not int"),
    ],
)
def test_where_it_does_not_fit_is_said(body: dict[str, Any], told: str):
    with pytest.raises(Unreachable) as caught:
        fitting("services", body)
    assert told in caught.value.why


def optional(shape: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of each field of a shape that may be null; of a list's items the first one's."""
    if isinstance(shape, list):
        yield from optional(shape[0], (*at, 0))
    elif isinstance(shape, dict) and str not in shape:
        for key, inner in shape.items():
            if not key.endswith("!") and inner is not int:
                yield (*at, key)
            yield from optional(inner, (*at, key.rstrip("!")))


def nulled(body: Any, path: tuple[str | int, ...]) -> bool:
    """With null there, where the way to it exists."""
    for key in path[:-1]:
        if (
            isinstance(key, int) != isinstance(body, list)
            or not (isinstance(key, str) or body)
            or (isinstance(key, str) and not body.get(key))
        ):
            return False
        body = body[key]
    body[path[-1]] = None
    return True


@pytest.mark.parametrize("kind", ["deployments", "pods", "replicasets"])
def test_a_pod_or_a_template_without_containers_is_none(kind: str):
    body = copy.deepcopy(next(iter(Rig.make().world.store.every(kind, "shop"))))
    spec = body["spec"] if kind == "pods" else body["spec"]["template"]["spec"]
    spec["containers"] = []
    with pytest.raises(Unreachable) as caught:
        fitting(kind, body)
    assert "containers is empty" in caught.value.why


@pytest.mark.parametrize("kind", ["deployments", "pods", "replicasets", "services", "endpointslices"])
def test_a_null_where_nothing_need_be_is_as_if_it_were_not_there(kind: str):
    rig, tried = Rig.make(), 0
    for path in optional(SHAPES[kind]):
        body = copy.deepcopy(next(iter(rig.world.store.every(kind, "shop"))))
        if not nulled(body, path):
            continue
        tried += 1
        found: Any = fitting(kind, body)
        for key in path[:-1]:
            found = found[key]
        assert path[-1] not in found
    assert tried


@pytest.mark.parametrize("path", [path for path in optional(SHAPES["pods"]) if "status" in path], ids=str)
def test_what_a_pod_tells_can_be_read_whatever_is_null(path: tuple[str | int, ...]):
    body = copy.deepcopy(next(iter(Rig.make().world.store.every("pods", "shop"))))
    [container] = body["status"]["containerStatuses"]
    container |= {"restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff", "message": ""}, "running": {}, "terminated": {}}}
    container["lastState"] = {"terminated": {"reason": "Error", "exitCode": 1, "finishedAt": "2026-01-01T00:00:00Z"}, "running": {}}
    nulled(body, path)
    assert pod_seen(fitting("pods", body)).name == body["metadata"]["name"]


@pytest.mark.parametrize("items", ["x", {}, [7], [{"metadata": {}}]])
def test_a_list_that_is_none(cluster: KubernetesCluster, stub: Stub, items: Any):
    stub.script(ok({"metadata": {}, "items": items}))
    if items == {}:
        assert cluster.list("services", "shop") == []
        return
    with pytest.raises(Unreachable, match="no usable answer about services"):
        cluster.list("services", "shop")


def test_one_object_is_read_with_the_same_eyes(cluster: KubernetesCluster, stub: Stub):
    stub.script(ok(obj("web", 1) | {"spec": 7}))
    with pytest.raises(Unreachable):
        cluster.get("services", "shop", "web")
