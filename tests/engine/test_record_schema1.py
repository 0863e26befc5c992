"""A release that deliver 0.1.0 holds, or whose driver died, is gone on with: its record is read, and decided on as that version did.

records_of_0_1_0/README.md says how the records were made.
"""

import json
import lzma
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from deliver.engine.core.decide import decide
from deliver.engine.runtime.record_schema1 import upgraded
from deliver.engine.runtime.record_store import SCHEMA, parse
from deliver.model.action import Action
from deliver.model.codec import decode, encode
from deliver.model.journal import Event, open_intents
from deliver.model.observation import Observation
from deliver.model.release import Release
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Fault, Killed, killed
from deliver_sandbox.store import Change
from tests.engine.invariants import journal_faults
from tests.engine.records_of_0_1_0.stories import NAMES, made
from tests.engine.rig import Rig

FOLDER = Path(__file__).parent / "records_of_0_1_0"
EVERY = 7  # of a story's records, in the sample that is gone on with on the sandbox
VERBS = ("resume", "abort", "rollback")


def story(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lzma.decompress((FOLDER / f"{name}.json.xz").read_bytes()))
    return found


def read(data: dict[str, str]) -> Release:
    record = parse({"metadata": {"name": "deliver-web"}, "data": data})
    assert record.problem == ""
    assert record.release is not None
    assert len(record.history) == len(json.loads(data["history"]))
    return record.release


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_the_journal_is_understood_and_says_what_it_said(name: str):
    for data in story(name)["records"]:
        release, old = read(data), json.loads(data["release"])
        for entry, before in zip(release.journal, old["journal"], strict=True):
            assert entry.event is not Event.OTHER
            told = before["text"].replace(f"{entry.action}: {entry.action.why}: ", f"{entry.action}: ") if entry.action else before["text"]
            same = (before["seq"], before["at"], before["kind"], before["fence"], before["of"], before["result"], told)
            assert (entry.seq, entry.at, entry.kind, entry.fence, entry.of, entry.result or "", sentence(entry, release)) == same


@pytest.mark.parametrize("name", NAMES)
def test_what_is_decided_on_such_a_record_is_what_its_own_version_decided(name: str):
    decisions = story(name)["decisions"]
    for one in decisions:
        release = decode(Release, upgraded(json.loads(one["release"])))
        found = decide(release, decode(Observation, one["seen"]), one["now"])
        said = [[entry.kind, sentence(entry, found.release)] for entry in found.release.journal[len(release.journal) :]]
        now = encode(found.release)
        assert (whole(found.action), found.wake_at, said) == (one["action"], one["wake_at"], one["said"])
        assert {key: now[key] for key in one["changed"]} == one["changed"]
    assert len(decisions) > 10


def whole(action: Action | None) -> Any:
    return action and {**vars(action), "verb": action.verb.value, "side": action.side and action.side.value}


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("killed")])
@pytest.mark.parametrize("verb", VERBS)
def test_another_driver_goes_on_from_such_a_record(name: str, verb: str):
    records = story(name)["records"]
    held = name.endswith("held")
    for at in [len(records) - 1] if held else range(VERBS.index(verb), len(records) - 1, EVERY):
        rig, before = left_by_the_old_version(name, records[at])
        try:
            release = rig.verb(verb)
        finally:
            assert not rig.world.traffic.tally.lost()
        kind = name.rpartition("-")[2]
        if verb == "resume" and kind != "late":  # whoever wanted to abort it is gone
            assert release.outcome == ("ROLLED_BACK" if kind == "bad" else "PROMOTED")
        elif verb in {"rollback", "abort"}:
            assert (release.outcome, rig.before()) == ("ROLLED_BACK", before)
        assert not journal_faults(release) and not open_intents(release.journal)
        data = rig.world.api.get("configmaps", "shop", "deliver-web")["data"]
        assert data["schema"] == SCHEMA and len(read(data).journal) == len(release.journal)


def left_by_the_old_version(name: str, data: dict[str, str]) -> tuple[Rig, dict[str, Any]]:
    """The cluster as it stood when 0.1.0 saved that record, which lies there. What is equal after a rollback, as it was before."""
    rig, spec = made(name)
    before, old = rig.before(), json.loads(data["release"])

    def saved(change: Change) -> None:
        text = (change.obj.get("data") or {}).get("release") if change.kind == "configmaps" else None
        if text and len(json.loads(text)["journal"]) == len(old["journal"]) and old["outcome"] is None:
            rig.world.cluster.script.add(Fault(killed, actor="test@here", times=1))

    stop = rig.world.store.listen(saved)
    with suppress(Killed):
        rig.run(spec)
    stop()
    now = rig.record()
    assert (now.id, now.snapshot.uid, now.snapshot.hash) == (old["id"], old["snapshot"]["uid"], old["snapshot"]["hash"])
    assert [entry.at for entry in now.journal] == [entry["at"] for entry in old["journal"]]
    rig.edit("configmaps", "deliver-web", {"data": data})
    assert rig.world.api.get("configmaps", "shop", "deliver-web")["data"]["schema"] == "1"
    return rig, before
