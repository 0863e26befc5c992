"""Plugins are found by entry points. One that nobody chose is never imported; a broken one breaks nothing but itself."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deliver.cli.main import main
from deliver.plugins import registry

Install = Callable[..., None]

GOOD = """
from pydantic import BaseModel, Field
from deliver.model.plan import Plan, Side, Step
from deliver.plugins.types import Duration

class Options(BaseModel):
    after: Duration = Field(90.0, description="time before the switch")
    careful: bool = Field(False, description="look twice")
    def __init__(self, **data): super().__init__(**data)

class Switch:
    name, summary, Options = "switch", "All at once", Options
    def plan(self, options, facts):
        return Plan("switch", (Step("100 %", 100, Side.CANDIDATE, facts.stable_pods, facts.stable_pods, bake=options.after),))
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """A distribution as pip leaves it behind, on the path."""

    def make(dist: str, group: str, name: str, module: str, code: str, cls: str = "Switch") -> None:
        home = tmp_path / dist  # importlib.metadata looks anew only into folders it has not seen
        info = home / f"{dist.replace('-', '_')}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}:{cls}\n")
        (home / f"{module}.py").write_text(code)
        monkeypatch.syspath_prepend(str(home))
        registry.clear_cache()

    before = set(sys.modules)
    registry.clear_cache()
    yield make
    for module in set(sys.modules) - before:
        if getattr(sys.modules[module], "__file__", None) and str(tmp_path) in str(sys.modules[module].__file__):
            del sys.modules[module]
    monkeypatch.undo()
    registry.clear_cache()


def test_only_the_chosen_one_is_loaded(install: Install) -> None:
    install("acme-switch", "deliver.strategies", "switch", "acme_switch", GOOD)
    install("acme-boom", "deliver.strategies", "boom", "acme_boom", "raise SystemError('boom')")
    assert {"canary", "switch", "boom"} <= set(registry.names("deliver.strategies"))
    assert "acme_switch" not in sys.modules
    assert registry.load("deliver.strategies", "switch").name == "switch"
    assert "acme_boom" not in sys.modules


def test_a_broken_one_is_listed_with_its_error(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("acme-boom", "deliver.strategies", "boom", "acme_boom", "raise SystemError('boom')")
    install("acme-half", "deliver.checks", "half", "acme_half", "class Switch:\n    name = 'half'\n")
    found = {plugin.name: plugin for plugin in registry.describe()}
    assert (found["boom"].distribution, found["boom"].version) == ("acme-boom", "1.2")
    assert "SystemError: boom" in found["boom"].error
    assert "lacks summary, Options, probe" in found["half"].error
    assert found["canary"].error == ""
    assert main(["plugins"]) == 0
    out = capsys.readouterr().out
    assert "acme-boom" in out
    assert "SystemError: boom" in out


def test_a_broken_one_that_is_asked_for_is_a_message(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("acme-boom", "deliver.strategies", "boom", "acme_boom", "raise SystemError('boom')")
    assert main(["boom", "web"]) == 2
    assert capsys.readouterr().err.startswith("error: plugin `boom` of acme-boom 1.2 does not load\nwhy: SystemError: boom\n")


def test_two_of_one_name_are_refused_with_both_names(install: Install) -> None:
    install("acme-switch", "deliver.strategies", "switch", "acme_switch", GOOD)
    install("other-switch", "deliver.strategies", "switch", "other_switch", GOOD)
    with pytest.raises(registry.PluginError) as caught:
        registry.load("deliver.strategies", "switch")
    assert "acme-switch 1.2 and other-switch 1.2" in caught.value.why
    assert all("taken twice" in plugin.error for plugin in registry.describe() if plugin.name == "switch")


def test_a_class_with_another_name_inside_is_refused(install: Install) -> None:
    install("acme-switch", "deliver.strategies", "toggle", "acme_switch", GOOD)
    with pytest.raises(registry.PluginError, match="named differently"):
        registry.load("deliver.strategies", "toggle")


def test_a_strategy_is_a_command_with_help_and_options_of_its_own(
    install: Install, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install("acme-switch", "deliver.strategies", "switch", "acme_switch", GOOD)
    assert main(["--help"]) == 0
    assert "  switch  " in capsys.readouterr().out
    assert main(["switch", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "All at once" in text
    assert "--after DURATION time before the switch [default: 1m30s]" in text
    assert "--careful / --no-careful look twice" in text
    assert main(["switch", "web", "-f", "none", "--image", "a/b:1", "--after", "5"]) == 2
    assert "option --after: `5` has no unit" in capsys.readouterr().err
    path = tmp_path / "x.yaml"
    path.write_text("target: {deployment: web}\nimage: a/b:1\nstrategy: {switch: {aftr: 5m}}\n")
    assert main(["validate", "-f", str(path)]) == 2
    assert "did you mean `after`?" in capsys.readouterr().err


def test_a_strategy_that_nobody_has() -> None:
    with pytest.raises(registry.PluginError, match="no plugin `x` among the strategies"):
        registry.load("deliver.strategies", "x")


OLD_ROUTER = """
from deliver.traffic.service_selector import ServiceSelector

class Switch(ServiceSelector):
    name, summary = "acme-mesh", "as it was"
    def move(self, write, release, side, hash): ...
    def preview(self, release, side, hash): return []
"""


def test_a_router_with_the_hooks_of_before_is_told_what_takes_their_place(install: Install) -> None:
    install("acme-mesh", "deliver.routers", "acme-mesh", "acme_mesh", OLD_ROUTER)
    with pytest.raises(registry.PluginError) as refused:
        registry.load("deliver.routers", "acme-mesh")
    told = refused.value
    assert told.what == "plugin `acme-mesh` of acme-mesh 1.2 is written for an older deliver"
    assert told.why == "`Switch` has `move` and `preview`, which nothing calls any more"
    assert "`set_route(write, release, exposure)` in the place of `move`" in told.hint
    assert "`planned_writes(release, exposure)` in the place of `preview`" in told.hint
    assert told.what in {plugin.name: plugin for plugin in registry.describe()}["acme-mesh"].error
