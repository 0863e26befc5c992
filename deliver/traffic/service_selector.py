"""The router for plain Services: a selector that adds pod-template-hash selects exactly one version (design.md section 5)."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from deliver.cluster.patch import merge_patch_to
from deliver.cluster.port import Watch
from deliver.cluster.services import selects
from deliver.model.errors import Conflict, NotFound
from deliver.model.names import FENCE, HASH, UNDO, fence_of
from deliver.model.objects import Object
from deliver.model.observation import PodSeen, RouteSeen
from deliver.model.plan import Exposure, Side
from deliver.model.release import Direction, Release, ServiceSnapshot
from deliver.model.spec import Target
from deliver.model.undo import parse_undo_note, undo_note
from deliver.plugins.interfaces import Abilities, Finding, Reader, Recovered, Writer
from deliver.traffic import endpoints, rules


class ServiceSelectorOptions(BaseModel):
    """A plain Service needs no options."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceSelector:
    """All Services that select the stable pods, pinned and unpinned together."""

    name: ClassVar[str] = "service-selector"
    summary: ClassVar[str] = "plain Services: exposure by ready pods, switched by the Service's selector"
    Options: ClassVar[type[BaseModel]] = ServiceSelectorOptions

    def __init__(self, options: ServiceSelectorOptions) -> None:
        self.options = options
        self._reading = endpoints.Reading()

    def can(self, look: Reader, target: Target) -> Abilities:
        return Abilities()

    def watches(self, target: Target) -> Sequence[Watch]:
        """All Services and what they lead to: one that joins during a release may lead to the candidate too."""
        return [Watch("services"), Watch("endpointslices")] if target.services else [Watch("services")]

    def find(
        self, look: Reader, target: Target, labels: Mapping[str, str], others: Sequence[Object]
    ) -> tuple[tuple[ServiceSnapshot, ...], list[Finding]]:
        services = {service["metadata"]["name"]: service for service in look.list("services")}
        leading = {name: service for name, service in services.items() if selects(service, labels)}
        chosen = rules.chosen(target, leading)
        findings = [*rules.named_but_not_found(target, services, leading)]
        for service in chosen.values():
            findings += rules.refusals(service, others)
        if alone := sorted(leading.keys() - chosen.keys()):
            findings.append(rules.left_alone(alone))
        if not leading and not findings:
            findings.append(rules.no_service(target, labels))
        return tuple(ServiceSnapshot.of(service) for _, service in sorted(chosen.items())), findings

    def read(self, look: Reader, release: Release, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]) -> RouteSeen:
        return self._reading(look, release, stable, candidate)

    def set_route(self, write: Writer, release: Release, exposure: Exposure) -> None:
        undo = undo_note(release)
        for service in release.snapshot.services:
            build = partial(_patch, wanted=pinned(service, exposure.hash), undo=undo)
            forward = release.course is not Direction.ROLLING_BACK
            _change(write, service, partial(_unless_edited, service=service, build=build) if forward else build)

    def restore(self, write: Writer, release: Release) -> None:
        for service in release.snapshot.services:
            _change(write, service, partial(_patch, wanted=pinned(service, ""), undo=None))

    def planned_writes(self, release: Release, exposure: Exposure | None) -> Sequence[str]:
        services = release.snapshot.services
        names = f"Service{'s' if len(services) > 1 else ''} {', '.join(service.name for service in services)}"
        if exposure is None:
            return [f"{names}: pinned to the new pods of {release.spec.target.deployment}, then the original selector"]
        selector = {
            Side.STABLE: "pinned to the stable pods",
            Side.BOTH: "original selector (both sides)",
            Side.CANDIDATE: "pinned to the candidate",
        }
        return [f"{names}: spec.selector {selector[exposure.side]}"]

    @classmethod
    def recover(cls, look: Reader, target: Target) -> Recovered:
        services = look.list("services")
        notes = (parse_undo_note(service) for service in services)
        note = next((note for note in notes if note and note.get("deployment") == target.deployment), None)
        before = (note or {}).get("services") or {}
        moved = [one for one in services if not before or one["metadata"]["name"] in before]  # others were left alone, or joined since
        found = [ServiceSnapshot.of(one, before.get(one["metadata"]["name"]) or _unpinned(one)) for one in moved]
        return Recovered(note, tuple(one for one in found if one.selector), max(map(fence_of, services), default=0))


def _change(write: Writer, service: ServiceSnapshot, build: Callable[[Object], Object | None]) -> None:
    """One that was deleted meanwhile must not keep the others from moving."""
    with suppress(NotFound):
        write.change("services", service.name, build, uid=service.uid)


def _unless_edited(now: Object, service: ServiceSnapshot, build: Callable[[Object], Object | None]) -> Object | None:
    """On the way forward a stranger's selector is not written over, however late it came: the next look holds the release."""
    if _unpinned(now) != dict(service.selector):
        raise Conflict(f"the selector of Service {service.name} was changed meanwhile", status=409)
    return build(now)


def _unpinned(service: Object) -> dict[str, str]:
    return {key: value for key, value in (service["spec"].get("selector") or {}).items() if key != HASH}


def pinned(service: ServiceSnapshot, hash: str) -> dict[str, str]:
    """The selector for one version, or the original one for hash ""."""
    return {**service.selector, HASH: hash} if hash else dict(service.selector)


def _patch(now: Object, wanted: Mapping[str, str], undo: str | None) -> Object | None:
    """A merge patch from what stands to what is wanted; foreign keys in the selector go."""
    selector = now.get("spec", {}).get("selector") or {}
    noted = (now["metadata"].get("annotations") or {}).get(UNDO)
    if selector == wanted and noted == undo:
        return None if undo else released(now)
    annotations: dict[str, str | None] = {UNDO: undo} if undo else {UNDO: None, FENCE: None}
    return {"metadata": {"annotations": annotations}, "spec": {"selector": merge_patch_to(selector, dict(wanted))}}


def released(now: Object) -> Object | None:
    """A fence that a takeover has left on an otherwise restored Service."""
    return {"metadata": {"annotations": {FENCE: None}}} if FENCE in (now["metadata"].get("annotations") or {}) else None
