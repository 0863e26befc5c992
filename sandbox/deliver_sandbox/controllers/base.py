"""A controller: hears changes, and looks at one object at a time a little later, as the real ones with their work queues."""

from abc import ABC, abstractmethod
from typing import Any

from deliver.model.objects import Object
from deliver_sandbox.api import Api
from deliver_sandbox.store import Change

Key = tuple[str, str]


class Controller(ABC):
    """delay: seconds from a change to the look at it."""

    delay = 0.01

    def __init__(self, api: Api) -> None:
        self.api, self.clock, self.store = api, api.clock, api.store
        self._queued: set[Key] = set()
        self._later: dict[Key, float] = {}
        self.stopped = False
        api.store.listen(self.see)

    @abstractmethod
    def see(self, change: Change) -> None:
        """Enqueue what this change concerns."""

    @abstractmethod
    def sync(self, namespace: str, name: str) -> None:
        """Bring the world nearer to what the object says."""

    def poke(self, namespace: str, name: str) -> None:
        """Look at it after `delay`; many pokes before that are one look."""
        key = (namespace, name)
        if key not in self._queued:
            self._queued.add(key)
            self.clock.after(self.delay, lambda: self._run(key))

    def later(self, seconds: float, namespace: str, name: str) -> None:
        """Look at it again in `seconds` at the latest; an earlier such look that is still to come will do, and asks again."""
        key, due = (namespace, name), self.clock.now() + seconds
        known = self._later.get(key)
        if known is not None and known <= due:
            return
        self._later[key] = due
        self.clock.after(seconds, lambda: self._again(key, due))

    def _again(self, key: Key, due: float) -> None:
        if self._later.get(key) == due:
            del self._later[key]
            self.poke(*key)

    def _run(self, key: Key) -> None:
        if self.stopped:
            self.clock.after(1.0, lambda: self._run(key))
            return
        self._queued.discard(key)
        self.sync(*key)


def owner(obj: Object) -> Object | None:
    """Its controller reference."""
    return next((ref for ref in obj["metadata"].get("ownerReferences") or () if ref.get("controller")), None)


def reference(parent: Object) -> Object:
    """An owner reference to the controlling parent."""
    return {
        "apiVersion": parent["apiVersion"],
        "kind": parent["kind"],
        "name": parent["metadata"]["name"],
        "uid": parent["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(status: Object, type_: str) -> Object | None:
    return next((item for item in status.get("conditions") or () if item["type"] == type_), None)


def with_condition(conditions: list[Object], new: Object, order: Any = None) -> list[Object]:
    """`conditions` with the one of that type replaced or added."""
    return [*(item for item in conditions if item["type"] != new["type"]), new]
