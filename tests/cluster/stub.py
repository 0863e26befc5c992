"""A scripted API server on a local port."""

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: Any

    @property
    def watch(self) -> bool:
        return "watch=true" in self.path


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    stub: "Stub"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        request = Request(self.command, self.path, {key.lower(): value for key, value in self.headers.items()}, body)
        answer = self.stub.next_answer(request)
        answer(self)

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        pass


Answer = Callable[[Handler], None]


@dataclass
class Stub:
    """answers: to plain requests, in order; the last one stays. watches: to watches; after them a watch stays open and silent."""

    answers: deque[Answer] = field(default_factory=deque)
    watches: deque[Answer] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    closing: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def next_answer(self, request: Request) -> Answer:
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
            if request.watch:
                return self.watches.popleft() if self.watches else stream(end="hold")
            return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]

    def script(self, *answers: Answer) -> None:
        self.answers = deque(answers)

    def seen(self, *, watch: bool | None = None) -> list[Request]:
        return [one for one in self.requests if watch is None or one.watch is watch]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, timeout=5), [one.path for one in self.requests]


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    def send(handler: Handler) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(raw)))
        for key, value in headers.items():
            handler.send_header(key.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(raw)

    return send


def ok(body: Any = None) -> Answer:
    return answer(200, body if body is not None else obj("web", 7))


def status(code: int, message: str = "no", after: int = 0, **headers: str) -> Answer:
    details = {"details": {"retryAfterSeconds": after}} if after else {}
    return answer(code, {"kind": "Status", "message": message, "code": code, **details}, **headers)


def cut(handler: Handler) -> None:
    """The request was received (and perhaps carried out), the answer never comes."""
    handler.close_connection = True


def hang(handler: Handler) -> None:
    handler.stub.closing.wait(10)
    handler.close_connection = True


def cut_body(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"metadata": {"na')
    handler.close_connection = True


def listing(version: int, *names_and_versions: tuple[str, int]) -> Answer:
    return ok({"metadata": {"resourceVersion": str(version)}, "items": [obj(name, at) for name, at in names_and_versions]})


# what a pod, a Service, a Deployment and a Lease must have, each its own part of it
CONTAINERS = [{"name": "web"}]
SPEC = {"containers": CONTAINERS, "selector": {}, "template": {"metadata": {}, "spec": {"containers": CONTAINERS}}}


def obj(name: str, version: int, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version), "labels": labels}, "spec": SPEC}


def event(kind: str, body: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


def stream(*lines: bytes, end: str = "clean") -> Answer:
    """A watch's answer. end: clean, cut (within the chunked body), hold (open and silent until the test is over)."""

    def send(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for line in lines:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        handler.wfile.flush()
        if end == "clean":
            handler.wfile.write(b"0\r\n\r\n")
        else:
            if end == "hold":
                handler.stub.closing.wait(10)
            handler.close_connection = True

    return send
