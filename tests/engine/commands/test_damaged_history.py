"""A history with an entry that cannot be read, and names that were mistyped."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from deliver.engine import commands
from deliver.model.errors import InputError
from deliver.model.release import Outcome
from deliver.model.spec import Target
from tests.engine.rig import TARGET, Rig

DAMAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a number": lambda entry: 7,
    "null": lambda entry: None,
    "no plan": lambda entry: {key: value for key, value in entry.items() if key != "plan"},
    "a null step": lambda entry: entry | {"step": None},
    "an outcome of a later deliver": lambda entry: entry | {"outcome": "PARTLY"},
    "a step that is none": lambda entry: entry | {"step": 99},
}


def after(*images: str) -> Rig:
    rig = Rig.make()
    for image in images:
        assert rig.run(rig.spec(f"registry/web:{image}")).outcome is Outcome.PROMOTED
        rig.world.clock.wait(60)
    return rig


def damage(rig: Rig, index: int, how: Callable[[dict[str, Any]], Any]) -> None:
    history = json.loads(rig.get("configmaps", "deliver-web")["data"]["history"])
    history[index] = how(history[index])
    rig.edit("configmaps", "deliver-web", {"data": {"history": json.dumps(history)}})


@pytest.mark.parametrize("how", DAMAGES)
def test_the_entries_that_can_be_read_stay(how: str):
    rig = after("1.1.0", "1.2.0", "1.1.0")
    damage(rig, 1, DAMAGES[how])
    record = commands.recorded(rig.world.cluster, TARGET)
    assert [one.number for one in record.releases] == [3, 1]
    assert record.lost.startswith("1 of 3 cannot be read")


def test_a_rollback_goes_back_to_before_the_newest_although_its_entry_cannot_be_read():
    rig = after("1.1.0", "1.2.0")
    damage(rig, 0, DAMAGES["null"])
    rig.verb("rollback")
    assert rig.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]["image"] == "registry/web:1.1.0"


def test_a_rollback_does_not_guess_which_release_was_the_newest():
    rig = after("1.1.0", "1.2.0")
    damage(rig, 0, DAMAGES["null"])
    rig.edit("configmaps", "deliver-web", {"data": {"release": None}})
    with pytest.raises(InputError, match="is not whole"):
        rig.verb("rollback")


def test_one_request_that_cannot_be_read_hides_no_other():
    rig = Rig.make()
    asked: list[float] = []

    def pause() -> None:
        rig.edit("configmaps", "deliver-web", {"data": {"requests": json.dumps([None, {"verb": 1}, ABORT])}})

    asked = rig.when(lambda release: bool(release.bake_since), pause)
    assert rig.run().outcome is Outcome.ROLLED_BACK
    assert asked


ABORT = {"id": "a", "verb": "abort", "actor": "ops@desk", "reason": "", "at": 1.0}


@pytest.mark.parametrize("verb", ["recorded", "current", "rollback", "resume"])
@pytest.mark.parametrize(
    ("target", "told"),
    [
        (Target("shop", "wbe"), "Deployment `wbe` does not exist in namespace `shop`"),
        (Target("shpo", "web"), "namespace `shpo` does not exist"),
    ],
)
def test_a_mistyped_name_is_told(verb: str, target: Target, told: str):
    rig = Rig.make()
    tools = rig.tools()
    more: dict[str, Any] = {"actor": "a", "reason": "", "reporter": rig.reporter, "stop": rig.stop, "within": tools}
    with pytest.raises(InputError, match=told):
        getattr(commands, verb)(tools.cluster, target, **(more if verb in ("rollback", "resume") else {}))


def test_a_deployment_without_a_release_has_an_empty_history():
    assert commands.history(Rig.make().world.cluster, TARGET) == ()
