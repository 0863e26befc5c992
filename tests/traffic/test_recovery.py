"""Whose release it was when its record is lost: the routers are asked, and none that nobody chose stands in the way."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, ClassVar

import pytest

from deliver.engine.commands.recover import ask_routers
from deliver.model.codec import encode
from deliver.model.release import ServiceSnapshot
from deliver.model.spec import PluginSpec, Target
from deliver.plugins import registry
from deliver.plugins.interfaces import Reader, Recovered
from deliver.traffic.service_selector import ServiceSelector
from tests.engine.rig import TARGET, Rig

USUAL = PluginSpec("service-selector")
ROUTE = PluginSpec("by-route", {"route": "web"})


class Broken(ServiceSelector):
    """Sorts before the others, and is asked before them."""

    name: ClassVar[str] = "a-broken-one"

    @classmethod
    def recover(cls, look: Reader, target: Target) -> Recovered:
        raise RuntimeError("its custom resources are not installed")


class ByRoute(ServiceSelector):
    """Its note is on an object of its own, where no other router looks."""

    name: ClassVar[str] = ROUTE.kind
    note: ClassVar[dict[str, Any] | None] = None

    @classmethod
    def recover(cls, look: Reader, target: Target) -> Recovered:
        return Recovered(cls.note, (ServiceSnapshot("web", "u", {"app": "web"}),), 7)


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ByRoute, "note", None)
    with ExitStack() as stack:
        for plugin in (Broken, ByRoute):
            stack.enter_context(registry.override("deliver.routers", plugin))
        yield


def test_a_note_that_another_router_finds_names_it_with_its_options(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ByRoute, "note", {"deployment": "web", "router": encode(ROUTE)})
    router, found = ask_routers(Rig.make().world.cluster, TARGET)
    assert (router, found.fence) == (ROUTE, 7)


def test_without_any_note_the_usual_router_says_which_services_there_are():
    rig = Rig.make()
    router, found = ask_routers(rig.world.cluster, TARGET)
    assert (router, found.note) == (USUAL, None)
    assert [(one.name, dict(one.selector)) for one in found.services] == [("web", {"app": "web"})]


def test_where_the_usual_router_finds_the_note_no_other_is_asked(monkeypatch: pytest.MonkeyPatch):
    rig = Rig.make()
    rig.held(rig.spec())
    asked: list[str] = []
    monkeypatch.setattr(registry, "load", lambda group, name, load=registry.load: asked.append(name) or load(group, name))
    router, found = ask_routers(rig.world.cluster, TARGET)
    assert found.note is not None
    assert "router" not in found.note, "the note of plain Services is as it was"
    assert (router, asked) == (USUAL, ["service-selector"])


def test_a_broken_router_that_nobody_chose_keeps_no_rollback_from_going_on():
    rig = Rig.make()
    before = rig.stands()
    rig.held(rig.spec())
    rig.world.api.delete("configmaps", "shop", "deliver-web", {})
    assert rig.rollback().outcome == "ROLLED_BACK"
    assert rig.stands() == before
