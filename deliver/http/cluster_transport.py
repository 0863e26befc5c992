"""httpx over the connections of the cluster: what goes through the API server's proxy goes the way of every call to the API server."""

import http.client
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
from urllib3.exceptions import HTTPError

from deliver.cluster.port import Send

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_CHUNK = 16 * 1024
_ERRORS = (HTTPError, http.client.HTTPException, OSError, ValueError)


class ClusterTransport(httpx.BaseTransport):
    """Keeps no connection of its own."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        import urllib3

        limits = request.extensions.get("timeout") or {}
        timeout = urllib3.Timeout(connect=limits.get("connect"), read=limits.get("read"))
        body = request.read() or None
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "connection")}
        try:
            response = self._send(request.method, str(request.url), headers=headers, body=body, timeout=timeout)
        except _ERRORS as error:
            raise _as_httpx(error) from error
        return httpx.Response(response.status, headers=list(response.headers.items()), stream=_Body(response))


class _Body(httpx.SyncByteStream):
    def __init__(self, response: "BaseHTTPResponse") -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        try:
            while part := self._response.read1(_CHUNK, decode_content=False):
                yield part
        except _ERRORS as error:
            raise _as_httpx(error) from error

    def close(self) -> None:
        """Back to the pool when all was read; a connection with an unread rest is ended."""
        if self._response.length_remaining != 0:
            self._response.close()
        self._response.release_conn()


def _as_httpx(error: Exception) -> httpx.TransportError:
    """By class: the texts of urllib3 hold addresses of objects, URLs and proxies' passwords."""
    from urllib3 import exceptions as e

    cause: Any = error.original_error if isinstance(error, e.ProxyError) else error
    proxy = " of the proxy on the way" if isinstance(error, e.ProxyError) else ""
    if isinstance(cause, e.NameResolutionError):
        return httpx.ConnectError(f"the name{proxy} does not resolve")
    if isinstance(cause, e.ConnectTimeoutError) and not isinstance(cause, e.NewConnectionError):
        return httpx.ConnectTimeout(f"no connection{proxy}")
    if isinstance(cause, e.NewConnectionError):
        return httpx.ConnectError(f"the connection{proxy} is refused or there is no route")
    if isinstance(cause, e.SSLError):
        return httpx.ConnectError(f"the TLS certificate{proxy} is not trusted" if "VERIFY_FAILED" in str(cause) else "TLS failed")
    if isinstance(error, e.ProxyError):
        return httpx.ConnectError("the proxy on the way does not let the connection through")
    if isinstance(cause, e.ReadTimeoutError):
        return httpx.ReadTimeout("it stayed silent")
    return httpx.ReadError("the connection was cut")
