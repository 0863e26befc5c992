"""An API server that is upgraded in mid-release fills in a field that nobody wrote, in the Deployment's template and its ReplicaSets'."""

import pytest

from deliver.model.release import Direction, Outcome
from tests.engine.rig import Rig, in_step


def upgrade(rig: Rig) -> None:
    """As a decoder's default appears: no write, no new generation, in each object at once."""
    store = rig.world.api.store
    for kind in ("deployments", "replicasets"):
        for obj in store.every(kind, "shop"):
            obj["spec"]["template"]["spec"].setdefault("hostUsers", True)


@pytest.mark.parametrize("step", [1, 2])
def test_a_defaulted_field_is_nobodys_edit_while_steps_go_on(step: int):
    """The finish writes the template, and holds rather than write over one that is not to the byte the one of before."""
    rig = Rig.make()
    rig.when(in_step(step), lambda: upgrade(rig))
    release = rig.run()
    assert release.step == len(release.plan.steps) - 1
    assert release.course is Direction.PROMOTING
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK


@pytest.mark.parametrize("step", [1, 2])
def test_a_rollback_after_it_gets_done(step: int):
    rig = Rig.make()

    def upgraded() -> None:
        upgrade(rig)
        rig.verb("rollback")

    rig.when(in_step(step), upgraded)
    assert rig.run().outcome is Outcome.ROLLED_BACK
    assert rig.names("deployments") == {"web"}
