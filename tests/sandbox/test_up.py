"""`deliver sandbox up`: the unmodified deliver, and kubectl, against a cluster that another process keeps."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deliver.cli.main import main
from deliver_sandbox import live
from deliver_sandbox.fixtures import world

DELIVER = Path(sys.executable).with_name("deliver")
QUICK = ["--weight", "50", "--bake", "1s", "--drain", "500ms", "--poll", "1s", "--min-samples", "10"]
METRICS = [
    "--prometheus",
    "monitoring/prometheus:9090",
    "--errors",
    'http_requests_total{code=~"5.."}',
    "--requests",
    "http_requests_total",
]


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    process = subprocess.Popen(
        [DELIVER, "sandbox", "up", "--speed", "60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("export KUBECONFIG="), line
    file = Path(line.strip().partition("=")[2])
    assert file.stat().st_mode & 0o077 == 0 or file.parent.stat().st_mode & 0o077 == 0
    yield file
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert f"{DELIVER.name} plan web" in err
    assert "lost: 0" in err
    assert not file.exists()


def run(kubeconfig: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    return subprocess.run(words, env=environ, capture_output=True, text=True, timeout=50, check=False, cwd=kubeconfig.parent)


@pytest.mark.slow  # by the machine's clock
def test_plan_canary_status_and_rollback_work_on_it(kubeconfig: Path):
    def deliver(*words: str, code: int = 0) -> str:
        done = run(kubeconfig, str(DELIVER), *words)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    options = (*QUICK, *METRICS)
    assert "50 %" in deliver("plan", "web", "--image", "registry/web:1.1.0", *options)
    assert "PROMOTED" in deliver("canary", "web", "--image", "registry/web:1.1.0", *options)
    assert "PROMOTED" in deliver("status", "web")
    assert "registry/web:1.0.0" in deliver("rollback", "web")
    assert "requests bad" in deliver("canary", "web", "--image", "registry/web:2.0.0-errors", *options, code=3)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")
def test_kubectl_works_on_it(kubeconfig: Path):
    done = run(kubeconfig, "kubectl", "get", "pods,deployments,services", "-o", "name")
    assert done.returncode == 0, done.stderr
    assert {"deployment.apps/web", "service/web"} <= set(done.stdout.split())
    assert run(kubeconfig, "kubectl", "get", "pods").stdout.split()[:5] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert run(kubeconfig, "kubectl", "wait", "--for=condition=Available", "deployment/web", "--timeout=20s").returncode == 0


@pytest.mark.parametrize("args", [("--speed", "0.5"), ("--speed", "x"), ("--port", "70000"), ("--write", "/no/such/folder/file")])
def test_bad_input(args: tuple[str, str], capsys: pytest.CaptureFixture[str]):
    assert main(["sandbox", "up", *args]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["sandbox", "up", "--port", port]) == 2
    assert f"error: port {port} cannot be used" in capsys.readouterr().err


def test_it_begins_with_a_past_and_real_time_stamps():
    with live.live() as (made, door):
        created = made.api.list("pods", "shop")[0]["metadata"]["creationTimestamp"]
        assert made.traffic.tally.requests > 100 * live.PAST / 2
        assert made.traffic.tally.lost() == 0
        assert created < made.api.create("configmaps", "shop", {"metadata": {"name": "a"}})["metadata"]["creationTimestamp"]
        assert door.url in door.kubeconfig()


def test_old_scrapes_and_pods_that_are_gone_are_forgotten():
    made = world(replicas=2)
    made.clock.wait(60.0)
    gone = made.api.list("pods", "shop")[0]["metadata"]
    made.api.delete("pods", "shop", gone["name"])
    made.clock.wait(60.0)
    assert gone["uid"] in made.traffic.rows
    before = made.clock.now() - 20.0
    made.traffic.forget(before)
    assert gone["uid"] not in made.traffic.rows
    assert len(made.traffic.rows) == 2
    assert all(row.at >= before for rows in made.traffic.rows.values() for row in rows)
    made.clock.wait(10.0)
    assert made.traffic.tally.lost() == 0
