"""The objects of one watch, merged out of lists, events and the answers to own writes.

resourceVersions of one kind grow and are compared as numbers (official since Kubernetes 1.35, true of etcd long before). `position` is
how far list and events have told everything; what is not newer than it has been told already, also that an object is gone.
A version that is no number is taken as newer than anything.
"""

import threading

from deliver.cluster.label_selector import matches
from deliver.cluster.port import Watch
from deliver.model.objects import Object


def number(version: object) -> int:
    """A resourceVersion to compare; -1 when it is none."""
    return int(version) if isinstance(version, str) and version.isdecimal() else -1


def version_of(obj: Object) -> int:
    return number((obj.get("metadata") or {}).get("resourceVersion"))


def name_of(obj: Object) -> str:
    return str((obj.get("metadata") or {}).get("name", ""))


class ObjectStore:
    """Thread-safe. Objects are replaced, never changed in place: readers must not change them either."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.version = ""  # where the next watch continues
        self.changes = 0
        self._objects: dict[str, Object] = {}
        self._lock = threading.Lock()

    @property
    def position(self) -> int:
        return number(self.version)

    def get(self, name: str) -> Object | None:
        return self._objects.get(name)

    def all(self) -> list[Object]:
        with self._lock:
            return list(self._objects.values())

    def replace(self, items: list[Object], version: str, asked_at: int) -> None:
        """Take a list in. asked_at: the position when it was asked for.

        A list older than the position is stale news when events overtook it, but a restored backup when it is older than asked_at.
        """
        at = number(version)
        with self._lock:
            if asked_at <= at < self.position:
                return
            newer = {} if at < asked_at else {name: obj for name, obj in self._objects.items() if version_of(obj) > at >= 0}
            self._objects = {name_of(item): item for item in items} | newer
            self.version = version
            self.changes += 1

    def event(self, kind: str, obj: Object) -> bool:
        """ADDED, MODIFIED, DELETED or BOOKMARK. True when something may look different now."""
        at = version_of(obj)
        with self._lock:
            if 0 <= at <= self.position:
                return False
            self.version = str((obj.get("metadata") or {}).get("resourceVersion", self.version))
            if kind == "BOOKMARK":
                return False
            name = name_of(obj)
            held = self._objects.get(name)
            if held is not None and version_of(held) > at >= 0:
                return False
            self.changes += 1
            if kind == "DELETED":
                return self._objects.pop(name, None) is not None
            self._objects[name] = obj
            return True

    def apply(self, obj: Object) -> None:
        """The answer to an own write, unless this watch is not about it or has already told newer things."""
        name, at = name_of(obj), version_of(obj)
        if self.watch.name and self.watch.name != name:
            return
        with self._lock:
            held = self._objects.get(name)
            if 0 <= at <= self.position or (held is not None and version_of(held) > at >= 0):
                return
            self.changes += 1
            if matches(self.watch.selector, (obj.get("metadata") or {}).get("labels") or {}):
                self._objects[name] = obj
            else:
                self._objects.pop(name, None)
