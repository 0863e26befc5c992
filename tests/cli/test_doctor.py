"""doctor: every right that forward and rollback need is asked for, and each problem has a line, a hint and an exit code."""

import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deliver.cluster.port import KINDS, Access
from deliver.doctor import run_checks
from deliver.doctor.rights import RIGHTS
from deliver.model.errors import Unreachable


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(401)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(1_800_000_000)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Cluster:
    def __init__(self, address: str = "http://127.0.0.1:1", denied: tuple[str, ...] = (), dead: bool = False) -> None:
        self.address, self.denied, self.dead = address, denied, dead
        self.asked: set[tuple[str, str, str]] = set()

    def version(self) -> str:
        if self.dead:
            raise Unreachable("the API server does not answer", why="connection refused")
        return "v1.37.2"

    def allowed(self, verb: str, kind: str, namespace: str, name: str = "", subresource: str = "") -> bool:
        self.asked.add((verb, kind, subresource))
        return f"{verb} {kind}" not in self.denied

    def proxy(self, namespace: str, kind: str, name: str, port: Any, scheme: str = "") -> Access:
        return Access(f"{self.address}/api/v1/namespaces/{namespace}/{kind}/{name}:{port}/proxy", dict)


def look(cluster: Any, now: float = 1_800_000_000.5) -> dict[str, Any]:
    return {line.name: line for line in run_checks(cluster, "shop", None, now=lambda: now)}


def test_whom_the_kubeconfig_acts_as_is_said(address: str) -> None:
    cluster: Any = Cluster(address)
    assert "acting as" not in look(cluster)["cluster"].message
    cluster.acts_as = "system:serviceaccount:shop:ci"
    assert look(cluster)["cluster"].message.endswith("Kubernetes v1.37.2, acting as system:serviceaccount:shop:ci")


def test_every_right_is_asked_for(address: str) -> None:
    cluster = Cluster(address)
    lines = look(cluster)
    assert cluster.asked == {(verb, right.resource, right.subresource) for right in RIGHTS for verb in right.verbs}
    assert {line.level for name, line in lines.items() if name.startswith("may ")} == {"done"}
    assert all(right.resource in KINDS for right in RIGHTS)


def test_a_missing_right_says_which_way_needs_it(address: str) -> None:
    lines = look(Cluster(address, denied=("patch services", "list resourcequotas", "get pods")))
    services = lines["may get/list/watch/patch services in shop"]
    assert (services.level, services.message) == ("fail", "no patch; forward and rollback need it")
    assert "grant patch on services" in services.hint
    assert "forward needs it, rollback does not" in lines["may list resourcequotas in shop"].message
    assert lines["may get pods/proxy in shop"].level == "warn"
    assert (lines["may get/patch pods in shop"].level, "flags.yaml" in lines["may get/patch pods in shop"].hint) == ("warn", True)


@pytest.mark.parametrize(("apart", "level"), [(0.0, "done"), (1.0, "done"), (5.0, "warn"), (-5.0, "warn"), (60.0, "fail"), (-60.0, "fail")])
def test_a_clock_that_is_wrong(address: str, apart: float, level: str) -> None:
    assert look(Cluster(address), now=1_800_000_000.5 + apart)["clock"].level == level


def test_a_dead_cluster_is_said_once() -> None:
    began = time.monotonic()
    lines = look(Cluster(dead=True))
    assert set(lines) == {"versions", "cluster"}
    assert lines["cluster"].level == "fail"
    assert "connection refused" in lines["cluster"].message
    assert time.monotonic() - began < 30


def test_the_role_for_flags_grants_what_flags_need_and_nothing_more() -> None:
    role = yaml.safe_load((Path(__file__).parents[2] / "deploy/rbac/flags.yaml").read_text())
    granted = {(rule["apiGroups"][0], rule["resources"][0], verb) for rule in role["rules"] for verb in rule["verbs"]}
    assert granted == {(right.group, right.name, verb) for right in RIGHTS if right.flags for verb in right.verbs}
