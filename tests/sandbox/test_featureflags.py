"""The FeatureFlag resource behaves as seen on Kubernetes 1.37 with the operator's CustomResourceDefinition."""

import pytest

from deliver.model.errors import Conflict, Rejected
from deliver_sandbox.world import World

FLAG = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}


@pytest.fixture
def cluster():
    world = World()
    world.api.create("namespaces", "", {"metadata": {"name": "shop"}})
    world.cluster.create("featureflags", "shop", {"metadata": {"name": "flags"}, "spec": {"flagSpec": {"flags": {"new-checkout": FLAG}}}})
    return world.cluster


def patch(cluster, flag, **more):
    return cluster.patch("featureflags", "shop", "flags", {"spec": {"flagSpec": {"flags": {"new-checkout": flag}}}, **more})


def flag_of(obj):
    return obj["spec"]["flagSpec"]["flags"]["new-checkout"]


def test_a_merge_patch_changes_one_flag_and_counts_a_generation(cluster):
    now = patch(cluster, {"targeting": {"fractional": [["on", 5], ["off", 95]]}})
    assert flag_of(now) == {**FLAG, "targeting": {"fractional": [["on", 5], ["off", 95]]}}
    assert now["metadata"]["generation"] == 2


def test_an_unknown_field_is_dropped_in_silence(cluster):
    assert flag_of(patch(cluster, {"unknown": 1})) == FLAG


def test_the_schema_is_kept(cluster):
    with pytest.raises(Rejected, match=r"new-checkout\.variants: Required value"):
        patch(cluster, {"variants": None})
    with pytest.raises(Rejected, match='Unsupported value: "OFF": supported values: "ENABLED", "DISABLED"'):
        patch(cluster, {"state": "OFF"})
    assert flag_of(cluster.get("featureflags", "shop", "flags")) == FLAG


def test_an_old_version_is_a_conflict(cluster):
    old = cluster.get("featureflags", "shop", "flags")["metadata"]["resourceVersion"]
    patch(cluster, {"state": "DISABLED"})
    with pytest.raises(Conflict):
        patch(cluster, {"state": "ENABLED"}, metadata={"resourceVersion": old})
