"""A made-up mesh that splits a Service's requests by weight: its router, as a package of its own would have it, and its data plane."""

from collections.abc import Sequence
from typing import Any, ClassVar

from deliver.model.frozen import replace
from deliver.model.names import RELEASE_LABEL
from deliver.model.objects import Object
from deliver.model.observation import PodSeen, RouteSeen
from deliver.model.plan import Exposure
from deliver.model.release import Release
from deliver.model.spec import PluginSpec, Target
from deliver.plugins.interfaces import Abilities, Reader, Writer
from deliver.traffic.service_selector import ServiceSelector
from deliver_sandbox.proxy import View
from deliver_sandbox.store import Change
from deliver_sandbox.world import World

WEIGHT = "mesh.example/candidate-percent"
MESH = PluginSpec("mesh")


class Mesh(ServiceSelector):
    """While both sides serve, an annotation of the Service says how many percent of its requests go to the candidate."""

    name: ClassVar[str] = "mesh"
    summary: ClassVar[str] = "a mesh that splits a Service's requests by an annotation"

    def can(self, look: Reader, target: Target) -> Abilities:
        return Abilities(weight_step=1.0)

    def read(self, look: Reader, release: Release, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]) -> RouteSeen:
        seen = super().read(look, release, stable, candidate)
        there = [service for one in release.snapshot.services if (service := look.get("services", one.name))]
        weights = {(service["metadata"].get("annotations") or {}).get(WEIGHT) for service in there}
        if len(weights) > 1:
            return replace(seen, side=None, agreed=False, marked=True, detail="the Services have different weights")
        weight = weights.pop() if weights else None
        return seen if weight is None else replace(seen, weight=float(weight), marked=True)

    def set_route(self, write: Writer, release: Release, exposure: Exposure) -> None:
        """The weight stands before both sides serve, and goes when one side has them all."""
        if exposure.weight is not None:
            self._weigh(write, release, f"{exposure.weight:g}")
        super().set_route(write, release, exposure)
        if exposure.weight is None:
            self._weigh(write, release, None)

    def restore(self, write: Writer, release: Release) -> None:
        self._weigh(write, release, None)
        super().restore(write, release)

    def planned_writes(self, release: Release, exposure: Exposure | None) -> Sequence[str]:
        if exposure is None or exposure.weight is None:
            return super().planned_writes(release, exposure)
        return [f"Service {one.name}: {exposure.weight:g} % of its requests to the candidate" for one in release.snapshot.services]

    def _weigh(self, write: Writer, release: Release, weight: str | None) -> None:
        def build(now: Object) -> Object | None:
            if (now["metadata"].get("annotations") or {}).get(WEIGHT) == weight:
                return None
            return {"metadata": {"annotations": {WEIGHT: weight}}}

        for service in release.snapshot.services:
            write.change("services", service.name, build, uid=service.uid)


class DataPlane:
    """Spreads new connections as the annotation says, from the moment at which it says so. A side without pods gets its share and fails."""

    def __init__(self, world: World) -> None:
        self.world, self.plain = world, world.traffic.proxy.view
        self.weights: dict[str, int] = {}
        world.traffic.proxy.view = self.view  # type: ignore[method-assign]  # the mesh stands in the place of the node's proxy
        world.api.store.listen(self._hear)

    def _hear(self, change: Change) -> None:
        if change.kind == "services":
            self.world.traffic.settle()
            weight = (change.obj["metadata"].get("annotations") or {}).get(WEIGHT)
            self.weights[change.obj["metadata"]["name"]] = -1 if weight is None else int(weight)

    def view(self, namespace: str, service: str) -> View:
        uids, weight = self.plain(namespace, service), self.weights.get(service, -1)
        if weight < 0:
            return uids
        pods: dict[str, Any] = {pod["metadata"]["uid"]: pod for pod in self.world.api.store.every("pods", namespace)}
        new = [uid for uid in uids if uid in pods and RELEASE_LABEL in pods[uid]["metadata"]["labels"]]
        old = [uid for uid in uids if uid not in new]
        if not new or not old:
            return uids  # one side is all that the Service selects
        return tuple(new * (weight * len(old)) + old * ((100 - weight) * len(new)))
