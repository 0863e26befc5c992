"""A namespace with a user's application in it, and everything a test does to it."""

import copy
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from tests.e2e.support import objects
from tests.e2e.support.lab import REGISTRY, ROOT, Lab
from tests.e2e.support.load import Users
from tests.e2e.support.pace import eventually
from tests.e2e.support.place import Object, Place, Store
from tests.e2e.support.process import Deliver, Result, Running
from tests.e2e.support.snapshot import differences, image_of, snapshot, with_image

ERRORS = {"name": "errors", "bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total", "max": "5%"}
SLOW = {"name": "latency", "histogram": "http_request_duration_seconds", "slower_than": "250ms", "max": "20%"}


def image(version: str) -> str:
    """The sandbox knows them by their tag, whatever the registry."""
    return f"{REGISTRY or 'registry'}/web:{version}"


class World:
    """Made by the `world` fixture. `deliver` runs the CLI as the cluster's admin, in a folder with deliver.yaml once `file` wrote one.

    hands: what people do to the cluster and see of it. pace: the time of the place; what a test waits or measures goes by it.
    """

    def __init__(self, folder: Path, name: str, place: Place | None = None) -> None:
        self.place = place or Lab()
        self.pace = self.place.pace
        self.namespace = f"e2e-{name[:20].strip('-')}-{uuid.uuid4().hex[:6]}"
        self.folder = folder
        self.environ = self.place.environ | {"HOME": str(folder), "COLUMNS": "140"}
        self.hands = self.place.hands(self.namespace)
        self._started: list[Deliver] = []
        self.deliver = self.deliver_in(folder)

    # ------------------------------------------------------------ set up and away

    def make(self, replicas: int, version: str, services: Sequence[Object], extra: Sequence[Object], delay: int = 0) -> "World":
        self.hands.create_namespace()
        self.hands.apply(objects.deployment(image(version), replicas, delay=delay), *services, *extra)
        self.rolled_out()
        self.eventually("Prometheus has scraped every pod", lambda: self._scraped() >= replicas, 30 + self.patience(2), 0.5)
        self.place.settled()
        self.before = snapshot(self.hands)
        return self

    def eventually(self, what: str, probe: Callable[[], Any], timeout: float = 30, every: float = 0.2) -> Any:
        """The probe's first true answer."""
        return eventually(what, probe, timeout, every, self.pace)

    def _scraped(self) -> int:
        query = quote(f'count(http_requests_total{{code="200",namespace="{self.namespace}"}})')
        path = f"/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query={query}"
        result = json.loads(self.hands.read(path))["data"]["result"]
        return int(result[0]["value"][1]) if result else 0

    def rolled_out(self, name: str = "web") -> None:
        """As `kubectl rollout status` waits."""
        self.eventually(f"Deployment {name} is rolled out", lambda: rolled_out(self.hands.get("deployment", name)), 60)

    def at_most(self, seconds: float) -> float:
        """A limit on how long something takes: a promise on the lab. Elsewhere two seconds of the machine are granted besides."""
        return seconds if self.pace.rate == 1 else seconds + 2 * self.pace.rate

    def scrapes(self, count: float) -> float:
        """Seconds after which so many scrapes are there to be seen."""
        return count * self.place.store.every + self.place.store.late

    def wide(self, seconds: float) -> str:
        """A time for what rests on samples: that long on the usual store, four scrapes more on another."""
        return f"{seconds + self.patience(4):g}s"

    def patience(self, scrapes: float = 20) -> float:
        """Seconds that everything may take longer than on the usual store."""
        return 0.0 if self.place.store == Store() else self.scrapes(scrapes)

    def remove(self) -> None:
        for one in self._started:
            one.stop_all()
        self.hands.remove_namespace()

    # ------------------------------------------------------------ deliver

    def deliver_in(self, folder: Path, environ: Mapping[str, str] | None = None) -> Deliver:
        """Another way to run it; environ: all of it."""
        one = Deliver(self.environ if environ is None else environ, folder, self.place.spawn, self.pace, self.patience())
        self._started.append(one)
        return one

    def file(self, version: str = "1.1.0", **change: Any) -> Path:
        """deliver.yaml with short times. change: whole sections, or for `analysis` and `limits` keys in them; None takes one out."""
        spec: dict[str, Any] = {
            "target": {"deployment": "web", "namespace": self.namespace},
            "image": image(version),
            "strategy": {"canary": {"weight": [10, 50], "bake": "8s"}},
            "analysis": {
                "prometheus": {"service": "monitoring/prometheus:9090"},
                "poll": "2s",
                "max_staleness": self.wide(8),
                "max_blind": self.wide(20),
                "metrics": [ERRORS | {"min_samples": 10, "window": self.wide(20)}],
            },
            "limits": {"ready": "60s", "shift": "30s", "drain": "3s", "pause": self.wide(90), "total": f"{600 + self.patience():g}s"},
        }
        for section, value in change.items():
            merge = section in ("analysis", "limits") and isinstance(value, Mapping)
            spec[section] = {**spec[section], **value} if merge else copy.deepcopy(value)
        spec["analysis"] = {key: value for key, value in spec["analysis"].items() if value is not None}
        path = self.folder / "deliver.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in spec.items() if value is not None}, sort_keys=False))
        return path

    def release(self, version: str = "1.1.0", *args: str, **change: Any) -> Running:
        """A release that runs, told of in JSON lines."""
        return self.deliver.start("run", "-f", str(self.file(version, **change)), "-o", "jsonl", *args)

    def on_target(self, verb: str, *args: str, env: Mapping[str, str] | None = None) -> Result:
        """`deliver VERB web -n NAMESPACE`, in a folder without a file: as from another machine."""
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        return self.deliver_in(elsewhere)(verb, "web", "-n", self.namespace, *args, env=env)

    def status(self) -> Any:
        """The view of `status -o json`, whatever its exit code."""
        return self.on_target("status", "-o", "json").json

    def account(self, role: str) -> Deliver:
        """deliver as a ServiceAccount bound to a Role of deploy/rbac, and to the proxy Role beside Prometheus."""
        roles = [yaml.safe_load(text) for text in (ROOT / f"deploy/rbac/{role}.yaml").read_text().split("\n---\n")]
        self.hands.apply(*roles, *objects.account(f"test-{role}", roles[0]["metadata"]["name"]))
        token = self.hands.token(f"test-{role}")
        config = self.hands.config()
        config["users"] = [{"name": role, "user": {"token": token}}]
        config["contexts"] = [
            {"name": role, "context": {"cluster": config["clusters"][0]["name"], "user": role, "namespace": self.namespace}}
        ]
        config["current-context"] = role
        path = self.folder / f"{role}.kubeconfig"
        path.write_text(json.dumps(config))
        path.chmod(0o600)
        return self.deliver_in(self.folder, self.environ | {"KUBECONFIG": str(path)})

    # ------------------------------------------------------------ users

    def users(self, rps: float = 50, service: str = "web") -> Users:
        return self.place.users(self.hands, service, rps)

    # ------------------------------------------------------------ what stands

    def images(self) -> dict[str, str]:
        return {obj["metadata"]["name"]: image_of(obj) for obj in self.hands.items("deployments")}

    def selector(self, service: str = "web") -> dict[str, str]:
        return dict(self.hands.get("service", service)["spec"]["selector"])

    def endpoints(self, service: str = "web") -> set[str]:
        """Names of the pods that are ready endpoints of the Service."""
        found = set()
        for piece in self.hands.items("endpointslices", f"kubernetes.io/service-name={service}"):
            for endpoint in piece.get("endpoints") or []:
                if endpoint.get("conditions", {}).get("ready", True):
                    found.add(endpoint["targetRef"]["name"])
        return found

    def pods(self, version: str) -> list[str]:
        """Pods of that version which are not on their way out."""
        return [
            pod["metadata"]["name"]
            for pod in self.hands.items("pods")
            if pod["spec"]["containers"][0]["image"] == image(version) and not pod["metadata"].get("deletionTimestamp")
        ]

    def chaos(self, version: str, query: str) -> tuple[float, float]:
        """Change how all pods of that version behave, one after another.

        Returns when the first may have changed, and when all had: deliver may act on the first ones before the last is reached.
        """
        began = self.pace.now()
        for name in self.pods(version):
            path = f"/api/v1/namespaces/{self.namespace}/pods/{name}:8080/proxy/chaos?{query}"
            self.hands.post(path)
        return began, self.pace.now()

    # ------------------------------------------------------------ ends

    def unchanged(self) -> None:
        """As before the release, byte for byte, and nothing of ours but the record."""
        changed = differences(self.before, snapshot(self.hands))
        assert changed == [], "\n".join(changed)

    def as_with(self, version: str) -> None:
        """As `kubectl set image` would have left it, byte for byte."""
        changed = differences(with_image(self.before, image(version)), snapshot(self.hands))
        assert changed == [], "\n".join(changed)

    def runs_only(self, version: str) -> None:
        """Every pod is of that version once the others are gone, and the Service leads to all of them."""
        self.eventually(f"only {version} runs", lambda: self._serving(version))

    def _serving(self, version: str) -> bool:
        pods = self.hands.items("pods")
        names = {pod["metadata"]["name"] for pod in pods}
        return {pod["spec"]["containers"][0]["image"] for pod in pods} == {image(version)} and self.endpoints() == names


def rolled_out(deployment: Object) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
    return seen and counts == [wanted] * 3
