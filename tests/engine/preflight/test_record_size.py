"""The record has the pod template in it: one that will not fit is refused before anything is written."""

import pytest

from deliver.model.errors import GateRefused
from deliver.model.release import Outcome
from tests.engine.rig import Rig


def rig_with(kib: int) -> Rig:
    rig = Rig.make()
    env = [{"name": "LONG", "value": "x" * 1024 * kib}]
    containers = [{**one, "env": env} for one in rig.get("deployments", "web")["spec"]["template"]["spec"]["containers"]]
    rig.edit("deployments", "web", {"spec": {"template": {"spec": {"containers": containers}}}})
    rig.world.clock.wait(120)
    return rig


def test_a_large_template_that_fits_is_released_and_taken_back():
    rig = rig_with(900)
    assert rig.run().outcome is Outcome.PROMOTED
    assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK


def test_one_that_does_not_fit_is_refused():
    rig = rig_with(1000)
    with pytest.raises(GateRefused, match="the pod template is too large"):
        rig.run()
    assert not rig.names("configmaps")
