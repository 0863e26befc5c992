"""One HTTP request to the API server, with explicit timeouts and without hidden retries; the pool and the credentials are the client's.

urllib3's own retries are off (`retries=False`): by default the client sends a request whose connection was cut up to four times.
"""

import http.client
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from deliver import __version__
from deliver.cluster.credentials import Credentials
from deliver.cluster.failures import AttemptFailed, Call, from_status, no_answer, without_secrets
from deliver.cluster.plugin_calls import CredentialsFailed
from deliver.cluster.timing import Deadline, Timing
from deliver.formatting.sanitize import json_in
from deliver.model.errors import Forbidden

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

T = TypeVar("T")
_CHUNK = 65536
_LARGEST = 128 * 1024 * 1024  # bytes of one answer: a page of 500 objects is far below


class Transport:
    def __init__(self, credentials: Credentials, timing: Timing) -> None:
        self._credentials, self.timing = credentials, timing

    @property
    def server(self) -> str:
        return str(self._credentials.place.configuration.host)

    def json(self, call: Call, deadline: Deadline) -> dict[str, Any]:
        """The answer as an object. Raises AttemptFailed; an answer that is cut short or no JSON counts as none."""
        parsed = json_in(self.raw(call, deadline))
        if not isinstance(parsed, dict):
            raise no_answer(call, "the answer is not a JSON object", server=self.server, sent=True)
        return parsed

    def raw(self, call: Call, deadline: Deadline) -> bytes:
        response = self.open(call, self.timing.read, deadline)
        try:
            return self._body(call, response, deadline)
        finally:
            response.release_conn()

    def open(self, call: Call, read: float, deadline: Deadline) -> "BaseHTTPResponse":
        """Send it and give the answer with its body unread, if its status is 2xx. read: longest silence, seconds. Raises AttemptFailed.

        401: the credentials are read anew and the call is sent once more.
        """
        header, generation = self._credentials_of(call, deadline, self._credentials.current)
        response = self._send(call, header, read, deadline)
        if response.status == 401:
            response.close()  # here and below not back to the pool: there may be an unread rest on it
            self._credentials_of(call, deadline, partial(self._credentials.refresh, generation))
            header = self._credentials_of(call, deadline, self._credentials.header)
            response = self._send(call, header, read, deadline)
        if response.status != 401:
            self._credentials.accepted()
        if 200 <= response.status < 300:
            return response
        try:
            body = self._body(call, response, deadline)
        finally:
            response.release_conn()
        raise from_status(call, response.status, response.headers, body, header)

    def _send(self, call: Call, header: str, read: float, deadline: Deadline) -> "BaseHTTPResponse":
        import urllib3

        headers = {"Accept": "application/json", "User-Agent": f"deliver/{__version__}"}
        if header:
            headers["Authorization"] = header
        body = None
        if call.body is not None:
            headers["Content-Type"] = call.content_type
            body = json.dumps(call.body).encode()
        url = self.server + call.path + ("?" + urlencode(call.query) if call.query else "")
        timeout = urllib3.Timeout(connect=deadline.bound(self.timing.connect), read=deadline.bound(read))
        try:
            return self._credentials.send(call.method, url, body=body, headers=headers, timeout=timeout)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            raise self._failed(call, error) from None

    def _body(self, call: Call, response: "BaseHTTPResponse", deadline: Deadline) -> bytes:
        """All of the body, within the deadline even when it comes in drips."""
        import urllib3

        parts: list[bytes] = []
        size = 0
        try:
            while part := response.read1(_CHUNK):
                parts.append(part)
                size += len(part)
                if deadline.over() or size > _LARGEST:
                    response.close()
                    why = "the answer did not end in time" if deadline.over() else "the answer is too large"
                    raise no_answer(call, why, server=self.server, sent=True, retry=False)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            response.close()
            raise self._failed(call, error) from None
        return b"".join(parts)

    def _credentials_of(self, call: Call, deadline: Deadline, read: Callable[[float], T]) -> T:
        try:
            return read(deadline.bound(self.timing.deadline))
        except CredentialsFailed as error:
            raise self._unauthorized(call, str(error)) from None

    def _unauthorized(self, call: Call, why: str) -> AttemptFailed:
        state = "nothing was changed by this call" if call.writes else ""
        hint = "log in to the cluster again; `kubectl auth whoami` uses the same credentials"
        return AttemptFailed(Forbidden(f"cannot {call.what}", status=401, why=without_secrets(why), state=state, hint=hint))

    def _failed(self, call: Call, error: Exception) -> AttemptFailed:
        why, sent, hint = _cause(error, self.timing.connect)
        return no_answer(call, why, server=without_secrets(self.server), sent=sent, retry=not hint, hint=hint)


def _cause(error: Exception, connect: float) -> tuple[str, bool, str]:
    """(why, whether the request may have been sent, what to correct, without which another try cannot help either).
    By class only: the texts of the exceptions hold object addresses, URLs and proxies' passwords.
    """
    from urllib3 import exceptions as e

    if isinstance(error, e.ProxyError) and isinstance(error.original_error, (e.NewConnectionError, e.ConnectTimeoutError, e.SSLError)):
        why = _cause(error.original_error, connect)[0]
        return f"the proxy on the way (proxy-url, HTTPS_PROXY) cannot be used: {why}", False, ""
    cause = error.original_error if isinstance(error, e.ProxyError) else error
    if isinstance(cause, e.NameResolutionError):
        return "its name does not resolve", False, ""
    if isinstance(cause, e.ConnectTimeoutError) and not isinstance(cause, e.NewConnectionError):
        return f"no connection within {connect:g} s", False, ""
    if isinstance(cause, e.NewConnectionError):
        return "the connection is refused or there is no route", False, ""
    if isinstance(cause, e.SSLError) and "mismatch" in str(cause):
        return "its TLS certificate is for another name", False, "check server and tls-server-name in the kubeconfig"
    if isinstance(cause, e.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(cause):
        hint = "check certificate-authority in the kubeconfig: another cluster may now have this address"
        return "its TLS certificate is not trusted", False, hint
    if isinstance(cause, e.SSLError):
        own = getattr(cause.args[0] if cause.args else None, "reason", None)  # OpenSSL's word, such as NO_CERTIFICATE_OR_CRL_FOUND
        return f"TLS failed ({without_secrets(str(own or 'handshake cut'))})", True, ""
    if isinstance(error, e.ProxyError):
        return "the proxy does not let the connection through", False, ""
    if isinstance(cause, e.ReadTimeoutError):
        return "it stayed silent", True, ""
    if isinstance(cause, (e.LocationParseError, e.URLSchemeUnknown, e.LocationValueError)):
        return "its address is not a valid URL", False, "correct the cluster's server in the kubeconfig"
    if isinstance(cause, FileNotFoundError):
        return "a certificate file is missing", False, "the kubeconfig's certificate files must be readable"
    return "the connection was cut", True, ""


class Truncated(Exception):
    """A stream ended within a line."""


def lines(response: "BaseHTTPResponse", heard: Callable[[], None]) -> Iterator[bytes]:
    """The body's lines as they come. heard: called for each piece received. Raises Truncated, and what urllib3 raises."""
    rest = b""
    while part := response.read1(_CHUNK):
        heard()
        *whole, rest = (rest + part).split(b"\n")
        yield from whole
    if rest.strip():
        raise Truncated
