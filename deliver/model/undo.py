"""The note that undoes a release without its record: an annotation of each object that the release leads elsewhere."""

import json
from collections.abc import Mapping
from typing import Any

from deliver.model.codec import decode, encode
from deliver.model.names import UNDO
from deliver.model.release import Release
from deliver.model.spec import PluginSpec, ReleaseSpec

Note = dict[str, Any]


def undo_note(release: Release) -> str:
    """What it takes to put everything back without the journal, as JSON."""
    before, router = release.snapshot, release.spec.router
    note = {
        "release": release.id,
        "deployment": release.spec.target.deployment,
        "candidate": release.candidate,
        "hash": before.hash,
        "replicas": before.replicas,
        "paused": before.paused,
        "services": {service.name: dict(service.selector) for service in before.services},
        "autoscaler": {"name": before.autoscaler.name, "minimum": before.autoscaler.minimum} if before.autoscaler else None,
        **({"preview": {"name": release.plan.preview, "selector": _own(release)}} if release.plan.preview else {}),
        **({"router": encode(router)} if router != ReleaseSpec.router else {}),
    }
    return json.dumps(note, sort_keys=True)


def _own(release: Release) -> dict[str, str] | None:
    """Selector of the user's preview Service; None: it is made for the release."""
    return dict(release.snapshot.preview.selector) if release.snapshot.preview else None


def parse_undo_note(obj: Mapping[str, Any]) -> Note | None:
    """None without a note that can be read."""
    try:
        note = json.loads((obj["metadata"].get("annotations") or {}).get(UNDO, "null"))
    except ValueError:
        return None
    return note if isinstance(note, dict) else None


def router_of_note(note: Mapping[str, Any]) -> PluginSpec | None:
    """The router of the release that left it; None: the usual one."""
    return decode(PluginSpec, note["router"]) if note.get("router") else None
