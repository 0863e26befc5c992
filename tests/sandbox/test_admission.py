"""What mutates what is written, as a webhook does: it is answered, stored, and nothing else is touched."""

import copy
from typing import Any

import pytest

from deliver_sandbox import fixtures
from deliver_sandbox.api import MERGE, Write
from deliver_sandbox.errors import ApiError, denied
from deliver_sandbox.world import World

Object = dict[str, Any]


@pytest.fixture
def world() -> World:
    return fixtures.world(replicas=1)


def pinning(kind: str, obj: Object, old: Object | None) -> None:
    for container in obj["spec"]["template"]["spec"]["containers"] if kind == "deployments" else ():
        container["image"] = container["image"].partition("@")[0] + "@sha256:" + "ab" * 32


def image(deployment: Object) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def test_it_is_answered_and_stored(world: World):
    world.api.mutations.append(pinning)
    answer = world.api.patch("deployments", "shop", "web", {"metadata": {"labels": {"team": "shop"}}}, MERGE, "", Write("kubectl"))
    assert image(answer).startswith("registry/web:1.0.0@sha256:")
    assert image(world.api.get("deployments", "shop", "web")) == image(answer)


def test_a_dry_run_is_answered_so_and_nothing_is_stored(world: World):
    world.api.mutations.append(pinning)
    before = copy.deepcopy(world.api.get("deployments", "shop", "web"))
    answer = world.api.patch("deployments", "shop", "web", {"spec": {"paused": True}}, MERGE, "", Write("deliver", dry_run=True))
    assert "@sha256:" in image(answer)
    assert answer["spec"]["paused"] is True
    assert world.api.get("deployments", "shop", "web") == before


def test_neither_scale_nor_status_is_shown_to_it(world: World):
    world.api.mutations.append(pinning)
    world.api.patch("deployments", "shop", "web", {"spec": {"replicas": 2}}, MERGE, "scale", Write("kubectl"))
    assert image(world.api.get("deployments", "shop", "web")) == "registry/web:1.0.0"


def test_a_policy_refuses_what_was_made_of_it(world: World):
    def judge(kind: str, obj: Object, old: Object | None) -> None:
        if kind == "deployments" and "@" in image(obj):
            raise denied(kind, obj["metadata"]["name"], "tags", "tags alone")

    world.api.mutations.append(pinning)
    world.api.admission.append(judge)
    with pytest.raises(ApiError) as refused:
        world.api.patch("deployments", "shop", "web", {"spec": {"paused": True}}, MERGE, "", Write("deliver"))
    words = "ValidatingAdmissionPolicy 'tags' with binding 'tags' denied request: tags alone"
    assert refused.value.message == f'deployments.apps "web" is forbidden: {words}'
    assert refused.value.code == 422
