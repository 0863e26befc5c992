"""The standard gRPC health protocol, as one hand-encoded unary call: HTTP/2 is httpx's, the messages are a few bytes.

https://grpc.io/docs/guides/health-checking/; framing: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.
"""

import time
from typing import ClassVar
from urllib.parse import unquote

from pydantic import BaseModel, Field

from deliver.formatting.sanitize import one_line
from deliver.health.client import NO_ADDRESS, Answer, Request, direct, judged, send
from deliver.health.options import CheckOptions
from deliver.http.client import Reply
from deliver.model.observation import PodSeen
from deliver.plugins.interfaces import Probe, Reach

METHOD = "/grpc.health.v1.Health/Check"
HEADERS = {"content-type": "application/grpc", "te": "trailers", "user-agent": "deliver"}
STATES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
# NOT_FOUND: no such service name; UNIMPLEMENTED: no health service at all. The check is set up wrongly: that says nothing of the pod.
MISTAKES = {"5": "the server does not know the service", "12": "the server has no grpc.health.v1 service"}


class GrpcOptions(CheckOptions):
    """A call straight to the pod's address. The API server's proxy does not carry gRPC, so from a machine without a route to the pod
    network this check can only be blind.
    """

    port: int = Field(
        ge=1, le=65535, description="the pod's port; needs a route to the pod network, because the API server's proxy cannot carry gRPC"
    )
    service: str = Field("", max_length=200, description="name to ask for; empty asks for the server as a whole")
    tls: bool = Field(False, description="speak TLS; the pod's certificate is not checked")


class GrpcCheck:
    name: ClassVar[str] = "grpc"
    summary: ClassVar[str] = "ask each candidate pod's gRPC health service (needs a route to the pod network)"
    Options: ClassVar[type[BaseModel]] = GrpcOptions

    def __init__(self, options: GrpcOptions, reach: Reach) -> None:
        self._options = options
        self.failures = options.failures

    def probe(self, namespace: str, pod: PodSeen, timeout: float) -> Probe:
        began = time.monotonic()
        query = f"grpc {pod.name}:{self._options.port}{METHOD} {self._options.service}".rstrip()
        ok, message = self._ask(pod, timeout)
        return Probe(ok, message, query, time.monotonic() - began)

    try_once = probe

    def _ask(self, pod: PodSeen, timeout: float) -> Answer:
        if not pod.ip:
            return None, NO_ADDRESS
        access = direct(pod, self._options.port, "https" if self._options.tls else "http")
        request = Request(METHOD, "POST", HEADERS, encode(self._options.service), http2=True)
        return judged(lambda: judge_reply(send(access, request, timeout, proxied=False)))


def encode(service: str) -> bytes:
    """HealthCheckRequest {string service = 1} in one uncompressed frame: a flag byte, four of length, the message."""
    name = service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    return b"\x00" + len(message).to_bytes(4, "big") + message


def judge_reply(reply: Reply) -> Answer:
    """A call that fails at once carries grpc-status in its headers; one that answers, a message (its trailers say no more)."""
    if reply.status != 200:
        return False, f"answered HTTP {reply.status}, which no gRPC server does"
    code = reply.headers.get("grpc-status", "0")
    if code in MISTAKES:
        return None, MISTAKES[code]
    if code != "0":
        return False, f"grpc-status {one_line(code, 10)}: {one_line(unquote(reply.headers.get('grpc-message', '')))}".rstrip(": ")
    try:
        state = decode(reply.body)
    except ValueError as error:
        return False, f"no health answer: {error}"
    return state == 1, STATES.get(state, f"status {state}")


def decode(body: bytes) -> int:
    """HealthCheckResponse {ServingStatus status = 1}: its value; 0 when absent. Raises ValueError."""
    if len(body) < 5 or body[0] != 0:
        raise ValueError("not one uncompressed message")
    message, at, state = body[5 : 5 + int.from_bytes(body[1:5], "big")], 0, 0
    if len(message) != int.from_bytes(body[1:5], "big"):
        raise ValueError("the message is cut off")
    while at < len(message):
        key, at = _read_varint(message, at)
        value, at = _read_varint(message, at)
        if key & 7 == 2:  # a field of a later version, with a length: skip it
            at += value
        elif key & 7 != 0:
            raise ValueError("not a HealthCheckResponse")
        elif key == 8:
            state = value
    return state


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    raise ValueError("the message is cut off")
