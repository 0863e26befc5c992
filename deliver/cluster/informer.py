"""The port's Feed, named as in client-go: an ObjectStore and a Reflector for each watch, and a thread that tells silence from death."""

import threading
from collections.abc import Callable, Sequence

from deliver.cluster.failures import AttemptFailed, Call
from deliver.cluster.object_store import ObjectStore, name_of, version_of
from deliver.cluster.paths import path, title, typed
from deliver.cluster.port import Watch
from deliver.cluster.reflector import Reflector, narrowed
from deliver.cluster.timing import Deadline
from deliver.cluster.transport import Transport
from deliver.model.objects import Object

Listing = Callable[[Watch, float], tuple[list[Object], str]]  # (watch, seconds) -> objects and their resourceVersion
Objects = list[Object]

_ENDING = 1.0  # seconds that close() waits for the threads; they are daemons


class Informer:
    """Thread-safe. The objects it gives are shared: do not change them."""

    def __init__(
        self,
        listing: Listing,
        transport: Transport,
        namespace: str,
        watches: Sequence[Watch],
        wake: Callable[[], None],
        *,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._listing, self._transport, self._namespace, self._wake, self._clock = listing, transport, namespace, wake, clock
        self._timing = transport.timing
        self._stop = threading.Event()
        self._heard_at = clock()
        self._unanswered_at: float | None = None  # when a probe failed last
        self._mirrors = [ObjectStore(watch) for watch in dict.fromkeys(watches)]
        self.relist()
        self._streams = [
            Reflector(transport, namespace, mirror, list_now=self._list_again, heard=self._heard, wake=wake, clock=clock, chance=chance)
            for mirror in self._mirrors
        ]
        self._pulse = threading.Thread(target=self._listen, name="deliver-watch-pulse", daemon=True)
        for stream in self._streams:
            stream.start()
        self._pulse.start()

    def get(self, kind: str, name: str) -> Object | None:
        found = [obj for mirror in self._of(kind) if (obj := mirror.get(name)) is not None]
        return max(found, key=version_of) if found else None

    def list(self, kind: str) -> Objects:
        newest: dict[str, Object] = {}
        for obj in (obj for mirror in self._of(kind) for obj in mirror.all()):
            name = name_of(obj)
            if name not in newest or version_of(obj) > version_of(newest[name]):
                newest[name] = obj
        return [*newest.values()]

    def apply(self, kind: str, obj: Object) -> None:
        for mirror in self._of(kind):
            mirror.apply(typed(kind, obj))

    def changes(self) -> int:
        return sum(mirror.changes for mirror in self._mirrors)

    def quiet(self) -> float:
        now = self._clock()
        since = [stream.lost_at for stream in self._streams if stream.lost_at is not None]
        if self._unanswered_at is not None and self._heard_at < self._unanswered_at:
            since.append(self._heard_at)
        return max(0.0, now - min(since)) if since else 0.0

    def relist(self) -> None:
        end = Deadline(self._timing.deadline, self._clock)
        for mirror in self._mirrors:
            self._list(mirror, end.remaining())

    def close(self) -> None:
        self._stop.set()
        for stream in self._streams:
            stream.close()
        end = Deadline(_ENDING, self._clock)
        for stream in self._streams:
            stream.join(end.remaining())

    def _of(self, kind: str) -> "Sequence[ObjectStore]":
        return [mirror for mirror in self._mirrors if mirror.watch.kind == kind]

    def _list_again(self, mirror: ObjectStore) -> None:
        self._list(mirror, self._timing.listing)

    def _list(self, mirror: ObjectStore, seconds: float) -> None:
        asked_at = mirror.position
        items, version = self._listing(mirror.watch, seconds)
        mirror.replace(items, version, asked_at)
        self._heard()

    def _heard(self) -> None:
        self._heard_at = self._clock()

    def _silent(self) -> float:
        return self._clock() - self._heard_at

    def _listen(self) -> None:
        """When all watches are silent (bookmarks come once a minute), ask for one object: only a missing answer makes `quiet` grow."""
        while not self._stop.wait(max(self._timing.silence / 5, self._timing.silence - self._silent())):
            if self._silent() < self._timing.silence:
                continue
            was_dead = self._unanswered_at is not None
            alive = self._answers()
            if alive and was_dead:
                self._renew()
            if alive == was_dead:
                self._wake()

    def _answers(self) -> bool:
        asked_at = self._clock()
        watch = self._mirrors[0].watch
        query = {"limit": "1", **narrowed(watch.selector, watch.name)}
        call = Call("GET", path(watch.kind, self._namespace), f"list {title(watch.kind, self._namespace)}", query)
        try:
            self._transport.json(call, Deadline(self._timing.probe, self._clock))
        except AttemptFailed as failed:
            if not 400 <= failed.error.status < 500:  # 403 or 429 come from a living server
                self._unanswered_at = asked_at
                return False
        self._heard()
        return True

    def _renew(self) -> None:
        """After a failed probe: a watch silent since then may hang on a connection whose other end is gone."""
        failed_at, self._unanswered_at = self._unanswered_at, None
        for stream in self._streams:
            if failed_at is not None and stream.heard_at < failed_at:
                stream.interrupt()
