"""Where traffic goes, read back from the Services and their EndpointSlices (traffic-and-flags.md section 2)."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from deliver.cluster.managed_fields import last_editor
from deliver.cluster.services import by_service, ready_by_family, shown
from deliver.model.frozen import replace
from deliver.model.names import FENCE, HASH, UNDO, fence_of
from deliver.model.objects import Object
from deliver.model.observation import PodSeen, RouteSeen
from deliver.model.plan import Side
from deliver.model.release import Direction, Release, ServiceSnapshot
from deliver.plugins.interfaces import Reader
from deliver.traffic.beside import read_beside
from deliver.traffic.strangers import strangers


class Reading:
    """`read`, with the last answer kept: without it `python -m bench hour` takes a sixth longer."""

    def __init__(self) -> None:
        self._asked: list[Any] = []
        self._answer = RouteSeen()

    def __call__(self, look: Reader, release: Release, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]) -> RouteSeen:
        arms = [stable, candidate, release.snapshot, release.candidate_hash, release.new_hash, release.course]
        asked = [*arms, look.list("services"), look.list("endpointslices")]
        if asked != self._asked or self._answer.other:  # a stranger's pod may be seen later than its endpoint
            self._answer, self._asked = read(look, release, stable, candidate), asked
        return self._answer


def read(look: Reader, release: Release, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]) -> RouteSeen:
    """One answer for all Services of the release that are there still: they move together or not at all."""
    found, lost = _services(look, release)
    slices = by_service(look.list("endpointslices"))
    beside = read_beside(look, release, slices)
    if not found:
        return RouteSeen(side=Side.BOTH, agreed=True, foreign="; ".join([*lost, *beside.foreign]), gone=True, beside=beside.leading)
    changed = [text for s in release.snapshot.services if s.name in found and (text := edited(s, found[s.name], release))]
    pins = {(found[name]["spec"].get("selector") or {}).get(HASH, "") for name in found}
    live = {uid for name in found for ready in ready_by_family(slices.get(name, [])).values() for uid in ready} | beside.endpoints
    counts = Counter(_versions(look, release, stable, candidate, live).values())
    marks = [found[name]["metadata"].get("annotations") or {} for name in found]
    fence = max(fence_of(service) for service in found.values())
    pin = pins.pop() if len(pins) == 1 else None
    arms = {pod.uid for pod in (*stable, *candidate)}
    strange = strangers(release, found, slices, look.list("pods"), arms) if live - arms else {}
    wrong = _disagreement(found, slices, pin, stable, candidate, strange) if pin is not None else "the Services differ"
    route = RouteSeen(
        side=None if changed or pin is None else side_of(pin, release),
        pinned=pin or "",
        agreed=not changed and not wrong,
        foreign="; ".join([*lost, *changed, *beside.foreign]),
        beside=beside.leading,
        marked=any(UNDO in mark or FENCE in mark for mark in marks),
        fence=fence,
        detail=wrong,
        stable=counts["stable"],
        candidate=counts["candidate"],
        other=counts["other"],
        strangers=tuple(strange.values()),
    )
    if not strange or not route.agreed or release.course is Direction.ROLLING_BACK:  # which waits for nobody else
        return route
    return replace(route, agreed=False, detail=route.strangers_text)


def _versions(
    look: Reader, release: Release, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], live: AbstractSet[str]
) -> dict[str, str]:
    """What each of these endpoints runs, by pod uid: "stable" for the version of before, "candidate" for the released one, "other"."""
    versions = {pod.uid: "candidate" for pod in candidate}
    for pod in stable:
        versions[pod.uid] = "stable" if pod.hash == release.snapshot.hash else _version(release, pod.hash, pod.images)
    if live - versions.keys():  # a stranger's pods
        others = {pod["metadata"]["uid"]: pod for pod in look.list("pods")}
        for uid in live - versions.keys():
            versions[uid] = _version(release, *_template(others[uid])) if uid in others else "other"
    return {uid: versions[uid] for uid in live}


def _version(release: Release, hash: str, images: Sequence[str]) -> str:
    return "candidate" if release.runs(hash, images) else "other"


def _template(pod: Object) -> tuple[str, list[str]]:
    return (pod["metadata"].get("labels") or {}).get(HASH, ""), [one.get("image", "") for one in pod["spec"]["containers"]]


def _services(look: Reader, release: Release) -> tuple[dict[str, Object], list[str]]:
    """(those of the release by name, what became of the others). One that was made again is somebody else's."""
    found: dict[str, Object] = {}
    lost = []
    for snapshot in release.snapshot.services:
        service = look.get("services", snapshot.name)
        if service is not None and service["metadata"]["uid"] == snapshot.uid:
            found[snapshot.name] = service
        else:
            lost.append(f"Service {snapshot.name} was deleted{' and made again' if service else ''}")
    return found, lost


def side_of(pin: str, release: Release) -> Side:
    if not pin:
        return Side.BOTH
    return Side.CANDIDATE if pin == release.candidate_hash else Side.STABLE


def edited(snapshot: ServiceSnapshot, service: Object, release: Release) -> str:
    """What somebody else made of the selector, "" when it is the original with or without one of our pins."""
    selector = dict(service["spec"].get("selector") or {})
    pin = selector.pop(HASH, "")
    known = {"", release.snapshot.hash, release.candidate_hash, release.new_hash}
    by = last_editor(service, "f:selector")
    if selector != dict(snapshot.selector):
        return f"the selector of Service {snapshot.name} was changed{by}: {shown(service['spec'].get('selector'))}"
    if pin not in known:
        return f"Service {snapshot.name} was pinned to {HASH} {pin}{by}"
    return ""


def _disagreement(
    services: Mapping[str, Object],
    slices: Mapping[str, Sequence[Object]],
    pin: str,
    stable: Sequence[PodSeen],
    candidate: Sequence[PodSeen],
    strange: Container[str],
) -> str:
    """Why the EndpointSlices are not yet exactly the ready pods that the selector means, strangers aside; "" when they are."""
    wanted = {pod.uid: pod.name for pod in (*stable, *candidate) if pod.ready and (not pin or pod.hash == pin)}
    for name, service in services.items():
        families = ready_by_family(slices.get(name, []))
        expected = service["spec"].get("ipFamilies") or list(families) or ["IPv4"]
        for family in expected:
            has = families.get(family, set())
            if missing := sorted(wanted[uid] for uid in wanted.keys() - has):
                return f"Service {name} ({family}) does not have {missing[0]} yet"
            if extra := {uid for uid in has - wanted.keys() if uid not in strange}:
                return f"Service {name} ({family}) still has {len(extra)} other endpoint{'s' if len(extra) > 1 else ''}"
    return ""
