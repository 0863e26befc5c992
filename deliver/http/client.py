"""An HTTP client whose every request is bounded in time and size.

No redirect is followed: it would carry a token to another place. No error holds a header or the URL, so none holds a secret.
"""

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Self

import certifi
import httpx

from deliver.cluster.failures import status_object
from deliver.cluster.port import Access
from deliver.formatting.sanitize import json_in, one_line
from deliver.http.cluster_transport import ClusterTransport

CONNECT_TIMEOUT = 3.0  # seconds
PIECE = 16 * 1024


class NoAnswer(Exception):
    """No complete answer came. connected: a connection stood. timed_out: time ran out, and nothing was refused or broken off.

    kind: the type of the cause. str(): what the cause says, one line that holds neither a header nor the URL.
    """

    def __init__(self, text: str, *, kind: str = "", connected: bool = True, timed_out: bool = False) -> None:
        super().__init__(text)
        self.kind, self.connected, self.timed_out = kind, connected, timed_out


class BodyTooSlow(NoAnswer):
    """The answer began and did not end in time."""


class BodyTooLarge(NoAnswer):
    """The answer has more bytes than the caller takes."""


@dataclass(frozen=True)
class Reply:
    """headers: their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def data(self) -> Any:
        """The body as JSON; None for what is none."""
        return json_in(self.body)

    def from_api_server(self) -> dict[str, Any] | None:
        """The Status object with which the API server's proxy itself says no; None for an answer of what is behind the proxy."""
        if self.status < 400 or b'"Status"' not in self.body:
            return None
        found = status_object(self.body)
        return found if found.get("apiVersion") == "v1" else None


class Client:
    """Kept connections; one client may be used by several threads. verify: a CA file, or True/False. transport: for tests."""

    def __init__(
        self,
        *,
        verify: str | bool = True,
        cert: tuple[str, str] | None = None,
        http2: bool = False,
        environ_proxies: bool = True,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._client = httpx.Client(
            http2=http2,  # from the first byte, as gRPC does: no upgrade, no negotiation without TLS
            http1=not http2,
            verify=trust(verify, cert),
            trust_env=environ_proxies,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # what one pod sets is nothing to the next
            transport=transport,
        )

    @classmethod
    def to(cls, access: Access, *, clock: Callable[[], float] = time.monotonic, transport: httpx.BaseTransport | None = None) -> "Client":
        """For what is reached that way: through the API server's proxy, or at a plain address. transport: for tests."""
        if transport is None and access.send is not None:
            transport = ClusterTransport(access.send)
        return cls(transport=transport, clock=clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        timeout: float,
        largest: int,
        cut: bool = False,
    ) -> Reply:
        """Ends within `timeout` seconds and the read of one last piece. cut: the first `largest` bytes of a body are enough, as they were
        sent: whatever coding they claim.

        Raises NoAnswer.
        """
        until, limits = self._clock() + timeout, httpx.Timeout(timeout, connect=min(CONNECT_TIMEOUT, timeout))
        sent = {"accept-encoding": "identity", **headers}
        try:
            with self._client.stream(method, url, headers=sent, content=content, timeout=limits) as response:
                body = bytearray()
                for piece in response.iter_raw(PIECE) if cut else response.iter_bytes(PIECE):
                    body += piece
                    if len(body) > largest and not cut:
                        raise BodyTooLarge(f"the answer is larger than {largest // 1024 // 1024} MiB")
                    if len(body) >= largest and cut:
                        break
                    if self._clock() > until:
                        raise BodyTooSlow(f"the answer did not end within {timeout:g} s", timed_out=True)
                return Reply(response.status_code, {key.lower(): value for key, value in response.headers.items()}, bytes(body[:largest]))
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError, ValueError) as error:
            raise _no_answer(error) from None


def _no_answer(error: Exception) -> NoAnswer:
    """Of a value that could not be sent (perhaps a token, or a secret address) only the type is told."""
    kind = type(error).__name__
    sent = isinstance(error, httpx.HTTPError)  # else a header or the URL is none: nobody was asked
    told = isinstance(error, httpx.TransportError) and not isinstance(error, (httpx.LocalProtocolError, httpx.UnsupportedProtocol))
    return NoAnswer(
        (told and one_line(error)) or kind,
        kind=kind,
        connected=sent and not isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ConnectError)),
        timed_out=isinstance(error, httpx.TimeoutException),
    )


@lru_cache(maxsize=8)
def trust(verify: str | bool, cert: tuple[str, str] | None) -> ssl.SSLContext:
    """What is trusted, and the certificate that is shown. verify: see Client."""
    if verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    else:
        context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is True:
        context.load_verify_locations(certifi.where())  # beside the system's own, which a slim image may not have
    if cert:
        context.load_cert_chain(*cert)
    return context
