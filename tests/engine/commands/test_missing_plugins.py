"""A release whose router is not installed where a command is typed: reading needs no plugin, rolling back says what it lacks."""

from collections.abc import Callable
from importlib import import_module

import pytest

from deliver.engine import commands
from deliver.model.errors import RollbackIncomplete
from deliver.model.names import HASH
from deliver.model.observation import OperatorRequest
from deliver.model.release import Outcome, Release
from deliver.model.spec import PluginSpec
from deliver.plugins import registry
from deliver.plugins.registry import PluginError
from deliver.traffic.service_selector import ServiceSelector
from deliver_sandbox.faults import Fault, Killed, killed
from tests.engine.rig import TARGET, Rig, in_step
from tests.traffic.mesh import MESH, Mesh


class Foreign(ServiceSelector):
    """Of a package that only the pipeline has."""

    name = "foreign"


FOREIGN = PluginSpec("foreign")


def orphaned(plugin: type[ServiceSelector], router: PluginSpec) -> Rig:
    rig = Rig.make()
    rig.when(in_step(2), lambda: rig.world.cluster.script.add(Fault(killed, actor="test@here")))
    with registry.override("deliver.routers", plugin), pytest.raises(Killed):
        rig.run(rig.spec(router=router))
    rig.world.cluster.script.clear()
    rig.world.clock.wait(20)
    return rig


def test_status_tells_all_but_the_traffic():
    rig = orphaned(Foreign, FOREIGN)
    release, seen = commands.current(rig.world.cluster, TARGET)
    assert release and seen and seen.candidate and seen.candidate.ready
    assert seen.route.side is None
    assert "no plugin `foreign`" in seen.route.detail
    assert commands.history(rig.world.cluster, TARGET) == (release,)


def test_resume_needs_the_router():
    rig = orphaned(Foreign, FOREIGN)
    with pytest.raises(PluginError, match="no plugin `foreign`"):
        rig.verb("resume")


def test_rollback_without_the_router_leads_the_services_to_the_stable_pods_and_leaves_the_rest():
    rig = orphaned(Foreign, FOREIGN)
    with pytest.raises(RollbackIncomplete) as caught:
        rig.verb("rollback")
    assert "lead to the stable pods" in caught.value.state
    assert rig.get("services", "web")["spec"]["selector"][HASH] == rig.record().snapshot.hash
    assert "web-candidate" in rig.names("deployments")
    with registry.override("deliver.routers", Foreign):
        assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK


@pytest.mark.parametrize("lost", [False, True])
def test_rollback_without_a_router_that_may_send_by_weight_changes_nothing(lost: bool):
    """A side without endpoints would lose its share of the requests."""
    rig = orphaned(Mesh, MESH)
    if lost:
        rig.remove("configmaps", "deliver-web")
    before = rig.before()
    with pytest.raises(RollbackIncomplete) as caught:
        rig.verb("rollback")
    assert "nothing was changed" in caught.value.state
    assert rig.before() == before


def test_a_live_driver_that_has_the_router_is_asked_to_take_it_back(monkeypatch: pytest.MonkeyPatch):
    rig = Rig.make()
    asked: list[str] = []

    def answer(store: object, lease: object, clock: object, stop: object, request: OperatorRequest) -> Release:
        asked.append(request.verb)
        return rig.record()

    monkeypatch.setattr("deliver.engine.commands.without_plugin.ask_driver", answer)

    def elsewhere() -> None:
        monkeypatch.setattr(import_module("deliver.engine.commands.rollback"), "router_of", missing)
        rig.verb("rollback")

    rig.when(in_step(1), elsewhere)
    rig.run()
    assert asked == ["abort"]


def missing(spec: object) -> Callable[..., object]:
    raise PluginError("no plugin `foreign` among the routers")
