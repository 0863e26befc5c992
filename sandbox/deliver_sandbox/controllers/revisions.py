"""Which ReplicaSet belongs to which template, and the revision numbers."""

import json
import zlib
from collections.abc import Callable
from typing import Any

from deliver.model.objects import Object
from deliver_sandbox.api import Api, Write
from deliver_sandbox.controllers.base import reference
from deliver_sandbox.controllers.times import seconds
from deliver_sandbox.errors import ApiError
from deliver_sandbox.store import copy

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
_SAFE = "bcdfghjklmnpqrstvwxz2456789"
_OWN = frozenset(
    {
        REVISION,
        HISTORY,
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
        "kubectl.kubernetes.io/last-applied-configuration",
    }
)


def template_hash(template: Object, collisions: int = 0) -> str:
    """A stable hash in the alphabet of the real one. Its value differs from Kubernetes' own, which hashes a Go print of the struct."""
    text = json.dumps(template, sort_keys=True) + (str(collisions) if collisions else "")
    return "".join(_SAFE[ord(digit) % len(_SAFE)] for digit in str(zlib.crc32(text.encode())))


def _same(template: Object, other: Object) -> bool:
    """Equal but for the hash label that the controller adds."""
    if template.get("spec") != other.get("spec"):
        return False
    first, second = dict(template.get("metadata") or {}), dict(other.get("metadata") or {})
    for meta in (first, second):
        labels = dict(meta.get("labels") or {})
        labels.pop(HASH, None)
        meta["labels"] = labels
    return first == second


def _age(item: Object) -> tuple[float, str]:
    return seconds(item["metadata"]["creationTimestamp"]), item["metadata"]["name"]


def split(obj: Object, sets: list[Object]) -> tuple[Object | None, list[Object]]:
    """(the ReplicaSet of the current template or None, all others); oldest first."""
    ordered = sorted(sets, key=_age)
    new = next((item for item in ordered if _same(obj["spec"]["template"], item["spec"]["template"])), None)
    return new, [item for item in ordered if item is not new]


def _revision(item: Object) -> int:
    return int((item["metadata"].get("annotations") or {}).get(REVISION, 0))


class Revisions:
    """created: called with the Deployment and each ReplicaSet made for it."""

    def __init__(self, api: Api, created: Callable[[Object, Object], None]) -> None:
        self.api, self.created = api, created

    def ensure(
        self, obj: Object, sets: list[Object], *, create: bool, replicas: Callable[[Object, list[Object]], int] | None = None
    ) -> tuple[Object, Object | None, list[Object]]:
        """(the Deployment, its new ReplicaSet made if need be and with the newest revision, the old ones)."""
        new, old = split(obj, sets)
        number = max((_revision(item) for item in old), default=0) + 1
        if new is not None:
            new = self._renumber(obj, new, number)
            return self._note(obj, _revision(new)), new, old
        if not create or replicas is None:
            return obj, None, old
        made = self._create(obj, number, replicas(obj, old))
        obj = self.api.store.get("deployments", obj["metadata"]["namespace"], obj["metadata"]["name"]) or obj
        return (self._note(obj, number) if made else obj), made, old

    def _renumber(self, obj: Object, item: Object, number: int) -> Object:
        notes = dict(item["metadata"].get("annotations") or {})
        known = _revision(item)
        if known < number:
            if REVISION in notes:
                past = [part for part in notes.get(HISTORY, "").split(",") if part]
                notes[HISTORY] = ",".join([*past, str(known)])
            notes[REVISION] = str(number)
        notes.update({key: value for key, value in (obj["metadata"].get("annotations") or {}).items() if key not in _OWN})
        if notes == item["metadata"].get("annotations"):
            return item
        return self.api.commit("replicasets", item, {**item, "metadata": {**item["metadata"], "annotations": notes}})

    def _note(self, obj: Object, number: int) -> Object:
        """The Deployment carries the revision of its newest ReplicaSet. Written as a status update: no new generation."""
        notes = obj["metadata"].get("annotations") or {}
        if notes.get(REVISION) == str(number):
            return obj
        meta = {**obj["metadata"], "annotations": {**notes, REVISION: str(number)}}
        return self.api.store.put("deployments", {**obj, "metadata": meta})

    def _create(self, obj: Object, number: int, replicas: int) -> Object | None:
        from deliver_sandbox.controllers.deployment import annotations
        from deliver_sandbox.controllers.progress import note_created

        body = self._body(obj, number, replicas)
        body["metadata"]["annotations"].update(annotations(obj))
        try:
            made = self.api.create("replicasets", obj["metadata"]["namespace"], body, Write(manager=""))
        except ApiError as error:
            note_created(self.api, obj, "", error.message)
            return None
        note_created(self.api, obj, made["metadata"]["name"], "")
        self.created(obj, made)
        return made

    def _body(self, obj: Object, number: int, replicas: int) -> Object:
        spec: dict[str, Any] = copy(obj["spec"])
        mark = template_hash(spec["template"], (obj.get("status") or {}).get("collisionCount", 0))
        template = spec["template"]
        template.setdefault("metadata", {}).setdefault("labels", {})[HASH] = mark
        selector = spec["selector"]
        selector.setdefault("matchLabels", {})[HASH] = mark
        notes = {key: value for key, value in (obj["metadata"].get("annotations") or {}).items() if key not in _OWN}
        body: Object = {
            "metadata": {
                "name": f"{obj['metadata']['name']}-{mark}",
                "labels": dict(template["metadata"]["labels"]),
                "annotations": {**notes, REVISION: str(number)},
                "ownerReferences": [reference(obj)],
            },
            "spec": {"replicas": replicas, "selector": selector, "template": template},
        }
        if spec.get("minReadySeconds"):
            body["spec"]["minReadySeconds"] = spec["minReadySeconds"]
        return body

    def clean(self, obj: Object, old: list[Object]) -> None:
        """Delete the oldest empty ReplicaSets above revisionHistoryLimit."""
        empty = [
            item
            for item in old
            if not item["spec"]["replicas"] and not item["status"].get("replicas") and "deletionTimestamp" not in item["metadata"]
        ]
        extra = len(empty) - obj["spec"].get("revisionHistoryLimit", 10)
        for item in sorted(empty, key=_revision)[: max(0, extra)]:
            self.api.delete("replicasets", item["metadata"]["namespace"], item["metadata"]["name"])
