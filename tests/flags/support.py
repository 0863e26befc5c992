"""What the flag tests share: instances that answer OFREP with flagd's own evaluator, and a writer that is the engine's, on the sandbox."""

import json
from collections.abc import Callable
from types import SimpleNamespace

import httpx
import mmh3
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from deliver.cluster.port import Access
from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.flags.http import FlagHttpClient
from deliver.plugins.flags import FlagReach, Mark
from deliver_sandbox.world import World

SHOP = "shop"
DOCUMENT = """{
  "$schema": "https://flagd.dev/schema/v0/flags.json",
  "metadata": {"team": "payments",   "version": "7"},
  "flags": {
    "other": {"state":"ENABLED", "variants": {"a": 1.50, "b": 2e1}, "defaultVariant": "a"},
    "new-checkout": {
      "state": "ENABLED",
      "variants": {"on": true, "off": false},
      "defaultVariant": "off",
      "metadata": {"owner": "caf\\u00e9"}
    },
    "third": {"state": "DISABLED", "variants": {"x": "\\u20ac"}, "defaultVariant": null}
  }
}
"""
MARK = Mark("web-20261125-1", 1, 7)


class Evaluator:
    """Answers as an instance with today's Python SDK (flagd-core 2) does: it goes on with the last document that it understood."""

    def __init__(self, document: str = DOCUMENT) -> None:
        self.core = FlagdCore()
        self.load(document)

    def load(self, document: str) -> None:
        self.core.set_flags(document)

    def resolve(self, flag: str, user: str | None) -> dict:
        found = self.core.resolve_boolean_value(flag, True, EvaluationContext(targeting_key=user))
        told = {"value": found.value, "variant": found.variant, "reason": found.reason, "metadata": dict(found.flag_metadata)}
        return {"key": flag, **told}


class OldEvaluator(Evaluator):
    """The generation before (Go core 0.15, JS flagd-core 4.0.1): the same split, other bytes hashed."""

    def load(self, document: str) -> None:
        self.flags = json.loads(document)["flags"]

    def resolve(self, flag: str, user: str | None) -> dict:
        found = self.flags[flag]
        entries = (found.get("targeting") or {"fractional": [[found["defaultVariant"], 1]]})["fractional"]
        bucket = (mmh3.hash((flag + (user or "")).encode(), signed=False) * sum(weight for _, weight in entries)) >> 32
        variant = next(name for name, _ in entries if (bucket := bucket - _) < 0)
        return {"key": flag, "value": found["variants"][variant], "variant": variant, "metadata": found.get("metadata") or {}}


class Fleet:
    """Instances by host name, behind a transport. asked: (host, user) of each evaluation. answers: what a host says instead."""

    def __init__(self, **instances: Evaluator) -> None:
        self.instances = dict(instances)
        self.asked: list[tuple[str, str]] = []
        self.headers: list[httpx.Headers] = []
        self.answers: dict[str, Callable[[httpx.Request], httpx.Response]] = {}
        self.slept: list[float] = []
        self.caller = FlagHttpClient(transport=httpx.MockTransport(self._answer), sleep=self.slept.append)

    def load(self, document: str) -> None:
        for one in self.instances.values():
            one.load(document)

    def pod(self, name: str, port: int) -> Access:
        return Access(f"http://{name}", dict)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        self.headers.append(request.headers)
        if host in self.answers:
            return self.answers[host](request)
        if host not in self.instances:
            raise httpx.ConnectError("connection refused")
        flag = request.url.path.rpartition("/")[2]
        user = json.loads(request.content)["context"]["targetingKey"]
        self.asked.append((host, user))
        try:
            return httpx.Response(200, json=self.instances[host].resolve(flag, user))
        except Exception:
            return httpx.Response(404, json={"key": flag, "errorCode": "FLAG_NOT_FOUND"})


def users(count: int) -> list[str]:
    return [f"user-{n}" for n in range(count)]


def treated(evaluator: Evaluator, count: int, flag: str = "new-checkout") -> set[str]:
    return {user for user in users(count) if evaluator.resolve(flag, user)["variant"] == "on"}


def world_with(document: str = DOCUMENT, **more) -> World:
    world = World()
    world.api.create("namespaces", "", {"metadata": {"name": SHOP}})
    world.cluster.create("configmaps", SHOP, {"metadata": {"name": "web-flags"}, "data": {"flags.json": document, "else": "kept"}, **more})
    return world


def writer(world: World, fence: int = 7) -> GuardedWriter:
    return GuardedWriter(world.cluster, SHOP, SimpleNamespace(confirm=lambda: None), fence)


def reach(world: World, fleet: Fleet | None = None, now: float = 1_700_000_000.0, **environ: str) -> FlagReach:
    fleet = fleet or Fleet()
    return FlagReach(
        namespace=SHOP,
        get=lambda kind, name: world.cluster.get(kind, SHOP, name),
        list=lambda kind, selector: world.cluster.list(kind, SHOP, selector=selector),
        pod=fleet.pod,
        service=lambda name: Access(f"http://{name}", dict),
        environ=environ,
        clock=lambda: now,
    )


def pod_spec(volumes=None, mounts=None, **container) -> dict:
    volumes = [{"name": "flags", "configMap": {"name": "web-flags"}}] if volumes is None else volumes
    mounts = [{"name": "flags", "mountPath": "/etc/flags"}] if mounts is None else mounts
    return {"containers": [{"name": "web", "image": "web:1.0.0", "volumeMounts": mounts, **container}], "volumes": volumes}


def pod(name: str, spec: dict | None = None, **meta) -> dict:
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": {"name": name, "labels": {"app": "web"}, **meta}, "spec": spec or pod_spec(), "status": status}


def workload(spec: dict | None = None) -> dict:
    return {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": spec or pod_spec()}}}
