"""What was worked out of an object, for as long as that object is looked at."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from deliver.model.objects import Object

T = TypeVar("T")


class Known(Generic[T]):
    """work(obj), once for each object. A watch never changes an object, it brings another: so it is known by its identity."""

    def __init__(self, work: Callable[[Object], T]) -> None:
        self._work = work
        self._known: dict[int, tuple[Object, T]] = {}  # the object is kept, so that its id stays its own

    def __call__(self, obj: Object) -> T:
        known = self._known.get(id(obj))
        if known is None:
            known = self._known[id(obj)] = obj, self._work(obj)
        return known[1]

    def keep(self, objects: Iterable[Object]) -> None:
        """Forget all others."""
        self._known = {id(obj): self._known[id(obj)] for obj in objects if id(obj) in self._known}
