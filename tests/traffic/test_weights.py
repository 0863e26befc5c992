"""A router that splits requests by weight: what users get, and what the engine asks of it, sees and never does."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from deliver.engine.core.route import empty_behind_weight
from deliver.model.action import Verb
from deliver.model.errors import InputError
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import Observation, RouteSeen
from deliver.model.plan import ORIGINAL, Exposure, Plan, Side, Step
from deliver.model.release import Direction, Outcome, Phase, Release, RouteChange
from deliver.model.spec import Facts, PluginSpec
from deliver.plugins import registry
from deliver.render.sentences import sentence
from deliver_sandbox.faults import Fault, killed
from deliver_sandbox.images import Behaviour
from deliver_strategies.canary import Canary, CanaryOptions
from tests.engine.core import states
from tests.engine.core.states import CANDIDATE, HOME, NOW, candidate, decide, held, seen
from tests.engine.rig import GOOD, TARGET, Rig, steps
from tests.journalled import intent
from tests.traffic.mesh import MESH, WEIGHT, DataPlane, Mesh

TEN, FIFTY = Exposure(Side.BOTH, weight=10.0), Exposure(Side.BOTH, weight=50.0)


@pytest.fixture(autouse=True)
def _mesh() -> Iterator[None]:
    with registry.override("deliver.routers", Mesh):
        yield


@dataclass
class Shares:
    """Of the requests of each step's bake, how many percent the candidate answered."""

    rig: Rig
    counted: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def __call__(self, release: Release, look: Observation | None) -> None:
        if release.phase is Phase.BAKING and release.bake_since:
            tally = self.rig.world.traffic.tally
            self.counted.setdefault(release.current.name, []).append((tally.requests, tally.by_image[GOOD]))

    def percent(self, step: str) -> float:
        (all_before, new_before), (all_after, new_after) = self.counted[step][0], self.counted[step][-1]
        assert all_after - all_before > 2000
        return 100 * (new_after - new_before) / (all_after - all_before)


def mesh_rig(**world: Any) -> Rig:
    rig = Rig.make(fresh=1.0, **world)
    DataPlane(rig.world)
    return rig


# ---------------------------------------------------------------- a whole canary


def test_users_get_the_weights_of_a_canary_whatever_the_number_of_pods():
    rig = mesh_rig()
    rig.reporter.on_update = shares = Shares(rig)
    before = rig.stands()
    release = rig.run(rig.spec(weights=(10, 50), router=MESH))
    assert release.outcome is Outcome.PROMOTED, release.reason
    assert shares.percent("10 %") == pytest.approx(10, abs=1.5), "by endpoints it would be 20 %"
    assert shares.percent("50 %") == pytest.approx(50, abs=2), "by endpoints it would be 33 %"
    assert shares.percent("100 %") == 100
    assert [text for text in steps(release) if text.startswith(("route", "restore"))] == [
        "route stable",
        "route both 10 %",
        "route both 50 %",
        "route candidate",
        "route stable",
        "restore-route",
    ]
    assert [step.candidate_pods for step in release.plan.steps] == [1, 2, 4]
    assert rig.world.traffic.tally.lost() == 0
    assert rig.stands()["services/web"] == before["services/web"], "nothing of the weight is left"
    said = [
        sentence(entry, release)
        for entry in release.journal
        if "by weight" in sentence(entry, release) and "verified" in sentence(entry, release)
    ]
    assert [("10 %" in text, "50 %" in text) for text in said] == [(True, False), (False, True)]


def test_a_bad_version_has_its_weight_of_the_users_until_all_are_back():
    rig = mesh_rig(images={GOOD: Behaviour(errors=0.5)})
    rig.fails_after(100.0)
    before = rig.stands()
    release = rig.run(rig.spec(weights=(10, 50), router=MESH))
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.stands() == before
    assert rig.world.traffic.tally.lost() == 0


def test_a_rollback_without_its_record_finds_the_router_in_the_note():
    rig = mesh_rig()
    before = rig.stands()
    rig.held(rig.spec(router=MESH))
    assert rig.stands()["services/web"]["annotations"][WEIGHT] == "10"
    rig.world.api.delete("configmaps", "shop", "deliver-web", {})
    release = rig.rollback()
    assert (release.outcome, release.spec.router) == (Outcome.ROLLED_BACK, MESH)
    assert rig.stands() == before


@pytest.mark.parametrize("bad", [False, True], ids=["good", "bad"])
def test_killed_at_a_sample_of_calls_it_ends_where_the_unkilled_run_ends(bad: bool):
    def play(nth: int, *, applied: bool) -> tuple[Rig, Release | None]:
        rig = mesh_rig()
        if bad:
            rig.fails_after(100.0)
        if nth:
            rig.world.cluster.script.add(Fault(killed, actor=rig.actor, nth=nth, times=1, applied=applied))
        return rig, rig.outlived(rig.spec(weights=(10, 50), router=MESH))

    def end(rig: Rig, release: Release) -> tuple[object, ...]:
        return release.outcome, rig.stands(), rig.names("deployments")

    whole, release = play(0, applied=False)
    assert release is not None
    expected, calls = end(whole, release), [call for call in whole.world.cluster.calls if call.actor == whole.actor]
    for at, nth in enumerate(range(3, len(calls), 29)):
        rig, ended = play(nth, applied=bool(at % 2))
        assert ended is None or end(rig, ended) == expected, f"call {nth}"
        assert rig.world.traffic.tally.lost() == 0, f"call {nth}"


# ---------------------------------------------------------------- what the engine asks and sees


def weighted(step: int, **more: Any) -> Release:
    """Baking at 10 or 50 %, by weight."""
    planned = tuple(Step(f"{weight:g} %", weight, Side.BOTH, pods, 4, bake=60.0, by_weight=True) for weight, pods in ((10.0, 1), (50.0, 4)))
    last = Step("100 %", 100.0, Side.CANDIDATE, 4, 4, bake=60.0)
    began = NOW - 30
    exposure = (TEN, FIFTY)[step]
    shift = RouteChange(exposure.side, exposure.hash, began - 2, began - 2, began - 1, weight=exposure.weight)
    return states.baking(**{"plan": Plan("canary", (*planned, last)), "step": step, "shift": shift, **more})


def at(weight: float | None, **more: Any) -> Observation:
    return seen(Side.BOTH, route=states.route(Side.BOTH, weight=weight), **more)


def test_from_ten_to_fifty_percent_a_route_is_asked_for_although_side_and_hash_are_the_same():
    decision = decide(weighted(1, bake_since=0.0, phase=Phase.PREPARING), at(10.0), NOW)
    assert decision.action is not None
    assert (decision.action.verb, decision.action.exposure, decision.action.why) == (Verb.ROUTE, FIFTY, "50 %: 50 % by weight")
    assert decide(weighted(1), at(50.0), NOW).action is None, "it stands already"


def test_a_weight_is_verified_for_itself():
    moving = weighted(1, bake_since=0.0, phase=Phase.SHIFTING, shift=RouteChange(Side.BOTH, "", NOW - 9, NOW - 8, NOW - 7, weight=10.0))
    first = decide(moving, at(50.0), NOW).release.shift
    assert first == RouteChange(Side.BOTH, "", NOW, switched=NOW, weight=50.0), "that 10 % were verified says nothing of 50 %"
    later = decide(replace(moving, shift=first), replace(at(50.0), at=NOW + 1), NOW + 1).release.shift
    assert later is not None
    assert later.verified == NOW + 1


def test_a_weight_that_somebody_keeps_turning_back_is_left_to_a_person():
    release = states.done(weighted(1, resumed=NOW - 100), "route both 50 %", [NOW - 50] * 5)
    assert "somebody keeps taking traffic from 50 %" in held(decide(release, at(10.0), NOW))
    others = states.done(weighted(1, resumed=NOW - 100), "route both 10 %", [NOW - 50] * 9)
    assert str(decide(others, at(10.0), NOW).action) == "route both 50 %", "moves to other weights are other moves"


def test_who_takes_over_after_the_move_to_a_weight_moves_nobody_back():
    """The driver before asked for 50 % after 10 % had passed, and died before that bake began."""
    begun = weighted(0, phase=Phase.PREPARING, bake_since=0.0, resumed=NOW - 1).noted(NOW - 9, Event.STEP_PASSED)
    asked = intent(begun, NOW - 8, "route both 50 %: 50 %: 50 % by weight")
    assert decide(asked, at(50.0), NOW).release.step == 1
    assert str(decide(begun, at(50.0), NOW).action) == "route both 10 %", "nobody has asked for that"


@pytest.mark.parametrize(("empty", "action"), [("candidate", "route stable"), ("stable side", "route both")])
def test_a_weight_that_sends_requests_to_a_side_without_pods_is_given_up_at_once(empty: str, action: str):
    gone = {"candidate": candidate(0, desired=4)} if empty == "candidate" else {"stable": states.stable(pods=())}
    look = at(10.0, **gone)
    assert empty_behind_weight(look) == empty
    decision = decide(weighted(0), look, NOW)
    assert decision.release.course is Direction.ROLLING_BACK
    assert f"the {empty} has no ready pod" in decision.release.reason
    assert str(decision.action) == action


def test_no_weight_is_given_to_a_side_without_a_ready_pod():
    unready = seen(Side.STABLE, stable=states.stable(desired=0, pods=()))
    decision = decide(weighted(0, bake_since=0.0, phase=Phase.SHIFTING), unready, NOW)
    assert decision.action is None or decision.action.exposure is None


def test_the_original_routes_are_not_back_while_a_weight_stands():
    cleaned = states.going_back(traffic_off=NOW - 3)
    look = seen(Side.BOTH, candidate=None, route=states.route(Side.BOTH, weight=10.0, marked=False))
    decision = decide(cleaned, look, NOW)
    assert decision.action is not None
    assert decision.action.exposure == Exposure(Side.STABLE, HOME)


@pytest.mark.parametrize(
    ("route", "wanted", "shown"),
    [
        (RouteSeen(Side.BOTH), ORIGINAL, True),
        (RouteSeen(Side.BOTH, weight=10.0), ORIGINAL, False),
        (RouteSeen(Side.BOTH), TEN, False),
        (RouteSeen(Side.BOTH, weight=10.0000000001), TEN, True),
        (RouteSeen(Side.BOTH, weight=11.0), TEN, False),
        (RouteSeen(Side.STABLE, HOME, weight=0.0), Exposure(Side.STABLE, HOME), True),
        (RouteSeen(Side.STABLE, HOME), Exposure(Side.STABLE, CANDIDATE), False),
        (RouteSeen(None), ORIGINAL, False),
    ],
)
def test_an_exposure_is_shown_as_a_whole_or_not(route: RouteSeen, wanted: Exposure, shown: bool):
    assert route.shows(wanted) is shown


# ---------------------------------------------------------------- before the release


def test_a_canary_on_such_a_router_takes_weights_as_they_are_wanted():
    facts = Facts(TARGET, stable_pods=4, weights=True)
    plan = Canary().plan(CanaryOptions(weight=[1, 30]), facts)
    assert [(step.weight, step.endpoints, step.candidate_pods, step.stable_pods) for step in plan.steps] == [
        (1, 1, 1, 4),
        (30, 30, 2, 4),
        (100, 100, 4, 4),
    ]
    assert plan.notes == ()


def test_a_weight_finer_than_the_router_can_is_refused():
    with pytest.raises(InputError) as refused:
        Rig.make().propose(Rig.make().spec(weights=(0.5, 50), router=MESH))
    assert "`mesh` cannot send 0.5 %" in refused.value.what
    assert "1 %" in refused.value.why


def test_a_plan_by_weight_is_refused_by_a_router_that_cannot(monkeypatch: pytest.MonkeyPatch):
    step = Step("10 %", 10.0, Side.BOTH, 1, 4, by_weight=True)
    monkeypatch.setattr(Canary, "plan", lambda self, options, facts: Plan("canary", (step, Step("100 %", 100.0, Side.CANDIDATE, 4, 4))))
    with pytest.raises(InputError, match="`service-selector` cannot send 10 %"):
        Rig.make().propose()


def test_the_plan_says_what_the_chosen_router_writes():
    rig = Rig.make()
    by_mesh = rig.propose(rig.spec(router=MESH)).patches
    assert "Service web: 10 % of its requests to the candidate: 10 %" in by_mesh
    assert not any("original selector (both sides)" in line for line in by_mesh)


def test_the_plan_of_plain_services_reads_as_ever():
    rig = Rig.make()
    assert rig.propose(rig.spec(weights=(50,), router=PluginSpec("service-selector"))).patches == (
        "Deployment web: spec.paused true (it keeps running, and does not roll)",
        "Service web: spec.selector pinned to the stable pods",
        "Deployment web-candidate: created from the template of web with the new image",
        "Deployment web-candidate: spec.replicas 4",
        "Service web: spec.selector original selector (both sides): 50 %",
        "Service web: spec.selector pinned to the candidate: 100 %",
        "Deployment web: the new image, spec.paused and spec.replicas as before",
        "Service web: pinned to the new pods of web, then the original selector",
        "Deployment web-candidate: deleted",
    )
