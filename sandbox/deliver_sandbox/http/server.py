"""The HTTP server: one thread a connection, keep-alive, chunked streams."""

import contextlib
import json
import select
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from deliver_sandbox.errors import ApiError
from deliver_sandbox.http.paths import Request, locate, query
from deliver_sandbox.http.routes import Response, Routes, as_json
from deliver_sandbox.http.watch import WatchStream

if TYPE_CHECKING:
    from deliver_sandbox.world import World

_LARGEST = 3 * 1024 * 1024
"""Bytes of a request body, as the API server's own limit."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"
    timeout = 300.0
    wbufsize = 65536
    disable_nagle_algorithm = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        """For the Date header: the sandbox's own time, by which whoever asks tells whether their clocks agree."""
        return super().date_time_string(self.server.routes.world.clock.now() if timestamp is None else timestamp)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the call log is the record."""

    def _handle(self) -> None:
        request = self._request()
        if isinstance(request, Response):
            self._send(request)
        elif request.method == "GET" and request.kind and request.flag("watch"):
            self._watch(request)
        else:
            self._send(self.server.routes.answer(request))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # noqa: N815  names that http.server calls

    def _request(self) -> Request | Response:
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        if size > _LARGEST:
            self.close_connection = True
            return as_json(413, ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {_LARGEST}").status())
        body = self.rfile.read(size) if size else b""
        headers = {key.lower(): value for key, value in self.headers.items()}
        found = locate(parts.path) or {}
        return Request(self.command, parts.path, query(parts.query), headers, body, raw_query=parts.query, **found)  # type: ignore[arg-type]  # fields of Request

    def _send(self, response: Response) -> None:
        self.send_response(response.code)
        self.send_header("Content-Type", response.type)
        self.send_header("Content-Length", str(len(response.body)))
        for key, value in response.headers:
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(response.body)
        self.wfile.flush()

    def _watch(self, request: Request) -> None:
        try:
            self.server.routes.permit(request)
            stream = WatchStream(self.server.routes.api, request)
        except ApiError as error:
            self._send(as_json(error.code, error.status()))
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        try:
            for line in stream.lines():
                if self.server.closing:
                    break
                if line:
                    self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                    self.wfile.flush()
                elif self._gone():
                    break
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def _gone(self) -> bool:
        """The client has closed its end. A watch on which nothing happens would not notice otherwise."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], world: "World") -> None:
        super().__init__(address, _Handler)
        self.routes = Routes(world)
        self.closing = False
        self._open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        if isinstance(request, socket.socket):
            self._open.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        """Every connection, as when the process dies."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away in the middle is no error of the server."""


class Door:
    """The world's API at http://127.0.0.1:port. Use it as a context manager, or call close()."""

    def __init__(self, world: "World", port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), world)
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="sandbox-http", daemon=True)
        self._thread.start()

    def kubeconfig(self, namespace: str = "shop") -> str:
        """A kubeconfig that leads here (JSON, which is YAML)."""
        context = {"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox", "namespace": namespace}}
        parts = {
            "clusters": [{"name": "sandbox", "cluster": {"server": self.url}}],
            "contexts": [context],
            "users": [{"name": "sandbox", "user": {"token": "sandbox"}}],
        }
        return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "sandbox", **parts}, indent=1)

    def close(self) -> None:
        self._server.closing = True
        self._server.shutdown()
        self._server.server_close()
        self._server.cut()
        self._thread.join(timeout=2.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
