"""flagd in a ConfigMap, on the sandbox with the engine's writer: conditional writes, kill over everything, restore byte for byte, and what
is refused before a release starts.
"""

import json
from contextlib import suppress

import pytest

from deliver.flags.kubelet_sync import SYNC_ANNOTATION
from deliver.model.errors import Conflict, NotFound, Rejected, Superseded, Unreachable
from deliver.model.names import FENCE
from deliver.model.observation import PodSeen
from deliver.plugins.flags import FlagGone, Mark
from tests.flags.desk import FLAG, Desk
from tests.flags.support import DOCUMENT, MARK, SHOP, Evaluator, pod, pod_spec, writer


@pytest.fixture
def desk():
    return Desk()


# ------------------------------------------------------------------ set


def test_the_answer_of_a_write_is_the_revision_that_was_read_back(desk):
    revision = desk.set(5)
    state = desk.backend.read(FLAG)
    assert (state.percent, state.revision, state.release) == (5, revision, MARK.release)


def test_other_flags_other_keys_and_the_configmap_itself_stay(desk):
    before = desk.configmap
    desk.set(5)
    after = desk.configmap
    assert json.loads(after["data"]["flags.json"])["flags"]["other"] == json.loads(DOCUMENT)["flags"]["other"]
    assert after["data"]["else"] == "kept"
    assert "annotations" not in after["metadata"]  # no fence: another target's flag may be in here, under another lock
    assert after["metadata"].get("labels") == before["metadata"].get("labels")


def test_a_write_over_somebody_elses_is_a_conflict_and_changes_nothing(desk):
    old = desk.backend.read(FLAG).revision
    desk.edit(DOCUMENT.replace("caf", "kaf"))
    with pytest.raises(Conflict):
        desk.backend.set(desk.write, FLAG, 5, MARK, if_revision=old)
    assert desk.text == DOCUMENT.replace("caf", "kaf")


def test_an_edit_of_another_flag_is_no_conflict_and_is_kept(desk):
    old = desk.backend.read(FLAG).revision
    desk.edit(DOCUMENT.replace("1.50", "1.51"))
    desk.backend.set(desk.write, FLAG, 5, MARK, if_revision=old)
    assert '"a": 1.51' in desk.text


def test_an_edit_that_comes_between_reading_and_writing_is_seen(desk):
    """The API server answers 409, the writer reads again, and the revision does not hold any more."""
    old, calls = desk.backend.read(FLAG).revision, []

    def confirm():
        if not calls:
            desk.edit(DOCUMENT.replace("caf", "kaf"))
        calls.append(1)

    desk.write.lease.confirm = confirm
    with pytest.raises(Conflict):
        desk.backend.set(desk.write, FLAG, 5, MARK, if_revision=old)
    assert desk.text == DOCUMENT.replace("caf", "kaf")


def test_the_same_step_written_again_is_no_conflict_and_no_new_revision(desk):
    """The answer of the first write was lost, or its process."""
    old = desk.backend.read(FLAG).revision
    revision = desk.set(5)
    assert desk.again().set(desk.write, FLAG, 5, MARK, if_revision=old) == revision


def test_an_older_fence_changes_nothing(desk):
    desk.set(5, Mark(MARK.release, 1, 8))
    text = desk.text
    with pytest.raises(Superseded):
        desk.set(25, Mark(MARK.release, 2, 7))
    assert desk.text == text


def test_two_targets_with_locks_of_their_own_release_two_flags_of_one_document(desk):
    desk.edit(DOCUMENT.replace('"other"', '"older"').replace('"a": 1.50, "b": 2e1', '"on": true, "off": false').replace('"a"}', '"off"}'))
    desk.set(5, Mark("web-1", 1, 90))
    desk.write = writer(desk.world, fence=3)
    revision = desk.backend.read("older").revision
    desk.backend.set(desk.write, "older", 10, Mark("api-1", 1, 3), if_revision=revision)
    assert (desk.backend.read(FLAG).percent, desk.backend.read("older").percent) == (5, 10)


def test_a_superseded_driver_is_refused_before_the_write(desk):
    def lost():
        raise Superseded("held by another")

    desk.write.lease.confirm = lost
    with pytest.raises(Superseded):
        desk.set(5)
    assert desk.text == DOCUMENT


def test_versions_grow_with_each_write(desk):
    seen = [int(desk.set(percent, Mark(MARK.release, step, 7)).partition("-")[0]) for step, percent in enumerate((1, 5, 25))]
    assert seen == sorted(set(seen))


# ------------------------------------------------------------------ kill


def test_a_kill_goes_over_somebody_elses_edit(desk):
    desk.set(50)
    desk.edit(desk.text.replace("50000", "99000", 1).replace("50000", "1000"))
    desk.backend.kill(desk.write, FLAG, MARK)
    assert desk.backend.read(FLAG).percent == 0
    assert not Evaluator(desk.text).resolve(FLAG, "anybody")["value"]


def test_a_kill_goes_over_a_rule_that_has_no_percentage(desk):
    desk.edit(DOCUMENT.replace('"defaultVariant": "off",\n      "metadata"', '"targeting": {"if": [true, "on"]},\n      "metadata"'))
    assert desk.backend.read(FLAG).percent is None
    desk.backend.kill(desk.write, FLAG, MARK)
    assert desk.backend.read(FLAG).percent == 0


def test_a_kill_over_a_broken_document_is_made_of_the_last_good_one(desk):
    """Applications refuse the broken one and go on with what they had: the treatment for half of the users."""
    desk.set(50)
    good = desk.text
    desk.edit(good[:-20])
    desk.backend.kill(desk.write, FLAG, MARK)
    assert desk.backend.read(FLAG).percent == 0
    assert json.loads(desk.text)["flags"]["other"] == json.loads(good)["flags"]["other"]


def _look(desk):
    """The engine reads the flag before it decides to kill it."""
    with suppress(NotFound):
        desk.backend.read(FLAG)


def test_a_kill_of_a_flag_that_somebody_renamed_the_variants_of(desk):
    desk.set(50)
    desk.edit(DOCUMENT.replace('{"on": true, "off": false}', '{"yes": true, "no": false}').replace('"off",', '"no",'))
    _look(desk)
    desk.backend.kill(desk.write, FLAG, MARK)
    assert not Evaluator(desk.text).resolve(FLAG, "anybody")["value"]


def test_a_flag_that_somebody_removed_is_served_to_nobody_and_no_kill_makes_it_again(desk):
    desk.set(50)
    desk.edit('{"flags": {}}')
    _look(desk)
    with pytest.raises(FlagGone):
        desk.backend.kill(desk.write, FLAG, MARK)
    assert desk.text == '{"flags": {}}'


def test_a_kill_by_a_process_that_knows_no_good_document_says_what_a_person_must_do(desk):
    desk.edit("{")
    with pytest.raises(Rejected) as refused:
        desk.again().kill(desk.write, FLAG, MARK)
    assert "by hand" in refused.value.hint


def test_a_kill_that_was_made_already_is_not_made_twice(desk):
    desk.set(50)
    assert desk.backend.kill(desk.write, FLAG, MARK) == desk.again().kill(desk.write, FLAG, MARK)


def test_a_kill_does_not_wait_for_the_pods(desk):
    """Without rights on pods the flag is killed all the same, and the confirmation says why it is slow."""
    desk.set(50)
    desk.world.cluster.allow = lambda verb, kind, *_: kind != "pods"
    revision = desk.backend.kill(desk.write, FLAG, MARK)
    assert desk.backend.read(FLAG).percent == 0
    ack = desk.backend.confirm(FLAG, revision, 0, [_seen("web-1")])
    assert not ack.whole
    assert "kubelets could not be woken" in ack.how


# ------------------------------------------------------------------ restore, release


@pytest.mark.parametrize("percent", [5, 100])
def test_restore_is_byte_for_byte(desk, percent):
    before, was = desk.backend.read(FLAG), desk.configmap
    desk.set(percent)
    desk.backend.kill(desk.write, FLAG, MARK)
    revision = desk.again().restore(desk.write, FLAG, before.document, MARK)
    assert desk.configmap["data"] == was["data"]
    assert revision == before.revision
    assert all(SYNC_ANNOTATION not in notes and FENCE not in notes for notes in desk.pods())
    assert "annotations" not in desk.configmap["metadata"]


def test_restore_keeps_what_others_did_to_other_flags(desk):
    before = desk.backend.read(FLAG)
    desk.set(5)
    desk.edit(desk.text.replace("1.50", "1.51"))
    desk.backend.restore(desk.write, FLAG, before.document, MARK)
    assert desk.text == DOCUMENT.replace("1.50", "1.51")


def test_a_promoted_flag_stays_as_it_is_without_our_marks(desk):
    desk.set(100)
    desk.backend.release(desk.write, FLAG)
    state = desk.backend.read(FLAG)
    assert (state.percent, state.release, state.fence) == (100, "", 0)
    flag = json.loads(desk.text)["flags"][FLAG]
    assert flag == {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on", "metadata": {"owner": "café"}}
    assert all(SYNC_ANNOTATION not in notes and FENCE not in notes for notes in desk.pods())


# ------------------------------------------------------------------ the pods


def test_each_pod_that_reads_the_configmap_is_woken_and_no_other(desk):
    desk.world.cluster.create("pods", SHOP, pod("other-1", pod_spec(volumes=[], mounts=[])))
    revision = desk.set(5)
    marks = {
        one["metadata"]["name"]: (one["metadata"].get("annotations") or {}).get(SYNC_ANNOTATION)
        for one in desk.world.cluster.list("pods", SHOP)
    }
    assert marks == {"web-1": revision.partition("-")[0], "web-2": revision.partition("-")[0], "other-1": None}
    assert all(FENCE not in notes for notes in desk.pods())


def test_a_pod_that_is_gone_does_not_keep_the_others_asleep(desk):
    listed = desk.world.cluster.list("pods", SHOP)
    desk.world.api.store.remove("pods", SHOP, "web-1")
    object.__setattr__(desk.backend.reach, "list", lambda kind, selector: listed)
    desk.set(5)
    assert [SYNC_ANNOTATION in notes for notes in desk.pods()] == [True]


def test_a_pod_made_since_the_last_write_is_woken_by_a_restore_as_well(desk):
    before = desk.backend.read(FLAG)
    desk.set(5)
    desk.world.cluster.create("pods", SHOP, pod("web-3"))
    version = desk.world.cluster.get("pods", SHOP, "web-3")["metadata"]["resourceVersion"]
    desk.backend.restore(desk.write, FLAG, before.document, MARK)
    after = desk.world.cluster.get("pods", SHOP, "web-3")["metadata"]
    assert int(after["resourceVersion"]) > int(version)
    assert SYNC_ANNOTATION not in (after.get("annotations") or {})


# ------------------------------------------------------------------ confirm


def _seen(name):
    return PodSeen(name, "u", ready=True)


def test_it_is_confirmed_when_every_pod_serves_the_revision(desk):
    revision, pods = desk.set(25), [_seen("web-1"), _seen("web-2")]
    waiting = desk.backend.confirm(FLAG, revision, 25, pods)
    assert (waiting.acked, waiting.total, len(waiting.missing)) == (0, 2, 2)
    desk.fleet.load(desk.text)
    ack = desk.backend.confirm(FLAG, revision, 25, pods)
    assert ack.whole
    assert ack.percent == pytest.approx(25, abs=5)


def test_what_was_restored_is_confirmed_by_the_absence_of_our_mark(desk):
    before = desk.backend.read(FLAG)
    desk.set(25)
    desk.fleet.load(desk.text)
    revision = desk.backend.restore(desk.write, FLAG, before.document, MARK)
    assert desk.backend.confirm(FLAG, revision, 0, [_seen("web-1")]).missing
    desk.fleet.load(desk.text)
    assert desk.backend.confirm(FLAG, revision, 0, [_seen("web-1")]).whole


def test_a_revision_that_stands_there_no_more_is_not_confirmed(desk):
    revision = desk.set(25)
    desk.set(50, Mark(MARK.release, 2, 7))
    desk.fleet.load(desk.text)
    assert not desk.backend.confirm(FLAG, revision, 25, [_seen("web-1")]).whole


@pytest.mark.parametrize(("default", "whole"), [("on", False), ("off", True), (None, True)])
def test_a_flag_that_was_taken_out_is_off_where_the_pods_say_so(desk, default, whole):
    """flagd merges sources: one that is gone from ours may be served from another (flagd 1797)."""
    desk.set(25)
    document = json.loads(desk.text)
    del document["flags"][FLAG]
    desk.edit(json.dumps(document))
    other = {FLAG: {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": default}} if default else {}
    desk.fleet.load(json.dumps({"flags": {**document["flags"], **other}}))
    ack = desk.backend.confirm(FLAG, "gone", 0, [_seen("web-1"), _seen("web-2")])
    assert ack.whole is whole
    assert whole or ack.missing == ("web-1: serves `on` still", "web-2: serves `on` still")


def test_a_flag_that_was_disabled_is_off_once_the_pods_have_heard_of_it(desk):
    desk.set(25)
    desk.fleet.load(desk.text)
    desk.edit(desk.text.replace('"ENABLED",\n      "variants": {"on"', '"DISABLED",\n      "variants": {"on"'))
    revision = desk.backend.kill(desk.write, FLAG, MARK)
    assert desk.backend.read(FLAG).off
    assert not desk.backend.confirm(FLAG, revision, 0, [_seen("web-1")]).whole
    desk.fleet.load(desk.text)
    assert desk.backend.confirm(FLAG, revision, 0, [_seen("web-1")]).whole


def test_without_a_port_there_is_nobody_to_ask_and_time_has_to_do(desk):
    backend = desk.again(port=0, wait="90s")
    ack = backend.confirm(FLAG, desk.set(25, backend=backend), 25, [_seen("web-1")])
    assert (ack.total, ack.lag) == (0, 90.0)
    assert "nobody can be asked" in ack.how


def test_unreachable_pods_take_a_bounded_time(desk):
    def hang(request):
        raise Unreachable("no answer within 2.0 s")

    desk.fleet.answers = {"web-1": hang, "web-2": hang}
    ack = desk.backend.confirm(FLAG, desk.set(5), 5, [_seen("web-1"), _seen("web-2")])
    assert ack.missing == ("web-1: no answer within 2.0 s", "web-2: no answer within 2.0 s")
