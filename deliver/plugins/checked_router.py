"""A router as the engine uses it: whatever a plugin raises or answers, the driver goes on, and says whose fault it is."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from deliver.model.errors import DeliverError, Rejected
from deliver.model.objects import Object
from deliver.model.observation import PodSeen, RouteSeen
from deliver.model.plan import Exposure, Side
from deliver.model.release import Release, ServiceSnapshot
from deliver.model.spec import Target
from deliver.plugins.interfaces import Abilities, Finding, Reader, Recovered, Router, Writer
from deliver.plugins.registry import PluginError
from deliver.plugins.validation import FOREIGN, REPORT, text_of

if TYPE_CHECKING:
    from pydantic import BaseModel

    from deliver.cluster.port import Watch


class CheckedRouter:
    """Before a release its failure is a PluginError; while one goes on, a route that cannot be told, or a write that was refused."""

    name: ClassVar[str] = "checked"
    summary: ClassVar[str] = "stands before any other"
    Options: ClassVar[type["BaseModel"]]

    def __init__(self, router: Router) -> None:
        self._router = router

    def can(self, look: Reader, target: Target) -> Abilities:
        try:
            return self._router.can(look, target)
        except DeliverError:
            raise
        except FOREIGN as error:
            raise PluginError(self._failed("can", error), hint=REPORT) from error

    def find(
        self, look: Reader, target: Target, labels: Mapping[str, str], others: Sequence[Object]
    ) -> tuple[tuple[ServiceSnapshot, ...], list[Finding]]:
        try:
            return self._router.find(look, target, labels, others)
        except DeliverError:
            raise
        except FOREIGN as error:
            raise PluginError(self._failed("find", error), hint=REPORT) from error

    def watches(self, target: Target) -> Sequence["Watch"]:
        return self._router.watches(target)

    def read(self, look: Reader, release: Release, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]) -> RouteSeen:
        try:
            seen: Any = self._router.read(look, release, stable, candidate)
        except FOREIGN as error:
            return RouteSeen(detail=self._failed("read", error))
        if not isinstance(seen, RouteSeen) or not (seen.side is None or isinstance(seen.side, Side)) or not _is_share(seen.weight):
            found = f"weight {seen.weight!r}" if isinstance(seen, RouteSeen) else type(seen).__name__
            return RouteSeen(detail=f"router `{self._router.name}` answers with what is no route: {text_of(found, 60)}")
        return seen

    def set_route(self, write: Writer, release: Release, exposure: Exposure) -> None:
        try:
            self._router.set_route(write, release, exposure)
        except DeliverError:
            raise
        except FOREIGN as error:
            raise Rejected(self._failed("set_route", error)) from error

    def restore(self, write: Writer, release: Release) -> None:
        try:
            self._router.restore(write, release)
        except DeliverError:
            raise
        except FOREIGN as error:
            raise Rejected(self._failed("restore", error)) from error

    def planned_writes(self, release: Release, exposure: Exposure | None) -> Sequence[str]:
        return self._router.planned_writes(release, exposure)

    @classmethod
    def recover(cls, look: Reader, target: Target) -> Recovered:
        """Asked of the plugin's own class: nobody has made a router of it by then."""
        raise NotImplementedError

    def _failed(self, hook: str, error: BaseException) -> str:
        return f"router `{self._router.name}` failed in {hook}: {type(error).__name__}: {text_of(error)}"


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
