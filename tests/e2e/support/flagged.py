"""An application whose users get a flag's variant, in pods of the lab, and a back end in the engine's hands."""

import contextlib
import http.client
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import yaml

from deliver.cluster.client import connect
from deliver.engine.runtime.flag_client import reach
from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.engine.runtime.lease import Lease
from deliver.model.errors import NotFound
from deliver.model.observation import Ack, FlagState, PodSeen
from deliver.plugins.flags import FlagBackend, FlagReach, Mark

LAB = Path(__file__).resolve().parents[2] / "lab/lab"
CRD = Path(__file__).resolve().parents[2] / "flags/featureflag-crd.yaml"
RBAC = Path(__file__).resolve().parents[3] / "deploy/rbac"
FLAG = "new-checkout"
PATIENT = {"periodSeconds": 1, "timeoutSeconds": 3, "failureThreshold": 5}  # a Python pod on a busy machine is slow, and not broken
DOCUMENT = """{
  "$schema": "https://flagd.dev/schema/v0/flags.json",
  "metadata": {"flagSetId": "shop",  "version": "7"},
  "flags": {
    "other": {"state": "ENABLED", "variants": {"a": 1.50, "b": 2e1}, "defaultVariant": "a"},
    "new-checkout": {
      "state": "ENABLED",
      "variants": {"on": true, "off": false},
      "defaultVariant": "off"
    }
  }
}
"""


def lab(*args: str) -> str:
    return subprocess.run([str(LAB), *args], capture_output=True, text=True, timeout=300, check=True).stdout.strip()


def kubectl(*args: str) -> str:
    return subprocess.run(["kubectl", *args], capture_output=True, text=True, timeout=60, check=True).stdout


def application(name: str, image: str, replicas: int, volumes: list[Any], mounts: list[Any], **environ: str) -> dict[str, Any]:
    labels = {"app": name}
    container = {
        "name": "app",
        "image": image,
        "env": [{"name": key, "value": value} for key, value in environ.items()],
        "ports": [{"name": "http", "containerPort": 8080}, {"name": "ofrep", "containerPort": 8016}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, **PATIENT},
        "volumeMounts": mounts,
    }
    spec = {"containers": [container], "volumes": volumes, "terminationGracePeriodSeconds": 0}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def mounted(configmap: str = "web-flags", **mount: str) -> tuple[list[Any], list[Any]]:
    return [{"name": "flags", "configMap": {"name": configmap}}], [{"name": "flags", "mountPath": "/etc/flags", **mount}]


@dataclass
class Flagged:
    """A namespace with such an application, and short words for what a release does to its flag."""

    namespace: str
    cluster: Any = field(default_factory=connect)

    fresh: bool = True
    others: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.fresh:
            self.cluster.create("namespaces", "", {"metadata": {"name": self.namespace}})
        held = cast(Lease, SimpleNamespace(confirm=lambda: None))
        self.write = GuardedWriter(self.cluster, self.namespace, held, 7)

    def close(self) -> None:
        uid = self.cluster.get("namespaces", "", self.namespace)["metadata"]["uid"]
        self.cluster.delete("namespaces", "", self.namespace, uid=uid)
        for cluster in (self.cluster, *self.others):
            cluster.close()

    def account(self, *roles: str) -> "Flagged":
        """The same, as a ServiceAccount with no more than these Roles of deploy/rbac."""
        kubectl("create", "serviceaccount", "weak", "-n", self.namespace)
        for role in roles:
            kubectl("apply", "-n", self.namespace, "-f", str(RBAC / f"{role}.yaml"))
            kubectl(
                "create", "rolebinding", role, f"--role=deliver-{role}", f"--serviceaccount={self.namespace}:weak", "-n", self.namespace
            )
        config = yaml.safe_load(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "yaml"))
        config["users"][0]["user"] = {"token": kubectl("create", "token", "weak", "-n", self.namespace).strip()}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(config, file)
            file.flush()
            weak = connect(file.name)
        self.others.append(weak)
        return Flagged(self.namespace, weak, fresh=False)

    def reach(self, **environ: str) -> FlagReach:
        plain = reach(self.cluster, self.namespace)
        return FlagReach(self.namespace, plain.get, plain.list, plain.pod, plain.service, environ, plain.clock)

    def configmap(self, text: str = DOCUMENT, name: str = "web-flags") -> None:
        self.cluster.create("configmaps", self.namespace, {"metadata": {"name": name}, "data": {"flags.json": text}})

    def text(self) -> str:
        return str(self.cluster.get("configmaps", self.namespace, "web-flags")["data"]["flags.json"])

    def edit(self, text: str) -> None:
        self.cluster.patch("configmaps", self.namespace, "web-flags", {"data": {"flags.json": text}})

    def define(self) -> None:
        """The definition of the FeatureFlag resource; it stays, as definitions do."""
        kubectl("apply", "-f", str(CRD))

    def tried(self, kind: str, body: dict[str, Any]) -> bool:
        """Made: a definition takes a moment until its resources are served."""
        try:
            self.cluster.create(kind, self.namespace, body)
        except NotFound:
            return False
        return True

    def run(self, deployment: dict[str, Any]) -> dict[str, Any]:
        """Returns when all its pods are ready."""
        made = self.cluster.create("deployments", self.namespace, deployment)
        name, wanted = deployment["metadata"]["name"], deployment["spec"]["replicas"]
        until(lambda: self.cluster.get("deployments", self.namespace, name).get("status", {}).get("readyReplicas") == wanted, 200)
        return dict(made)

    def objects(self, app: str = "") -> list[dict[str, Any]]:
        return list(self.cluster.list("pods", self.namespace, selector=f"app={app}" if app else ""))

    def pods(self, app: str = "") -> list[PodSeen]:
        return [PodSeen(one["metadata"]["name"], one["metadata"]["uid"], one["status"]["podIP"], ready=True) for one in self.objects(app)]

    def variants(self, pod: PodSeen, users: int) -> dict[str, str]:
        """What the pod's users get, asked as they ask: by its own HTTP port."""
        found = {}
        with contextlib.closing(http.client.HTTPConnection(pod.ip, 8080, timeout=60)) as connection:
            for number in range(users):
                connection.request("GET", f"/?user=user-{number}")
                found[f"user-{number}"] = str(json.load(connection.getresponse())["variant"])
        return found


def confirmed(
    backend: FlagBackend, revision: str, percent: float, pods: list[PodSeen], seconds: float = 90, flag: str = FLAG
) -> tuple[Ack, float]:
    """The acknowledgement, and how long it took to come."""
    began = time.monotonic()
    acks: list[Ack] = []

    def whole() -> bool:
        acks.append(backend.confirm(flag, revision, percent, pods))
        return acks[-1].whole or bool(acks[-1].disagree)

    until(whole, seconds, lambda: str(acks[-1]))
    return acks[-1], time.monotonic() - began


def set_to(backend: FlagBackend, write: GuardedWriter, percent: float, step: int = 1) -> str:
    before: FlagState = backend.read(FLAG)
    return backend.set(write, FLAG, percent, Mark("web-20261125-1", step, write.fence), if_revision=before.revision)


def until(true: Callable[[], bool], seconds: float, why: Callable[[], str] = lambda: "") -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:g} s {why()}"
        time.sleep(0.1)
