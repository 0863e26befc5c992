"""Releases whose driver was killed at some place of their way, for another process to take back."""

from collections.abc import Callable

import pytest

from deliver.model.release import Release
from deliver_sandbox.faults import Fault, Killed, killed
from tests.engine.rig import Rig, in_step, taken_over


def interrupted(where: Callable[[Release], bool], services: tuple[str, ...] = ("web",), **world: object) -> tuple[Rig, dict[str, object]]:
    """A release whose driver was killed there."""
    rig = Rig.make(services=services, **world)
    before = rig.before()

    def die() -> None:
        rig.world.cluster.script.faults.append(Fault(killed, actor="test@here"))

    rig.when(where, die)
    with pytest.raises(Killed):
        rig.run()
    rig.world.cluster.script.clear()
    return rig, before


def finishing(release: Release) -> bool:
    return release.phase == "Finishing"


def rolled(release: Release) -> bool:
    """The Deployment has the new version, and the traffic is not on it yet."""
    return bool(release.new_hash)


PLACES = {
    "preparing": lambda release: release.phase == "Preparing",
    "step 1": in_step(1),
    "shifting to all": in_step(3, "Preparing"),
    "step 3": in_step(3),
    "finishing": finishing,
    "rolled": rolled,
    "taken over": taken_over,
}
