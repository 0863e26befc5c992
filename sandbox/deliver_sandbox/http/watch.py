"""Watches as a stream of lines: what changed since a version, bookmarks, 410 when that is too long ago."""

import json
import queue
import time
from collections.abc import Iterator
from typing import Any

from deliver.model.objects import Object
from deliver_sandbox import errors
from deliver_sandbox.api import Api
from deliver_sandbox.errors import ApiError
from deliver_sandbox.http import options
from deliver_sandbox.http.paths import Request
from deliver_sandbox.http.tables import table, wanted
from deliver_sandbox.kinds import KINDS
from deliver_sandbox.selectors import by_fields, by_labels
from deliver_sandbox.store import Change

BOOKMARK_EVERY = 20.0
_LONGEST = 1800.0


class WatchStream:
    """One watch. The listener is in place when this returns, so nothing is missed between a list and the stream."""

    def __init__(self, api: Api, request: Request) -> None:
        options.check_list(request)
        self.api, self.request, self._table = api, request, wanted(request)
        self._labels = by_labels(request.query.get("labelSelector", ""))
        self._fields = by_fields(request.kind, self._field())
        self._queue: queue.SimpleQueue[Change] = queue.SimpleQueue()
        with api.lock:
            self._first = self._begin()
            self._stop = api.store.listen(self._hear)

    def _field(self) -> str:
        """GET .../name?watch=1 is a watch of one name."""
        field = self.request.query.get("fieldSelector", "")
        return f"metadata.name={self.request.name}" if self.request.name and not field else field

    def _hear(self, change: Change) -> None:
        if change.kind == self.request.kind and (self.request.everywhere or change.namespace == self.request.namespace):
            self._queue.put(change)

    def _begin(self) -> list[Any]:
        query, store = self.request.query, self.api.store
        version = query.get("resourceVersion", "")
        if version and not version.isdigit():
            text = f'resourceVersion: Invalid value: "{version}": strconv.ParseUint: parsing "{version}": invalid syntax'
            raise ApiError(500, "", text)
        if version in ("", "0") or query.get("sendInitialEvents") == "true":
            found = self.api.list(self.request.kind, self.request.namespace, "", "", self.request.everywhere)
            first: list[Any] = [self._show("ADDED", obj) for obj in found if self._match(obj)]
            if query.get("sendInitialEvents") == "true":
                first.append(self._bookmark({"k8s.io/initial-events-end": "true"}))
            return first
        if int(version) < store.oldest:
            return [_line("ERROR", errors.too_old(int(version), store.oldest).status()), None]
        missed = [change for change in store.since(int(version)) if change.kind == self.request.kind]
        return [line for change in missed if self._here(change) and (line := self._event(change)) is not None]

    def _here(self, change: Change) -> bool:
        return self.request.everywhere or change.namespace == self.request.namespace

    def _match(self, obj: Object) -> bool:
        return self._labels(obj["metadata"].get("labels") or {}) and self._fields(obj)

    def _event(self, change: Change) -> bytes | None:
        """An object that comes into the selection is ADDED, one that leaves it is DELETED."""
        now = change.type != "DELETED" and self._match(change.obj)
        before = change.old is not None and self._match(change.old)
        if now:
            return self._show("MODIFIED" if before else "ADDED", change.obj)
        if before and change.old is not None:
            meta = {**change.old["metadata"], "resourceVersion": change.obj["metadata"]["resourceVersion"]}
            return self._show("DELETED", change.obj if change.type == "DELETED" else {**change.old, "metadata": meta})
        return None

    def _show(self, kind: str, obj: Object) -> bytes:
        return _line(kind, table(self.request.kind, obj, self.api.clock.now()) if self._table else obj)

    def _bookmark(self, notes: dict[str, str] | None = None) -> bytes:
        known = KINDS[self.request.kind]
        meta: Object = {"resourceVersion": str(self.api.store.version), "creationTimestamp": None}
        if notes:
            meta["annotations"] = notes
        return _line("BOOKMARK", {"kind": known.kind, "apiVersion": known.api, "metadata": meta})

    def backlog(self) -> list[bytes]:
        """What had happened when the watch began, and no more; ends the watch."""
        self._stop()
        return [line for line in self._first if line is not None]

    def lines(self) -> Iterator[bytes]:
        """Until the time that was asked for is over; an empty line when nothing came for a second, so that a closed peer is noticed."""
        rate = self.api.clock.rate
        end = time.monotonic() + min(float(self.request.query.get("timeoutSeconds") or _LONGEST), _LONGEST) / rate
        bookmark = time.monotonic() + BOOKMARK_EVERY / rate
        try:
            for line in self._first:
                if line is None:
                    return
                yield line
            while (left := end - time.monotonic()) > 0:
                try:
                    line = self._event(self._queue.get(timeout=min(left, 1.0 / rate)))
                except queue.Empty:
                    line = b""
                if line is not None:
                    yield line
                if time.monotonic() > bookmark and self.request.flag("allowWatchBookmarks"):
                    with self.api.lock:
                        while not self._queue.empty():
                            if (late := self._event(self._queue.get())) is not None:
                                yield late
                        mark = self._bookmark()
                    yield mark
                    bookmark = time.monotonic() + BOOKMARK_EVERY / rate
        finally:
            self._stop()


def _line(kind: str, obj: Object) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"
