"""Services beside those of a release that lead to its pods: left alone when it began, or joined since.

A selector that somebody edited away comes back, an umbrella Service is made: users reach the new version where nobody moves them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deliver.cluster.managed_fields import last_editor
from deliver.cluster.services import ready_by_family
from deliver.model.names import HASH, RELEASE_LABEL
from deliver.model.objects import Object
from deliver.model.release import Direction, Release
from deliver.plugins.interfaces import Reader


@dataclass(frozen=True)
class Beside:
    """endpoints: uids of the pods that joined Services lead to. leading: names of all beside that lead to the new version now.

    foreign: what is said of the joined ones that lead to it, or will as soon as it has a pod.
    """

    endpoints: frozenset[str] = frozenset()
    leading: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


NONE = Beside()


def services_beside(look: Reader, release: Release) -> list[Object]:
    """All but its own and its preview that select something by themselves. One of its own that was made again is somebody else's."""
    own = {service.uid for service in release.snapshot.services}
    others = [one for one in look.list("services") if one["metadata"]["uid"] not in own and one["metadata"]["name"] != release.plan.preview]
    return [one for one in others if one["spec"].get("selector")]


def read_beside(look: Reader, release: Release, slices: Mapping[str, Sequence[Object]]) -> Beside:
    """What the others lead to. slices: by_service(). Of a release without Services, that leaves all traffic as it is, nothing is asked."""
    others = services_beside(look, release) if release.snapshot.services else []
    if not others:
        return NONE
    pods = {pod["metadata"]["uid"]: pod for pod in look.list("pods")}
    ends = {name: _endpoints(slices.get(name, ())) & pods.keys() for name in (one["metadata"]["name"] for one in others)}
    leading = tuple(sorted(name for name, uids in ends.items() if any(runs_new(release, pods[uid]) for uid in uids)))
    joined = [one for one in others if one["metadata"]["name"] not in release.snapshot.left_alone]
    return Beside(
        frozenset(uid for one in joined for uid in ends[one["metadata"]["name"]]),
        leading,
        tuple(_told(one) for one in joined if _concerns(one, release, leading)),
    )


def _endpoints(slices: Sequence[Object]) -> frozenset[str]:
    return frozenset(uid for family in ready_by_family(slices).values() for uid in family)


def _concerns(service: Object, release: Release, leading: Sequence[str]) -> bool:
    """On the way forward before the first pod of the candidate is ready; on the way back while there is one."""
    if release.course is Direction.PROGRESSING:
        template = (release.snapshot.template.get("metadata") or {}).get("labels") or {}
        labels = {**template, RELEASE_LABEL: release.id, HASH: release.candidate_hash}
        return bool(service["spec"]["selector"].items() <= labels.items())
    return release.course is Direction.ROLLING_BACK and service["metadata"]["name"] in leading


def _told(service: Object) -> str:
    name, by = service["metadata"]["name"], last_editor(service, "f:selector")
    return f"Service {name}, which is not part of the release, leads to the candidate{by}"


def runs_new(release: Release, pod: Object) -> bool:
    """It runs what is released, or what is taken back, whichever Deployment made it."""
    labels = pod["metadata"].get("labels") or {}
    images = [one.get("image", "") for one in pod["spec"]["containers"]]
    return RELEASE_LABEL in labels or release.runs(labels.get(HASH, ""), images)
