"""Objects and their history. A stored object is never changed: a write replaces it, so readers inside may keep what they read."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar, cast

from deliver.model.objects import Object

T = TypeVar("T")
_ATOMS = frozenset({str, int, float, bool, type(None)})
HISTORY = 2000
"""Changes that are kept for watchers; an older resourceVersion answers 410."""


def copy(obj: T) -> T:
    """A deep copy of plain data, several times faster than copy.deepcopy. Texts are shared, the record's are large.

    So are the entries of managedFields, half of an object: only ever replaced, never changed (managed.py).
    """
    whole: Any = obj
    meta = whole.get("metadata") if type(whole) is dict else None  # a JSON patch moves lists and texts too
    if type(meta) is not dict or not meta.get("managedFields"):
        return cast(T, _copied(whole))
    made = _copied({**whole, "metadata": {**meta, "managedFields": None}})
    made["metadata"]["managedFields"] = list(meta["managedFields"])
    return cast(T, made)


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {key: item if type(item) in _ATOMS else _copied(item) for key, item in value.items()}
    if type(value) is list:
        return [item if type(item) in _ATOMS else _copied(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, (list, tuple)) else value


def controller(obj: Object) -> str:
    """The uid of its controller, "" without one."""
    for ref in obj["metadata"].get("ownerReferences") or ():
        if ref.get("controller"):
            return str(ref["uid"])
    return ""


def _place(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


class Change(NamedTuple):
    """One write. type: ADDED, MODIFIED or DELETED. old: what stood before, None for ADDED."""

    version: int
    type: str
    kind: str
    obj: Object
    old: Object | None

    @property
    def namespace(self) -> str:
        return cast(str, self.obj["metadata"].get("namespace", ""))

    @property
    def name(self) -> str:
        return cast(str, self.obj["metadata"]["name"])


class Store:
    """All objects by kind, namespace and name, under one counter of versions."""

    def __init__(self) -> None:
        self.version = 1
        self._kinds: dict[str, dict[str, dict[str, Object]]] = {}
        self._owned: dict[tuple[str, str], dict[tuple[str, str], Object]] = {}
        self.history: deque[Change] = deque(maxlen=HISTORY)
        self._oldest = 0
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, call: Callable[[Change], None]) -> Callable[[], None]:
        """Hear each change, right after it; returns how to stop."""
        self._listeners.append(call)
        return lambda: self._listeners.remove(call) if call in self._listeners else None

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        return self._kinds.get(kind, {}).get(namespace, {}).get(name)

    def every(self, kind: str, namespace: str = "", everywhere: bool = False) -> Iterator[Object]:
        """Objects in the order of their names; `everywhere`: of all namespaces."""
        spaces = self._kinds.get(kind, {})
        for space in sorted(spaces) if everywhere else [namespace]:
            yield from list(spaces.get(space, {}).values())

    def controlled(self, kind: str, uid: str) -> list[Object]:
        """Those of that kind whose controller has that uid, oldest first."""
        return list(self._owned.get((kind, uid), {}).values())

    def put(self, kind: str, obj: Object) -> Object:
        """Store it with the next version. The caller gives an object that nobody else will change."""
        meta = obj["metadata"]
        space = self._kinds.setdefault(kind, {}).setdefault(meta.get("namespace", ""), {})
        old = space.get(meta["name"])
        self.version += 1
        obj = {**obj, "metadata": {**meta, "resourceVersion": str(self.version)}}
        space[meta["name"]] = obj
        self._own(kind, old, obj)
        self._tell(Change(self.version, "MODIFIED" if old else "ADDED", kind, obj, old))
        return obj

    def remove(self, kind: str, namespace: str, name: str) -> Object:
        obj = self._kinds[kind][namespace].pop(name)
        self._own(kind, obj, None)
        self.version += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        self._tell(Change(self.version, "DELETED", kind, obj, obj))
        return obj

    def _own(self, kind: str, old: Object | None, new: Object | None) -> None:
        """Keep the index by controller: a cluster with hundreds of pods is not searched at each change of one."""
        before, after = controller(old) if old else "", controller(new) if new else ""
        if before and before != after and old:
            del self._owned[kind, before][_place(old)]
            if not self._owned[kind, before]:
                del self._owned[kind, before]
        if after and new:
            self._owned.setdefault((kind, after), {})[_place(new)] = new

    def compact(self) -> None:
        """Forget the history: every watch from an older version now gets a 410."""
        self.history.clear()
        self._oldest = self.version

    @property
    def oldest(self) -> int:
        """The oldest version from which a watch can still go on."""
        return max(self._oldest, self.history[0].version - 1) if self.history else max(self._oldest, 0)

    def since(self, version: int) -> list[Change]:
        return [change for change in self.history if change.version > version]

    def _tell(self, change: Change) -> None:
        self.history.append(change)
        for call in tuple(self._listeners):
            call(change)
