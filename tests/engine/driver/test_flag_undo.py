"""A rollback of a flag takes back what the release wrote and nothing else: a person's off stays off, and what is left is said.

On a real flagd document and on Unleash, with another process that takes the release back; the users are asked by evaluation.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from deliver.cluster.port import Cluster
from deliver.engine.runtime.flag_client import FlagClient
from deliver.flags.unleash.backend import Unleash
from deliver.model.plan import FlagPlan
from deliver.model.release import Release
from deliver.model.spec import Analysis, Limits, ReleaseSpec
from deliver.model.verdict import Verdict
from deliver.plugins.flags import FlagReach
from deliver.render.sentences import sentence
from tests.engine.driver.test_flagd_release import FlagdRig
from tests.engine.driver.test_flags import stopped
from tests.engine.rig import METRIC, TARGET, Rig, in_step
from tests.flags.support import DOCUMENT, Evaluator, treated
from tests.flags.unleash_server import ADMIN, STRATEGY, URL, FakeUnleash

FLAG = "new-checkout"
STAFF = {**STRATEGY, "id": "staff", "title": "staff", "parameters": {**STRATEGY["parameters"], "rollout": "100"}, "constraints": []}
GERMANS = [{"contextName": "country", "operator": "IN", "values": ["DE"]}]
STAFF_RULE = {"==": [{"var": "group"}, "staff"]}


# ------------------------------------------------------------------ Unleash


@dataclass
class UnleashRig(Rig):
    """Staff have the feature by a strategy of their own; the release drives the other one."""

    server: FakeUnleash = field(default_factory=FakeUnleash)

    def __post_init__(self) -> None:
        self.server.flag["strategies"].append(copy.deepcopy(STAFF))
        self.before = copy.deepcopy(self.server.flag)
        self.flag_clients = self.flag_client

    def flag_client(self, cluster: Cluster, namespace: str, plan: FlagPlan) -> FlagClient:
        environ, now = {"UNLEASH_TOKEN": ADMIN}, self.world.clock.now
        reach = FlagReach(namespace, None, None, None, None, environ, now)  # type: ignore[arg-type]  # it needs no cluster
        options = Unleash.Options.model_validate(plan.backend.options)
        return FlagClient(plan.flag, Unleash(options, reach, self.server.caller, self.world.clock.monotonic))

    def spec(self, *_: Any, **more: Any) -> ReleaseSpec:
        backend = {"unleash": {"url": URL, "environment": "development", "strategy": STRATEGY["id"]}}
        options = {"flag": FLAG, "weight": [5, 50], "bake": "60s", "backend": backend}
        return ReleaseSpec(TARGET, "", "flag", options, analysis=Analysis(metrics=(METRIC,), poll=5.0), limits=Limits(**more))

    @property
    def driven(self) -> dict[str, Any]:
        return next(one for one in self.server.flag["strategies"] if one["id"] == STRATEGY["id"])


@pytest.fixture
def unleash() -> UnleashRig:
    return UnleashRig.make()


def notes(release: Release) -> list[str]:
    return [sentence(entry, release) for entry in release.journal if entry.kind == "note"]


def test_where_nobody_else_wrote_the_flag_is_as_it_was(unleash: UnleashRig):
    stopped(unleash)
    release = unleash.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert unleash.server.flag == unleash.before
    assert (release.flag_left, notes(release)) == ((), [])


def test_an_environment_that_a_person_switched_off_stays_off_and_that_is_said(unleash: UnleashRig):
    """Staff got the feature once more, at exit code 0: "every user gets the safe variant again"."""
    unleash.when(in_step(2), lambda: unleash.server.flag.update(enabled=False))
    assert unleash.run().outcome == "HELD"
    release = unleash.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert unleash.server.flag == {**unleash.before, "enabled": False}
    assert release.flag_left == ("environment `development` was switched off by somebody: it stays off",)
    assert notes(release) == list(release.flag_left)


@pytest.mark.parametrize("way", ["abort", "metrics", "rollback after a promotion", "record lost"])
def test_it_stays_off_whichever_way_the_release_is_taken_back(unleash: UnleashRig, way: str):
    off = lambda: unleash.server.flag.update(enabled=False)  # noqa: E731
    if way == "rollback after a promotion":
        assert unleash.run().outcome == "PROMOTED"
        off()
        release = unleash.verb("rollback")
    elif way == "metrics":
        bad = unleash.when(in_step(2), off)
        unleash.judge.verdict = lambda now: Verdict.FAIL if bad else Verdict.PASS
        release = unleash.run()
        release = release if release.outcome == "ROLLED_BACK" else unleash.verb("rollback")
    else:
        unleash.when(in_step(2), off)
        assert unleash.run().outcome == "HELD"
        if way == "record lost":
            unleash.remove("configmaps", "deliver-web")
        release = unleash.verb("abort" if way == "abort" else "rollback")
    assert release.outcome == "ROLLED_BACK"
    assert unleash.server.flag == {**unleash.before, "enabled": False}
    assert "on" not in unleash.server.writes


def added(flag: dict[str, Any]) -> None:
    flag["strategies"].append({**copy.deepcopy(STAFF), "id": "beta", "title": "beta testers"})


def removed(flag: dict[str, Any]) -> None:
    flag["strategies"] = [one for one in flag["strategies"] if one["id"] != "staff"]


def staff(**more: Any) -> Callable[[dict[str, Any]], None]:
    return lambda flag: flag["strategies"][1].update(copy.deepcopy(more))


def driven(**more: Any) -> Callable[[dict[str, Any]], None]:
    return lambda flag: flag["strategies"][0].update(copy.deepcopy(more))


def reordered(flag: dict[str, Any]) -> None:
    flag["strategies"] = [{**one, "sortOrder": n} for n, one in enumerate(reversed(flag["strategies"]))]


EDITS = {
    "a strategy added": (added, "strategy `beta testers` beta (flexibleRollout) was added by somebody: it stays"),
    "a strategy removed": (removed, "strategy `staff` staff (flexibleRollout) was removed by somebody: it stays removed"),
    "a strategy disabled": (staff(disabled=True), "`disabled` of strategy `staff` staff (flexibleRollout) was changed by somebody"),
    "the order": (reordered, "`sortOrder` of strategy"),
    "segments": (staff(segments=[7]), "`segments` of strategy `staff`"),
    "constraints": (staff(constraints=GERMANS), "`constraints` of strategy `staff`"),
    "variants": (staff(variants=[{"name": "blue", "weight": 1000}]), "`variants` of strategy"),
    "another's rollout": (staff(parameters={**STAFF["parameters"], "rollout": "10"}), "`parameters` of strategy `staff`"),
    "constraints of ours": (
        driven(constraints=[{"contextName": "country", "operator": "IN", "values": ["DE"]}]),
        "`constraints` of strategy",
    ),
    "a title of ours": (driven(title="new checkout"), "`title` of strategy `new checkout`"),
}


@pytest.mark.parametrize("moment", ["in the release", "between kill and restore"])
@pytest.mark.parametrize("what", EDITS)
def test_what_somebody_made_of_the_strategies_survives_and_ours_is_taken_back(unleash: UnleashRig, what: str, moment: str):
    edit, says = EDITS[what]
    wanted = copy.deepcopy(unleash.before)
    edit(wanted)
    if moment == "in the release":
        unleash.when(in_step(2), lambda: edit(unleash.server.flag))
        assert unleash.run().outcome == "HELD"
    else:
        stopped(unleash)
        unleash.when(lambda release: bool(release.traffic_off), lambda: edit(unleash.server.flag))
    release = unleash.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert unleash.server.flag == wanted
    assert any(says in text for text in release.flag_left)


def test_a_rollout_that_somebody_changed_is_a_share_all_the_same_and_nobody_keeps_it(unleash: UnleashRig):
    unleash.when(in_step(2), lambda: unleash.driven["parameters"].update(rollout="30"))
    assert unleash.run().outcome == "HELD"
    assert unleash.verb("rollback").outcome == "ROLLED_BACK"
    assert unleash.server.flag == unleash.before


def test_a_copy_that_somebody_made_of_our_strategy_gives_it_to_nobody(unleash: UnleashRig):
    def twin() -> None:
        unleash.server.flag["strategies"].append({**copy.deepcopy(unleash.driven), "id": "twin"})

    unleash.when(in_step(2), twin)
    assert unleash.run().outcome == "HELD"
    assert unleash.verb("rollback").outcome == "ROLLED_BACK"
    copied = unleash.server.flag["strategies"][-1]
    assert (copied["id"], copied["parameters"]) == ("twin", {**STRATEGY["parameters"], "rollout": "0"})


@pytest.mark.parametrize("how", ["removed", "disabled"])
def test_on_is_never_pressed_over_a_flag_without_a_strategy_in_use(unleash: UnleashRig, how: str):
    """Unleash would put one of its own there, at 100 % (seen on the real one)."""

    def edit() -> None:
        for one in unleash.server.flag["strategies"]:
            one["disabled"] = True
        if how == "removed":
            unleash.server.flag["strategies"].clear()
        unleash.server.flag["enabled"] = False  # as Unleash does itself then

    stopped(unleash)
    unleash.when(lambda release: bool(release.traffic_off), edit)
    release = unleash.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert not any(unleash.server.serves(f"user-{n}") for n in range(100))
    assert "environment `development` was switched off by somebody: it stays off" in release.flag_left


def test_who_switches_on_and_off_again_over_our_kill_has_the_last_word(unleash: UnleashRig):
    """Off stood there before and after: the server's own log tells the two apart."""

    def on_and_off() -> None:
        unleash.server.person(on=True)
        unleash.server.person(on=False)

    stopped(unleash)
    unleash.when(lambda release: bool(release.traffic_off), on_and_off)
    release = unleash.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert unleash.server.flag == {**unleash.before, "enabled": False}


def test_a_server_without_a_log_is_believed_as_it_stands(unleash: UnleashRig):
    unleash.server.events = None
    stopped(unleash)
    assert unleash.verb("rollback").outcome == "ROLLED_BACK"
    assert unleash.server.flag == unleash.before


def test_a_flag_that_somebody_archived_stays_archived_and_ours_is_out_of_it(unleash: UnleashRig):
    """Whoever revives it finds the share of before."""
    unleash.when(in_step(2), lambda: setattr(unleash.server, "feature", None))
    held = unleash.run()
    assert held.outcome == "HELD"
    assert "switched off by somebody: flag `new-checkout` is archived" in held.reason
    release = unleash.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert unleash.server.feature is None
    assert unleash.driven["parameters"] == STRATEGY["parameters"]
    assert release.flag_left[0] == "flag `new-checkout` was archived by somebody: it stays archived"


def test_a_flag_that_somebody_deleted_stays_deleted(unleash: UnleashRig):
    def delete() -> None:
        unleash.server.feature = None
        unleash.server.flags.clear()

    unleash.when(in_step(2), delete)
    assert unleash.run().outcome == "HELD"
    release = unleash.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert unleash.server.flags == {}
    assert release.flag_left == ("flag `new-checkout` was removed by somebody: it stays removed",)


# ------------------------------------------------------------------ flagd


@pytest.fixture
def flagd() -> FlagdRig:
    return FlagdRig.make().begun()


def definition(rig: FlagdRig) -> dict[str, Any]:
    return dict(json.loads(rig.text())["flags"][FLAG])


WAS = json.loads(DOCUMENT)["flags"][FLAG]


def edited(rig: FlagdRig, edit: Callable[[dict[str, Any]], Any]) -> Callable[[], None]:
    def run() -> None:
        document = json.loads(rig.text())
        edit(document["flags"][FLAG])
        rig.put(json.dumps(document))

    return run


def taken_back(rig: FlagdRig, edit: Callable[[dict[str, Any]], Any], moment: str) -> Release:
    if moment == "in the release":
        rig.when(in_step(2), edited(rig, edit))
        assert rig.run().outcome == "HELD"
    else:
        rig.stopped()
        rig.when(lambda release: bool(release.traffic_off), edited(rig, edit))
    release = rig.verb("rollback")
    assert release.outcome == "ROLLED_BACK", release.reason
    return release


def staff_first(flag: dict[str, Any]) -> None:
    """`targeting` is edited in a form: a rule for staff, and below it what stood there."""
    flag["targeting"] = {"if": [STAFF_RULE, "on", flag.get("targeting", "off")]}


PARTS: dict[str, tuple[Callable[[dict[str, Any]], Any], dict[str, Any], str]] = {
    "state": (lambda flag: flag.update(state="DISABLED"), {"state": "DISABLED"}, "was set to DISABLED by somebody: it stays so"),
    "a rule": (
        lambda flag: flag.update(targeting={"if": [STAFF_RULE, "on", "off"]}),
        {"targeting": {"if": [STAFF_RULE, "on", "off"]}},
        "`targeting` of flag `new-checkout` was added by somebody: it stays there",
    ),
    "a rule over ours": (staff_first, {"targeting": {"if": [STAFF_RULE, "on", "off"]}}, "`targeting` of flag"),
    "a variant": (
        lambda flag: flag["variants"].update(grey=True),
        {"variants": {"on": True, "off": False, "grey": True}},
        "`variants.grey` of flag `new-checkout` was added by somebody: it stays there",
    ),
    "metadata": (
        lambda flag: flag["metadata"].update(owner="us"),
        {"metadata": {"owner": "us"}},
        "`metadata.owner` of flag `new-checkout` was changed by somebody: it stays as they left it",
    ),
}


@pytest.mark.parametrize("moment", ["in the release", "between kill and restore"])
@pytest.mark.parametrize("part", PARTS)
def test_what_somebody_made_of_a_flagd_flag_survives_and_ours_is_taken_back(flagd: FlagdRig, part: str, moment: str):
    edit, change, says = PARTS[part]
    release = taken_back(flagd, edit, moment)
    assert definition(flagd) == {**WAS, **change}
    assert any(says in text for text in release.flag_left)
    assert notes(release)[-len(release.flag_left) :] == list(release.flag_left)
    assert not treated(Evaluator(json.dumps({"flags": {FLAG: {**definition(flagd), "state": "ENABLED"}}})), 300), "nobody keeps it by ours"


@pytest.mark.parametrize(
    "edit",
    [
        lambda flag: flag.update(defaultVariant="on"),
        lambda flag: (flag.pop("targeting", None), flag.update(defaultVariant="on")),
        lambda flag: flag.update(targeting={"fractional": [["on", 30], ["off", 70]]}),
        lambda flag: flag.update(targeting={"fractional": [["on", 30000], ["off", 70000]]}, defaultVariant="on"),
    ],
    ids=["the default", "everyone", "another share", "another share and the default"],
)
def test_nobody_keeps_the_treatment_by_a_share_whoever_set_it(flagd: FlagdRig, edit: Callable[[dict[str, Any]], Any]):
    taken_back(flagd, edit, "in the release")
    assert definition(flagd) == WAS


@pytest.mark.parametrize("moment", ["in the release", "between kill and restore"])
def test_a_flag_that_somebody_took_out_of_the_document_stays_out(flagd: FlagdRig, moment: str):
    def take_out() -> None:
        document = json.loads(flagd.text())
        del document["flags"][FLAG]
        flagd.put(json.dumps(document))

    if moment == "in the release":
        flagd.when(in_step(2), take_out)
        assert flagd.run().outcome == "HELD"
    else:
        flagd.stopped()
        flagd.when(lambda release: bool(release.traffic_off), take_out)
    release = flagd.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert FLAG not in json.loads(flagd.text())["flags"]
    assert release.flag_left == ("flag `new-checkout` was removed by somebody: it stays removed",)


def test_a_rule_that_a_kill_went_over_is_known_to_a_process_that_finds_no_record(flagd: FlagdRig):
    """It is kept in the flag, in the write of the kill itself."""
    flagd.when(in_step(2), edited(flagd, staff_first))
    assert flagd.run().outcome == "HELD"
    flagd.remove("configmaps", "deliver-web")
    assert flagd.verb("rollback").outcome == "ROLLED_BACK"
    assert definition(flagd) == {**WAS, "targeting": {"if": [STAFF_RULE, "on", "off"]}}


def test_what_is_disabled_and_has_lost_its_variants_is_put_right_without_being_enabled(flagd: FlagdRig):
    """No kill can be made of it; what stood before can, and the switch is not a part of that."""
    flagd.stopped()
    edited(flagd, lambda flag: flag.update(state="DISABLED", variants={"on": True}, defaultVariant="on", targeting={}))()
    states: list[str] = []
    flagd.when(lambda release: not states.append(definition(flagd)["state"]), lambda: None)
    release = flagd.verb("rollback")
    assert release.outcome == "ROLLED_BACK"
    assert definition(flagd) == {**WAS, "state": "DISABLED"}
    assert set(states) == {"DISABLED"}
