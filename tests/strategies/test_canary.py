"""A canary's weights on Deployments as people have them: one to three pods, an autoscaler, a quota."""

import re
from typing import Any

import pytest

from deliver.model.errors import InputError
from deliver.model.plan import Plan
from deliver.model.spec import Facts, Target
from deliver_strategies.canary import MORE, Canary, CanaryOptions

WEB = Target("shop", "web")


def plan(pods: int, weight: list[float], *, most: int = 0, room: int | None = None, **options: Any) -> Plan:
    facts = Facts(WEB, pods, autoscaled=most > 0, most_pods=most, room=room)
    return Canary().plan(CanaryOptions.model_validate({"weight": weight, **options}), facts)


def sizes(planned: Plan) -> list[tuple[int, int]]:
    """Of candidate and stable side, step by step."""
    return [(step.candidate_pods, step.stable_pods) for step in planned.steps]


@pytest.mark.parametrize(("pods", "counts"), [(1, [(1, 9), (1, 9)]), (2, [(1, 9), (2, 9)])])
def test_one_or_two_pods_give_a_tenth_with_temporary_stable_pods(pods: int, counts: list[tuple[int, int]]):
    planned = plan(pods, [10])
    assert sizes(planned) == counts
    assert planned.steps[0].endpoints == 10.0


def test_the_cost_of_temporary_pods_is_said_and_how_to_have_none():
    assert plan(1, [10]).notes == ("8 temporary stable pods for these weights: up to 9 pods more than now; --surge 0 adds none",)
    assert "--surge 0" not in plan(1, [10], surge=8).notes[0]


@pytest.mark.parametrize(("pods", "weight"), [(3, [10]), (4, [10, 50]), (1, [50]), (2, [25])])
def test_what_the_live_pods_give_within_the_overshoot_adds_none(pods: int, weight: list[float]):
    assert {stable for _, stable in sizes(plan(pods, weight))} == {pods}


@pytest.mark.parametrize("pods", [1, 2, 3])
@pytest.mark.parametrize("weight", [[10], [25], [10, 50], [5, 20, 50], [20, 40, 60]])
def test_the_usual_weights_can_be_had_and_nowhere_with_more_pods_than_promised(pods: int, weight: list[float]):
    planned = plan(pods, weight)
    for step in planned.steps[:-1]:
        assert step.endpoints - step.weight <= 15.0
    plain = max(round(pods * share / (100 - share)) for share in weight)
    assert max(candidate + stable for candidate, stable in sizes(planned)) - pods <= max(MORE, plain)


def test_room_in_the_quota_bounds_the_temporary_pods():
    assert sizes(plan(1, [10], room=4)) == [(1, 4), (1, 4)]
    with pytest.raises(InputError) as refused:
        plan(1, [10], room=2)
    assert "the namespace's quota has room for 2 more pods" in refused.value.why


def test_an_autoscaler_gives_the_temporary_pods_within_its_maximum():
    planned = plan(1, [10], most=10)
    assert sizes(planned) == [(1, 5), (5, 5)], "whatever the load wants by then, the candidate can take it"
    assert "by the autoscaler's minReplicas 5" in planned.notes[0]
    with pytest.raises(InputError) as refused:
        plan(1, [10], most=2)
    assert "the autoscaler allows 2 pods" in refused.value.why


@pytest.mark.parametrize(
    ("pods", "weight", "more"),
    [(1, [10], {"surge": 0}), (2, [10, 50], {"surge": 0}), (1, [5, 50], {"surge": 1}), (1, [10], {"room": 2}), (1, [1, 90], {})],
)
def test_a_refused_weight_names_ways_that_each_get_a_plan(pods: int, weight: list[float], more: dict[str, Any]):
    room = more.pop("room", None)
    with pytest.raises(InputError) as refused:
        plan(pods, weight, room=room, **more)
    ways = re.findall(r"`--(weight|surge) ([0-9.,]+)`", refused.value.hint)
    assert ways, refused.value.hint
    for option, value in ways:
        other = {"weight": [float(one) for one in value.split(",")]} if option == "weight" else {"surge": int(value)}
        given = {"weight": weight, **more, **other}
        plan(pods, given.pop("weight"), room=room, **given)
