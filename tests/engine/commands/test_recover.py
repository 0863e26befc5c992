"""A rollback where record, lock or marks are lost: the release is put together from what stands in the cluster."""

from collections.abc import Callable

import pytest

from deliver.model.errors import InputError
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Fault, Killed, killed
from tests.engine.interrupted import PLACES, interrupted
from tests.engine.invariants import back
from tests.engine.rig import Rig, in_step


def edit_data(rig: Rig, **data: str | None) -> None:
    rig.edit("configmaps", "deliver-web", {"data": data})


def unmark(rig: Rig) -> None:
    rig.remove("configmaps", "deliver-web")
    for name in rig.names("services"):
        rig.edit("services", name, {"metadata": {"annotations": {"deliver.dev/undo": None}}})


def lose_both(rig: Rig) -> None:
    rig.remove("configmaps", "deliver-web")
    rig.remove("leases", "deliver-web")


LOSSES: dict[str, Callable[[Rig], None]] = {
    "deleted": lambda rig: rig.remove("configmaps", "deliver-web"),
    "cut off": lambda rig: edit_data(rig, release=rig.get("configmaps", "deliver-web")["data"]["release"][:200]),
    "edited": lambda rig: edit_data(rig, checksum="0" * 64),
    "newer schema": lambda rig: edit_data(rig, schema="3"),
    "not json": lambda rig: edit_data(rig, release="}{", checksum="3d5d87f3a12ba0a2ce5b6bb2ccb6cf1f"),
    "emptied": lambda rig: edit_data(rig, release=None, checksum=None, schema=None, history=None, requests=None),
    "record and lease deleted": lose_both,
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("place", ["step 1", "step 3", "rolled"])
def test_rollback_with_the_journal_lost(loss: str, place: str):
    rig, before = interrupted(PLACES[place])
    LOSSES[loss](rig)
    back(rig, before)


@pytest.mark.parametrize("place", ["step 1", "step 3"])
def test_rollback_with_the_journal_and_the_services_annotations_lost(place: str):
    rig, before = interrupted(PLACES[place])
    unmark(rig)
    back(rig, before)


def test_rollback_after_a_takeover_with_record_and_lease_lost():
    """The fence on the objects is higher than anything that is left to count from."""
    rig, before = interrupted(in_step(1))
    rig.world.clock.wait(20)
    rig.when(in_step(2), lambda: rig.world.cluster.script.faults.append(Fault(killed, actor="oncall@laptop")))
    with pytest.raises(Killed):
        rig.verb("resume")
    rig.world.cluster.script.clear()
    LOSSES["record and lease deleted"](rig)
    back(rig, before)


@pytest.mark.parametrize("services", [("web",), ("web", "web-internal")])
def test_rollback_with_the_record_lost_right_after_the_first_write(services: tuple[str, ...]):
    """The hold on the Deployment stands, and no mark on a Service yet."""
    rig = Rig.make(services=services)
    before = rig.before()
    calls = rig.world.cluster.calls

    def held() -> bool:
        return any(call.verb == "patch" and call.kind == "deployments" and call.changed for call in calls)

    rig.world.cluster.script.add(Fault(killed, actor="test@here", when=lambda call: held()))
    with pytest.raises(Killed):
        rig.run()
    rig.world.cluster.script.clear()
    assert rig.get("deployments", "web")["spec"]["paused"]
    rig.remove("configmaps", "deliver-web")
    back(rig, before)


def test_a_lost_journal_says_so_in_the_new_one():
    rig, before = interrupted(in_step(1))
    LOSSES["deleted"](rig)
    release = back(rig, before)
    assert any("the record was lost or unreadable" in sentence(entry, release) for entry in release.journal)


@pytest.mark.parametrize("verb", ["resume", "promote", "abort"])
def test_nothing_goes_forward_on_a_bad_record(verb: str):
    rig, _ = interrupted(in_step(1))
    edit_data(rig, checksum="0" * 64)
    with pytest.raises(InputError, match="cannot be trusted"):
        rig.verb(verb)
