"""A release put together from the cluster alone, when its record is lost or cannot be trusted: enough to take it back."""

import json
from typing import Any

from deliver.cluster.port import Cluster
from deliver.engine.runtime.pod_facts import arm, owner, template_digest
from deliver.model.errors import NotFound
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.names import HASH, RELEASE_LABEL, UNDO, candidate_name, fence_of
from deliver.model.plan import Plan, Side, Step
from deliver.model.release import AutoscalerSnapshot, Direction, Phase, Release, ServiceSnapshot, Snapshot, digest_of
from deliver.model.spec import ReleaseSpec, Target

Object = dict[str, Any]


def recover_release(cluster: Cluster, target: Target, *, actor: str, now: float) -> Release | None:
    """None when nothing of ours stands there: no mark on a Service, no candidate Deployment, no hold on the Deployment."""
    namespace = target.namespace
    services = cluster.list("services", namespace)
    note = next((note for service in services if (note := undo_note(service)) and note.get("deployment") == target.deployment), None)
    candidate = _get(cluster, "deployments", namespace, (note or {}).get("candidate") or candidate_name(target.deployment))
    if candidate is not None and RELEASE_LABEL not in (candidate["metadata"].get("labels") or {}):
        candidate = None
    held = _held(_get(cluster, "deployments", namespace, target.deployment))
    if note is None and candidate is None and not held:
        return None
    deployment = cluster.get("deployments", namespace, target.deployment)
    replicasets = cluster.list("replicasets", namespace)
    container = _container(deployment, candidate)
    stable = arm(deployment, replicasets, cluster.list("pods", namespace), container)
    home = (note or {}).get("hash") or stable.hash
    template = _template(replicasets, deployment, home)
    labels = template["metadata"].get("labels") or {}
    snapshots = tuple(
        ServiceSnapshot(one["metadata"]["name"], one["metadata"]["uid"], _original(one, note))
        for one in services
        if _original(one, note) and all(labels.get(key) == value for key, value in _original(one, note).items())
    )
    release_id = (
        (note or {}).get("release")
        or (candidate or {}).get("metadata", {}).get("labels", {}).get(RELEASE_LABEL)
        or f"{target.deployment}-unknown"
    )
    replicas = int((note or {}).get("replicas") or stable.desired)
    spec = ReleaseSpec(target=target, image=_image(candidate, container), strategy="unknown", container=container)
    before = Snapshot(
        uid=deployment["metadata"]["uid"],
        replicas=replicas,
        template=template,
        digest=digest_of(template),
        hash=home,
        image=next(one["image"] for one in template["spec"]["containers"] if one["name"] == container),
        container=container,
        services=snapshots,
        paused=(note or {}).get("paused"),
        autoscaler=_autoscaler(cluster, namespace, note),
    )
    preview = _preview(services, note, str(release_id))
    if preview and (own := _selector(note)):
        before = replace(before, preview=ServiceSnapshot(preview["metadata"]["name"], preview["metadata"]["uid"], own))
    step = Step("unknown", 0.0, Side.BOTH, candidate_pods=0, stable_pods=replicas)
    return Release(
        id=str(release_id),
        number=0,
        spec=spec,
        plan=Plan("unknown", (step,), preview=preview["metadata"]["name"] if preview else "", preview_made=not _selector(note)),
        snapshot=before,
        candidate=(candidate or {}).get("metadata", {}).get("name") or candidate_name(target.deployment),
        actor=actor,
        started=now,
        fence=max(fence_of(one) for one in (deployment, *services, *([candidate] if candidate else []))),
        since=now,
        course=Direction.PROGRESSING,
        phase=Phase.PREPARING,
        exposed=True,
    ).noted(now, Event.RECOVERED, actor=actor)


def _held(deployment: Object | None) -> bool:
    """The driver died between its first write and the first mark on a Service. A note on the Deployment is of a flag's release."""
    return deployment is not None and bool(fence_of(deployment)) and undo_note(deployment) is None


def undo_note(service: Object) -> Object | None:
    try:
        note = json.loads((service["metadata"].get("annotations") or {}).get(UNDO, "null"))
    except ValueError:
        return None
    return note if isinstance(note, dict) else None


def _preview(services: list[Object], note: Object | None, release: str) -> Object | None:
    """The user's preview Service that the note names, or the one made for the release."""
    name = ((note or {}).get("preview") or {}).get("name")
    made = (one for one in services if (one["metadata"].get("labels") or {}).get(RELEASE_LABEL) == release)
    named = (one for one in services if one["metadata"]["name"] == name and _selector(note))
    return next(named, None) or next(made, None)


def _selector(note: Object | None) -> dict[str, str] | None:
    """Of the user's preview Service before the release; None when it has none of his own."""
    found: dict[str, str] | None = ((note or {}).get("preview") or {}).get("selector")
    return found


def _original(service: Object, note: Object | None) -> dict[str, str]:
    """The selector of before: out of the note, else without our pin."""
    known = ((note or {}).get("services") or {}).get(service["metadata"]["name"])
    if known:
        return dict(known)
    return {key: value for key, value in (service["spec"].get("selector") or {}).items() if key != HASH}


def _template(replicasets: list[Object], deployment: Object, home: str) -> Object:
    """Of the ReplicaSet whose pods served before, without the hash label its controller adds; the Deployment's own when it is gone."""
    uid = deployment["metadata"]["uid"]
    for one in replicasets:
        if owner(one) == uid and (one["metadata"].get("labels") or {}).get(HASH) == home:
            if template_digest(one) == digest_of(deployment["spec"]["template"]):
                break
            template: Object = one["spec"]["template"]
            labels = {key: value for key, value in (template["metadata"].get("labels") or {}).items() if key != HASH}
            return {**template, "metadata": {**template["metadata"], "labels": labels}}
    found: Object = deployment["spec"]["template"]
    return found


def _container(deployment: Object, candidate: Object | None) -> str:
    """The one whose image differs between the two; the first one otherwise."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    new = {one["name"]: one["image"] for one in candidate["spec"]["template"]["spec"]["containers"]} if candidate else {}
    name: str = next((one["name"] for one in containers if new.get(one["name"], one["image"]) != one["image"]), containers[0]["name"])
    return name


def _image(candidate: Object | None, container: str) -> str:
    if candidate is None:
        return ""
    return next((one["image"] for one in candidate["spec"]["template"]["spec"]["containers"] if one["name"] == container), "")


def _autoscaler(cluster: Cluster, namespace: str, note: Object | None) -> AutoscalerSnapshot | None:
    before = (note or {}).get("autoscaler")
    scaler = _get(cluster, "horizontalpodautoscalers", namespace, before["name"]) if before else None
    if not before or scaler is None:
        return None
    return AutoscalerSnapshot(before["name"], scaler["metadata"]["uid"], before.get("minimum"), scaler["spec"]["maxReplicas"])


def _get(cluster: Cluster, kind: str, namespace: str, name: str) -> Object | None:
    try:
        return cluster.get(kind, namespace, name)
    except NotFound:
        return None
