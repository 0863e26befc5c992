"""Requests to flag servers and to the pods' OFREP ports, directly or through the API server's proxy, over kept connections."""

import json
import re
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deliver.cluster.port import Access
from deliver.formatting.sanitize import one_line
from deliver.http.client import BodyTooLarge, Client, NoAnswer, Reply
from deliver.model.errors import Rejected, Unreachable

LARGEST = 8 * 1024 * 1024
LONGEST_RETRY_AFTER = 10.0  # seconds that a server may ask us to wait


def reason_in(reply: Reply) -> str:
    """What a server says in its own words, one short line."""
    data = reply.data()
    if isinstance(data, dict):
        details = data.get("details")
        first = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else {}
        return one_line(first.get("message") or data.get("message") or data.get("errorDetails") or data.get("error") or "")
    return one_line(reply.body[:400].decode(errors="replace")) if reply.body[:1] not in (b"<", b"{", b"[") else ""


@dataclass
class FlagHttpClient:
    """Sends requests. clock, sleep: monotonic seconds, and a wait for what Retry-After asks. transport: an httpx one, for tests."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    transport: Any = None
    _clients: dict[Any, Client] = field(default_factory=dict, repr=False)
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
            if wait > LONGEST_RETRY_AFTER or self.clock() + wait >= until:
                raise Unreachable("it asks us to send fewer requests", status=429, why=f"answered 429, Retry-After {wait:g} s")
            self.sleep(wait)

    def _once(self, access: Access, method: str, path: str, body: Any, headers: Mapping[str, str], timeout: float) -> Reply:
        content = json.dumps(body).encode() if body is not None else None
        kind = {"content-type": "application/json"} if content is not None else {}
        sent = {"accept": "application/json", **kind, **access.headers(), **headers}
        try:
            client = self._client(access)
            return client.send(method, access.url + path, headers=sent, content=content, timeout=timeout, largest=LARGEST)
        except BodyTooLarge as error:
            raise Rejected(str(error)) from None
        except NoAnswer as error:
            raise Unreachable(f"no answer within {timeout:.1f} s" if error.timed_out else f"cannot be reached: {error}") from None

    def _client(self, access: Access) -> Client:
        key = access.send
        with self._making:  # the threads of a probe ask at once, and a second client would be lost with its connections open
            if key not in self._clients:
                self._clients[key] = Client.to(access, transport=self.transport)
            return self._clients[key]


def _close(clients: dict[Any, Client]) -> None:
    for client in clients.values():
        client.close()


def _retry_after(reply: Reply) -> float:
    text = reply.headers.get("retry-after", "1").strip()
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d+)?", text) else 1.0


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
