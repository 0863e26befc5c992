"""A release that deliver 0.1.0 holds, or whose driver died, is gone on with: its record is read, and decided on as that version did.

../records_of_0_1_0/README.md says how the records were made.
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
from deliver.model.action import Action, Verb
from deliver.model.codec import decode, encode
from deliver.model.journal import Event, open_intents
from deliver.model.observation import Observation
from deliver.model.release import Release
from deliver.render.sentences import GOING_ON, sentence
from deliver_sandbox.faults import Fault, Killed, killed
from deliver_sandbox.store import Change
from tests.engine.invariants import journal_faults
from tests.engine.records_of_0_1_0.stories import NAMES, made
from tests.engine.rig import Rig

FOLDER = Path(__file__).parents[1] / "records_of_0_1_0"
LOST = "the record was lost or unreadable; put together from"
PINNED = "until they are gone the Services stay pinned to the stable pods; connections open on them end with them"
FEW = "too few to judge by (about 1,200 are needed)"
OPEN = "could not be closed: it stays as it is, and leads to no pod"
COLD = "until more of them are, a rollback cannot take the traffic back"
EVERY = 9  # of a story's records, in the sample that is gone on with on the sandbox
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


@pytest.mark.parametrize(
    ("name", "kind", "event", "text"),
    [
        ("canary-good", "state", Event.STEP_SKIPPED, "step 3/3: 100 % stands already"),
        ("canary-good", "state", Event.APPROVAL_AWAITED, "50 % waits for `deliver promote`"),
        ("canary-good", "state", Event.READINESS_AWAITED, "waiting again: 3 of 4 stable pods ready"),
        ("canary-good", "state", Event.PROOF_AWAITED, "the bake is over; waiting up to 1 h 2 m 30 s for proof that errors is no worse"),
        ("canary-good", "state", Event.TRAFFIC_VERIFIED, "traffic on both sides is verified: no ready endpoint"),
        ("canary-good", "state", Event.TRAFFIC_OFF_RETRACTED, "traffic is not off the new version any more: the Services were led away"),
        (
            "canary-good",
            "state",
            Event.ROLLBACK_FAILED,
            "ROLLBACK_FAILED: not done: busy (rolling back because errors: 9 of 100)",
        ),
        ("canary-good", "state", Event.FINISH_RESUMED, "finishing again"),
        ("canary-good", "note", Event.INCONCLUSIVE, "inconclusive, promoted all the same (`inconclusive: promote`): errors: 0 of 10"),
        ("canary-good", "note", Event.METRICS_FOUND, "metrics found while the release runs: judged by errors and latency from now on"),
        (
            "canary-good",
            "note",
            Event.FEW_REQUESTS,
            f"errors: 12 requests in 1 m 19 s are {FEW}: {GOING_ON}",
        ),
        ("canary-good", "note", Event.FEW_REQUESTS, f"errors: too few requests of stable to compare with: {GOING_ON}"),
        ("canary-good", "note", Event.RECOVERED, f"{LOST} the Services' annotations and the ReplicaSets"),
        ("canary-bad", "state", Event.PODS_REMAIN, f"a pod of the new version (web-1) is still there: {PINNED}"),
        ("canary-bad", "state", Event.PODS_REMAIN, f"2 pods of the new version (web-1, ...) are still there: {PINNED}"),
        ("blue-green-good", "state", Event.FINISH_RESUMED, "finishing again: the hold begins anew"),
        ("blue-green-good", "state", Event.CANDIDATE_PROBED, "probed: 10 of 10"),
        ("blue-green-good", "state", Event.STABLE_DRAINED, "drained: the old pods' own counters stand still"),
        (
            "blue-green-good",
            "state",
            Event.DRAIN_TIMED_OUT,
            "drained by time alone: 10 s have passed",
        ),
        ("blue-green-good", "state", Event.CONNECTIONS_HELD, "connections still held on web-a, web-b: 0.53 requests a second"),
        ("blue-green-good", "state", Event.CONNECTIONS_CUT, "connections still held on web-a, web-b end with these pods"),
        ("blue-green-good", "state", Event.OLD_SIDE_COLD, f"the old side has 1 of 4 pods ready: {COLD}"),
        (
            "blue-green-good",
            "note",
            Event.PREVIEW_LEFT_OPEN,
            f"preview Service web-preview {OPEN}",
        ),
        ("flag-bad", "state", Event.FLAG_SERVED, "flag new-checkout gives the treatment to nobody (it is off): confirmed by 4 of 4"),
        ("flag-bad", "state", Event.TRAFFIC_OFF, "the flag gives nobody the treatment: it is off"),
        ("flag-bad", "state", Event.KILL_UNCONFIRMED, "the safe variant is not seen to be served everywhere yet: served by 0 of 4"),
        ("flag-bad", "note", Event.RECOVERED, f"{LOST} the note on the Deployment"),
        ("flag-bad", "note", Event.OTHER, "a sentence that nobody knows"),
        ("flag-bad", "intent", Event.OTHER, "send-letter: a verb that nobody knows"),
    ],
)
def test_what_is_seldom_said_is_understood_too(name: str, kind: str, event: Event, text: str):
    data = json.loads(story(name)["records"][-1]["release"])
    line = {"seq": 1, "at": 1.0, "kind": kind, "text": text, "actor": "", "fence": 1, "of": 0, "result": "", "checks": []}
    release = decode(Release, upgraded({**data, "journal": [line]}))
    assert (release.journal[0].event, sentence(release.journal[0], release)) == (event, text)


def test_what_was_left_of_a_flag_is_known_by_the_release():
    data = json.loads(story("flag-bad")["records"][-1]["release"])
    line = {"seq": 1, "at": 1.0, "kind": "note", "text": "it stays off"}
    [entry] = decode(Release, upgraded({**data, "flag_left": ["it stays off"], "journal": [line]})).journal
    assert (entry.event, entry.reason) == (Event.FLAG_LEFT, "it stays off")


@pytest.mark.parametrize(("told", "share"), [("12.5", 12.5), ("33.3333", 100 / 3), ("7", 7.0)])
def test_a_share_is_the_plans_where_the_sentence_has_six_digits_of_it(told: str, share: float):
    data = json.loads(story("flag-bad")["records"][-1]["release"])
    steps = [{**step, "weight": weight} for step, weight in zip(data["plan"]["steps"], (12.5, 100 / 3, 100.0), strict=True)]
    line = {"seq": 1, "at": 1.0, "kind": "intent", "text": f"set-share {told}: more of users get the treatment"}
    [entry] = decode(Release, upgraded({**data, "plan": {**data["plan"], "steps": steps}, "journal": [line]})).journal
    assert entry.action == Action(Verb.SET_SHARE, "more of users get the treatment", share=share)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_decided_on_such_a_record_is_what_its_own_version_decided(name: str):
    decisions = story(name)["decisions"]
    for one in decisions:
        release = decode(Release, upgraded(json.loads(one["release"])))
        look = {key: value for key, value in one["seen"].items() if value is not None}  # what was not there is at its default
        found = decide(release, decode(Observation, look), one["now"])
        said = [[entry.kind, sentence(entry, found.release)] for entry in found.release.journal[len(release.journal) :]]
        now = encode(found.release)
        assert (whole(found.action), found.wake_at, said) == (one["action"], one["wake_at"], one["said"])
        assert known(now, one["changed"]) == one["changed"]
    assert len(decisions) > 10


def known(now: Any, old: Any) -> Any:
    """What 0.1.0 knew of: fields came later."""
    return {key: known(now[key], value) for key, value in old.items()} if isinstance(old, dict) else now


def whole(action: Action | None) -> Any:
    """As 0.1.0 had it: the side and its hash, and no exposure."""
    if action is None:
        return None
    route = {"side": action.exposure.side, "hash": action.exposure.hash} if action.exposure else {"side": None, "hash": ""}
    return {key: value for key, value in {**vars(action), **route}.items() if key != "exposure"}


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
