"""One image in several containers: what stays on the old one is named, and `--container all` releases them together."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.support.events import baking, ended
from tests.e2e.support.snapshot import snapshot
from tests.e2e.support.world import World, image

Make = Callable[..., World]
OLD, NEW = "1.0.0", "1.1.0"
UNJUDGED: dict[str, Any] = {"prometheus": None, "metrics": []}
WAYS: dict[str, tuple[str, ...]] = {
    "canary": ("--weight", "50", "--bake", "4s"),
    "blue-green": ("--bake", "4s", "--preview-bake", "2s", "--hold", "0s"),
}


def shop_of(world: Make, replicas: int = 3) -> World:
    """Its pods have `migrate`, an init container that goes on beside them, `web` and `worker`, all of one image."""
    shop = world(replicas=replicas)

    def more(name: str, port: int, **fields: Any) -> dict[str, Any]:
        small = {"requests": {"cpu": "5m", "memory": "16Mi"}, "limits": {"memory": "128Mi"}}
        return {"name": name, "image": image(OLD), "env": [{"name": "PORT", "value": str(port)}], "resources": small, **fields}

    web = shop.hands.get("deployment", "web")["spec"]["template"]["spec"]["containers"][0]
    spec = {"initContainers": [more("migrate", 8091, restartPolicy="Always")], "containers": [web, more("worker", 8092)]}
    shop.hands.patch("deployment", "web", {"spec": {"template": {"spec": spec}}})
    shop.rolled_out()
    shop.eventually("the old pods are gone", lambda: len(shop.hands.items("pods")) == replicas, 60)
    shop.before = snapshot(shop.hands)
    return shop


def images(shop: World, deployment: str = "web") -> dict[str, str]:
    spec = shop.hands.get("deployment", deployment)["spec"]["template"]["spec"]
    return {one["name"]: one["image"].rpartition(":")[2] for kind in ("containers", "initContainers") for one in spec[kind]}


def everywhere(version: str) -> dict[str, str]:
    return dict.fromkeys(("migrate", "web", "worker"), version)


def test_what_would_stay_on_the_old_image_is_named_before_and_a_wrong_name_gets_the_right_ones(world: Make) -> None:
    shop = shop_of(world)
    args = ("web", "-n", shop.namespace, "--image", image(NEW), "--no-discover", "--weight", "50", "--bake", "2s")
    unclear = shop.deliver("canary", *args)
    assert unclear.code == 2, unclear
    assert "--container web or --container worker or, for all of them, --container all" in unclear.err, unclear
    wrong = shop.deliver("canary", *args, "--container", "web,migrat")
    assert wrong.code == 2, wrong
    assert "has no container `migrat`" in wrong.err and "web, worker, migrate (init)" in wrong.err, wrong
    shop.file(NEW, target={"deployment": "web", "namespace": shop.namespace, "container": "web"})
    plan = shop.deliver("plan")
    (shop.folder / "deliver.yaml").unlink()
    assert f"containers worker and migrate (init) stay on {image(OLD)}" in plan.out, plan
    result = shop.deliver("canary", *args, "--container", "web", "--drain", "3s", "-o", "jsonl")
    ended(result, 0, "PROMOTED")
    assert "stay on" in result.err, result
    assert images(shop) == everywhere(OLD) | {"web": NEW}


@pytest.mark.parametrize("strategy", WAYS)
def test_all_places_are_released_together_and_go_back_together(world: Make, strategy: str) -> None:
    shop = shop_of(world)
    args = (strategy, "web", "-n", shop.namespace, "--image", image(NEW), "--container", "all", "--no-discover", "--drain", "3s")
    with shop.users(40) as users:
        view = ended(shop.deliver(*args, *WAYS[strategy], "-o", "jsonl"), 0, "PROMOTED")
        assert images(shop) == everywhere(NEW)
        assert [(one["container"], one["init"]) for one in view["places"]] == [("web", False), ("worker", False), ("migrate", True)]
        same = shop.deliver(*args, *WAYS[strategy])
        assert "already" in same.err, same
        ended(shop.on_target("rollback", "-o", "jsonl"), 0, "ROLLED_BACK")
    users.all_well()
    shop.unchanged()


@pytest.mark.slow
@pytest.mark.parametrize("lost", [False, True])
def test_a_release_of_several_places_that_is_taken_back_leaves_nothing(world: Make, lost: bool) -> None:
    shop = shop_of(world)
    target = {"deployment": "web", "namespace": shop.namespace, "container": ["web", "migrate"]}
    long = {"canary": {"weight": [50], "bake": "10m"}}
    with shop.users(40) as users:
        running = shop.release(NEW, target=target, strategy=long, analysis=UNJUDGED)
        running.wait_for("the bake", baking(0))
        assert images(shop, "web-candidate") == {"web": NEW, "migrate": NEW, "worker": OLD}
        assert "in web and migrate (init)" in shop.on_target("status").out
        if lost:
            running.kill()
            shop.hands.delete("configmap/deliver-web")
        ended(shop.on_target("rollback", "-o", "jsonl"), 0, "ROLLED_BACK")
    users.all_well()
    shop.unchanged()
