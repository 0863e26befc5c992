"""A router plugin that raises or answers nonsense in mid-release: the driver goes on, ends as documented, and says whose fault it is."""

from typing import Any

import pytest

from deliver.model.frozen import replace
from deliver.model.release import Outcome, Release
from deliver.model.spec import PluginSpec
from deliver.plugins import registry
from deliver.plugins.registry import PluginError
from deliver.traffic.service_selector import ServiceSelector
from tests.engine.rig import Rig, in_step

ENDS = (Outcome.HELD, Outcome.ROLLED_BACK)


def router(hook: str, answer: Any) -> type[ServiceSelector]:
    """It works, but for that hook from the second step on, on the way forward. answer: an exception, or of what was right."""

    class Broken(ServiceSelector):
        name = "broken"

    right = getattr(ServiceSelector, hook)

    def wrong(self: ServiceSelector, look: Any, release: Release, *more: Any) -> Any:
        if release.step == 0 or release.course != "forward":
            return right(self, look, release, *more)
        if isinstance(answer, BaseException):
            raise answer
        return answer(right(self, look, release, *more))

    setattr(Broken, hook, wrong)
    return Broken


@pytest.mark.parametrize(
    ("hook", "answer"),
    [
        ("read", RuntimeError("boom")),
        ("read", lambda seen: None),
        ("read", lambda seen: replace(seen, weight=250.0)),
        ("read", lambda seen: replace(seen, weight="50")),
        ("read", lambda seen: replace(seen, weight=float("nan"))),
        ("set_route", RuntimeError("boom")),
        ("set_route", SystemExit("bye")),
    ],
)
def test_a_router_that_breaks_in_the_second_step(hook: str, answer: Any):
    rig = Rig.make()
    before = rig.before()
    with registry.override("deliver.routers", router(hook, answer)):
        release = rig.run(rig.spec(router=PluginSpec("broken")))
        assert release.outcome in ENDS
        if release.outcome is Outcome.HELD:
            assert rig.verb("rollback").outcome is Outcome.ROLLED_BACK
    assert rig.before() == before


def test_a_refused_write_of_a_plugin_is_named():
    rig = Rig.make()
    with registry.override("deliver.routers", router("set_route", RuntimeError("boom"))):
        release = rig.run(rig.spec(router=PluginSpec("broken")))
    assert "router `broken` failed in set_route: RuntimeError: boom" in release.reason
    assert release.outcome is Outcome.ROLLED_BACK


@pytest.mark.parametrize("hook", ["can", "find", "watches", "planned_writes"])
def test_one_that_raises_before_the_first_write_is_named_and_nothing_is_changed(hook: str):
    rig = Rig.make()
    before = rig.before()

    def boom(*more: Any) -> Any:
        raise RuntimeError("boom")

    broken = type("Broken", (ServiceSelector,), {"name": "broken", hook: boom})
    with (
        registry.override("deliver.routers", broken),
        pytest.raises(PluginError, match=f"router `broken` failed in {hook}: RuntimeError: boom"),
    ):
        rig.run(rig.spec(router=PluginSpec("broken")))
    assert rig.before() == before


def test_one_that_raises_while_a_lost_record_is_put_together_ends_no_rollback():
    rig = Rig.make()

    def boom(*more: Any) -> Any:
        raise SystemExit("bye")

    broken = type("Broken", (ServiceSelector,), {"name": "broken", "recover": classmethod(boom)})
    with registry.override("deliver.routers", broken):

        def lost() -> None:
            rig.remove("configmaps", "deliver-web")
            rig.verb("rollback")

        rig.when(in_step(1), lost)
        rig.run()
    assert rig.names("deployments") == {"web"}
