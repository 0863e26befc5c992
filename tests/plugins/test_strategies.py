"""The built-in strategies keep the contract that every other must keep; a broken one does not get past it."""

import random
from typing import ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field

from deliver.model.plan import Plan, Side, Step
from deliver.plugins import registry
from deliver.plugins.registry import PluginError
from deliver.testing import StrategyContract
from deliver_strategies.blue_green import BlueGreen
from deliver_strategies.canary import Canary
from deliver_strategies.feature_flag import FeatureFlag


class TestCanary(StrategyContract):
    plugin = Canary
    examples = ({"weight": [20, 50], "bake": "30s"}, {"steps": [{"weight": 50, "bake": "20s", "approval": True}]})
    refused = (
        {},
        {"weight": [50, 20]},
        {"weight": [0]},
        {"weight": [101]},
        {"weight": [10], "steps": [{"weight": 10}]},
        {"weight": [10], "bake": "5"},
    )


class TestBlueGreen(StrategyContract):
    plugin = BlueGreen
    examples = (
        {"bake": "30s", "preview_bake": "10s", "hold": "10s"},
        {"bake": "30s", "preview_bake": "10s", "hold": "0s", "approve": True},
    )
    refused = ({"bake": "soon"}, {"weight": [10, 50]})


class TestFeatureFlag(StrategyContract):
    plugin = FeatureFlag
    examples = ({"flag": "new-checkout", "weight": [5, 25], "bake": "30s"},)
    refused = (
        {"weight": [5]},
        {"flag": "new-checkout"},
        {"flag": "new-checkout", "weight": [25, 5]},
        {"flag": "x", "weight": [5], "set": ["nothing"]},
    )


# ---------------------------------------------------------------- broken ones


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    bake: float = Field(default=10.0, description="how long")


def steps(*sides: Side) -> tuple[Step, ...]:
    return tuple(Step(f"{side}", 100.0, side, candidate_pods=4, stable_pods=4, bake=10.0) for side in sides)


class Chancy:
    """Plans what it likes."""

    name: ClassVar[str] = "chancy"
    summary: ClassVar[str] = "by chance"
    Options: ClassVar[type[BaseModel]] = Options

    def plan(self, options: Options, facts: object) -> Plan:
        return Plan("chancy", steps(Side.CANDIDATE) * (1 + int(2 * random.random())))


class Unfinished(Chancy):
    """Ends where nobody has the new version."""

    name: ClassVar[str] = "unfinished"

    def plan(self, options: Options, facts: object) -> Plan:
        return Plan("unfinished", steps(Side.STABLE))


class Misnamed(Chancy):
    def plan(self, options: Options, facts: object) -> Plan:
        return Plan("another", steps(Side.CANDIDATE))


@pytest.mark.parametrize(
    ("plugin", "test"),
    [
        (Chancy, "test_a_plan_is_a_function_of_options_and_facts"),
        (Unfinished, "test_every_plan_can_be_carried_out"),
        (Misnamed, "test_every_plan_can_be_carried_out"),
    ],
)
def test_a_broken_strategy_fails_its_suite(plugin: type, test: str, monkeypatch: pytest.MonkeyPatch):
    suite = type("Suite", (StrategyContract,), {"plugin": plugin})()
    arguments = (monkeypatch,) if "function" in test else ()
    with pytest.raises(AssertionError):
        getattr(suite, test)(*arguments)


def test_a_class_without_a_hook_is_not_lent():
    with pytest.raises(PluginError, match="incomplete"), registry.override("deliver.strategies", Options):
        pass
