"""The OpenFeature Operator's FeatureFlag, on the sandbox with the engine's writer."""

import copy

import pytest

from deliver.cluster.patch import merge_patch_to
from deliver.flags.operator import OpenFeatureOperator
from deliver.flags.options import ResourceOptions
from deliver.model.errors import Conflict, NotFound, Rejected
from deliver.model.observation import PodSeen
from deliver.plugins.flags import FlagGone
from deliver_sandbox import custom
from deliver_sandbox.patch import merge
from tests.flags.support import MARK, SHOP, Evaluator, Fleet, reach, workload, world_with, writer

FLAG = "new-checkout"
SPEC = {
    "flags": {
        FLAG: {
            "state": "ENABLED",
            "variants": {"on": True, "off": False},
            "defaultVariant": "off",
            "targeting": {"fractional": [{"var": "company"}, ["on", 0], ["off", 100]]},
        },
        "other": {"state": "DISABLED", "variants": {"a": "x"}, "defaultVariant": "a"},
    },
    "$evaluators": {"beta": {"in": ["@acme", {"var": "email"}]}},
}


class Desk:
    def __init__(self):
        self.world = world_with()
        body = {"metadata": {"name": "web-flags"}, "spec": {"flagSpec": copy.deepcopy(SPEC)}}
        self.world.cluster.create("featureflags", SHOP, body)
        self.fleet = Fleet(**{"web-1": Evaluator()})
        self.backend = self.again()
        self.write = writer(self.world)

    def again(self, **options):
        wanted = ResourceOptions.model_validate({"resource": "web-flags", **options})
        return OpenFeatureOperator(wanted, reach(self.world, self.fleet), self.fleet.caller)

    @property
    def obj(self):
        return self.world.cluster.get("featureflags", SHOP, "web-flags")

    @property
    def flags(self):
        return self.obj["spec"]["flagSpec"]["flags"]

    def edit(self, **more):
        self.world.cluster.patch("featureflags", SHOP, "web-flags", {"spec": {"flagSpec": {"flags": {FLAG: more}}}})

    def set(self, percent, mark=MARK):
        return self.backend.set(self.write, FLAG, percent, mark, if_revision=self.backend.read(FLAG).revision)


@pytest.fixture
def desk():
    return Desk()


def test_only_the_one_flag_is_patched(desk):
    revision = desk.set(25)
    assert desk.backend.read(FLAG).revision == revision
    assert desk.flags[FLAG]["targeting"] == {"fractional": [{"var": "company"}, ["on", 25000], ["off", 75000]]}
    assert desk.flags["other"] == SPEC["flags"]["other"]
    body = next(call.body for call in reversed(desk.world.cluster.calls) if call.verb == "patch")
    assert list(body["spec"]["flagSpec"]["flags"]) == [FLAG]
    assert set(body["spec"]["flagSpec"]) == {"flags"}


def test_set_kill_restore(desk):
    before, spec = desk.backend.read(FLAG), desk.obj["spec"]
    desk.set(50)
    desk.backend.kill(desk.write, FLAG, MARK)
    assert (desk.backend.read(FLAG).percent, "targeting" in desk.flags[FLAG], desk.flags[FLAG]["defaultVariant"]) == (0, False, "off")
    assert desk.again().restore(desk.write, FLAG, before.document, MARK) == before.revision
    assert desk.obj["spec"] == spec
    assert "annotations" not in desk.obj["metadata"]


def test_somebody_elses_edit_is_a_conflict_and_a_kill_goes_over_it(desk):
    old = desk.backend.read(FLAG).revision
    desk.edit(targeting={"fractional": None, "if": [{"var": "beta"}, "on", "off"]})
    with pytest.raises(Conflict):
        desk.backend.set(desk.write, FLAG, 5, MARK, if_revision=old)
    assert desk.backend.read(FLAG).percent is None
    desk.backend.kill(desk.write, FLAG, MARK)
    assert desk.backend.read(FLAG).percent == 0


def test_a_flag_that_somebody_removed_is_served_to_nobody_and_stays_removed(desk):
    before = desk.backend.read(FLAG)
    desk.set(50)
    desk.world.cluster.patch("featureflags", SHOP, "web-flags", {"spec": {"flagSpec": {"flags": {FLAG: None}}}})
    for verb in (lambda: desk.backend.kill(desk.write, FLAG, MARK), lambda: desk.backend.undo(desk.write, FLAG, before.document, MARK)):
        with pytest.raises(FlagGone):
            verb()
    assert FLAG not in desk.flags


def test_a_promoted_flag_keeps_no_mark(desk):
    desk.set(100)
    desk.backend.release(desk.write, FLAG)
    assert desk.flags[FLAG] == {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}


def test_an_operator_that_drops_flag_metadata_is_told_by_evaluation_alone(desk, monkeypatch):
    """Its definition before that has no metadata of a flag, so the API server prunes our marks."""
    monkeypatch.setattr(custom, "_KNOWN", ("defaultVariant", "state", "targeting", "variants"))
    revision = desk.set(25)
    assert desk.backend.read(FLAG).release == ""
    plain = {"flags": {FLAG: {**SPEC["flags"][FLAG], "targeting": {"fractional": [["on", 25], ["off", 75]]}}}}
    pods = [PodSeen("web-1", "u", ready=True)]
    assert desk.backend.confirm(FLAG, revision, 25, pods).disagree  # still served: nothing for anybody
    desk.fleet.instances["web-1"].core.set_flags(plain)
    assert desk.backend.confirm(FLAG, revision, 25, pods).whole


@pytest.mark.parametrize("dropped", [False, True], ids=["today's operator", "before 0.9"])
@pytest.mark.parametrize("kills", [1, 2])
def test_a_rule_that_a_kill_went_over_comes_back_also_where_the_marks_are_dropped(desk, monkeypatch, dropped, kills):
    """Their definition has had metadata of a flag since April 2026 (open-feature-operator 808)."""
    if dropped:
        monkeypatch.setattr(custom, "_KNOWN", ("defaultVariant", "state", "targeting", "variants"))
    before, was, rule = desk.backend.read(FLAG), desk.flags[FLAG], {"if": [{"var": "beta"}, "on", "off"]}
    desk.set(50)
    desk.edit(targeting={"fractional": None, **rule})
    for _ in range(kills):
        desk.again().kill(desk.write, FLAG, MARK)
    assert desk.backend.read(FLAG).percent == 0
    undone = desk.again().undo(desk.write, FLAG, before.document, MARK)
    assert desk.flags[FLAG] == {**was, "targeting": rule}
    assert undone.left == (f"`targeting` of flag `{FLAG}` was changed by somebody: it stays as they left it",)
    assert "annotations" not in desk.obj["metadata"]


def test_before_a_release(desk):
    assert desk.backend.check(FLAG, workload(), []) == []
    assert "did you mean" in desk.backend.check("new-chekout", workload(), [])[0].hint
    missing = desk.again(resource="nope").check(FLAG, workload(), [])
    assert missing[0].level == "input"
    assert "no FeatureFlag nope in namespace shop" in missing[0].message
    with pytest.raises(NotFound):
        desk.again(resource="nope").kill(desk.write, FLAG, MARK)


def test_what_cannot_be_put_back_exactly_is_said(desk):
    before = desk.backend.read(FLAG)
    desk.set(50)
    document = before.document.replace('"state"', '"unknown": 1, "state"')
    with pytest.raises(Rejected, match="not what it was before"):
        desk.backend.restore(desk.write, FLAG, document, MARK)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"a": 1}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}),
        ({"a": {"b": [1]}}, {"a": {"b": [2]}}),
        ({"a": {"b": 1}}, {"a": 5}),
        ({"a": 5}, {"a": {"b": 1}}),
        ({"a": {}}, {"a": {"b": {}}}),
    ],
)
def test_the_patch_makes_the_one_of_the_other(old, new):
    assert merge(old, merge_patch_to(old, new)) == new
