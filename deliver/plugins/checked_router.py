"""A router as the engine uses it: whatever a plugin raises or answers, the driver goes on, and says whose fault it is."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from deliver.model.errors import DeliverError, Rejected
from deliver.model.objects import Object
from deliver.model.observation import PodSeen, RouteSeen
from deliver.model.plan import Exposure, Side
from deliver.model.release import Release, ServiceSnapshot
from deliver.model.spec import Target
from deliver.plugins import registry
from deliver.plugins.interfaces import Abilities, Finding, Reader, Recovered, Router, Writer
from deliver.plugins.registry import PluginError
from deliver.plugins.validation import FOREIGN, REPORT, text_of

if TYPE_CHECKING:
    from deliver.cluster.port import Watch


class CheckedRouter:
    """Before a release its failure is a PluginError; while one goes on, a route that cannot be told, or a write that was refused."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def can(self, look: Reader, target: Target) -> Abilities:
        with self._told_as("can", PluginError):
            return self._router.can(look, target)

    def find(
        self, look: Reader, target: Target, labels: Mapping[str, str], others: Sequence[Object]
    ) -> tuple[tuple[ServiceSnapshot, ...], list[Finding]]:
        with self._told_as("find", PluginError):
            return self._router.find(look, target, labels, others)

    def watches(self, target: Target) -> Sequence["Watch"]:
        with self._told_as("watches", PluginError):
            return self._router.watches(target)

    def read(self, look: Reader, release: Release, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]) -> RouteSeen:
        try:
            seen: Any = self._router.read(look, release, stable, candidate)
        except FOREIGN as error:
            return RouteSeen(detail=_failed(self._router.name, "read", error))
        if not isinstance(seen, RouteSeen) or not (seen.side is None or isinstance(seen.side, Side)) or not _is_share(seen.weight):
            found = f"weight {seen.weight!r}" if isinstance(seen, RouteSeen) else type(seen).__name__
            return RouteSeen(detail=f"router `{self._router.name}` answers with what is no route: {text_of(found, 60)}")
        return seen

    def set_route(self, write: Writer, release: Release, exposure: Exposure) -> None:
        with self._told_as("set_route", Rejected):
            self._router.set_route(write, release, exposure)

    def restore(self, write: Writer, release: Release) -> None:
        with self._told_as("restore", Rejected):
            self._router.restore(write, release)

    def planned_writes(self, release: Release, exposure: Exposure | None) -> Sequence[str]:
        with self._told_as("planned_writes", PluginError):
            return self._router.planned_writes(release, exposure)

    def _told_as(self, hook: str, kind: type[DeliverError]) -> AbstractContextManager[None]:
        return _told_as(self._router.name, hook, kind)


def recovered(name: str, look: Reader, target: Target) -> Recovered:
    """What the router of that name makes of the objects alone. Raises PluginError, ClusterError."""
    with _told_as(name, "recover", PluginError):
        found: Recovered = registry.load("deliver.routers", name).recover(look, target)
        return found


@contextmanager
def _told_as(name: str, hook: str, kind: type[DeliverError]) -> Iterator[None]:
    """What is none of the errors that the interface names is the plugin's fault, and is said to be."""
    try:
        yield
    except DeliverError:
        raise
    except FOREIGN as error:
        raise kind(_failed(name, hook, error), hint=REPORT) from error


def _failed(name: str, hook: str, error: BaseException) -> str:
    return f"router `{name}` failed in {hook}: {type(error).__name__}: {text_of(error)}"


class UnknownRouter:
    """For who looks at a release whose router is not installed here: all but the traffic can be told."""

    def __init__(self, missing: PluginError) -> None:
        self.missing = missing

    def watches(self, target: Target) -> Sequence["Watch"]:
        return ()

    def read(self, look: Reader, release: Release, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]) -> RouteSeen:
        return RouteSeen(detail=self.missing.what)


def _is_share(weight: Any) -> bool:
    return weight is None or (type(weight) in (int, float) and math.isfinite(weight) and 0 <= weight <= 100)
