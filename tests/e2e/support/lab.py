"""The lab: a real Kubernetes. KUBECONFIG may lead to a cluster of the user's own instead, which has not all of it."""

import contextlib
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support.admission import Policy
from tests.e2e.support.audit import Audit
from tests.e2e.support.kubectl import Kubectl
from tests.e2e.support.load import Load, Users
from tests.e2e.support.pace import REAL, eventually
from tests.e2e.support.place import Hands, Store
from tests.e2e.support.process import clean_environ, script

ROOT = Path(__file__).resolve().parents[3]
LAB = ROOT / "tests/lab/lab"
REGISTRY = os.environ.get("LAB_REGISTRY", "")
AUDIT_LOG = os.environ.get("LAB_AUDIT_LOG", "")
KUBECONFIG = os.environ.get("KUBECONFIG", "")
STORE = Store(*(float(part) for part in os.environ.get("E2E_STORE", "2 0").split()))
"""As `lab prometheus` was told, by whoever started the tests."""


def _asked(store: Store) -> str:
    return f"--interval {store.every:g}s --late {store.late:g}s, and E2E_STORE='{store.every:g} {store.late:g}'"


def lab(*args: str, timeout: float = 120) -> None:
    done = subprocess.run([str(LAB), *args], capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise AssertionError(f"lab {' '.join(args)}: {done.stderr}")


class Lab:
    name = "lab"
    pace = REAL
    spawn = staticmethod(script)

    def __init__(self, store: Store = STORE) -> None:
        self.environ, self.store = clean_environ(), store
        if REGISTRY and store != STORE:
            pytest.skip(f"the lab's Prometheus has other settings, which are everybody's: lab prometheus {_asked(store)}")

    def hands(self, namespace: str) -> Kubectl:
        return Kubectl(namespace, self.environ)

    def settled(self) -> None:
        """Nothing is left to do."""

    def users(self, hands: Hands, service: str, rps: float) -> Users:
        url = f"http://{hands.get('service', service)['spec']['clusterIP']}/"
        return Users(Load(url, rps / 2, fresh=1), Load(url, rps / 2, fresh=0))

    def digest(self, version: str) -> str:
        """Of the registry's image `web` of that version."""
        form = "application/vnd.docker.distribution.manifest.v2+json"
        asked = urllib.request.Request(f"http://{REGISTRY}/v2/web/manifests/{version}", headers={"Accept": form}, method="HEAD")
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return str(answer.headers["Docker-Content-Digest"])

    @contextlib.contextmanager
    def admission(self, namespace: str, policy: Policy) -> Iterator[None]:
        hands, made, before = self.hands(namespace), policy.objects(namespace), self._admitted(namespace)
        hands.apply(*made)
        try:
            eventually("the policy is at work", lambda: self._admitted(namespace) != before)
            yield
        finally:
            hands.delete(*(f"{one['kind'].lower()}/{one['metadata']['name']}" for one in made), wait=False)

    def _admitted(self, namespace: str) -> str:
        """What the API server would make of a Deployment, "" where it refuses it: a policy takes a moment to be known."""
        asked = ("create", "deployment", "probe", f"--image={REGISTRY}/web:1.1.0", "--dry-run=server", "-o", "jsonpath={.spec}")
        return self.hands(namespace)(*asked, check=False)

    def audit(self) -> Audit:
        if not AUDIT_LOG:
            pytest.skip("no LAB_AUDIT_LOG: the API server's audit log cannot be read")
        return Audit(AUDIT_LOG)

    @contextlib.contextmanager
    def no_prometheus(self) -> Iterator[None]:
        with _between(("prometheus", "down"), ("prometheus", "up")):
            yield

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        with _between(("freeze", "apiserver"), ("thaw", "apiserver")):
            yield

    @contextlib.contextmanager
    def killed(self) -> Iterator[None]:
        with _between(("kill", "apiserver"), ("start", "apiserver")):
            yield


@contextlib.contextmanager
def _between(begin: tuple[str, ...], end: tuple[str, ...]) -> Iterator[None]:
    lab(*begin)
    try:
        yield
    finally:
        lab(*end)
