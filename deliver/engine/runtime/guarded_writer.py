"""Guarded writes: nothing is changed under an old fence, over a newer version, or on an object that was made again.

The order is what makes it safe: read the object, confirm the lock, write on condition of the version read. Whoever takes over
stamps each object with a higher fence first; a write of the old holder, however late, meets a moved version or a higher fence.
"""

from collections.abc import Callable
from contextlib import suppress

from deliver.cluster.port import Cluster, Feed
from deliver.engine.runtime.lease import Lock
from deliver.model.errors import ClusterError, Conflict, NotFound, Superseded
from deliver.model.names import FENCE, fence_of
from deliver.model.objects import Object

ATTEMPTS = 8


class GuardedWriter:
    """The Writer of the plugin interface. feed: told of each answer, so that the next look has it. urgent: asked in the lock's place.

    `urgent` is for the first write of a rollback, which moves traffic before the lock is taken (design.md rule 3). It raises
    ClusterError when the write must not be; like the lock it is asked after the object was read, so what it sees is no older.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        lease: Lock,
        fence: int,
        feed: Feed | None = None,
        *,
        urgent: Callable[[], None] | None = None,
    ) -> None:
        self.cluster, self.namespace, self.lease, self.fence, self.feed, self.urgent = cluster, namespace, lease, fence, feed, urgent
        self.sent = 0  # patches and creates that the API server took: what stood was not what was wanted

    def change(self, kind: str, name: str, build: Callable[[Object], Object | None], *, uid: str = "") -> Object:
        """Raises Superseded, NotFound (or made again), Conflict (changed too often), or another ClusterError."""
        return self._change(kind, name, build, uid, None)

    def _change(self, kind: str, name: str, build: Callable[[Object], Object | None], uid: str, deadline: float | None) -> Object:
        for _ in range(ATTEMPTS):
            now = self.cluster.get(kind, self.namespace, name, deadline=deadline)
            self._check(kind, now, uid)
            patch = build(now)
            if patch is None:
                return self._seen(kind, now)
            self.confirm()
            try:
                answer = self.cluster.patch(kind, self.namespace, name, self._guarded(patch, now), deadline=deadline)
            except Conflict:
                continue
            self.sent += 1
            return self._seen(kind, answer)
        raise Conflict(f"{kind} {name} keeps changing under our writes")

    def delete(self, kind: str, name: str, *, uid: str) -> None:
        """Gone already is fine; another object of the same name is left alone."""
        self._remove(kind, name, uid, self.confirm)

    def _remove(self, kind: str, name: str, uid: str, confirm: Callable[[], None]) -> None:
        for _ in range(ATTEMPTS):
            try:
                now = self.cluster.get(kind, self.namespace, name)
                if now["metadata"]["uid"] != uid:
                    return
                self._check(kind, now, uid)
                confirm()
                self.cluster.delete(kind, self.namespace, name, uid=uid, version=now["metadata"]["resourceVersion"])
            except Conflict:
                continue
            except NotFound:
                return
            return
        raise Conflict(f"{kind} {name} keeps changing under our writes")

    def create(self, kind: str, body: Object) -> Object:
        """A create has no version to be guarded by. So the lock is looked at once more, and what came too late is taken away again."""
        self.confirm()
        made = self.cluster.create(kind, self.namespace, body)
        self.sent += 1
        try:
            self.confirm()
        except Superseded:
            with suppress(Superseded, ClusterError):  # one that the other driver has stamped by now is the other's
                self._remove(kind, made["metadata"]["name"], made["metadata"]["uid"], confirm=lambda: None)
            raise
        except ClusterError:
            pass  # it is there; the next write asks again
        return self._seen(kind, made)

    def stamp(self, kind: str, name: str, *, uid: str = "", deadline: float | None = None) -> None:
        """Our fence on an object, so that every write prepared before it fails. An object that is not there needs none.

        deadline: seconds for each call; None: as long as any call may take.
        """
        try:
            self._change(kind, name, lambda now: {"metadata": {}} if fence_of(now) < self.fence else None, uid, deadline)
        except NotFound:
            return

    def _check(self, kind: str, now: Object, uid: str) -> None:
        meta = now["metadata"]
        if fence_of(now) > self.fence:
            raise Superseded(f"{kind} {meta['name']} carries a newer fence", why="another driver took the release over")
        if uid and meta["uid"] != uid:
            raise NotFound(f"{kind} {meta['name']} was deleted and made again", status=404)

    def confirm(self) -> None:
        """Raises Superseded, or a ClusterError, unless this driver may write: asked last before each write, also outside the cluster."""
        (self.urgent or self.lease.confirm)()

    def _guarded(self, patch: Object, now: Object) -> Object:
        meta = dict(patch.get("metadata") or {})
        meta["annotations"] = {FENCE: str(self.fence)} | dict(meta.get("annotations") or {})
        meta["resourceVersion"] = now["metadata"]["resourceVersion"]
        return {**patch, "metadata": meta}

    def _seen(self, kind: str, obj: Object) -> Object:
        if self.feed is not None:
            self.feed.apply(kind, obj)
        return obj
