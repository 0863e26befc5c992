"""The real KubernetesCluster pointed at the scripted API server, with timeouts of milliseconds and no sleeping."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deliver.cluster.client import KubernetesCluster
from deliver.cluster.connection import load
from deliver.cluster.timing import Timing
from tests.cluster.stub import Handler, Stub

QUICK = Timing(
    connect=0.5,
    read=0.6,  # a busy machine takes longer than 0.2 s for an answer
    deadline=15,
    backoff=0.1,
    cap=2,
    watch=240,
    mute=30,
    silence=0.06,
    probe=0.1,
    stream_backoff=0.001,
    stream_cap=0.005,
)


class FakeTime:
    """Sleeping only moves the clock."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    slept: list[float]


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub()
    handler = type("StubHandler", (Handler,), {"stub": stub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield stub
    stub.closing.set()
    server.shutdown()
    server.server_close()


def kubeconfig(path: Path, server: str, user: dict[str, Any] | None = None, namespace: str | None = None) -> str:
    context = {"cluster": "c", "user": "u", **({"namespace": namespace} if namespace else {})}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "here", "context": context}],
    }
    path.write_text(json.dumps(content))
    return str(path)


@pytest.fixture
def connect_to(tmp_path: Path, fake_time: FakeTime) -> Callable[..., KubernetesCluster]:
    """connect_to(url, user, real=True): with the real clock, for watches; then more timing may be given."""

    def connect(server: str, user: dict[str, Any] | None = None, *, real: bool = False, **timing: float) -> KubernetesCluster:
        file = kubeconfig(tmp_path / "config", server, user)
        place = load(file, None)
        if real:
            return KubernetesCluster(place, lambda: load(file, "here"), timing=replace(QUICK, backoff=0.001, **timing))
        return KubernetesCluster(
            place, lambda: load(file, "here"), timing=QUICK, clock=lambda: fake_time.now, sleep=fake_time.sleep, chance=lambda: 0.5
        )

    return connect


@pytest.fixture
def cluster(stub: Stub, connect_to: Callable[..., KubernetesCluster]) -> KubernetesCluster:
    return connect_to(stub.url, {"token": "the-secret-token"})
