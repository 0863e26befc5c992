"""The router that leaves the Services alone: for releases whose exposure is moved by something else, e.g. a feature flag."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from deliver.cluster.port import Watch
from deliver.model.objects import Object
from deliver.model.observation import PodSeen, RouteSeen
from deliver.model.plan import Exposure, Side
from deliver.model.release import Release, ServiceSnapshot
from deliver.model.spec import Target
from deliver.plugins.interfaces import Abilities, Finding, Reader, Recovered, Writer


class NoOptions(BaseModel):
    """There is nothing to choose."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoRouter:
    """Moves nothing, so it refuses whoever wants something moved."""

    name: ClassVar[str] = "none"
    summary: ClassVar[str] = "leaves the Services alone; a feature flag moves the exposure"
    Options: ClassVar[type[BaseModel]] = NoOptions

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def can(self, look: Reader, target: Target) -> Abilities:
        return Abilities()

    def watches(self, target: Target) -> Sequence[Watch]:
        return ()

    def find(
        self, look: Reader, target: Target, labels: Mapping[str, str], others: Sequence[Object]
    ) -> tuple[tuple[ServiceSnapshot, ...], list[Finding]]:
        text = "router `none` moves no traffic"
        return (), [Finding("no-router", "input", text, "leave --router out, or choose one of `deliver plugins`")]

    def read(self, look: Reader, release: Release, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]) -> RouteSeen:
        return RouteSeen(side=Side.BOTH, agreed=True)

    def set_route(self, write: Writer, release: Release, exposure: Exposure) -> None:
        """Nothing to move."""

    def restore(self, write: Writer, release: Release) -> None:
        """Nothing was moved."""

    def planned_writes(self, release: Release, exposure: Exposure | None) -> Sequence[str]:
        return ()

    @classmethod
    def recover(cls, look: Reader, target: Target) -> Recovered:
        return Recovered(None, ())
