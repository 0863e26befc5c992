"""A flag as deliver writes it, judged by flagd's own evaluator: shares, cohorts that only grow, kill, and what has no percentage."""

import json
import math

import pytest

from deliver.flags.rollout import Variants, marks_of, share, unmarked, version_after, with_share
from deliver.model.errors import Rejected
from tests.flags.support import DOCUMENT, MARK, Evaluator, treated

NAMES = Variants("on", "off")
STEPS = (1, 5, 10, 25, 50, 75, 100)
COUNT = 4000
FLAG = json.loads(DOCUMENT)["flags"]["new-checkout"]
OLD = [["on", 20], ["off", 80]]


def evaluated(flag) -> Evaluator:
    return Evaluator(json.dumps({"flags": {"new-checkout": flag}}))


def flag(**more):
    return {**FLAG, **more}


# ------------------------------------------------------------------ shares


def test_each_step_gives_the_treatment_to_its_share_and_to_everyone_who_had_it():
    before: set[str] = set()
    now = FLAG
    for percent in STEPS:
        now = with_share(now, NAMES, percent, MARK, 1)
        has = treated(evaluated(now), COUNT)
        p = percent / 100
        assert abs(len(has) - p * COUNT) <= 4 * math.sqrt(COUNT * p * (1 - p))
        assert before <= has
        assert share(now, NAMES) == (percent, "")
        before = has
    assert len(before) == COUNT


def test_a_thousandth_of_a_percent_can_be_had_and_less_cannot():
    assert with_share(FLAG, NAMES, 0.001, MARK, 1)["targeting"] == {"fractional": [["on", 1], ["off", 99999]]}
    for percent in (0.0001, 33.33333, -1, 101, math.nan):
        with pytest.raises(Rejected):
            with_share(FLAG, NAMES, percent, MARK, 1)


def test_a_users_place_is_kept_when_the_flag_buckets_by_an_expression_of_its_own():
    by = {"var": "company"}
    now = with_share(flag(targeting={"fractional": [by, *OLD]}), NAMES, 50, MARK, 1)
    assert now["targeting"] == {"fractional": [by, ["on", 50000], ["off", 50000]]}


def test_a_context_without_a_targeting_key_gets_the_safe_variant_until_everyone_has_the_treatment():
    for percent, variant in ((50, "off"), (100, "on"), (0, "off")):
        assert evaluated(with_share(FLAG, NAMES, percent, MARK, 1)).resolve("new-checkout", None)["variant"] == variant


# ------------------------------------------------------------------ kill


@pytest.mark.parametrize("more", [{}, {"defaultVariant": "on"}, {"defaultVariant": None}, {"targeting": {"if": [True, "on", "off"]}}])
def test_a_kill_is_the_safe_variant_to_everyone_whatever_stood_there(more):
    dead = with_share(flag(**more), NAMES, 0, MARK, 1)
    assert (dead["state"], dead["defaultVariant"], dead.get("targeting")) == ("ENABLED", "off", None)
    assert not treated(evaluated(dead), 200)


def test_disabled_is_no_kill_and_is_never_written_nor_taken_back():
    """The evaluator gives the caller's default, which these tests' instances have as True. Who enables it again finds the safe variant."""
    disabled = with_share(flag(state="DISABLED", targeting={"fractional": OLD}), NAMES, 0, MARK, 1)
    assert disabled["state"] == "DISABLED"
    assert not treated(evaluated({**disabled, "state": "ENABLED"}), 200)
    assert evaluated(flag(state="DISABLED")).resolve("new-checkout", "anybody")["value"] is True
    assert share(flag(state="DISABLED"), NAMES)[0] is None


# ------------------------------------------------------------------ what has no percentage


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"state": "DISABLED"}, "each caller's code decides"),
        ({"defaultVariant": None}, "neither targeting nor a defaultVariant"),
        ({"variants": {"on": True, "off": False, "grey": True}, "defaultVariant": "grey"}, "serves `grey` to everyone"),
        ({"variants": {"yes": True, "off": False}}, "no variant `on`, but `yes`, `off`"),
        ({"targeting": {"if": [{"in": ["@acme", {"var": "email"}]}, "on", {"fractional": OLD}]}}, "rule of its own (`if`)"),
        ({"targeting": {"$ref": "beta"}}, "`$ref`"),
        ({"targeting": {"fractional": [*OLD, ["grey", 5]]}}, "`grey` besides"),
        ({"targeting": {"fractional": [["on", {"var": "$flagd.timestamp"}], ["off", 5]]}}, "computed anew at each evaluation"),
        ({"targeting": {"fractional": [["on", 1.5], ["off", 5]]}}, "not a whole number"),
        ({"targeting": {"fractional": [["on", 0], ["off", 0]]}}, "all weights"),
        ({"targeting": {"fractional": [["on", 1], ["on", 1], ["off", 1]]}}, "stands twice"),
        ({"targeting": {"fractional": [["off", 80], ["on", 20]]}}, "not first"),
        ({"targeting": {"fractional": OLD}, "defaultVariant": "on"}, "without a targeting key"),
    ],
)
def test_a_flag_without_a_percentage_says_what_it_has_instead(more, why):
    percent, said = share(flag(**more), NAMES)
    assert percent is None
    assert why in said


@pytest.mark.parametrize(
    ("more", "percent"),
    [
        ({}, 0),
        ({"targeting": {}}, 0),
        ({"targeting": None, "defaultVariant": "on"}, 100),
        ({"targeting": {"fractional": OLD}}, 20),
        ({"targeting": {"fractional": [{"var": "company"}, *OLD]}}, 20),
        ({"targeting": {"fractional": [["on"], ["off"]]}}, 50),
        ({"targeting": {"fractional": [["off", 100], ["on", 0]]}}, 0),
        ({"targeting": {"fractional": OLD}, "defaultVariant": None}, 20),
    ],
)
def test_a_plain_split_has_one(more, percent):
    assert share(flag(**more), NAMES) == (percent, "")


# ------------------------------------------------------------------ marks


def test_our_marks_stand_beside_what_was_there_and_go_without_a_trace():
    now = with_share(FLAG, NAMES, 5, MARK, 42)
    assert now["metadata"]["owner"] == FLAG["metadata"]["owner"]
    assert (marks_of(now).release, marks_of(now).fence, marks_of(now).version) == (MARK.release, 7, 42)
    assert unmarked(now)["metadata"] == FLAG["metadata"]
    bare = {key: value for key, value in FLAG.items() if key != "metadata"}
    assert "metadata" not in unmarked(with_share(bare, NAMES, 5, MARK, 42))


def test_somebodys_own_text_where_our_marks_would_be_is_no_mark():
    assert marks_of(flag(metadata={"version": "soon", "deliverRelease": "x", "deliverFence": -3})).version == 0
    assert marks_of(flag(metadata={"version": "42"})).version == 0


def test_a_version_of_somebodys_own_is_covered_by_ours_and_comes_back():
    """Ours must be called `version`: that is what SDKs, hooks and traces tell."""
    theirs = flag(metadata={"version": "v7", "owner": "me"})
    now = with_share(with_share(theirs, NAMES, 5, MARK, 42), NAMES, 25, MARK, 43)
    assert evaluated(now).resolve("new-checkout", "anybody")["metadata"]["version"] == "43"
    assert unmarked(now)["metadata"] == theirs["metadata"]


def test_versions_grow_although_the_clock_stands_still_or_goes_back():
    seen = [version_after(marks_of(with_share(FLAG, NAMES, 5, MARK, 10**12)), now) for now in (0.0, 10**9, 2 * 10**9)]
    assert seen == [10**12 + 1, 10**12 + 1, 2 * 10**12]
