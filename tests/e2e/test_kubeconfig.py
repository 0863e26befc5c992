"""A release goes the way of its kubeconfig and is made by whom it names: each call of it, Prometheus and health checks too."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from deliver.cluster.client import connect
from deliver.cluster.failures import Call as ApiCall
from tests.e2e.support import objects
from tests.e2e.support.audit import Asked, Call
from tests.e2e.support.events import baking, ended
from tests.e2e.support.lab import ROOT
from tests.e2e.support.process import Deliver
from tests.e2e.support.tunnel import tunnel
from tests.e2e.support.world import World

Make = Callable[..., World]
HEALTH = [{"http": {"path": "/healthz", "port": 8080}}]
ONE_STEP = {"canary": {"weight": [50], "bake": "6s"}}
CHECKED = {"prometheus": None, "metrics": [], "health": HEALTH}
V1 = "client.authentication.k8s.io/v1"


def with_config(shop: World, change: Callable[[dict[str, Any]], None]) -> tuple[Deliver, Path]:
    """deliver with the place's own kubeconfig, changed."""
    config = shop.hands.config()
    change(config)
    path = shop.folder / "changed.kubeconfig"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    return shop.deliver_in(shop.folder, shop.environ | {"KUBECONFIG": str(path)}), path


def acting_as(account: str) -> Callable[[dict[str, Any]], None]:
    return lambda config: config["users"][0]["user"].update({"as": account})


def bound(shop: World, role: str, without: str = "") -> str:
    """A ServiceAccount of the shop that has that Role of deploy/rbac; its user name. without: a resource that it has no right to."""
    roles = [yaml.safe_load(text) for text in (ROOT / f"deploy/rbac/{role}.yaml").read_text().split("\n---\n")]
    for rule in roles[0]["rules"]:
        rule["resources"] = [one for one in rule["resources"] if one != without]
    roles[0]["rules"] = [rule for rule in roles[0]["rules"] if rule["resources"]]
    shop.hands.apply(*roles, *objects.account(f"test-ci-{role}", roles[0]["metadata"]["name"]))
    return f"system:serviceaccount:{shop.namespace}:test-ci-{role}"


def test_a_release_is_made_by_whom_the_kubeconfig_acts_as(world: Make, audit: Asked) -> None:
    shop = world(replicas=2)
    viewer, operator = bound(shop, "viewer"), bound(shop, "operator")
    shop.file("1.1.0", strategy=ONE_STEP, analysis={"prometheus": None, "metrics": []})
    refused = with_config(shop, acting_as(viewer))[0]("run")
    assert refused.code == 8, refused
    assert f"as {viewer}" in refused.said, refused
    shop.unchanged()
    ci, _ = with_config(shop, acting_as(operator))
    assert f"acting as {operator}" in ci("doctor", "-n", shop.namespace).out
    shop.file("1.1.0", strategy=ONE_STEP, analysis=CHECKED)
    ended(ci("run", "-o", "jsonl"), 0, "PROMOTED")
    by_operator = audit.calls(shop.namespace, operator)
    assert {Call("patch", "", "services"), Call("watch", "", "pods"), Call("get", "", "pods/proxy")} <= set(by_operator)
    writes = {call for call in audit.calls(shop.namespace, agent="deliver") if call.verb in ("create", "patch", "delete")}
    assert writes <= set(by_operator) | set(audit.calls(shop.namespace, viewer))
    shop.runs_only("1.1.0")


def test_a_health_check_that_cannot_be_asked_is_said_before_a_release(world: Make) -> None:
    """It was found out with the candidate's pods ready, by nobody."""
    shop = world(replicas=1)
    ci, _ = with_config(shop, acting_as(bound(shop, "operator", without="pods/proxy")))
    shop.file("1.1.0", strategy=ONE_STEP, analysis=CHECKED)
    for verb in ("plan", "run"):
        refused = ci(verb)
        assert "health check http cannot be asked: the API server says: " in refused.said, refused
        assert "pods/proxy" in refused.said, refused
    assert refused.code == 9, refused
    shop.unchanged()


@pytest.mark.lab("the sandbox has no TLS")
def test_a_release_goes_through_the_kubeconfigs_proxy_by_its_server_name(world: Make) -> None:
    """The name resolves nowhere, and the certificate is not for it: what took another way would fail."""
    shop = world(replicas=2)
    server = urlsplit(shop.hands.config()["clusters"][0]["cluster"]["server"])
    with tunnel(server.hostname or "", server.port or 443) as way, shop.users(60):

        def change(config: dict[str, Any]) -> None:
            proxy = f"http://127.0.0.1:{way.port}"
            names = {"server": "https://api.invalid:6443", "tls-server-name": "kubernetes.default.svc", "proxy-url": proxy}
            config["clusters"][0]["cluster"].update(names)

        ci, path = with_config(shop, change)
        shop.file("1.1.0", strategy=ONE_STEP, analysis={"health": HEALTH})
        assert whoami(path) == kubectl(path, shop)
        ended(ci("run", "-o", "jsonl"), 0, "PROMOTED")
        healthy = ci("doctor", "-n", shop.namespace)
        assert "agrees with the API server" in healthy.out or "apart from the API server" in healthy.out, healthy
        assert set(way.asked) == {"api.invalid:6443"}
    shop.runs_only("1.1.0")


@pytest.mark.lab("the sandbox has one user")
@pytest.mark.parametrize(
    "user",
    [
        {"as": "jäne", "as-uid": "u-1", "as-groups": ["a", "b, c"], "as-user-extra": {"example.com/x y": ["1", "2"]}},
        {"as": "system:serviceaccount:shop:ci"},
    ],
)
def test_the_same_kubeconfig_is_the_same_person_to_kubectl(world: Make, user: dict[str, Any]) -> None:
    shop = world(replicas=1)
    _, path = with_config(shop, lambda config: config["users"][0]["user"].update(user))
    assert whoami(path) == kubectl(path, shop)


def whoami(path: Path) -> dict[str, Any]:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    call = ApiCall("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "ask who it is", body=review)
    cluster = connect(str(path))
    try:
        return dict(cluster._json(call, 10)["status"]["userInfo"])  # no command asks this
    finally:
        cluster.close()


def kubectl(path: Path, shop: World) -> dict[str, Any]:
    words = ["kubectl", "--kubeconfig", str(path), "auth", "whoami", "-o", "json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, env=shop.environ)
    return dict(json.loads(done.stdout)["status"]["userInfo"])


PLUGIN = """
import json, sys, time
from datetime import datetime, timezone
from pathlib import Path
here = Path(sys.argv[1])
with (here / "calls").open("a") as calls:
    calls.write(f"{time.time()}\\n")
if (here / "expired").exists():
    sys.exit("\\033[31msession expired\\033[0m, run `tool login`")
until = datetime.fromtimestamp(time.time() + 8, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
status = {"token": (here / "token").read_text(), "expirationTimestamp": until}
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
"""


@pytest.mark.lab("a plugin goes by the machine's clock")
def test_a_session_that_expires_in_mid_release_is_told_in_the_plugins_words(world: Make) -> None:
    shop = world(replicas=2)
    bound(shop, "operator")
    (shop.folder / "token").write_text(shop.hands.token("test-ci-operator"))
    (shop.folder / "plugin.py").write_text(PLUGIN)
    arguments = [str(shop.folder / "plugin.py"), str(shop.folder)]
    user = {"exec": {"apiVersion": V1, "command": sys.executable, "args": arguments, "interactiveMode": "Never"}}
    ci, _ = with_config(shop, lambda config: config["users"][0].update({"user": user}))
    shop.file("1.1.0", strategy={"canary": {"weight": [50], "bake": "40s"}}, analysis=CHECKED | {"max_blind": "3m"})
    with shop.users(60) as users:
        running = ci.start("run", "-o", "jsonl")
        running.wait_for("the bake", baking(0))
        before = len(calls(shop))
        (shop.folder / "expired").touch()
        shop.hands.delete("serviceaccount/test-ci-operator")
        shop.pace.sleep(15)
        during = calls(shop)[before:]
        bound(shop, "operator")
        (shop.folder / "token").write_text(shop.hands.token("test-ci-operator"))
        (shop.folder / "expired").unlink()
        result = running.end()
        ended(result, 0, "PROMOTED")
    users.all_well()
    assert len(during) <= 5, during
    assert "session expired, run `tool login`" in result.said, result
    assert "[31m" not in result.err


def calls(shop: World) -> list[float]:
    return [float(line) for line in (shop.folder / "calls").read_text().splitlines()]
