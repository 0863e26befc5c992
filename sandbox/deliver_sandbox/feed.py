"""The in-process Feed: objects as they arrive from a watch, a moment after they changed."""

from collections.abc import Callable, Sequence

from deliver.cluster.port import Watch
from deliver.model.objects import Object
from deliver_sandbox.api import Api
from deliver_sandbox.selectors import by_labels
from deliver_sandbox.store import Change, copy

Key = tuple[str, str]


class SandboxFeed:
    """lag: seconds from a change to its arrival. `freeze` stops arrivals (a dead watch that keeps its connection); `thaw` catches up."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        watches: Sequence[Watch],
        wake: Callable[[], None],
        read: Callable[[str, str], list[Object]],
        lag: float,
    ) -> None:
        self._api, self._namespace, self._wake, self._read, self._lag = api, namespace, wake, read, lag
        self._kinds = {watch.kind for watch in watches}
        self._tests = {
            kind: [(watch.name, by_labels(watch.selector)) for watch in watches if watch.kind == kind] for kind in sorted(self._kinds)
        }
        self._changes = 0
        self._objects: dict[str, dict[str, Object]] = {kind: {} for kind in self._kinds}
        self._waiting: list[Change] = []
        self._silent: float | None = None
        self._open = True
        self._unlisten = api.store.listen(self._hear)  # before the list: other processes may write while its calls are under way
        self.relist()

    def get(self, kind: str, name: str) -> Object | None:
        return self._objects.get(kind, {}).get(name)

    def list(self, kind: str) -> list[Object]:
        return list(self._objects.get(kind, {}).values())

    def apply(self, kind: str, obj: Object) -> None:
        if self._wanted(kind, obj):
            self._take(kind, copy(obj))

    def changes(self) -> int:
        return self._changes

    def quiet(self) -> float:
        return 0.0 if self._silent is None else self._api.clock.monotonic() - self._silent

    def relist(self) -> None:
        for kind in sorted(self._kinds):
            found = [copy(obj) for obj in self._read(kind, self._namespace) if self._wanted(kind, obj)]
            self._objects[kind] = {obj["metadata"]["name"]: obj for obj in found}
            self._changes += 1
        if self._silent is not None:
            self._silent = self._api.clock.monotonic()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._unlisten()

    def freeze(self) -> None:
        self._silent = self._api.clock.monotonic()

    def thaw(self) -> None:
        self._silent = None
        if not self._open:
            return
        self.relist()
        self._wake()

    def _hear(self, change: Change) -> None:
        if change.kind not in self._kinds or change.namespace != self._namespace:
            return
        if not self._wanted(change.kind, change.obj) and not (change.old and self._wanted(change.kind, change.old)):
            return
        self._waiting.append(change)
        if len(self._waiting) == 1:
            self._api.clock.after(self._lag, self._arrive)

    def _arrive(self) -> None:
        changes, self._waiting = self._waiting, []
        if not self._open or self._silent is not None:
            return
        for change in changes:
            if change.type == "DELETED" or not self._wanted(change.kind, change.obj):
                self._forget(change)
            else:
                self._take(change.kind, copy(change.obj))
        self._wake()

    def _take(self, kind: str, obj: Object) -> None:
        known = self._objects[kind].get(obj["metadata"]["name"])
        if known is None or int(known["metadata"]["resourceVersion"]) <= int(obj["metadata"]["resourceVersion"]):
            self._objects[kind][obj["metadata"]["name"]] = obj
            self._changes += 1

    def _forget(self, change: Change) -> None:
        known = self._objects[change.kind].get(change.name)
        if known is not None and int(known["metadata"]["resourceVersion"]) <= change.version:
            del self._objects[change.kind][change.name]
            self._changes += 1

    def _wanted(self, kind: str, obj: Object) -> bool:
        meta = obj["metadata"]
        labels = meta.get("labels") or {}
        return any((not name or name == meta["name"]) and test(labels) for name, test in self._tests.get(kind, ()))
