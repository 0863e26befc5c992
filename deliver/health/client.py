"""One HTTP request to a pod, directly or through the API server's proxy.

A request that got no answer is told apart by whose fault that is: the pod's (it refused, or broke off), or nobody knows (no route,
no permission, the API server is away). The first is a failed probe, the second one that could not be judged.
"""

import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import httpx

from deliver.cluster.port import Access

LARGEST = 64 * 1024
CONNECT_TIMEOUT = 3.0
_REFUSED = ("connection refused", "connection reset", "eof", "malformed http", "tls: ")


class PodFailed(Exception):
    """The pod itself refused, broke off or did not speak the protocol."""


class NotReached(Exception):
    """Whether the pod is well could not be found out."""


@dataclass(frozen=True)
class Request:
    """path: with its query. http2: speak HTTP/2 from the first byte, as gRPC does (no upgrade, no negotiation without TLS)."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    http2: bool = False


@dataclass(frozen=True)
class Reply:
    """body: its first LARGEST bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def send(access: Access, request: Request, timeout: float, *, proxied: bool, clock: Callable[[], float] = time.monotonic) -> Reply:
    """Raises PodFailed or NotReached. Follows no redirect; ends within `timeout` seconds and the read of one last piece."""
    with Session(access, timeout, proxied=proxied, http2=request.http2, clock=clock) as session:
        return session.send(request)


class Session:
    """A context for several requests, from any thread, over connections that stay open as the other end allows."""

    def __init__(
        self, access: Access, timeout: float, *, proxied: bool, http2: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._access, self._timeout, self._proxied, self._clock = access, timeout, proxied, clock
        self._client = _client(access, timeout, http2=http2, proxied=proxied)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, request: Request) -> Reply:
        """As the function of that name."""
        access, timeout, until = self._access, self._timeout, self._clock() + self._timeout
        try:
            headers = {"accept-encoding": "identity", **(request.headers or {}), **access.headers()}
            with self._client.stream(request.method, access.url + request.path, headers=headers, content=request.body or None) as response:
                body = bytearray()
                for chunk in response.iter_raw(16 * 1024):
                    body += chunk
                    if len(body) >= LARGEST:
                        break
                    if self._clock() > until:
                        raise PodFailed(f"the answer did not end within {timeout:g} s")
                reply = Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, bytes(body[:LARGEST]))
        except httpx.HTTPError as error:
            raise _judged(error, timeout, proxied=self._proxied) from error
        if self._proxied:
            _own_answer(reply)
        return reply


def _client(access: Access, timeout: float, *, http2: bool, proxied: bool) -> httpx.Client:
    """A pod's certificate names no address that we know, so it is not checked on the direct way (nor by the kubelet, nor by the proxy)."""
    limits = httpx.Timeout(timeout, connect=min(CONNECT_TIMEOUT, timeout))
    verify = _context(access.verify, access.cert) if proxied else _unchecked()
    return httpx.Client(http2=http2, http1=not http2, timeout=limits, verify=verify, follow_redirects=False, trust_env=proxied)


@lru_cache(maxsize=8)
def _context(verify: str | bool, cert: tuple[str, str] | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None) if verify else _unchecked()
    if cert:
        context.load_cert_chain(*cert)
    return context


def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _judged(error: httpx.HTTPError, timeout: float, *, proxied: bool) -> PodFailed | NotReached:
    text = clean(str(error)).lower()
    if proxied:
        what = f"did not answer within {timeout:g} s" if isinstance(error, httpx.TimeoutException) else f"cannot be reached: {text}"
        return NotReached(f"the API server's proxy {what}")
    if isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout)):
        return NotReached(f"no connection within {min(CONNECT_TIMEOUT, timeout):g} s; is there a route to the pod network from here?")
    if isinstance(error, httpx.TimeoutException):
        return PodFailed(f"connected, but no answer within {timeout:g} s")
    if isinstance(error, httpx.ConnectError) and "refused" not in text and "ssl" not in text:
        return NotReached(f"no connection: {text}")
    return PodFailed(text or type(error).__name__)


def _own_answer(reply: Reply) -> None:
    """Answers of the API server itself are Status objects; everything else came from the pod."""
    if reply.status < 400 or b'"Status"' not in reply.body:
        return
    try:
        data = json.loads(reply.body)
    except (ValueError, RecursionError):
        return
    if not isinstance(data, dict) or data.get("kind") != "Status" or data.get("apiVersion") != "v1":
        return
    message = clean(str(data.get("message", "")))
    if any(sign in message.lower() for sign in _REFUSED):
        raise PodFailed(f"the API server says: {message}")
    raise NotReached(f"the API server says: {message or reply.status}")


def clean(text: str, limit: int = 200) -> str:
    """One line without control characters."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."
