"""kubectl's own commands, one story, on the sandbox and on the lab: the same commands, the same exit codes, the same words."""

import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deliver_sandbox.live import live

OLDEST = 37  # of the cluster's own version: an older one has other flags and other words


def _found() -> tuple[str | None, str]:
    """kubectl, or why there is none for these tests."""
    path = shutil.which("kubectl")
    if path is None:
        return None, "kubectl is not on PATH: tests/lab/lab env puts it there"
    said = subprocess.run([path, "version", "--client", "-o", "json"], capture_output=True, text=True, timeout=30, check=False).stdout
    minor = re.search(r'"minor": "(\d+)', said)
    if minor is None or int(minor[1]) < OLDEST:
        return None, f"kubectl on PATH is not 1.{OLDEST} or newer, whose words these are: tests/lab/lab env puts that one there"
    return path, ""


KUBECTL, MISSING = _found()
MODE = os.environ.get("DELIVER_CONFORMANCE", "")
pytestmark = [
    pytest.mark.skipif(KUBECTL is None, reason=MISSING),
    pytest.mark.timeout(300),
]


@dataclass(frozen=True)
class Hands:
    """kubectl on one cluster, in a namespace of this test's own."""

    kubeconfig: Path
    registry: str
    namespace: str

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.kubeconfig.parent)}
        done = [word.replace("$registry", self.registry) for word in words]
        command = [str(KUBECTL), "-n", self.namespace, *done]
        return subprocess.run(command, env=environ, input=stdin, capture_output=True, text=True, timeout=90, check=False)

    def __call__(self, *words: str, stdin: str = "") -> str:
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def refused(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 1, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr


@pytest.fixture(
    scope="module",
    params=[
        "sandbox",
        pytest.param("lab", marks=[pytest.mark.cluster, pytest.mark.skipif(MODE != "lab", reason="DELIVER_CONFORMANCE=lab asks the lab")]),
    ],
)
def kubectl(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hands]:
    folder = tmp_path_factory.mktemp(request.param)
    namespace = f"conformance-kubectl-{uuid.uuid4().hex[:6]}"
    if request.param == "lab":
        yield from told(Hands(Path(os.environ["KUBECONFIG"]), os.environ["LAB_REGISTRY"], namespace))
        return
    with live(speed=10.0) as (_, door):
        file = folder / "kubeconfig"
        file.write_text(door.kubeconfig())
        yield from told(Hands(file, "registry", namespace))


def told(hands: Hands) -> Iterator[Hands]:
    """The namespace and a Deployment that runs. `create namespace` is a body in protobuf."""
    assert hands("create", "namespace", hands.namespace) == f"namespace/{hands.namespace} created\n"
    try:
        assert hands("create", "deployment", "web", "--image=$registry/web:1.0.0", "--replicas=2", "--port=8080").endswith("created\n")
        hands("rollout", "status", "deployment/web", "--timeout=60s")
        yield hands
    finally:
        hands.run("delete", "namespace", hands.namespace, "--wait=false")


def manifest(hands: Hands, **spec: object) -> str:
    container = {"name": "app", "image": f"{hands.registry}/web:1.0.0"}
    template = {"metadata": {"labels": {"app": "app"}}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    body = {"selector": {"matchLabels": {"app": "app"}}, "template": template, **spec}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"}, "spec": body})


def test_get_and_describe(kubectl: Hands) -> None:
    assert kubectl("get", "deployments").split()[:5] == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert kubectl("get", "pods").split()[:5] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}") == "2"
    told = kubectl("describe", "deployment", "web")
    assert re.search(r"Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable", told)
    assert "ScalingReplicaSet" in told
    pods = kubectl("get", "pods", "-l", "app=web", "-o", "name").split()  # one of a test before may be on its way out
    assert any(re.search(r"Status: +Running", kubectl("describe", pod)) for pod in pods)
    assert 'deployments.apps "none" not found' in kubectl.refused("get", "deployment", "none")


def test_get_events(kubectl: Hands) -> None:
    told = kubectl("get", "events", "--field-selector", "involvedObject.kind=Deployment")
    assert {"TYPE", "REASON", "OBJECT", "MESSAGE"} <= set(told.splitlines()[0].split())
    assert "deployment/web" in told


def test_logs(kubectl: Hands) -> None:
    kubectl("logs", "deployment/web", "--tail=2")
    assert "not found" in kubectl.refused("logs", "none")


@pytest.mark.parametrize(
    ("how", "body", "label"),
    [
        ("strategic", '{"metadata":{"labels":{"a":"1"}}}', "1"),
        ("merge", '{"metadata":{"labels":{"a":"2"}}}', "2"),
        ("json", '[{"op":"add","path":"/metadata/labels/a","value":"3"}]', "3"),
    ],
)
def test_patch_in_three_forms(kubectl: Hands, how: str, body: str, label: str) -> None:
    assert kubectl("patch", "deployment", "web", "--type", how, "-p", body) == "deployment.apps/web patched\n"
    assert kubectl("get", "deployment", "web", "-o", "jsonpath={.metadata.labels.a}") == label


def test_scale_and_wait(kubectl: Hands) -> None:
    assert kubectl("scale", "deployment", "web", "--replicas=3") == "deployment.apps/web scaled\n"
    kubectl("wait", "--for=jsonpath={.status.readyReplicas}=3", "deployment/web", "--timeout=60s")
    assert "Expected replicas to be 7, was 3" in kubectl.refused("scale", "deployment", "web", "--current-replicas=7", "--replicas=1")
    kubectl("scale", "deployment", "web", "--replicas=2")
    kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=60s")


def test_set_image_and_rollout(kubectl: Hands) -> None:
    assert kubectl("set", "image", "deployment/web", "*=$registry/web:1.1.0") == "deployment.apps/web image updated\n"
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", "--timeout=90s")
    assert [line.split()[0] for line in kubectl("rollout", "history", "deployment/web").splitlines()[2:] if line] == ["1", "2"]
    assert "web:1.1.0" in kubectl("rollout", "history", "deployment/web", "--revision=2")
    assert kubectl("rollout", "undo", "deployment/web") == "deployment.apps/web rolled back\n"
    kubectl("rollout", "status", "deployment/web", "--timeout=90s")
    assert kubectl("get", "deployment", "web", "-o", "jsonpath={..image}").endswith("web:1.0.0")
    assert kubectl("rollout", "pause", "deployment/web") == "deployment.apps/web paused\n"
    assert "already paused" in kubectl.refused("rollout", "pause", "deployment/web")
    assert kubectl("rollout", "resume", "deployment/web") == "deployment.apps/web resumed\n"
    assert kubectl("rollout", "restart", "deployment/web") == "deployment.apps/web restarted\n"
    kubectl("rollout", "status", "deployment/web", "--timeout=90s")


def test_apply_by_the_client(kubectl: Hands) -> None:
    assert kubectl("apply", "-f", "-", stdin=manifest(kubectl, replicas=1)) == "deployment.apps/app created\n"
    assert kubectl("apply", "-f", "-", stdin=manifest(kubectl, replicas=1)) == "deployment.apps/app unchanged\n"
    assert kubectl("apply", "-f", "-", stdin=manifest(kubectl, replicas=2)) == "deployment.apps/app configured\n"
    wrong = kubectl.run("apply", "-f", "-", stdin=manifest(kubectl, replicass=2))
    assert (wrong.returncode, 'unknown field "spec.replicass"' in wrong.stderr) == (1, True), wrong.stderr
    assert kubectl("delete", "deployment", "app") == f'deployment.apps "app" deleted from {kubectl.namespace} namespace\n'


def test_apply_by_the_server(kubectl: Hands) -> None:
    mine = ("apply", "--server-side", "--field-manager=me", "-f", "-")
    assert kubectl(*mine, stdin=manifest(kubectl, replicas=1)) == "deployment.apps/app serverside-applied\n"
    yours = ("apply", "--server-side", "--field-manager=you", "-f", "-")
    conflict = kubectl.run(*yours, stdin=manifest(kubectl, replicas=2))
    assert conflict.returncode == 1
    assert 'Apply failed with 1 conflict: conflict with "me": .spec.replicas' in conflict.stderr
    kubectl(*yours, "--force-conflicts", stdin=manifest(kubectl, replicas=2))
    assert "dry run" in kubectl(*yours, "--dry-run=server", stdin=manifest(kubectl, replicas=2))
    kubectl("delete", "deployment", "app")


def test_autoscale(kubectl: Hands) -> None:
    assert (
        kubectl("autoscale", "deployment", "web", "--min=2", "--max=4", "--cpu=50%")
        == "horizontalpodautoscaler.autoscaling/web autoscaled\n"
    )
    assert kubectl("get", "hpa", "web", "-o", "jsonpath={.spec.minReplicas} {.spec.maxReplicas}") == "2 4"
    kubectl("delete", "hpa", "web")


def test_rights(kubectl: Hands) -> None:
    kubectl("create", "serviceaccount", "robot")
    kubectl("create", "role", "r", "--verb=get,list", "--resource=pods,deployments.apps")
    kubectl("create", "rolebinding", "b", "--role=r", f"--serviceaccount={kubectl.namespace}:robot")
    robot = ("--as", f"system:serviceaccount:{kubectl.namespace}:robot")
    assert kubectl("auth", "can-i", "delete", "pods") == "yes\n"
    assert kubectl("auth", "can-i", "list", "pods", *robot) == "yes\n"
    assert kubectl.refused("auth", "can-i", "delete", "pods", *robot) == "no\n"
    assert re.search(r"deployments\.apps +\[\] +\[\] +\[get list\]", kubectl("auth", "can-i", "--list", *robot))
    assert 'cannot list resource "configmaps" in API group ""' in kubectl.refused("get", "configmaps", *robot)
    kubectl("get", "pods", *robot)
    assert len(kubectl("create", "token", "robot").strip()) > 20


def test_delete(kubectl: Hands) -> None:
    kubectl("create", "configmap", "c", "--from-literal=a=b")
    assert kubectl("get", "configmap", "c", "-o", "jsonpath={.data.a}") == "b"
    kubectl("delete", "configmap", "c")
    assert kubectl("delete", "configmap", "c", "--ignore-not-found") == ""
    assert 'configmaps "c" not found' in kubectl.refused("delete", "configmap", "c")
