"""The built-in routers, metric providers, checks and notifiers keep the contracts of their families."""

import socket
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from deliver.cluster.port import Access
from deliver.health.http import HttpCheck, HttpOptions
from deliver.health.tcp import TcpCheck, TcpOptions
from deliver.metrics.prometheus import PrometheusOptions, PrometheusProvider
from deliver.model.observation import PodSeen
from deliver.notify.webhook import Webhook
from deliver.plugins.interfaces import Reach
from deliver.testing import CheckContract, MetricProviderContract, NotifierContract, RouterContract, Stage
from deliver.traffic.service_selector import ServiceSelector
from deliver_sandbox.live import live
from tests.traffic.mesh import Mesh

FREE = 1  # a port of this machine that nobody listens on
REACH = Reach(lambda name: Access("", dict), lambda *pod: Access("", dict))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/silent":
            self.server.gate.wait(10)  # type: ignore[attr-defined]  # the fixture's
            return
        self.send_response(200 if self.path == "/healthz" else 500)
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.gate = threading.Event()  # type: ignore[attr-defined]  # ends the one that is silent
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server_port
    server.gate.set()  # type: ignore[attr-defined]  # as above
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def prometheus() -> Iterator[str]:
    with live(speed=10) as (_, door):
        yield f"{door.url}/api/v1/namespaces/monitoring/services/prometheus:9090/proxy"


class TestServiceSelector(RouterContract):
    plugin = ServiceSelector


class TestByWeight(RouterContract):
    """A router that splits requests by weight, made up for the tests of weights."""

    plugin = Mesh


class OnThisMachine(CheckContract):
    pod: ClassVar[PodSeen] = PodSeen("web-1", "u1", ip="127.0.0.1", ready=True)

    @pytest.fixture(autouse=True)
    def _port(self, port: int) -> None:
        self.port = port


class TestHttp(OnThisMachine):
    plugin = HttpCheck

    def _check(self, path: str) -> tuple[Any, PodSeen]:
        return HttpCheck(HttpOptions(path=path, port=self.port, via="direct"), REACH), self.pod

    def well(self) -> tuple[Any, PodSeen]:
        return self._check("/healthz")

    def ill(self) -> tuple[Any, PodSeen]:
        return self._check("/broken")

    def silent(self) -> tuple[Any, PodSeen]:
        return self._check("/silent")


class TestTcp(OnThisMachine):
    plugin = TcpCheck

    def well(self) -> tuple[Any, PodSeen]:
        return TcpCheck(TcpOptions(port=self.port), REACH), self.pod

    def ill(self) -> tuple[Any, PodSeen]:
        return TcpCheck(TcpOptions(port=FREE), REACH), self.pod


class TestPrometheus(MetricProviderContract):
    plugin = PrometheusProvider
    selector = 'http_requests_total{namespace="shop"}'
    query = "sum(http_requests_total)"
    wrong = "sum("

    @pytest.fixture(autouse=True)
    def _url(self, prometheus: str) -> None:
        self.url = prometheus

    def alive(self) -> Any:
        return PrometheusProvider(PrometheusOptions(url=self.url), REACH)

    def dead(self) -> Any:
        return PrometheusProvider(PrometheusOptions(url=f"http://127.0.0.1:{FREE}"), REACH)


class TestWebhook(NotifierContract):
    plugin = Webhook
    options: ClassVar[Mapping[str, Any]] = {"url_env": "HOOK", "token_env": "HOOK_TOKEN"}
    secrets = ("very-secret", "t0ken")

    @pytest.fixture(autouse=True)
    def _port(self, port: int) -> None:
        self.port = port

    def alive(self) -> Mapping[str, str]:
        return {"HOOK": f"http://127.0.0.1:{self.port}/very-secret", "HOOK_TOKEN": "t0ken"}

    def dead(self) -> Mapping[str, str]:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            free = sock.getsockname()[1]
        return {"HOOK": f"http://127.0.0.1:{free}/very-secret", "HOOK_TOKEN": "t0ken"}


@pytest.mark.parametrize("step", [1, 2])
def test_the_stage_of_authors_lets_a_release_be_held_in_the_step_that_they_name(step: int):
    stage = Stage.make()
    release = stage.held(stage.spec("canary", {"weight": [10, 50], "bake": "30s"}), step)
    assert (release.step, release.outcome) == (step - 1, "HELD")
