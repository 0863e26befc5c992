"""A flagd flag without what we wrote, by flagd's own evaluator: nobody keeps the treatment by us, other people's rules serve on."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openfeature.evaluation_context import EvaluationContext

from deliver.flags.document import problem_of
from deliver.flags.rollout import TOTAL, Variants, marks_of, with_share
from deliver.flags.undo import sentences, with_kill, without_ours
from tests.flags.support import DOCUMENT, MARK, Evaluator, treated

NAMES = Variants("on", "off")
WAS = json.loads(DOCUMENT)["flags"]["new-checkout"]
STAFF = {"==": [{"var": "group"}, "staff"]}
COUNT = 300


def evaluated(flag: dict[str, Any]) -> Evaluator:
    return Evaluator(json.dumps({"flags": {"new-checkout": flag}}))


def staff_get(flag: dict[str, Any]) -> bool:
    found = evaluated(flag).core.resolve_boolean_value("new-checkout", False, EvaluationContext("user-1", {"group": "staff"}))
    return found.variant == "on"


def ours(percent: float, **more: Any) -> dict[str, Any]:
    return {**with_share(WAS, NAMES, percent, MARK, 3), **more}


def back(flag: dict[str, Any], *, kill: bool = True) -> dict[str, Any]:
    return without_ours(WAS, with_kill(flag, NAMES, MARK, 4) if kill else flag, NAMES)


@pytest.mark.parametrize("kill", [True, False])
@pytest.mark.parametrize("percent", [0, 5, 50, 100])
def test_where_nobody_else_wrote_it_is_what_stood_before(percent: float, kill: bool):
    assert back(ours(percent), kill=kill) == WAS


SPLIT = ours(50)["targeting"]


@pytest.mark.parametrize(
    "rule",
    [
        {"if": [STAFF, "on", SPLIT]},
        {"if": [STAFF, "on", {"if": [{"var": "beta"}, SPLIT, "off"]}]},
        {"if": [STAFF, "on", {"fractional": [{"var": "company"}, ["on", 20000], ["off", 80000]]}]},
        {"if": [STAFF, "on", {"fractional": [["off", 80000], ["on", 20000]]}]},
    ],
)
@pytest.mark.parametrize("default", ["off", "on"])
@pytest.mark.parametrize("kill", [True, False])
def test_a_split_of_ours_inside_somebodys_rule_goes_and_the_rule_stays(rule: Any, default: str, kill: bool):
    after = back(ours(50, targeting=rule, defaultVariant=default), kill=kill)
    assert not treated(evaluated(after), COUNT)
    assert staff_get(after)
    assert after["defaultVariant"] == "off"
    assert sentences("new-checkout", WAS, after) == ("`targeting` of flag `new-checkout` was added by somebody: it stays there",)


def test_somebodys_own_split_inside_their_own_rule_is_theirs():
    """They count to 100."""
    rule = {"if": [STAFF, {"fractional": [["on", 50], ["off", 50]]}, "off"]}
    assert back(ours(50, targeting=rule))["targeting"] == rule


def test_a_rule_of_before_our_kill_and_an_edit_after_it_are_both_theirs():
    dead = with_kill(ours(50, targeting={"if": [STAFF, "on", SPLIT]}), NAMES, MARK, 4)
    again = with_kill(dead, NAMES, MARK, 5)
    assert back(again)["targeting"] == {"if": [STAFF, "on", "off"]}, "a second kill keeps what the first one kept"
    later = {**again, "targeting": {"if": [{"var": "beta"}, "on", "off"]}}
    assert back(later)["targeting"] == {"if": [{"var": "beta"}, "on", "off"]}, "the newest counts"


def test_what_a_kill_keeps_is_a_text_that_the_schema_takes_and_goes_with_our_marks():
    dead = with_kill(ours(50, targeting={"if": [STAFF, "on", SPLIT]}), NAMES, MARK, 4)
    assert problem_of({"flags": {"x": dead}}) == ""
    assert "deliver" not in json.dumps(back(dead))


@pytest.mark.parametrize("text", ["{", "[]", '{"state": "ENABLED"}', "7"])
def test_a_text_of_somebodys_own_in_its_place_is_nothing_that_we_kept(text: str):
    dead = with_kill(ours(50), NAMES, MARK, 4)
    dead["metadata"]["deliverKept"] = text
    assert back(dead, kill=False) == WAS


DEFAULTS = st.sampled_from(["on", "off", None])
WEIGHTS = st.integers(0, TOTAL)


@st.composite
def rules(draw: st.DrawFn) -> Any:
    weight = draw(WEIGHTS)
    split = {"fractional": draw(st.permutations([["on", weight], ["off", TOTAL - weight]]))}
    return draw(
        st.sampled_from([None, split, {"if": [STAFF, "on", split]}, {"if": [STAFF, split, "off"]}, {"if": [STAFF, "on", "off"]}, {}])
    )


@given(rules(), DEFAULTS, st.sampled_from(["ENABLED", "DISABLED"]), st.sampled_from([5, 50, 100]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_whatever_somebody_makes_of_the_share_nobody_has_the_treatment_but_by_a_rule_of_theirs(
    rule: Any, default: str | None, state: str, percent: float, kill: bool
):
    now = ours(percent, state=state, defaultVariant=default)
    now = {**now, "targeting": rule} if rule is not None else {key: value for key, value in now.items() if key != "targeting"}
    after = back(now, kill=kill)
    assert problem_of({"flags": {"x": after}}) == ""
    assert after["state"] == state
    assert not treated(evaluated({**after, "state": "ENABLED"}), 40)
    assert not marks_of(after).release
    assert without_ours(WAS, after, NAMES) == after, "twice does no harm"
