"""A release put together from the cluster alone, when its record is lost or cannot be trusted: enough to take it back."""

from contextlib import suppress
from typing import Any

from deliver.cluster.port import Cluster
from deliver.engine.runtime.pod_facts import arm, template_of
from deliver.engine.runtime.preview_service import recover_preview
from deliver.model.errors import DeliverError, NotFound
from deliver.model.journal import Event
from deliver.model.names import RELEASE_LABEL, candidate_name, fence_of
from deliver.model.objects import Object
from deliver.model.places import image_at, places_named, places_of
from deliver.model.plan import Plan, Side, Step
from deliver.model.release import AutoscalerSnapshot, Release, Snapshot, digest_of, new_release
from deliver.model.spec import PluginSpec, ReleaseSpec, Target
from deliver.model.undo import parse_undo_note, router_of_note
from deliver.plugins import registry
from deliver.plugins.checked_router import recovered
from deliver.plugins.interfaces import Recovered
from deliver.plugins.registry import PluginError


class _Api:
    """A Reader that asks the API each time: which kinds a router looks at is not known here."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace

    def get(self, kind: str, name: str) -> Object | None:
        return _get(self._cluster, kind, self._namespace, name)

    def list(self, kind: str) -> list[Object]:
        return self._cluster.list(kind, self._namespace)


def recover_release(cluster: Cluster, target: Target, *, actor: str, now: float) -> Release | None:
    """None when nothing of ours stands there: no undo note of any router, no candidate Deployment, no hold on the Deployment."""
    namespace = target.namespace
    router, routed = ask_routers(cluster, target)
    note: dict[str, Any] = dict(routed.note or {})
    candidate = _get(cluster, "deployments", namespace, note.get("candidate") or candidate_name(target.deployment))
    if candidate is not None and RELEASE_LABEL not in (candidate["metadata"].get("labels") or {}):
        candidate = None
    if not note and candidate is None and not _held(_get(cluster, "deployments", namespace, target.deployment)):
        return None
    deployment = cluster.get("deployments", namespace, target.deployment)
    replicasets = cluster.list("replicasets", namespace)
    containers = _containers(deployment, candidate)
    stable = arm(deployment, replicasets, cluster.list("pods", namespace), containers)
    home = note.get("hash") or stable.hash
    template = template_of(replicasets, deployment, home)
    labels = template["metadata"].get("labels") or {}
    release_id = str(
        note.get("release") or (candidate or {}).get("metadata", {}).get("labels", {}).get(RELEASE_LABEL) or f"{target.deployment}-unknown"
    )
    replicas = int(note.get("replicas") or stable.desired)
    preview, own = recover_preview(cluster.list("services", namespace), note, release_id)
    before = Snapshot(
        uid=deployment["metadata"]["uid"],
        replicas=replicas,
        template=template,
        digest=digest_of(template),
        hash=home,
        image=image_at(template, containers[0]),
        container=containers[0],
        places=places_named(template, containers),
        services=tuple(one for one in routed.services if all(labels.get(key) == value for key, value in one.selector.items())),
        paused=note.get("paused"),
        autoscaler=_autoscaler(cluster, namespace, note),
        preview=own,
    )
    step = Step("unknown", 0.0, Side.BOTH, candidate_pods=0, stable_pods=replicas)
    spec = ReleaseSpec(
        target=target, image=_image(candidate, containers[0]), strategy="unknown", container=",".join(containers), router=router
    )
    return new_release(
        spec,
        Plan("unknown", (step,), preview=preview, preview_made=own is None),
        before,
        actor,
        now,
        id=release_id,
        candidate=(candidate or {}).get("metadata", {}).get("name") or candidate_name(target.deployment),
        fence=max(fence_of(deployment), fence_of(candidate) if candidate else 0, routed.fence),
        exposed=True,
    ).noted(now, Event.RECOVERED, actor=actor)


def ask_routers(cluster: Cluster, target: Target) -> tuple[PluginSpec, Recovered]:
    """The router of the release, and what its objects tell. The usual one first: where that knows, no other is loaded."""
    look, router = _Api(cluster, target.namespace), ReleaseSpec.router
    found = recovered(router.kind, look, target)
    for name in sorted(set(registry.names("deliver.routers")) - {router.kind}):
        if found.note:
            break
        with suppress(DeliverError):  # foreign code that perhaps nobody chose: whatever it raises, the rollback goes on
            other = recovered(name, look, target)
            router, found = (PluginSpec(name), other) if other.note else (router, found)
    left = router_of_note(found.note) if found.note else None
    if left and left != router:
        router = left
        with suppress(PluginError):  # it is not installed here, or fails: what the Services tell has to do
            found = recovered(left.kind, look, target)
    return router, found


def _held(deployment: Object | None) -> bool:
    """The driver died between its first write and the first mark on a Service. A note on the Deployment is of a flag's release."""
    return deployment is not None and bool(fence_of(deployment)) and parse_undo_note(deployment) is None


def _containers(deployment: Object, candidate: Object | None) -> tuple[str, ...]:
    """Those whose image differs between the two, and is the same in the candidate; the first one otherwise."""
    there = places_of(deployment["spec"]["template"])
    new = {place.container: place.image for place in places_of(candidate["spec"]["template"])} if candidate else {}
    changed = [one.container for one in there if new.get(one.container, one.image) != one.image]
    return tuple(name for name in changed if new[name] == new[changed[0]]) or (there[0].container,)


def _image(candidate: Object | None, container: str) -> str:
    return image_at(candidate["spec"]["template"], container) if candidate else ""


def _autoscaler(cluster: Cluster, namespace: str, note: Object) -> AutoscalerSnapshot | None:
    before = note.get("autoscaler")
    scaler = _get(cluster, "horizontalpodautoscalers", namespace, before["name"]) if before else None
    if not before or scaler is None:
        return None
    return AutoscalerSnapshot(before["name"], scaler["metadata"]["uid"], before.get("minimum"), scaler["spec"]["maxReplicas"])


def _get(cluster: Cluster, kind: str, namespace: str, name: str) -> Object | None:
    try:
        return cluster.get(kind, namespace, name)
    except NotFound:
        return None
