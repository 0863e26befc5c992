"""The note that undoes a flag release without its record: an annotation of the Deployment whose pods read the flag."""

import json
from typing import Any

from deliver.model.codec import decode, encode
from deliver.model.names import UNDO
from deliver.model.observation import FlagState
from deliver.model.plan import FlagPlan
from deliver.model.release import Release


def flag_undo_note(release: Release) -> str:
    plan, before = release.plan.flag, release.snapshot.flag
    return json.dumps({"release": release.id, "flag": encode(plan), "before": encode(before)}, sort_keys=True, separators=(",", ":"))


def parse_flag_undo_note(deployment: dict[str, Any]) -> tuple[str, FlagPlan, FlagState] | None:
    """(release id, flag, what it was before); None without a note that can be read."""
    text = (deployment["metadata"].get("annotations") or {}).get(UNDO, "null")
    try:
        note = json.loads(text)
        return str(note["release"]), decode(FlagPlan, note["flag"]), decode(FlagState, note["before"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
