"""An application whose answer depends on who asks: what the lab's flag releases move. Its flag system is somebody else's concern.

    GET /?user=ID  200 {"user", "variant", "version", "pod"} and X-Variant; without a user one of USERS (2000) takes its turn
    GET /healthz   200 once the flag system has been heard
    GET /metrics   http_requests_total{code,variant}, http_request_duration_seconds{variant} (histogram), flag_version{flag}
    POST /chaos    ?variant=on&errors=PERCENT&latency=SECONDS changes how this pod serves a variant; as ERRORS="on=20" from the start
"""

import itertools
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import prometheus_client as prometheus

POD = os.environ.get("HOSTNAME", "")
FLAG = os.environ.get("FLAG", "new-checkout")
USERS = int(os.environ.get("USERS", "2000"))
VARIANTS = ("on", "off")

prometheus.disable_created_metrics()
REQUESTS = prometheus.Counter("http_requests", "Answers given", ["code", "variant"])
SECONDS = prometheus.Histogram("http_request_duration_seconds", "Time to the answer", ["variant"])
VERSION = prometheus.Gauge("flag_version", "Metadata `version` of the last evaluation", ["flag"])
for _variant in VARIANTS:  # a series that begins at its first error has no rate
    SECONDS.labels(_variant)
    for _code in ("200", "500"):
        REQUESTS.labels(_code, _variant)


@dataclass(frozen=True)
class Answer:
    """What the flag system says of one user. value None: it leaves that to the caller."""

    variant: str
    value: object
    reason: str = "TARGETING_MATCH"
    metadata: dict[str, object] | None = None


class NoFlag(Exception):
    """The flag system does not know it."""


Evaluate = Callable[[str, str, dict], Answer]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer
    disable_nagle_algorithm = True

    def answer(self, code: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def json(self, code: int, data: object, **headers: str) -> None:
        self.answer(code, json.dumps(data).encode() + b"\n", **headers)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []  # kubectl create --raw sends it so
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(parts)

    def log_message(self, *_: object) -> None:
        """Thousands of requests a minute are nothing for the pod's log."""


def shares(text: str) -> dict[str, float]:
    """"on=20,off=1" by variant."""
    return {name: float(number) for name, _, number in (part.partition("=") for part in text.split(",") if part)}


def application(evaluate: Evaluate, ready: Callable[[], bool]) -> type[Handler]:
    errors, latency = shares(os.environ.get("ERRORS", "")), shares(os.environ.get("LATENCY", ""))
    turn = itertools.count()

    class Application(Handler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/healthz":
                self.answer(200 if ready() else 503, b"ok\n" if ready() else b"no flags yet\n", "text/plain")
            elif url.path == "/metrics":
                self.answer(200, prometheus.generate_latest(), prometheus.CONTENT_TYPE_LATEST)
            elif url.path == "/":
                user = parse_qs(url.query).get("user") or [f"user-{next(turn) % USERS}"]
                self.serve(user[0])
            else:
                self.json(404, {"error": "no such page"})

        def serve(self, user: str) -> None:
            begin = time.monotonic()
            try:
                got = evaluate(FLAG, user, {})
            except NoFlag:
                got = Answer("off", False, "ERROR")
            variant = got.variant or ("on" if got.value else "off")
            time.sleep(latency.get(variant, 0))
            code = 500 if random.random() * 100 < errors.get(variant, 0) else 200
            version = str((got.metadata or {}).get("version", ""))
            REQUESTS.labels(str(code), variant).inc()
            SECONDS.labels(variant).observe(time.monotonic() - begin)
            if version.isdecimal():
                VERSION.labels(FLAG).set(int(version))
            self.json(code, {"user": user, "variant": variant, "version": version, "pod": POD}, X_Variant=variant, X_Version=variant)

        def do_POST(self) -> None:
            url = urlsplit(self.path)
            self.body()
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            if url.path != "/chaos" or "variant" not in query:
                self.json(404, {"error": "POST /chaos?variant=on&errors=20&latency=0.4"})
                return
            for name, table in (("errors", errors), ("latency", latency)):
                if name in query:
                    table[query["variant"]] = float(query[name])
            self.json(200, {"errors": errors, "latency": latency})

    return Application


def run(handler: type[Handler], port: int) -> Server:
    server = Server(("", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def until_told() -> None:
    """Wait for the end, and let the endpoints converge before connections are refused."""
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    signal.signal(signal.SIGINT, lambda *_: told.set())
    told.wait()
    time.sleep(2)
