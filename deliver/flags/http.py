"""HTTP to flag servers and to the pods' OFREP ports, directly or through the API server's proxy, over kept connections.

No redirect is followed: it would carry the token to another place. No message holds a header, so none holds a token.
"""

import json
import re
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from deliver.cluster.port import Access
from deliver.model.errors import Rejected, Unreachable

LARGEST = 8 * 1024 * 1024
CONNECT_TIMEOUT = 3.0
PATIENCE = 10.0  # seconds that a server may ask us to wait with Retry-After


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def data(self) -> Any:
        """The body as JSON; None for what is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def said(self) -> str:
        """What a server says in its own words, one short line."""
        data = self.data()
        if isinstance(data, dict):
            details = data.get("details")
            first = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else {}
            text = first.get("message") or data.get("message") or data.get("errorDetails") or data.get("error") or ""
            return clean(str(text))
        return clean(self.body[:400].decode(errors="replace")) if self.body[:1] not in (b"<", b"{", b"[") else ""

    @property
    def proxy_failed(self) -> bool:
        """The API server itself says no: it could not reach the pod, or we may not ask."""
        data = self.data() if self.status >= 400 and b'"Status"' in self.body else None
        return isinstance(data, dict) and data.get("kind") == "Status" and data.get("apiVersion") == "v1"


@dataclass
class Caller:
    """Sends requests. clock, sleep: monotonic seconds, and a wait for what Retry-After asks. transport: for tests."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    transport: httpx.BaseTransport | None = None
    _clients: dict[tuple[Any, ...], httpx.Client] = field(default_factory=dict, repr=False)
    _making: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        weakref.finalize(self, _close, self._clients)  # a back end has no end of its own

    def send(
        self, access: Access, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 5.0
    ) -> Reply:
        """Ends within `timeout`, waits that the server asked for included. Raises Unreachable when there is no answer."""
        until = self.clock() + timeout
        while True:
            reply = self._once(access, method, path, body, headers or {}, max(0.05, until - self.clock()))
            if reply.status != 429:
                return reply
            wait = _retry_after(reply)
            if wait > PATIENCE or self.clock() + wait >= until:
                raise Unreachable("it asks us to send fewer requests", status=429, why=f"answered 429, Retry-After {wait:g} s")
            self.sleep(wait)

    def _once(self, access: Access, method: str, path: str, body: Any, headers: Mapping[str, str], timeout: float) -> Reply:
        content = json.dumps(body).encode() if body is not None else None
        kind = {"content-type": "application/json"} if content is not None else {}
        sent = {"accept": "application/json", **kind, **access.headers(), **headers}
        limits = httpx.Timeout(timeout, connect=min(CONNECT_TIMEOUT, timeout))
        try:
            with self._client(access).stream(method, access.url + path, content=content, headers=sent, timeout=limits) as response:
                read = bytearray()
                for chunk in response.iter_bytes():
                    read += chunk
                    if len(read) > LARGEST:
                        raise Rejected(f"the answer is larger than {LARGEST // 1024 // 1024} MiB")
                return Reply(response.status_code, {key.lower(): value for key, value in response.headers.items()}, bytes(read))
        except httpx.TimeoutException:
            raise Unreachable(f"no answer within {timeout:.1f} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError, ValueError) as error:
            raise Unreachable(f"cannot be reached: {_told(error)}") from None

    def _client(self, access: Access) -> httpx.Client:
        key = (access.verify, access.cert)
        with self._making:  # the threads of a probe ask at once, and a second client would be lost with its connections open
            if key not in self._clients:
                verify = _context(access.verify, access.cert)
                cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))  # what one pod sets is nothing to the next
                self._clients[key] = httpx.Client(verify=verify, follow_redirects=False, transport=self.transport, cookies=cookies)
            return self._clients[key]


def _close(clients: dict[tuple[Any, ...], httpx.Client]) -> None:
    for client in clients.values():
        client.close()


def _told(error: Exception) -> str:
    """What httpx says of its own; of a value that it could not send (perhaps a token) only the type."""
    return clean(str(error)) or type(error).__name__ if isinstance(error, httpx.TransportError) else type(error).__name__


def _retry_after(reply: Reply) -> float:
    text = reply.headers.get("retry-after", "1").strip()
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d+)?", text) else 1.0


@lru_cache(maxsize=8)
def _context(verify: str | bool, cert: tuple[str, str] | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if cert:
        context.load_cert_chain(*cert)
    return context


def clean(text: str, limit: int = 200) -> str:
    """One line without control characters."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def token_of(environ: Mapping[str, str], name: str) -> str:
    """The token in the environment variable of that name. Raises Rejected, and never says what it holds."""
    token = environ.get(name, "").strip()
    if not token:
        raise Rejected(
            f"no token: the environment variable {name} is not set", status=422, hint=f"export {name}=... before the release starts"
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Rejected(f"the environment variable {name} does not hold a token", status=422, why="it has characters that no token has")
    return token
