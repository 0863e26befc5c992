"""The API server's verbs on dicts: what a request means, whatever door it came through."""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from deliver.model.objects import Object
from deliver_sandbox import defaults, deletion, errors, managed, patch, scale, validate
from deliver_sandbox.clock import Clock
from deliver_sandbox.errors import ApiError
from deliver_sandbox.kinds import KINDS
from deliver_sandbox.selectors import by_fields, by_labels
from deliver_sandbox.store import Store, copy

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_FROZEN = ("creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "namespace", "generateName")

_CONDITIONAL = frozenset({"leases", "endpointslices", "poddisruptionbudgets"})
"""Kinds that a PUT must name the version of."""

_NOT_STRATEGIC = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
)

Admission = Callable[[str, Object, Object | None], None]
"""A rule that sees (kind, new object, old object or None) before a write and raises ApiError to refuse it."""

Mutation = Callable[[str, Object, Object | None], None]
"""As a mutating webhook: it sees the same, after the defaults, and changes the new object. No status and no scale is shown to it."""


def stamp(seconds: float) -> str:
    """metav1.Time of unix seconds."""
    return _stamped(int(seconds))


@lru_cache(maxsize=256)
def _stamped(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat() + "Z"


class Write(NamedTuple):
    """How a write was asked for. manager: the field manager. force: take fields over (server-side apply)."""

    manager: str = "unknown"
    dry_run: bool = False
    force: bool = False


PLAIN = Write()


class Api:
    """One cluster's API. Objects that go in are copied; objects that come out are stored ones: copy before you change them."""

    def __init__(self, clock: Clock, seed: int = 1) -> None:
        self.clock, self.store = clock, Store()
        self.lock: threading.RLock = clock.lock
        self.random = random.Random(f"api {seed}")
        self.admission: list[Admission] = []
        self.mutations: list[Mutation] = []

    # -- reading

    def get(self, kind: str, namespace: str, name: str, subresource: str = "") -> Object:
        self._known(kind)
        obj = self.store.get(kind, namespace, name)
        if obj is None:
            raise errors.not_found(kind, name)
        return scale.view(kind, obj) if subresource == "scale" else obj

    def list(self, kind: str, namespace: str, selector: str = "", field: str = "", everywhere: bool = False) -> list[Object]:
        self._known(kind)
        labels, fields = by_labels(selector), by_fields(kind, field)
        found = self.store.every(kind, namespace, everywhere)
        if not selector and not field:
            return sorted(found, key=_key)
        return sorted((o for o in found if labels(o["metadata"].get("labels") or {}) and fields(o)), key=_key)

    # -- writing

    def create(self, kind: str, namespace: str, body: Object, write: Write = PLAIN) -> Object:
        known = self._known(kind)
        obj = copy(body)
        meta = obj.setdefault("metadata", {})
        if wrong := validate.wrong_type(kind, obj):
            raise errors.bad_request(f'{known.kind} in version "{known.version}" cannot be handled as a {known.kind}: {wrong}')
        self._place(kind, namespace, meta)
        obj = {"apiVersion": known.api, "kind": known.kind, **obj}
        self._birth(kind, obj)
        defaults.fill(kind, obj)
        obj = self._admitted(kind, obj, None)
        if (known_one := self.store.get(kind, meta.get("namespace", ""), meta["name"])) is not None:
            going = bool(known_one["metadata"].get("deletionTimestamp"))
            raise errors.exists(kind, meta["name"], going)
        if write.dry_run:
            return obj
        managed.created(kind, obj, write.manager, stamp(self.clock.now()))
        return self.store.put(kind, obj)

    def patch(
        self, kind: str, namespace: str, name: str, body: Any, how: str = MERGE, subresource: str = "", write: Write = PLAIN
    ) -> Object:
        self._known(kind)
        if how == APPLY:
            return self._apply(kind, namespace, name, body, subresource, write)
        old = self.get(kind, namespace, name)
        base = scale.view(kind, old) if subresource == "scale" else old
        whole = how != MERGE or defaults.has(kind)  # else nothing is filled in: what the patch leaves alone may stay the stored object's
        new = copy(_patched(kind, base, body, how)) if whole else _patched(kind, base, body, how)
        if wrong := validate.wrong_type(kind, new):
            cause = errors.Cause("patch", f'Invalid value: "{{...}}": {wrong}')
            raise ApiError(422, "Invalid", f' "" is invalid: {cause.field}: {cause.message}', {})
        return self._change(kind, old, new, subresource, write)

    def update(self, kind: str, namespace: str, name: str, body: Object, subresource: str = "", write: Write = PLAIN) -> Object:
        """PUT."""
        self._known(kind)
        old = self.get(kind, namespace, name)
        if wrong := validate.wrong_type(kind, body):
            known = KINDS[kind]
            raise errors.bad_request(f'{known.kind} in version "{known.version}" cannot be handled as a {known.kind}: {wrong}')
        new = copy(body)
        meta = new.setdefault("metadata", {})
        uid = meta.setdefault("uid", old["metadata"]["uid"])
        if uid != old["metadata"]["uid"]:
            raise errors.other_uid(kind, old, uid)
        if meta.setdefault("namespace", namespace) != namespace and KINDS[kind].namespaced:
            raise errors.bad_request("the namespace of the provided object does not match the namespace sent on the request")
        if not meta.get("name"):
            raise errors.bad_request(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
        if not meta.get("resourceVersion") and (kind in _CONDITIONAL or KINDS[kind].custom) and not subresource:
            raise errors.no_version(kind, name)
        return self._change(kind, old, new, subresource, write)

    def delete(self, kind: str, namespace: str, name: str, options: Mapping[str, Any] | None = None, write: Write = PLAIN) -> Object:
        """options: a DeleteOptions object. Returns the object as it is after, whether still there or not."""
        return deletion.delete(self, kind, self.get(kind, namespace, name), options or {}, write)

    def commit(self, kind: str, old: Object, new: Object) -> Object:
        """Store a changed object as a controller's write: count its generation, drop it when its last finalizer went, skip no change."""
        if new == old:
            return old
        new = _counted(kind, old, new)
        meta = new["metadata"]
        if meta.get("deletionTimestamp") and not meta.get("finalizers") and not meta.get("deletionGracePeriodSeconds"):
            self.store.put(kind, new)
            return self.store.remove(kind, meta.get("namespace", ""), meta["name"])
        return self.store.put(kind, new)

    # -- parts

    def _known(self, kind: str) -> Any:
        if kind not in KINDS:
            raise errors.no_resource()
        return KINDS[kind]

    def _place(self, kind: str, namespace: str, meta: Object) -> None:
        """Namespace and name of a new object."""
        known = KINDS[kind]
        if known.namespaced:
            if meta.setdefault("namespace", namespace) != namespace:
                raise errors.bad_request("the namespace of the provided object does not match the namespace sent on the request")
            space = self.store.get("namespaces", "", namespace)
            if space is None:
                raise errors.not_found("namespaces", namespace)
            if space["metadata"].get("deletionTimestamp"):
                why = f"unable to create new content in namespace {namespace} because it is being terminated"
                raise errors.forbidden(kind, meta.get("name", ""), why)
        else:
            meta.pop("namespace", None)
        if meta.get("resourceVersion"):
            raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + "".join(self.random.choices(_SUFFIX, k=5))
        if not meta.get("name"):
            cause = errors.Cause("metadata.name", "Required value: name or generateName is required", "FieldValueRequired")
            raise errors.invalid(kind, "", [cause])

    def _birth(self, kind: str, obj: Object) -> None:
        meta = obj["metadata"]
        for key in ("deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields", "selfLink"):
            meta.pop(key, None)
        meta["uid"] = self.new_uid()
        meta["creationTimestamp"] = stamp(self.clock.now())
        if KINDS[kind].generation:
            meta["generation"] = 1
        if KINDS[kind].status:
            obj.pop("status", None)
        if kind == "services":
            self._address(obj.setdefault("spec", {}))

    def new_uid(self) -> str:
        digits = f"{self.random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def _address(self, spec: Object) -> None:
        if spec.get("type") == "ExternalName" or spec.get("clusterIP"):
            return
        spec["clusterIP"] = f"198.19.{self.random.randrange(1, 255)}.{self.random.randrange(1, 255)}"
        spec["clusterIPs"] = [spec["clusterIP"]]

    def _admitted(self, kind: str, obj: Object, old: Object | None, subresource: str = "") -> Object:
        """The object as admission makes it. Raises ApiError for one that is not valid, or refused."""
        if self.mutations and not subresource:
            obj = copy(obj)  # a patch may have left parts of the stored object in it
            for mutate in self.mutations:
                mutate(kind, obj, old)
            defaults.fill(kind, obj)
        if found := validate.causes(kind, obj, old):
            raise errors.invalid(kind, obj["metadata"]["name"], found)
        for rule in self.admission:
            rule(kind, obj, old)
        return obj

    def _apply(self, kind: str, namespace: str, name: str, body: Any, subresource: str, write: Write) -> Object:
        if not isinstance(body, Mapping):
            raise errors.bad_request("error decoding YAML: the applied object is not a map")
        if not write.manager:
            raise managed.no_manager()
        old = self.store.get(kind, namespace, name)
        if old is None:
            if subresource:
                raise errors.not_found(kind, name)
            fresh = copy(dict(body))
            fresh.setdefault("metadata", {})["name"] = name
            made = self.create(kind, namespace, fresh, Write(write.manager, dry_run=True))
            managed.created(kind, made, write.manager, stamp(self.clock.now()), applied=fresh)
            return made if write.dry_run else self.store.put(kind, made)
        new = managed.apply(kind, old, copy(dict(body)), write.manager, write.force, stamp(self.clock.now()))
        return self._change(kind, old, new, subresource, write, applied=True)

    def _change(self, kind: str, old: Object, new: Object, subresource: str, write: Write, applied: bool = False) -> Object:
        """The common end of PATCH, PUT and apply: what may change, preconditions, defaults, validation, the write."""
        meta, name = new["metadata"], old["metadata"]["name"]
        if meta.get("name") != name:
            raise errors.bad_request(f"the name of the object ({meta.get('name')}) does not match the name on the URL ({name})")
        version = meta.get("resourceVersion")
        if version and version != old["metadata"]["resourceVersion"]:
            raise errors.modified(kind, name)
        if subresource == "scale":
            new = scale.taken(kind, copy(old), new)
            meta = new["metadata"]
        new = _limited(kind, old, new, subresource)
        if kind == "services":
            _keep_address(old, new)
        defaults.fill(kind, new)
        new = self._admitted(kind, new, old, subresource)
        if not applied:
            managed.updated(kind, old, new, write.manager, subresource, stamp(self.clock.now()))
        result = _counted(kind, old, new) if write.dry_run else self.commit(kind, old, new)
        return scale.view(kind, result) if subresource == "scale" else result


def _key(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _patched(kind: str, base: Object, body: Any, how: str) -> Object:
    if how == JSON:
        if not isinstance(body, Sequence) or isinstance(body, (str, bytes)):
            raise errors.bad_request("error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp")
        return patch.json_patch(base, body)
    if how not in (MERGE, STRATEGIC):
        raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    if not isinstance(body, Mapping):
        raise errors.bad_request("error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}")
    if how == STRATEGIC and KINDS[kind].custom:
        raise ApiError(415, "UnsupportedMediaType", _NOT_STRATEGIC)
    if how == MERGE:
        return dict(patch.merge(base, body))
    return patch.strategic(kind, base, body)


def _limited(kind: str, old: Object, new: Object, subresource: str) -> Object:
    """Keep what this request may not change: identity always; spec in a status write, status in any other."""
    meta = dict(new["metadata"])
    for key in _FROZEN:
        if key in old["metadata"]:
            meta[key] = old["metadata"][key]
        else:
            meta.pop(key, None)
    meta["resourceVersion"] = old["metadata"]["resourceVersion"]
    meta.setdefault("uid", old["metadata"]["uid"])
    if "managedFields" not in meta and "managedFields" in old["metadata"]:
        meta["managedFields"] = old["metadata"]["managedFields"]
    for key in ("labels", "annotations", "finalizers", "ownerReferences"):
        if key in meta and not meta[key]:
            del meta[key]
    new = {**new, "apiVersion": old["apiVersion"], "kind": old["kind"], "metadata": meta}
    if not KINDS[kind].status:
        return new
    kept = "spec" if subresource == "status" else "status"
    if subresource == "status" and kind == "deployments":
        meta["labels"] = old["metadata"].get("labels")
        if not meta["labels"]:
            del meta["labels"]
    if kept in old:
        new[kept] = copy(old[kept])
    else:
        new.pop(kept, None)
    return new


def _keep_address(old: Object, new: Object) -> None:
    """A Service written without its address keeps it (patchAllocatedValues in the registry's storage.go)."""
    spec = new.get("spec") or {}
    if spec.get("type", "ClusterIP") != "ExternalName" and not spec.get("clusterIP"):
        for key in ("clusterIP", "clusterIPs"):
            if key in old["spec"]:
                spec[key] = old["spec"][key]


def _counted(kind: str, old: Object, new: Object) -> Object:
    """With the next generation, if this change counts as one."""
    if not KINDS[kind].generation or not _counts(kind, old, new):
        return new
    return {**new, "metadata": {**new["metadata"], "generation": old["metadata"].get("generation", 0) + 1}}


def _counts(kind: str, old: Object, new: Object) -> bool:
    """Does this change count as a new generation? An EndpointSlice has no spec; a Deployment's annotations count too (strategy.go)."""
    if kind == "endpointslices":
        return _differ(old, new, "endpoints", "ports") or _differ(old["metadata"], new["metadata"], "labels")
    if _differ(old, new, "spec"):
        return True
    return kind == "deployments" and not _differ(old, new, "status") and _differ(old["metadata"], new["metadata"], "annotations")


def _differ(old: Object, new: Object, *keys: str) -> bool:
    return any(old.get(key) != new.get(key) for key in keys)


__all__: Sequence[str] = ("APPLY", "JSON", "MERGE", "STRATEGIC", "Api", "Write", "stamp")
