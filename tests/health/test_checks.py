"""Health checks against real sockets: what is the pod's fault, and what could not be found out."""

import contextlib
import errno
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import h2.config
import h2.connection
import h2.events
import pytest
from pydantic import ValidationError

from deliver.cluster.port import Access
from deliver.health import grpc
from deliver.health.grpc import GrpcCheck, GrpcOptions
from deliver.health.http import HttpCheck, HttpOptions
from deliver.health.tcp import TcpCheck, TcpOptions
from deliver.http.client import Reply
from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import Reach

POD = PodSeen("web-1", "u", ip="127.0.0.1", ready=True)
NO_REACH = Reach(lambda name: Access("", dict), lambda *pod: Access("", dict))


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append((self.path, dict(self.headers)))
            status, body, headers = server.answers.get(self.path, (404, b"", {}))
            with contextlib.suppress(OSError):
                if status is None:
                    server.gate.wait(60)
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.asked, server.answers, server.gate = [], {}, threading.Event()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.gate.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def status(code, message):
    return code, f'{{"kind":"Status","apiVersion":"v1","message":"{message}"}}'.encode(), {}


ANSWERS = {
    "/ok": (200, b"all well", {}),
    "/moved": (302, b"", {"Location": "/ok"}),
    "/sick": (503, b"db is away\x1b[31m", {}),
    "/hang": (None, b"", {}),
}


@pytest.mark.parametrize(
    ("options", "ok", "says"),
    [
        ({"path": "/ok"}, True, "answered 200"),
        ({"path": "/ok", "contains": "well"}, True, "answered 200"),
        ({"path": "/ok", "contains": "ill"}, False, "without `ill`"),
        ({"path": "/sick"}, False, "answered 503: db is away"),
        ({"path": "/sick", "status": (503,)}, True, "503"),
        ({"path": "/ok", "status": (204,)}, False, "answered 200"),
        ({"path": "/moved"}, False, "answered 302"),
        ({"path": "/none"}, False, "answered 404"),
        ({"path": "/hang"}, False, "connected, but no answer within 0.2 s"),
    ],
)
def test_http_straight_to_the_pod(server, options, ok, says):
    server.answers = ANSWERS
    check = HttpCheck(HttpOptions(port=server.server_port, via="direct", **options), NO_REACH)
    probe = check.probe("shop", POD, 0.2 if options["path"] == "/hang" else 30.0)
    assert probe.ok is ok
    assert says in probe.message
    assert "\x1b" not in probe.message
    assert len(server.asked) == 1


def test_http_refused_is_the_pods_fault_and_no_address_is_nobodys(closed_port):
    check = HttpCheck(HttpOptions(port=closed_port, via="direct"), NO_REACH)
    assert check.probe("shop", POD, 30.0).ok is False
    assert check.probe("shop", PodSeen("web-1", "u"), 1.0).ok is None


@pytest.mark.parametrize(
    ("answer", "ok"),
    [
        ((200, b"fine", {}), True),
        ((503, b'{"status":"sick"}', {}), False),
        (status(503, "error trying to reach service: dial tcp 10.0.0.1:80: connect: connection refused"), False),
        (status(503, "error trying to reach service: EOF"), False),
        (status(503, "error trying to reach service: dial tcp 10.0.0.1:80: i/o timeout"), None),
        (status(403, "pods web-1:80 is forbidden: cannot get resource pods/proxy"), None),
        (status(404, "pods web-1 not found"), None),
    ],
)
def test_http_through_the_proxy_tells_the_pods_answers_from_the_api_servers(server, answer, ok):
    server.answers = {"/api/proxy/healthz": answer}
    reach = Reach(
        lambda name: Access("", dict),
        lambda ns, pod, port, scheme: Access(f"http://127.0.0.1:{server.server_port}/api/proxy", lambda: {"Authorization": "Bearer t"}),
    )
    assert HttpCheck(HttpOptions(port=80, path="/healthz"), reach).probe("shop", POD, 30.0).ok is ok
    assert server.asked[0][1]["Authorization"] == "Bearer t"


def test_an_api_server_that_is_away_says_nothing_of_the_pod(closed_port):
    reach = Reach(lambda name: Access("", dict), lambda *pod: Access(f"http://127.0.0.1:{closed_port}", dict))
    assert HttpCheck(HttpOptions(port=80), reach).probe("shop", POD, 30.0).ok is None


def test_a_header_that_cannot_be_sent_says_nothing_of_the_pod(server):
    check = HttpCheck(HttpOptions(port=server.server_port, via="direct", path="/ok", headers={"x-team": "équipe"}), NO_REACH)
    assert check.probe("shop", POD, 30.0).ok is None
    assert not server.asked


def test_a_body_that_is_not_coded_as_its_header_says_is_an_answer_all_the_same(server):
    server.answers = {"/coded": (200, b"well", {"content-encoding": "gzip"})}
    check = HttpCheck(HttpOptions(port=server.server_port, via="direct", path="/coded", contains="well"), NO_REACH)
    probe = check.probe("shop", POD, 30.0)
    assert (probe.ok, probe.message) == (True, "answered 200")


@pytest.mark.parametrize(
    "options",
    [{"port": 0}, {"port": 70000}, {"port": 80, "path": "x"}, {"port": 80, "headers": {"Authorization": "x"}},
     {"port": 80, "headers": {"a\nb": "x"}}, {"port": 80, "status": (99,)}, {"port": 80, "via": "magic"}, {"port": 80, "pathh": "/"}],
)  # fmt: skip
def test_options_that_make_no_sense(options):
    with pytest.raises(ValidationError):
        HttpOptions(**options)


@pytest.mark.parametrize(
    ("error", "ok"),
    [
        (None, True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), False),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset"), False),
        (TimeoutError("timed out"), None),
        (OSError(errno.EHOSTUNREACH, "No route to host"), None),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), None),
    ],
)
def test_tcp(error, ok):
    def connect(address, timeout):
        assert address == ("127.0.0.1", 5432)
        if error:
            raise error
        return socket.socket()

    assert TcpCheck(TcpOptions(port=5432), NO_REACH, connect).probe("shop", POD, 30.0).ok is ok


def grpc_server(answer):
    """One HTTP/2 connection with one call; answer: headers and a body, None for no body."""
    listener = socket.create_server(("127.0.0.1", 0))
    asked = []

    def serve():
        sock, _ = listener.accept()
        with sock, listener:
            conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
            conn.initiate_connection()
            sock.sendall(conn.data_to_send())
            while data := sock.recv(65536):
                for event in conn.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        asked.append(dict(event.headers))
                    if isinstance(event, h2.events.DataReceived):
                        asked.append(event.data)
                    if isinstance(event, h2.events.StreamEnded):
                        headers, body = answer
                        conn.send_headers(
                            event.stream_id, [(":status", "200"), ("content-type", "application/grpc"), *headers], body is None
                        )
                        if body is not None:
                            conn.send_data(event.stream_id, body)
                            conn.send_headers(event.stream_id, [("grpc-status", "0")], end_stream=True)
                sock.sendall(conn.data_to_send())

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1], asked


@pytest.mark.parametrize(
    ("answer", "ok", "says"),
    [
        (([], b"\0\0\0\0\2\x08\x01"), True, "SERVING"),
        (([], b"\0\0\0\0\2\x08\x02"), False, "NOT_SERVING"),
        (([], b"\0\0\0\0\0"), False, "UNKNOWN"),
        (([("grpc-status", "5")], None), None, "does not know"),
        (([("grpc-status", "12")], None), None, "no grpc.health.v1"),
        (([("grpc-status", "14"), ("grpc-message", "going%20down")], None), False, "14: going down"),
    ],
)
def test_grpc_over_real_http2(answer, ok, says):
    port, asked = grpc_server(answer)
    probe = GrpcCheck(GrpcOptions(port=port, service="shop.Web"), NO_REACH).probe("shop", POD, 5.0)
    assert (probe.ok, says in probe.message) == (ok, True)
    headers = {bytes(key): bytes(value) for key, value in asked[0].items()}
    assert headers[b":path"] == b"/grpc.health.v1.Health/Check"
    assert headers[b"te"] == b"trailers"
    assert asked[1] == b"\0\0\0\0\x0a\x0a\x08shop.Web"


def test_grpc_on_a_port_where_nobody_listens(closed_port):
    assert GrpcCheck(GrpcOptions(port=closed_port), NO_REACH).probe("shop", POD, 30.0).ok is False


@pytest.mark.parametrize("body", [b"", b"\1\0\0\0\0", b"\0\0\0\0\5\x08", b"\0\0\0\0\1\x08", b"\0\0\0\0\2\x0d\x01"])
def test_grpc_broken_messages_are_no_health_answer(body):
    ok, message = grpc.judge_reply(Reply(200, {}, body))
    assert ok is False
    assert "no health answer" in message
