"""The preview Service: it leads to the candidate while users do not. Named by the user, or made for the release.

One that the user has gets another selector for the time being, and its own back at the end, byte for byte. One that is made belongs
to the candidate Deployment (an owner reference), so that it goes with it whatever becomes of us.
"""

from collections.abc import Sequence

from deliver.cluster import services
from deliver.cluster.managed_fields import last_editor
from deliver.cluster.patch import merge_patch_to
from deliver.cluster.port import Cluster, Watch
from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.model.errors import Conflict, NotFound
from deliver.model.names import FENCE, RELEASE_LABEL, UNDO, fence_of
from deliver.model.objects import Object
from deliver.model.observation import ArmSeen, PreviewSeen
from deliver.model.release import Release, ServiceSnapshot
from deliver.model.undo import Note, undo_note
from deliver.plugins.interfaces import Reader

COPIED = ("ports", "ipFamilies", "ipFamilyPolicy")


def watches(release: Release) -> list[Watch]:
    name = release.plan.preview
    return [Watch("services", name=name), Watch("endpointslices", selector=f"kubernetes.io/service-name={name}")] if name else []


def selector(release: Release) -> dict[str, str]:
    """Our label is on the candidate's pods alone."""
    return {RELEASE_LABEL: release.id}


# ---------------------------------------------------------------- what stands


def read(look: Reader, release: Release, candidate: ArmSeen | None) -> PreviewSeen | None:
    """None for a release without a preview."""
    name, named = release.plan.preview, release.snapshot.preview
    if not name:
        return None
    service = look.get("services", name)
    if service is None or not is_ours(service, release):
        return PreviewSeen(foreign=f"Service {name} was deleted{' and made again' if service else ''}" if named or service else "")
    if other := taken_by(service, release):
        return PreviewSeen(foreign=f"preview Service {name} is in use by release {other}")
    now = service["spec"].get("selector") or {}
    marks = service["metadata"].get("annotations") or {}
    ready = {pod.uid for pod in candidate.pods if pod.ready} if candidate else set()
    served = services.served(look.list("endpointslices"), name)
    families = service["spec"].get("ipFamilies") or list(served) or ["IPv4"]
    whole = all(served.get(family, set()) == ready for family in families)
    is_open = dict(now) == selector(release)
    untouched = named is not None and dict(now) == dict(named.selector)
    return PreviewSeen(
        there=True,
        open=is_open,
        ready=min((len(served.get(family, set()) & ready) for family in families), default=0),
        agreed=is_open and whole,
        marked=named is None or UNDO in marks or FENCE in marks or is_open,
        fence=fence_of(service),
        foreign="" if is_open or untouched else _edited(service),
        detail="" if whole else f"Service {name} does not have exactly the candidate's {len(ready)} ready pods yet",
    )


def is_ours(service: Object, release: Release) -> bool:
    """The user's that was there at the start, or the one made for this release."""
    named = release.snapshot.preview
    if named is not None:
        return bool(service["metadata"]["uid"] == named.uid)
    return (service["metadata"].get("labels") or {}).get(RELEASE_LABEL) == release.id


def taken_by(service: Object, release: Release) -> str:
    """The release that has led the user's Service to its own candidate since ours began, "" for none. What it carries then is not ours."""
    to = str((service["spec"].get("selector") or {}).get(RELEASE_LABEL, ""))
    return to if release.snapshot.preview is not None and to != release.id else ""


def _edited(service: Object) -> str:
    by, shown = last_editor(service, "f:selector"), services.shown(service["spec"].get("selector"))
    return f"the selector of the preview Service {service['metadata']['name']} was changed{by}: {shown}"


# ---------------------------------------------------------------- what is written


def open_preview(cluster: Cluster, write: GuardedWriter, release: Release, candidate: ArmSeen | None) -> None:
    """Let it lead to the candidate. Doing it twice does no harm."""
    name, named = release.plan.preview, release.snapshot.preview
    if named is None:
        _make(cluster, write, release, candidate)
        return
    undo = undo_note(release)

    def build(now: Object) -> Object | None:
        if other := taken_by(now, release):
            raise Conflict(f"preview Service {name} is in use by release {other}", status=409)
        return _patch(now, selector(release), undo)

    build(cluster.get("services", release.spec.target.namespace, name))  # before the fence is looked at: it may be the other's
    write.change("services", name, build, uid=named.uid)


def _make(cluster: Cluster, write: GuardedWriter, release: Release, candidate: ArmSeen | None) -> None:
    namespace, name = release.spec.target.namespace, release.plan.preview
    if candidate is None:
        raise NotFound(f"Deployment {release.candidate} is gone: its preview Service has no owner", status=404)
    body = new_service(release, port_source(cluster, release), candidate)
    body["metadata"]["annotations"] = {FENCE: str(write.fence)}
    try:
        write.create("services", body)
    except Conflict:
        there = cluster.get("services", namespace, name)
        if not is_ours(there, release):
            raise
        write.change("services", name, lambda now: _patch(now, selector(release), None, keep=True), uid=there["metadata"]["uid"])


def port_source(cluster: Cluster, release: Release) -> Object:
    """The Service whose ports the preview gets: the first with an address of its own."""
    found = [cluster.get("services", release.spec.target.namespace, one.name) for one in release.snapshot.services]
    return next((one for one in found if one["spec"].get("clusterIP") != "None"), found[0])


def new_service(release: Release, service: Object, candidate: ArmSeen) -> Object:
    """The preview Service made for the release."""
    spec = {key: service["spec"][key] for key in COPIED if service["spec"].get(key)}
    ports = [{key: value for key, value in port.items() if key != "nodePort"} for port in spec.get("ports", [])]
    spec |= {"ports": ports} if ports else {"clusterIP": "None"}  # no Service has an address and no port
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": candidate.deployment, "uid": candidate.uid, "controller": False}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": release.plan.preview,
            "namespace": release.spec.target.namespace,
            "labels": {"app.kubernetes.io/managed-by": "deliver", RELEASE_LABEL: release.id},
            "ownerReferences": [owner],
        },
        "spec": {**spec, "type": "ClusterIP", "selector": selector(release)},
    }


def close_preview(cluster: Cluster, write: GuardedWriter, release: Release) -> None:
    """The user's own selector back, byte for byte; one that was made is deleted. Another's of the same name is left alone."""
    name, named = release.plan.preview, release.snapshot.preview
    try:
        service = cluster.get("services", release.spec.target.namespace, name)
    except NotFound:
        return
    if not is_ours(service, release) or taken_by(service, release):
        return
    if named is None:
        write.delete("services", name, uid=service["metadata"]["uid"])
        return
    write.change("services", name, lambda now: _patch(now, dict(named.selector), None), uid=named.uid)


def stamp_preview(cluster: Cluster, write: GuardedWriter, release: Release) -> None:
    """Our fence on it, so that an old driver's write fails."""
    try:
        service = cluster.get("services", release.spec.target.namespace, release.plan.preview) if release.plan.preview else None
    except NotFound:
        return
    if service is not None and is_ours(service, release) and not taken_by(service, release):
        write.stamp("services", release.plan.preview, uid=service["metadata"]["uid"])


def _patch(now: Object, wanted: dict[str, str], undo: str | None, *, keep: bool = False) -> Object | None:
    """A merge patch of selector and note. undo None: our annotations go, but for `keep`."""
    there, marks = now["spec"].get("selector") or {}, now["metadata"].get("annotations") or {}
    change = merge_patch_to(there, wanted)
    notes: dict[str, str | None] = {UNDO: undo} if undo else {} if keep else {UNDO: None, FENCE: None}
    settled = all(marks.get(key) == value for key, value in notes.items())
    if not change and settled:
        return None
    return {"metadata": {"annotations": notes}, **({"spec": {"selector": change}} if change else {})}


# ---------------------------------------------------------------- when the record is lost


def recover_preview(found: Sequence[Object], note: Note | None, release: str) -> tuple[str, ServiceSnapshot | None]:
    """(name of the preview Service, "" for none; what it was before, when it is the user's). Out of all Services and the undo note."""
    noted = (note or {}).get("preview") or {}
    own = noted.get("selector")
    for one in found:
        if own and one["metadata"]["name"] == noted.get("name"):
            return one["metadata"]["name"], ServiceSnapshot.of(one, own)
    made = (one["metadata"]["name"] for one in found if (one["metadata"].get("labels") or {}).get(RELEASE_LABEL) == release)
    return next(made, ""), None
