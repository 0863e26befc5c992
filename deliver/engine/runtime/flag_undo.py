"""What takes a flag back: the note on the Deployment whose pods read it, and a back end that has no `undo` of its own."""

import json
from typing import Any

from deliver.engine.core.flag_state import killed_by, serves_nobody
from deliver.model.codec import decode, encode
from deliver.model.names import UNDO
from deliver.model.observation import FlagState
from deliver.model.plan import FlagPlan
from deliver.model.release import Release
from deliver.plugins.flags import FlagBackend, Mark, Undone
from deliver.plugins.interfaces import Writer

STAYS = "flag `{flag}` was {how} by somebody else while the release ran: it stays {so}"


def flag_undo_note(release: Release) -> str:
    """An annotation that undoes a flag release without its record."""
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


def undo_whole(
    backend: FlagBackend, write: Writer, flag: str, before: FlagState, theirs: FlagState | None, known: str, mark: Mark
) -> Undone:
    """By a back end that knows documents alone: whole, or not at all.

    theirs: what somebody else had made of the flag when our kill went over it. known: the revision of our own last write.

    The document of before where nobody else wrote. Where somebody did and nobody got the treatment by that, theirs. Everything else would
    give it to somebody again, or undo what is not ours: then the safe variant stays, and that is said.
    """
    now = backend.read(flag)
    if now.revision != known and not killed_by(mark.release, now):  # written since our kill
        if not now.release and now.document == before.document:
            return Undone(now.revision)
        backend.release(write, flag)
        return Undone(backend.read(flag).revision, (STAYS.format(flag=flag, how="changed", so="as it is"),))
    if theirs is None:
        return Undone(backend.restore(write, flag, before.document, mark))
    if serves_nobody(theirs):
        backend.restore(write, flag, theirs.document, mark)
        how, so = ("switched off", "off") if theirs.off else ("changed", "as they left it")
    else:
        how, so = "changed", f"at the safe variant for everyone, for `{backend.name}` cannot take our part alone out of it"
    backend.release(write, flag)
    return Undone(backend.read(flag).revision, (STAYS.format(flag=flag, how=how, so=so),))
