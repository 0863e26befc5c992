"""HTTP for prometheus_api_client, whose defaults (no timeout, hidden retries, dropped warnings, redirects) do not suit a release."""

import contextlib
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from deliver.cluster.port import Send
from deliver.metrics import answers
from deliver.model.errors import DeliverError
from deliver.plugins.interfaces import Answer, MetricsError

LARGEST = 32 * 1024 * 1024
CONNECT_TIMEOUT = 3.0
_CHUNK = 256 * 1024


class GuardedSession(requests.Session):
    """A session that follows no redirect, reads no .netrc, and reads a body only up to a size and a moment.

    last: status and body of this thread's last answer, for those parts that the client library throws away.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, largest: int = LARGEST) -> None:
        super().__init__()
        self.trust_env = False
        self._clock, self._largest, self._local = clock, largest, threading.local()

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        timeout = float(kwargs["timeout"])
        until = self._clock() + timeout
        kwargs |= {"allow_redirects": False, "stream": True, "timeout": (min(CONNECT_TIMEOUT, timeout), timeout)}
        self._local.last = None
        response = super().request(method, url, *args, **kwargs)
        try:
            body = self._read(response, until)
        finally:
            response.close()
        response._content = body  # noqa: SLF001  requests has no public way to hand over a body that was read under a limit
        response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001  as above; the stubs leave it out
        self._local.last = (response.status_code, body)
        return response

    def _read(self, response: requests.Response, until: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > self._largest:
                raise MetricsError(f"the answer is larger than {self._largest // 1024} KiB; narrow the selector")
            if self._clock() > until:
                raise MetricsError("the answer did not end in time")
        return bytes(body)

    @property
    def last(self) -> tuple[int, bytes] | None:
        return getattr(self._local, "last", None)


class ClusterAdapter(requests.adapters.HTTPAdapter):
    """The connections of the cluster in the place of its own: its proxy, certificates, server name, and as whom it acts."""

    def __init__(self, send: Send) -> None:
        super().__init__(max_retries=Retry(total=0, read=False, redirect=0))
        self._send = send

    def get_connection_with_tls_context(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """An object with the one method that is asked of it."""

        def urlopen(*, method: str, url: str, headers: Any, chunked: bool, **how: Any) -> Any:
            return self._send(method, request.url, headers=headers, **how)

        return SimpleNamespace(urlopen=urlopen)

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """The connections know what they trust."""


class Transport:
    """One Prometheus. Every `query` ends within its timeout (and a moment) with an Answer or a MetricsError."""

    def __init__(
        self,
        url: str,
        headers: Callable[[], dict[str, str]],
        *,
        verify: str | bool = True,
        send: Send | None = None,
        session: GuardedSession | None = None,
    ) -> None:
        """verify: a CA file. send: the way to what is behind the API server's proxy, which has its own."""
        self._session = session or GuardedSession()
        self._session.verify = verify
        if send is None:
            self._session.proxies = requests.utils.get_environ_proxies(url)
        self._headers = headers
        self._client = PrometheusConnect(url, session=self._session, retry=Retry(total=0, read=False, redirect=0))
        if send is not None:
            self._session.mount(url, ClusterAdapter(send))

    def query(self, query: str, timeout: float, at: float = 0.0) -> Answer:
        """at: unix seconds as of which it is answered, 0 = now."""
        until = time.monotonic() + timeout
        try:
            return self._once(query, timeout, at)
        except requests.exceptions.Timeout as error:
            raise MetricsError(f"no answer within {timeout:g} s") from error
        except requests.exceptions.SSLError as error:
            raise MetricsError(f"the certificate was not accepted: {_reason(error)}") from error
        except requests.exceptions.RequestException as error:
            left = until - time.monotonic()
            if left <= 0:
                raise MetricsError(f"cannot be reached: {_reason(error)}") from error
        try:  # a kept connection that the server has closed looks like any other error; once more, on a new one
            return self._once(query, left, at)
        except requests.exceptions.RequestException as error:
            raise MetricsError(f"cannot be reached: {_reason(error)}") from error

    def _once(self, query: str, timeout: float, at: float) -> Answer:
        self._client.headers = self._fresh_headers()
        # Whatever the library makes of an answer, the answer itself says more.
        with contextlib.suppress(PrometheusApiClientException, requests.exceptions.JSONDecodeError, KeyError, TypeError, RecursionError):
            when = {"time": f"{at:.3f}"} if at else {}
            # VictoriaMetrics hides the newest 30 s unless it is asked not to; others know no such parameter
            params = {"timeout": f"{max(round(timeout * 1000), 1)}ms", "latency_offset": "1ms", **when}
            self._client.custom_query(query, params=params, timeout=timeout)
        if self._session.last is None:
            raise MetricsError("gave no answer")
        status, body = self._session.last
        if 300 <= status < 400:
            raise MetricsError(f"answered {status}, a redirect (a login page?); deliver follows none")
        return answers.parse_answer(status, body, query)

    def _fresh_headers(self) -> dict[str, str]:
        try:
            return self._headers()
        except Exception as error:  # a credential plugin may raise anything; its text may hold the secret
            what = error.what if isinstance(error, DeliverError) else type(error).__name__
            raise MetricsError(f"no credentials: {what}") from error


_KNOWN = (
    "Connection refused",
    "No route to host",
    "Network is unreachable",
    "certificate verify failed",
    "Name or service not known",
    "Temporary failure in name resolution",
    "Failed to resolve",
    "Connection reset",
    "Remote end closed connection",
    "IncompleteRead",
)


def _reason(error: Exception) -> str:
    """The innermost cause in few words, without the URL and what may be in it."""
    text = str(error)
    return next((known.lower() for known in _KNOWN if known in text), type(error).__name__)
