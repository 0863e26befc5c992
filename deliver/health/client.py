"""One HTTP request to a pod, directly or through the API server's proxy.

A request that got no answer is told apart by whose fault that is: the pod's (it refused, or broke off), or nobody knows (no route,
no permission, the API server is away). The first is a failed probe, the second one that could not be judged.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from deliver.cluster.port import Access
from deliver.formatting.sanitize import one_line
from deliver.http.client import CONNECT_TIMEOUT, BodyTooSlow, Client, NoAnswer, Reply
from deliver.model.observation import PodSeen

LARGEST = 64 * 1024
NO_ADDRESS = "the pod has no address yet"
Answer = tuple[bool | None, str]  # whether the pod is well (None: could not be judged), and why
_REFUSED = ("connection refused", "connection reset", "eof", "malformed http", "tls: ")


class PodFailed(Exception):
    """The pod itself refused, broke off or did not speak the protocol."""


class NotReached(Exception):
    """Whether the pod is well could not be found out."""


@dataclass(frozen=True)
class Request:
    """path: with its query. http2: speak HTTP/2 from the first byte, as gRPC does."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    http2: bool = False


def send(access: Access, request: Request, timeout: float, *, proxied: bool) -> Reply:
    """The answer, of its body the first LARGEST bytes. Raises PodFailed or NotReached."""
    with Session(access, timeout, proxied=proxied, http2=request.http2) as session:
        return session.send(request)


def judged(ask: Callable[[], Answer]) -> Answer:
    """What `ask` makes of the pod's answer; without one, whose fault that is."""
    try:
        return ask()
    except PodFailed as error:
        return False, str(error)
    except NotReached as error:
        return None, str(error)


def direct(pod: PodSeen, port: int, scheme: str) -> Access:
    """Straight to the pod's address."""
    return Access(f"{scheme}://{f'[{pod.ip}]' if ':' in pod.ip else pod.ip}:{port}", dict)


class Session:
    """A context for several requests, from any thread, over connections that stay open as the other end allows.

    A pod's certificate names no address that we know, so it is not checked on the direct way (nor by the kubelet, nor by the proxy).
    """

    def __init__(
        self, access: Access, timeout: float, *, proxied: bool, http2: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._access, self._timeout, self._proxied = access, timeout, proxied
        self._client = Client.to(access, clock=clock) if proxied else Client(verify=False, http2=http2, environ_proxies=False, clock=clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, request: Request) -> Reply:
        """As the function of that name."""
        url, headers, content = self._access.url + request.path, {**(request.headers or {}), **self._access.headers()}, request.body or None
        try:
            reply = self._client.send(
                request.method, url, headers=headers, content=content, timeout=self._timeout, largest=LARGEST, cut=True
            )
        except NoAnswer as error:
            raise _whose_fault(error, self._timeout, proxied=self._proxied) from error
        if self._proxied:
            _refuse_status_of_the_api_server(reply)
        return reply


def _whose_fault(error: NoAnswer, timeout: float, *, proxied: bool) -> PodFailed | NotReached:
    text = str(error).lower()
    if isinstance(error, BodyTooSlow):
        return PodFailed(text)
    if proxied:
        return NotReached(
            f"the API server's proxy {f'did not answer within {timeout:g} s' if error.timed_out else f'cannot be reached: {text}'}"
        )
    if error.timed_out and not error.connected:
        return NotReached(f"no connection within {min(CONNECT_TIMEOUT, timeout):g} s; is there a route to the pod network from here?")
    if error.timed_out:
        return PodFailed(f"connected, but no answer within {timeout:g} s")
    if not error.connected and "refused" not in text and "ssl" not in text:
        return NotReached(f"no connection: {text}")
    return PodFailed(text)


def _refuse_status_of_the_api_server(reply: Reply) -> None:
    """A Status object comes from the API server itself; everything else came from the pod. Raises PodFailed or NotReached."""
    status = reply.from_api_server()
    if status is None:
        return
    message = one_line(status.get("message", ""))
    fault = PodFailed if any(sign in message.lower() for sign in _REFUSED) else NotReached
    raise fault(f"the API server says: {message or reply.status}")
