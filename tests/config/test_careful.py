"""What plugins return is looked at before it is used."""

import math
from dataclasses import replace
from typing import Any

import pytest

from deliver.model.errors import InputError
from deliver.model.plan import FlagPlan, Plan, Side, Step
from deliver.model.spec import Facts, PluginSpec, Target
from deliver.plugins.interfaces import Answer, MetricsError, Probe, Series
from deliver.plugins.registry import PluginError
from deliver.plugins.validation import checked_answer, checked_plan, checked_probe, checked_time, text_of

FACTS = Facts(Target("shop", "web"), 4)
LAST = Step("all", 100.0, Side.CANDIDATE, 4, 4)


class Planner:
    name = "odd"

    def __init__(self, plan: Any) -> None:
        self._plan = plan

    def plan(self, options: Any, facts: Facts) -> Any:
        if isinstance(self._plan, BaseException):
            raise self._plan
        return self._plan


def test_a_plan_that_can_be_carried_out_is_taken_as_it_is():
    assert checked_plan(Planner(Plan("odd", (LAST,))), None, FACTS) == Plan("odd", (LAST,))


def test_what_the_planner_says_to_the_user_is_passed_on():
    with pytest.raises(InputError, match="not like that"):
        checked_plan(Planner(InputError("not like that")), None, FACTS)


@pytest.mark.parametrize("error", [ValueError("x" * 9000), SystemExit(0), RecursionError(), KeyError(None)])
def test_whatever_else_it_raises_is_its_fault(error: BaseException):
    with pytest.raises(PluginError, match="strategy `odd` failed to plan") as caught:
        checked_plan(Planner(error), None, FACTS)
    assert len(caught.value.why) < 700


@pytest.mark.parametrize(
    "plan",
    [
        None,
        "a plan",
        Plan("odd", ()),
        Plan("odd", (Step("10 %", 10.0, Side.BOTH, 1, 4),)),
        Plan("odd", (Step("all", math.nan, Side.CANDIDATE, 4, 4),)),
        Plan("odd", (Step("all", 100.0, Side.CANDIDATE, -1, 4),)),
        Plan("odd", (Step("all", 100.0, Side.CANDIDATE, 4, 4, bake=-1.0),)),
        Plan("odd", (Step("all", 100.0, "everywhere", 4, 4),)),  # type: ignore[arg-type]  # the point of it
        Plan("odd", (Step("all", 100.0, Side.CANDIDATE, 4, 4, max_bake=-1.0),)),
        Plan("odd", (Step("all", 100.0, Side.CANDIDATE, 4, 4, unanswered="shrug"),)),
        Plan("odd", (Step("all", 100.0, Side.CANDIDATE, 4, 4, checks=(PluginSpec("load", {"port": 8080, "path": "no slash"}),)),)),
        Plan("odd", (Step("half", 50.0, Side.BOTH, 0, 0),), flag=FlagPlan("new-checkout", PluginSpec("flagd"))),
        Plan("odd", (LAST, "a step")),  # type: ignore[arg-type]  # as above
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_none(plan: Any):
    with pytest.raises(PluginError, match="no plan that can be carried out"):
        checked_plan(Planner(plan), None, FACTS)


def test_a_check_that_is_not_installed_is_refused_before_a_step_needs_it():
    with pytest.raises(PluginError, match="no plugin `ping` among the checks"):
        checked_plan(Planner(Plan("odd", (replace(LAST, checks=(PluginSpec("ping"),)),))), None, FACTS)


@pytest.mark.parametrize(
    "answer",
    [None, [], Answer("q", "series"), Answer("q", (1,)), Answer("q", (Series({"a": 1}, ()),)), Answer("q", (Series({}, ((1.0, "2"),)),))],  # type: ignore[arg-type]  # the point of it
)
def test_a_metric_providers_answer_of_another_kind(answer: Any):
    with pytest.raises(MetricsError):
        checked_answer(answer)


@pytest.mark.parametrize("now", [None, "1", math.nan, math.inf, -1, True, 10**30])
def test_a_provider_that_does_not_know_the_time(now: Any):
    with pytest.raises(MetricsError, match="did not tell the time"):
        checked_time(now)


@pytest.mark.parametrize("probe", [None, True, "fine", Probe("yes", "fine"), Probe(1, "fine")])  # type: ignore[arg-type]  # the point of it
def test_a_check_that_answers_with_something_else_says_nothing_of_the_pod(probe: Any):
    assert checked_probe(probe).ok is None


def test_words_of_plugins_are_one_short_line():
    assert text_of("\x1b[31mred\n\u202eline") == "red line"
    assert len(text_of("x" * 100_000)) == 600
    assert not text_of(type("Odd", (), {"__str__": lambda self: 1 / 0})())
