"""One watch in one thread: list, watch from there, and again whatever happens.

The API server ends each watch after timing.watch seconds: the next one continues at the last resourceVersion. Anything else (410, cut
connection, cut line, 5xx, silence) leads to a new list after a jittered back-off, so that no change is missed.
"""

import contextlib
import http.client
import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import HTTPError

from deliver.cluster.failures import AttemptFailed, Call
from deliver.cluster.object_store import ObjectStore
from deliver.cluster.paths import path, title, typed
from deliver.cluster.schema import fitting
from deliver.cluster.timing import Deadline, Timing
from deliver.cluster.transport import Transport, Truncated, lines
from deliver.model.errors import ClusterError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_SHORT = 1.0  # seconds: a watch that ends sooner than this may not be repeated at once, or it becomes a busy loop


class Relist(Exception):
    """The position is lost (410), or the stream said something that makes no sense."""


class Reflector:
    """heard: called for each piece received. wake: after each change. list_now: reads the mirror's objects anew (raises ClusterError)."""

    def __init__(
        self,
        transport: Transport,
        namespace: str,
        mirror: ObjectStore,
        *,
        list_now: Callable[[ObjectStore], None],
        heard: Callable[[], None],
        wake: Callable[[], None],
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._transport, self._namespace, self._mirror = transport, namespace, mirror
        self._list_now, self._heard, self._wake, self._clock, self._chance = list_now, heard, wake, clock, chance
        self._stop = threading.Event()
        self._response: BaseHTTPResponse | None = None
        self.lost_at: float | None = None  # since when there is no working watch; None while there is
        self.heard_at = clock()
        self._thread = threading.Thread(target=self._run, name=f"deliver-watch-{mirror.watch.kind}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End soon: `join` waits for it."""
        self._stop.set()
        self.interrupt()

    def join(self, timeout: float) -> None:
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def interrupt(self) -> None:
        """Cut the connection from another thread; the watch goes on with a new one."""
        response = self._response
        if response is not None:
            with contextlib.suppress(OSError, ValueError, RuntimeError):  # it may just have ended by itself
                response.shutdown()

    def _run(self) -> None:
        failures = 0
        relist = False
        while not self._stop.is_set():
            began = self._clock()
            try:
                if relist:
                    self._list_now(self._mirror)
                    self._wake()
                relist = False
                self._watch()
            except _RECOVERABLE as error:
                relist = True
                if self.lost_at is None and not isinstance(error, Relist):
                    self.lost_at = self._clock()
            long = self._clock() - began >= _SHORT
            failures = 0 if long and not relist else failures + 1
            if (relist or not long) and self._stop.wait(self._delay(failures)):
                return

    def _delay(self, failures: int) -> float:
        timing: Timing = self._transport.timing
        ceiling: float = min(timing.stream_cap, timing.stream_backoff * 2 ** min(failures - 1, 30))
        return ceiling * (0.5 + 0.5 * self._chance())

    def _watch(self) -> None:
        """One connection, to its clean end."""
        timing = self._transport.timing
        response = self._transport.open(self._call(), timing.read, Deadline(timing.listing, self._clock))
        self._response = response
        try:
            socket = getattr(response.connection, "sock", None)
            if socket is not None:
                socket.settimeout(timing.mute)  # the first answer must come soon, what follows may take its time
            self._got()
            if self.lost_at is not None:
                self.lost_at = None
                self._wake()
            # looked at after _response is set: close() sets _stop first and reads _response then, so one of the two sees the other
            if self._stop.is_set():
                return
            for line in lines(response, self._got):
                if line.strip():
                    self._take(line)
        finally:
            self._response = None
            response.close()

    def _got(self) -> None:
        self.heard_at = self._clock()
        self._heard()

    def _take(self, line: bytes) -> None:
        event: Any = json.loads(line)
        if not isinstance(event, dict) or not isinstance(event.get("object"), dict):
            raise Relist
        kind, obj = event.get("type"), event["object"]
        if kind not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"):
            raise Relist  # ERROR with a Status: 410 as a rule
        if kind != "BOOKMARK":
            fitting(self._mirror.watch.kind, obj)
        if self._mirror.event(kind, typed(self._mirror.watch.kind, obj)):
            self._wake()

    def _call(self) -> Call:
        watch = self._mirror.watch
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(max(1, round(self._transport.timing.watch))),
            "resourceVersion": self._mirror.version,
            **narrowed(watch.selector, watch.name),
        }
        return Call("GET", path(watch.kind, self._namespace), f"watch {title(watch.kind, self._namespace)}", query)


def narrowed(selector: str, name: str) -> dict[str, str]:
    """metadata.name as a field selector: the one form of list and watch that RBAC with resourceNames allows."""
    query = {"labelSelector": selector} if selector else {}
    return query | ({"fieldSelector": f"metadata.name={name}"} if name else {})


# ValueError: a cut or damaged line. AttributeError: urllib3 and ssl raise it now and then when another thread cuts the connection
_RECOVERABLE = (Relist, Truncated, AttemptFailed, ClusterError, HTTPError, http.client.HTTPException, OSError, ValueError, AttributeError)
