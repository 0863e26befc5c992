"""The router for plain Services: a selector that adds pod-template-hash selects exactly one version (design.md section 5)."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from deliver.cluster.port import Watch
from deliver.model.errors import Conflict, NotFound
from deliver.model.names import FENCE, HASH, UNDO
from deliver.model.observation import PodSeen, RouteSeen
from deliver.model.plan import Side
from deliver.model.release import Direction, Release, ServiceSnapshot
from deliver.model.spec import Target
from deliver.plugins.interfaces import Finding, Object, Reader, Writer
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

    def watches(self, target: Target) -> Sequence[Watch]:
        """All Services: one that is made during a release may lead to the candidate too."""
        slices = Watch("endpointslices", selector=f"kubernetes.io/service-name in ({','.join(sorted(target.services))})")
        return [Watch("services"), slices] if target.services else [Watch("services")]

    def find(
        self, look: Reader, target: Target, labels: Mapping[str, str], others: Sequence[Object]
    ) -> tuple[tuple[ServiceSnapshot, ...], list[Finding]]:
        services = {service["metadata"]["name"]: service for service in look.list("services")}
        chosen = {name: service for name, service in services.items() if rules.selects(service, labels)}
        findings = rules.named_but_not_found(target, services, chosen)
        for service in chosen.values():
            findings += rules.refusals(service, others)
        if not chosen and not findings:
            findings.append(rules.no_service(target, labels))
        return tuple(rules.snapshot(service) for _, service in sorted(chosen.items())), findings

    def read(self, look: Reader, release: Release, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]) -> RouteSeen:
        return self._reading(look, release, stable, candidate)

    def move(self, write: Writer, release: Release, side: Side, hash: str) -> None:
        undo = json.dumps(undo_note(release), sort_keys=True)
        for service in release.snapshot.services:
            wanted = pinned(service, hash if side is not Side.BOTH else "")
            build = partial(_patch, wanted=wanted, undo=undo)
            _change(
                write, service, build if release.course is Direction.ROLLING_BACK else partial(_unless_edited, service=service, build=build)
            )

    def restore(self, write: Writer, release: Release) -> None:
        for service in release.snapshot.services:
            _change(write, service, partial(_patch, wanted=pinned(service, ""), undo=None))

    def preview(self, release: Release, side: Side, hash: str) -> list[str]:
        what = f"add {HASH}: {hash}" if side is not Side.BOTH else f"remove {HASH}"
        return [f"Service {service.name}: spec.selector {what}" for service in release.snapshot.services]


def _change(write: Writer, service: ServiceSnapshot, build: Callable[[Object], Object | None]) -> None:
    """One that was deleted meanwhile must not keep the others from moving."""
    with suppress(NotFound):
        write.change("services", service.name, build, uid=service.uid)


def _unless_edited(now: Object, service: ServiceSnapshot, build: Callable[[Object], Object | None]) -> Object | None:
    """On the way forward a stranger's selector is not written over, however late it came: the next look holds the release."""
    selector = {key: value for key, value in (now["spec"].get("selector") or {}).items() if key != HASH}
    if selector != dict(service.selector):
        raise Conflict(f"the selector of Service {service.name} was changed meanwhile", status=409)
    return build(now)


def pinned(service: ServiceSnapshot, hash: str) -> dict[str, str]:
    """The selector for one version, or the original one for hash ""."""
    return {**service.selector, HASH: hash} if hash else dict(service.selector)


def undo_note(release: Release) -> Object:
    """What it takes to put everything back without the journal; it stands in an annotation of each Service."""
    before = release.snapshot
    return {
        "release": release.id,
        "deployment": release.spec.target.deployment,
        "candidate": release.candidate,
        "hash": before.hash,
        "replicas": before.replicas,
        "paused": before.paused,
        "services": {service.name: dict(service.selector) for service in before.services},
        "autoscaler": {"name": before.autoscaler.name, "minimum": before.autoscaler.minimum} if before.autoscaler else None,
        **({"preview": {"name": release.plan.preview, "selector": _own(before.preview)}} if release.plan.preview else {}),
    }


def _own(preview: ServiceSnapshot | None) -> dict[str, str] | None:
    """None: it is made for the release."""
    return dict(preview.selector) if preview else None


def _patch(now: Object, wanted: Mapping[str, str], undo: str | None) -> Object | None:
    """A merge patch from what stands to what is wanted; foreign keys in the selector go."""
    selector = now.get("spec", {}).get("selector") or {}
    noted = (now["metadata"].get("annotations") or {}).get(UNDO)
    if selector == wanted and noted == undo:
        return None if undo else released(now)
    change: dict[str, str | None] = {key: None for key in selector if key not in wanted}
    change |= {key: value for key, value in wanted.items() if selector.get(key) != value}
    annotations: dict[str, str | None] = {UNDO: undo} if undo else {UNDO: None, FENCE: None}
    return {"metadata": {"annotations": annotations}, "spec": {"selector": change}}


def released(now: Object) -> Object | None:
    """A fence that a takeover has left on an otherwise restored Service."""
    return {"metadata": {"annotations": {FENCE: None}}} if FENCE in (now["metadata"].get("annotations") or {}) else None
