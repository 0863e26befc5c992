"""An answer that is no object of its kind is no answer; whatever a real API server says is one."""

from typing import Any

import pytest

from deliver.cluster.client import KubernetesCluster
from deliver.cluster.schema import SHAPES, fitting
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


def test_a_null_where_nothing_need_be_is_nothing():
    assert fitting("services", SERVICE) is SERVICE
    assert fitting("endpointslices", {"metadata": SERVICE["metadata"], "endpoints": None, "addressType": "IPv4"})


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
