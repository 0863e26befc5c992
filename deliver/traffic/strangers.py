"""Strangers: endpoints of a release's Services that are no pods of its Deployments, such as a Job's pod with the application's labels."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from deliver.model.names import HASH
from deliver.model.objects import Object
from deliver.model.observation import Stranger
from deliver.model.release import Release


def strangers(
    release: Release, services: Collection[str], slices: Mapping[str, Sequence[Object]], pods: Sequence[Object], own: Collection[str]
) -> dict[str, Stranger]:
    """By uid, those that users of these Services reach now. own: uids of pods that are known to be of the release."""
    seen = {pod["metadata"]["uid"]: pod for pod in pods}
    found: dict[str, Stranger] = {}
    for service in sorted(services):
        for uid, name in _ready(slices.get(service, ())):
            if uid not in own and uid not in found and not _is_own(release, name, seen.get(uid)):
                found[uid] = Stranger(name, controller(seen[uid]) if uid in seen else "", service)
    return found


def controller(pod: Object) -> str:
    """Kind and name of what made it, "" for a pod that somebody made by hand."""
    refs = pod["metadata"].get("ownerReferences") or ()
    return next((f"{ref.get('kind', 'owner')} {ref.get('name', '')}" for ref in refs if ref.get("controller")), "")


def _ready(slices: Sequence[Object]) -> Iterator[tuple[str, str]]:
    """(uid, name) of each pod that serves."""
    for piece in slices:
        for endpoint in piece.get("endpoints") or ():
            target = endpoint.get("targetRef") or {}
            if target.get("kind") == "Pod" and (endpoint.get("conditions") or {}).get("ready", True) is not False:
                yield target.get("uid", "?"), target.get("name", "?")


def _is_own(release: Release, name: str, pod: Object | None) -> bool:
    """A pod of one of the two Deployments, that may be on its way out or gone already. Their ReplicaSets are called by name and hash."""
    deployments = release.spec.target.deployment, release.candidate
    if pod is None:
        hashes = {release.snapshot.hash, release.candidate_hash, release.new_hash} - {""}
        return any(name.startswith(f"{one}-{hash}-") for one in deployments for hash in hashes)
    hash = (pod["metadata"].get("labels") or {}).get(HASH, "")
    return controller(pod) in {f"ReplicaSet {one}-{hash}" for one in deployments}
