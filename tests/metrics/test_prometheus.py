"""The provider against a real HTTP server: what is sent, what is never followed, and that every call ends."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from deliver.cluster.port import Access
from deliver.metrics.prometheus import PrometheusOptions, PrometheusProvider
from deliver.metrics.transport import GuardedSession, Transport
from deliver.model.errors import InputError
from deliver.plugins.interfaces import MetricsError, Reach

GOOD = json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [7, "7"]}}).encode()


class World:
    """What the server does with a request, and what it was asked."""

    def __init__(self):
        self.asked, self.headers = [], []
        self.reply = lambda handler: send(handler, 200, GOOD)
        self.gate = threading.Event()


def send(handler, status, body, length=None, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def world():
    world = World()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            world.asked.append(parse_qs(urlsplit(self.path).query) | {"path": urlsplit(self.path).path})
            world.headers.append(dict(self.headers))
            with contextlib.suppress(OSError):
                world.reply(self)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    world.url = f"http://127.0.0.1:{server.server_port}"
    yield world
    world.gate.set()
    server.shutdown()
    server.server_close()


def reach(url="", environ=(), token="api"):
    return Reach(
        lambda name: Access(f"{url}/proxy/{name.partition(':')[0]}", lambda: {"Authorization": f"Bearer {token}"}),
        lambda *pod: Access("", dict),
        dict(environ),
    )


def provider(world, environ=(), **options):
    return PrometheusProvider(PrometheusOptions(**(options or {"url": world.url})), reach(world.url, environ))


def test_raw_asks_for_a_range_with_the_time_limit_in_whole_milliseconds(world):
    provider(world).raw('up{pod=~"a|b"}', 75.4, 10.0)
    assert world.asked[0]["query"] == ['up{pod=~"a|b"}[75s]']
    assert world.asked[0]["timeout"] == ["10000ms"]
    assert world.asked[0]["path"] == "/api/v1/query"


def test_as_of_an_earlier_time_everything_is_asked_as_of_then(world):
    now = provider(world)
    now.as_of(1700000000.25).raw("up", 60.0, 10.0)
    now.raw("up", 60.0, 10.0)
    assert world.asked[0]["time"] == ["1700000000.250"] and "time" not in world.asked[1]


def test_the_providers_clock(world):
    assert provider(world).now(5.0) == 7.0


def test_a_service_is_reached_through_the_proxy_with_its_own_credentials(world):
    provider(world, {"T": "acme"}, service="monitoring/prometheus:9090", headers_env={"X-Scope-OrgID": "T"}).now(5.0)
    assert world.asked[0]["path"] == "/proxy/monitoring/prometheus/api/v1/query"
    assert world.headers[0]["Authorization"] == "Bearer api"
    assert world.headers[0]["X-Scope-OrgID"] == "acme"


def test_mimir_is_asked_under_its_prefix_for_its_tenant(world):
    provider(world, service="monitoring/mimir-gateway:80", path="/prometheus", headers={"X-Scope-OrgID": "shop"}).now(5.0)
    assert world.asked[0]["path"] == "/proxy/monitoring/mimir-gateway/prometheus/api/v1/query"
    assert world.headers[0]["X-Scope-OrgID"] == "shop"


def test_labels_that_every_series_must_have_are_asked_for(world):
    provider(world, url=world.url, labels={"cluster": "eu-1"}).raw('up{pod=~"a|b"}', 60.0, 5.0)
    assert world.asked[0]["query"] == ['up{pod=~"a|b",cluster="eu-1"}[60s]']


def test_the_warnings_of_a_partial_answer_come_along(world):
    """Thanos with a store that does not answer; who judges takes it for BLIND."""
    body = {"status": "success", "data": {"resultType": "matrix", "result": []}, "warnings": ["No StoreAPIs matched for this query"]}
    world.reply = lambda handler: send(handler, 200, json.dumps(body).encode())
    assert provider(world).raw("up", 60.0, 5.0).warnings == ("No StoreAPIs matched for this query",)


def test_a_store_that_wants_a_tenant_says_so(world):
    world.reply = lambda handler: send(handler, 401, b"no org id")
    with pytest.raises(MetricsError, match="401: no org id"):
        provider(world).value("up", 5.0)


def test_a_token_file_is_read_anew_for_each_query(world, tmp_path):
    path = tmp_path / "token"
    path.write_text("one\n")
    prometheus = provider(world, url=world.url, bearer_token_file=str(path))
    prometheus.now(5.0)
    path.write_text("two\n")
    prometheus.now(5.0)
    assert [headers["Authorization"] for headers in world.headers] == ["Bearer one", "Bearer two"]
    path.unlink()
    with pytest.raises(MetricsError, match="no credentials"):
        prometheus.now(5.0)


def test_basic_authentication_from_the_environment(world):
    provider(world, {"U": "me", "P": "secret"}, url=world.url, username_env="U", password_env="P").now(5.0)
    assert world.headers[0]["Authorization"] == "Basic bWU6c2VjcmV0"


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (lambda h: send(h, 302, b"", Location="http://127.0.0.1:1/login"), "redirect"),
        (lambda h: send(h, 503, b"<html>"), "503"),
        (lambda h: send(h, 200, GOOD[:-5], length=len(GOOD)), "cannot be reached"),
        (lambda h: send(h, 200, b"<html>login"), "did not answer as a Prometheus"),
        (lambda h: send(h, 200, b"x" * 5000), "larger than"),
    ],
)
def test_bad_answers_are_errors_and_no_redirect_is_followed(world, reply, says):
    world.reply = reply
    session = GuardedSession(largest=4096)
    prometheus = PrometheusProvider(PrometheusOptions(url=world.url), reach(), Transport(world.url, dict, session=session))
    with pytest.raises(MetricsError, match=says) as caught:
        prometheus.value("up", 5.0)
    assert "/login" not in str(caught.value)


def test_503_is_asked_once_there_are_no_hidden_retries(world):
    world.reply = lambda handler: send(handler, 503, b"")
    with pytest.raises(MetricsError):
        provider(world).value("up", 5.0)
    assert len(world.asked) == 1


def test_a_silent_server_is_given_up_in_time(world):
    world.reply = lambda handler: world.gate.wait(60)
    began = time.monotonic()
    with pytest.raises(MetricsError, match=r"no answer within 0\.2 s"):
        provider(world).value("up", 0.2)
    assert time.monotonic() - began < 30
    assert len(world.asked) == 1


def test_nobody_there():
    with pytest.raises(MetricsError, match="connection refused"):
        PrometheusProvider(PrometheusOptions(url="http://127.0.0.1:9"), reach()).value("up", 2.0)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"url": "http://x", "service": "a/b:1"},
        {"service": "prometheus:9090"},
        {"service": "a/b:1/../../secrets"},
        {"url": "ftp://x"},
        {"url": "http://user:pass@x"},
        {"url": "http://x?token=1"},
        {"url": "http://x", "bearer_token_env": "A", "username_env": "B", "password_env": "C"},
        {"url": "http://x", "username_env": "B"},
        {"url": "http://x", "password_env": "B"},
        {"service": "a/b:1", "bearer_token_env": "A"},
        {"url": "http://x", "headers_env": {"Authorization": "A"}},
        {"url": "http://x", "pod_label": "a-b"},
        {"url": "http://x", "path": "/prometheus"},
        {"service": "a/b:1", "path": "/../../secrets"},
        {"service": "a/b:1", "path": "prometheus"},
        {"url": "http://x", "headers": {"Authorization": "Bearer x"}},
        {"url": "http://x", "headers": {"X-Api-Key": "x"}},
        {"url": "http://x", "headers": {"X-Scope-OrgID": "a\nb"}},
        {"url": "http://x", "headers": {"X Scope": "a"}},
        {"url": "http://x", "headers": {"X-Scope-OrgID": "a"}, "headers_env": {"x-scope-orgid": "T"}},
        {"url": "http://x", "labels": {"a-b": "c"}},
        {"url": "http://x", "replica_labels": ["a-b"]},
        {"url": "http://x", "token": "secret"},
    ],
)
def test_options_that_make_no_sense(options):
    with pytest.raises(ValidationError):
        PrometheusOptions(**options)


@pytest.mark.parametrize("options", [{"bearer_token_env": "NOT"}, {"bearer_token_file": "/nope"}, {"ca_file": "/nope"}])
def test_a_missing_credential_is_said_before_anything_starts(options):
    with pytest.raises(InputError):
        PrometheusProvider(PrometheusOptions(url="http://x", **options), reach())
