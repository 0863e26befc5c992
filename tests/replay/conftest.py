"""A world with a past: a release that was taken back after half a minute, one that was promoted, and half an hour after them."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from deliver.engine import commands
from deliver.engine.runtime.clock import Inline
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.release import Release
from deliver.model.spec import Analysis, EvidenceMetric, RatioMetric, ReleaseSpec, Target
from deliver.simulate.run import Silent, made
from deliver.simulate.scenario import ALL, BAD, NEW, PROVIDER, Regression, Setting, played
from deliver_sandbox.clock import EngineClock
from deliver_sandbox.provider import provided
from deliver_sandbox.world import World

METRIC = RatioMetric("errors", BAD, ALL, max=0.05, min_samples=400)
ANALYSIS = Analysis(metrics=(METRIC,), poll=5.0)
SETTING = Setting(rps=60, errors=0.005, past=600, scrape=5)


@dataclass(frozen=True)
class Story:
    """What was, and what is left of it: the samples."""

    world: World
    back: Release
    promoted: Release

    def __post_init__(self) -> None:
        self.world.traffic.set(incident=0.005)  # of all pods alike
        self.world.clock.wait(1800)

    @property
    def provider(self) -> Any:
        return self.world.metrics


def released(world: World, image: str, analysis: Analysis = ANALYSIS, strategy: str = "canary", **options: Any) -> Release:
    mine = ReleaseSpec(Target("prod", "api"), image, strategy, options or {"weight": [50], "bake": "1m"}, analysis=analysis)
    spec = replace(played(mine, SETTING).spec, image=image)
    clock, stop = EngineClock(world.clock), Stop()
    stop.wakes(clock.wake)
    with provided(world.metrics, PROVIDER):
        tools = commands.Dependencies(world.cluster.as_actor("t"), Silent(), stop, clock, Inline(), identity="t")
        proposal = commands.propose(tools.cluster, spec, actor="t", now=clock.now())
        return commands.run(tools.cluster, proposal, reporter=Silent(), stop=stop, within=tools)


@pytest.fixture(scope="session")
def story() -> Story:
    world = made(SETTING, Regression(errors=20), 1)
    back = released(world, NEW)
    world.clock.wait(600)
    return Story(world, back, released(world, "registry/web:1.2.0"))


STEPS: dict[str, dict[str, Any]] = {
    "canary": {"weight": [50], "bake": "2m"},
    "blue-green": {"preview_bake": "5s", "bake": "2m", "hold": "0s"},
}


@pytest.fixture(scope="session", params=sorted(STEPS))
def brief(request: pytest.FixtureRequest) -> tuple[World, Release]:
    """Judged by evidence, and taken back within seconds."""
    world = made(replace(SETTING, past=2400), Regression(errors=40), 1)
    analysis = replace(ANALYSIS, metrics=(EvidenceMetric("errors", bad=BAD, total=ALL),))
    back = released(world, NEW, analysis, request.param, **STEPS[request.param])
    world.clock.wait(900)
    return world, back
