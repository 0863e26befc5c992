"""A release that deliver 0.1.0 holds, or whose driver died, is gone on with: its record is read, and decided on as that version did.

records_of_0_1_0/README.md says how the records were made.
"""

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from deliver.engine.core.decide import decide
from deliver.engine.runtime.record_schema1 import upgraded
from deliver.engine.runtime.record_store import parse
from deliver.model.codec import decode, encode
from deliver.model.journal import Event
from deliver.model.observation import Observation
from deliver.model.release import Release
from deliver.render.sentences import sentence

FOLDER = Path(__file__).parent / "records_of_0_1_0"
STORIES = sorted(path.name.removesuffix(".json.xz") for path in FOLDER.glob("*.xz"))


def story(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lzma.decompress((FOLDER / f"{name}.json.xz").read_bytes()))
    return found


def read(data: dict[str, str]) -> Release:
    record = parse({"metadata": {"name": "deliver-web"}, "data": data})
    assert (record.problem, record.release is None) == ("", False)
    return record.release  # type: ignore[return-value]


@pytest.mark.parametrize("name", STORIES)
def test_every_line_of_the_journal_is_understood_and_says_what_it_said(name: str):
    for record in story(name)["records"]:
        release, old = read(record["data"]), json.loads(record["data"]["release"])
        assert not [entry for entry in release.journal if entry.event is Event.OTHER]
        for entry, before in zip(release.journal, old["journal"], strict=True):
            same = (before["seq"], before["at"], before["kind"], before["fence"], before["of"], before["result"], before["text"])
            assert (entry.seq, entry.at, entry.kind, entry.fence, entry.of, entry.result or "", sentence(entry, release)) == same


@pytest.mark.parametrize("name", STORIES)
def test_what_is_decided_on_such_a_record_is_what_its_own_version_decided(name: str):
    for one in story(name)["decisions"]:
        release = decode(Release, upgraded(json.loads(one["release"])))
        found = decide(release, decode(Observation, one["seen"]), one["now"])
        said = [[entry.kind, sentence(entry, found.release)] for entry in found.release.journal[len(release.journal) :]]
        now = encode(found.release)
        assert (encode_whole(found.action), found.wake_at, said) == (one["action"], one["wake_at"], one["said"])
        assert {key: now[key] for key in one["changed"]} == one["changed"]


def encode_whole(action: Any) -> Any:
    return action and {**vars(action), "verb": action.verb.value, "side": action.side and action.side.value}
