"""Everything under exactly the Roles of deploy/rbac: nothing is refused, and no right is there that nobody uses."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.e2e.support import objects
from tests.e2e.support.audit import Asked, Call
from tests.e2e.support.events import baking, did, ended, says
from tests.e2e.support.lab import ROOT
from tests.e2e.support.process import Deliver
from tests.e2e.support.world import World, image

Make = Callable[..., World]
HEALTH = [{"http": {"path": "/healthz", "port": 8080}}]
ONE_STEP = {"canary": {"weight": [50], "bake": "6s"}}
BLUE_GREEN = {"blue-green": {"preview_bake": "1s", "bake": "3s", "hold": "1s"}}
LONG = {"canary": {"weight": [50], "bake": "10m"}}


def rights(role: str) -> set[Call]:
    """Every verb that the Role grants."""
    rules = yaml.safe_load((ROOT / f"deploy/rbac/{role}.yaml").read_text())["rules"]
    return {
        Call(verb, group, resource)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def asked(audit: Asked, world: World, role: str) -> set[Call]:
    user = f"system:serviceaccount:{world.namespace}:test-{role}"
    assert not audit.refused(world.namespace, user), "403"
    return set(audit.calls(world.namespace, user))


@pytest.fixture
def shop(world: Make) -> Iterator[World]:
    """With everything a Role could be needed for: two Services, an autoscaler, a quota."""
    yield world(
        replicas=2,
        services=[objects.service(), objects.service("web-internal")],
        extra=[objects.autoscaler(minimum=1, maximum=6), objects.quota(pods=20)],
    )


@pytest.fixture
def prometheus(shop: World) -> Iterator[Callable[[str], None]]:
    """Binds a ServiceAccount of the shop to the proxy Role beside Prometheus."""
    role = yaml.safe_load((ROOT / "deploy/rbac/prometheus.yaml").read_text())
    bindings: list[str] = []

    def bind(account: str) -> None:
        name = f"{shop.namespace}-{account}"
        subject = {"kind": "ServiceAccount", "name": account, "namespace": shop.namespace}
        binding = objects.account(name, role["metadata"]["name"])[1] | {"subjects": [subject]}
        binding["metadata"]["namespace"] = role["metadata"]["namespace"] = "monitoring"
        shop.hands.elsewhere("monitoring").apply(role, binding)
        bindings.append(name)

    yield bind
    for name in bindings:
        shop.hands.elsewhere("monitoring").delete(f"rolebinding/{name}")


def looks(deliver: Deliver, world: World) -> None:
    """Every command that only looks."""
    for verb in ("status", "history", "explain"):
        result = deliver(verb, "web", "-n", world.namespace)
        assert result.code == 0, f"{verb}: {result}"


@pytest.mark.slow  # several releases
def test_the_operator_may_do_all_of_a_release_and_nothing_more(shop: World, audit: Asked, prometheus: Callable[[str], None]) -> None:
    operator = shop.account("operator")
    prometheus("test-operator")
    with shop.users(60):
        shop.file("1.1.0", strategy=ONE_STEP, analysis={"health": HEALTH})
        assert operator("plan").code == 0
        ended(operator("run", "-o", "jsonl"), 0, "PROMOTED")
        looks(operator, shop)
        shop.file("1.2.0", strategy=BLUE_GREEN, analysis={"health": HEALTH})
        ended(operator("run", "-o", "jsonl"), 0, "PROMOTED")
        shop.file("2.0.0-errors", strategy=ONE_STEP, analysis={"health": HEALTH})
        ended(operator("run", "-o", "jsonl"), 3, "ROLLED_BACK")
        shop.file("2.0.0-crash", strategy=ONE_STEP, analysis={"health": HEALTH})
        ended(operator("run", "-o", "jsonl"), 3, "ROLLED_BACK")
        shop.file("1.1.0", strategy=LONG, analysis={"health": HEALTH})
        running = operator.start("run", "-o", "jsonl")
        running.wait_for("the bake", baking(0))
        running.kill()
        assert operator("rollback", "web", "-n", shop.namespace).code == 0
    plans_with_a_volume(shop, operator)
    silent_for_want_of_a_volume(shop, operator)
    used = asked(audit, shop, "operator")
    assert rights("operator") - used == set(), "rights that nobody uses"
    assert used - rights("operator") == set()
    healthy = operator("doctor")
    assert healthy.code == 0, healthy


@pytest.mark.slow  # several releases
def test_the_person_on_call_can_take_traffic_back_and_nothing_more(shop: World, audit: Asked, prometheus: Callable[[str], None]) -> None:
    oncall = shop.account("rollback")
    with shop.users(60) as users:
        running = shop.release("1.1.0", strategy=LONG)
        running.wait_for("the bake", baking(0))
        looks(oncall, shop)
        asked_back = oncall("rollback", "web", "-n", shop.namespace, "--reason", "pager")
        assert asked_back.code == 0, asked_back
        running.end()
        again = shop.release("2.0.0-crash", strategy=LONG)
        again.wait_for("candidate pods", did("scale-candidate"))
        again.kill()
        shop.eventually("a crash", lambda: any(restarts(pod) for pod in shop.hands.items("pods")))
        shop.hands.delete("configmap/deliver-web", "lease/deliver-web")
        lost = oncall("rollback", "web", "-n", shop.namespace)
        assert lost.code == 0, lost
    users.all_well()
    shop.file("1.1.0", strategy=LONG, analysis={"prometheus": None, "metrics": []})
    assert oncall("run").code == 8, "it may not begin a release"
    shop.unchanged()
    used = {call for call in asked_for_rollback(audit, shop) if call in rights("rollback")}
    assert rights("rollback") - used == set(), "rights that nobody uses"


def restarts(pod: dict[str, Any]) -> int:
    return sum(one["restartCount"] for one in pod["status"].get("containerStatuses", []))


def asked_for_rollback(audit: Asked, world: World) -> set[Call]:
    """Without the attempt to begin a release, which is there to be refused."""
    user = f"system:serviceaccount:{world.namespace}:test-rollback"
    return set(audit.calls(world.namespace, user)) - set(audit.refused(world.namespace, user))


def silent_for_want_of_a_volume(shop: World, deliver: Deliver) -> None:
    """The pods' Events are asked for where their status says nothing."""
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}}
    shop.hands.apply(settings)
    mounted = {"volumes": [{"name": "settings", "configMap": {"name": "settings"}}]}
    shop.hands.patch("deployment", "web", {"spec": {"template": {"spec": mounted}}})
    shop.rolled_out()
    shop.hands.delete("configmap/settings")
    shop.file("1.1.0", strategy=ONE_STEP, analysis={"health": HEALTH})
    running = deliver.start("run", "-o", "jsonl")
    running.wait_for("that the volume is missing", says("FailedMount"))
    shop.hands.apply(settings)
    running.end()


def plans_with_a_volume(shop: World, deliver: Deliver) -> None:
    stored = objects.deployment(image("1.0.0"), 0, name="stored", labels={"app": "stored"})
    stored["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    shop.hands.apply(stored)
    shop.file("1.1.0", target={"deployment": "stored", "namespace": shop.namespace}, analysis={"prometheus": None, "metrics": []})
    deliver("plan")
    shop.hands.delete("deployment/stored")


def test_the_viewer_may_look_and_nothing_more(shop: World, audit: Asked) -> None:
    viewer = shop.account("viewer")
    with shop.users(60):
        running = shop.release("1.1.0", strategy=LONG)
        running.wait_for("the bake", baking(0))
        looks(viewer, shop)
        following = viewer.start("status", "web", "-n", shop.namespace, "-w")
        shop.eventually(
            "the watches", lambda: {right for right in rights("viewer") if right.verb == "watch"} <= asked(audit, shop, "viewer")
        )
        used = asked(audit, shop, "viewer")
        refused = viewer("rollback", "web", "-n", shop.namespace)
        assert refused.code == 8, refused
        assert shop.status()["phase"] == "Baking"
        shop.on_target("abort")
        running.end()
        assert following.end().code == 3
    shop.file("1.1.0", strategy=LONG, analysis={"prometheus": None, "metrics": []})
    planned = viewer("plan")
    assert "50 %" in planned.out, planned
    plans_with_a_volume(shop, viewer)
    user = f"system:serviceaccount:{shop.namespace}:test-viewer"
    used |= set(audit.calls(shop.namespace, user)) & rights("viewer")
    assert rights("viewer") - used == set(), "rights that nobody uses"
    shop.unchanged()
