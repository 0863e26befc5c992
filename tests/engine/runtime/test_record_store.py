"""A record that others have written to, with a checksum that fits: it says what is wrong with it, and nothing goes forward on it."""

import json
from typing import Any

import pytest

from deliver.engine.runtime.record_store import Record, Store, checksum, new_id, parse
from deliver.model.errors import GateRefused, InputError
from deliver.model.release import Outcome
from tests.engine.rig import TARGET, Rig, in_step

EDITS: dict[str, dict[str, Any]] = {
    "no steps": {"plan": {"strategy": "canary", "steps": []}},
    "a step that is none": {"step": 9},
    "a time that no calendar has": {"started": 1e300},
    "a number that is none": {"since": float("nan")},
    "text for a number": {"fence": "7"},
    "a truth for a number": {"number": True},
    "null for a release's plan": {"plan": None},
    "another target": {"spec": {"target": {"namespace": "shop", "deployment": "api"}, "image": "a:1", "strategy": "canary"}},
    "a snapshot of something else": {
        "snapshot": {"uid": "u", "replicas": 1, "template": {}, "digest": "d", "hash": "h", "image": "i", "container": "c"}
    },
}


def tampered(rig: Rig, edit: dict[str, Any]) -> None:
    data = json.loads(rig.get("configmaps", "deliver-web")["data"]["release"])
    text = json.dumps({**data, **edit})
    rig.edit("configmaps", "deliver-web", {"data": {"release": text, "checksum": checksum(text)}})


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_record_is_not_believed_and_does_not_keep_anybody_from_going_back(edit: str):
    rig = Rig.make()
    before = rig.before()
    rig.when(in_step(3), rig.stop.request)
    assert rig.run().outcome is Outcome.HELD
    rig.stop = type(rig.stop)()
    tampered(rig, EDITS[edit])
    assert parse(rig.get("configmaps", "deliver-web")).problem
    with pytest.raises((InputError, GateRefused)):
        rig.run()
    with pytest.raises(InputError, match="cannot be trusted"):
        rig.verb("resume")
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK
    assert rig.before() == before


LONG = "payments-reconciliation-worker-for-the-eastern-region"


def test_the_id_of_a_release_fits_into_a_label_however_long_the_deployments_name_is():
    """It is the label by which the candidate's pods are found."""
    ids = [new_id(name, Record(), 1767603602.0) for name in (LONG, LONG + "-2", LONG + "-2" + "x" * 190)]
    assert [one[-11:] for one in ids] == ["-20260105-1"] * 3
    assert max(map(len, ids)) <= 60
    assert len(set(ids)) == 3, "two names that begin alike are told apart"
    assert new_id("web", Record(), 1767603602.0) == "web-20260105-1"


def test_a_record_is_read_again_only_when_it_has_changed():
    rig = Rig.make()
    rig.run()
    waiting = Store(rig.world.cluster, TARGET)
    first = waiting.load()
    assert waiting.load() is first
    rig.ask("pause")
    assert [one.verb for one in waiting.load().requests] == ["pause"]
