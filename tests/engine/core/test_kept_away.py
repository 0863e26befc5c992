"""From "traffic is off" on nobody gets the rejected version, look by look: who is waited for, what stays pinned, and what is said of it."""

from dataclasses import replace

import pytest

from deliver.model.observation import RouteSeen
from deliver.model.plan import Exposure, Side
from deliver.model.release import Release, RouteChange
from deliver.render.sentences import sentence
from tests.engine.core.states import HOME, NEW, NOW, decide, going_back, pods, route, seen, stable, waits
from tests.journalled import outcome


def test_a_rollback_that_such_a_pod_keeps_from_ending_names_it():
    late = decide(going_back(since=NOW - 1800), seen(Side.STABLE, candidate=None, remains=("twin-a",)), NOW).release
    assert late.outcome == "ROLLBACK_FAILED"
    assert "a pod of the new version (twin-a) is still there" in late.reason


def test_a_stranger_who_keeps_leading_the_services_away_does_not_keep_the_candidate_alive():
    """While they lead to the stable side the candidate goes: it will not last until that is proven."""
    fought = going_back()
    for n in range(6):
        fought = outcome(fought, NOW - 1 + n / 10, "route stable", "done")
    decision = decide(fought, seen(Side.STABLE), NOW)
    assert decision.action is not None
    assert (str(decision.action), decision.action.why) == (
        "delete-candidate",
        "somebody keeps leading the Services away from the stable side: it goes while they lead there",
    )
    assert decision.release.traffic_off == 0.0
    assert decide(fought, seen(Side.STABLE, route=route(Side.STABLE, agreed=False)), NOW).action is None


def test_the_selectors_stay_pinned_while_such_a_pod_lives_and_that_is_said_once():
    """It may not be ready yet, or of another Deployment: it counts."""
    done = going_back(shift=RouteChange(Side.STABLE, HOME, NOW - 12, NOW - 12, NOW - 10), traffic_off=NOW - 10)
    look = seen(Side.STABLE, candidate=None, remains=("web-a", "web-b"))
    first = decide(done, look, NOW)
    assert first.action is None
    assert sentence(first.release.journal[-1], first.release) == (
        "2 pods of the new version (web-a, ...) are still there: until they are gone the Services stay pinned to the stable pods;"
        " connections open on them end with them"
    )
    assert waits(decide(first.release, look, NOW))
    assert str(decide(first.release, replace(look, remains=()), NOW + 2).action) == "restore-route"


def test_pods_on_their_way_out_that_still_serve_are_waited_for_within_a_limit():
    done = going_back(shift=RouteChange(Side.STABLE, HOME, NOW - 12, NOW - 12, NOW - 10), traffic_off=NOW - 10)
    look = seen(Side.STABLE, candidate=None, leaving=1)
    assert waits(decide(done, look, NOW))
    assert str(decide(done, look, NOW + 900).action) == "restore-route"


def test_selectors_that_lead_to_such_a_pod_are_pinned_again():
    """A driver of before had given them back, or a stranger."""
    again = decide(going_back(), seen(Side.BOTH, candidate=None, remains=("web-a",)), NOW)
    assert again.action and again.action.exposure == Exposure(Side.STABLE, HOME)
    assert str(decide(going_back(), seen(Side.BOTH, candidate=None), NOW).action) != "route stable"


@pytest.mark.parametrize(
    ("look", "why"),
    [
        (seen(Side.BOTH, remains=("web-a",)), "the Services were led away from the stable side"),
        (seen(Side.STABLE, stable=stable(pods=pods(4, HOME, ready=False))), "the stable side has lost its last ready pod"),
    ],
    ids=["a stranger", "nobody else is ready"],
)
def test_that_traffic_is_off_is_taken_back_when_it_is_not_so_any_more(look, why: str):
    off = going_back(shift=RouteChange(Side.STABLE, HOME, NOW - 12, NOW - 12, NOW - 10), traffic_off=NOW - 10)
    decision = decide(off, look, NOW)
    assert (decision.release.traffic_off, decision.release.shift) == (0.0, None)
    assert sentence(decision.release.journal[-1], decision.release) == f"traffic is not off the new version any more: {why}"


def test_the_deployments_own_new_pods_are_another_side_too():
    """One pod of before is not enough to take all users while three others are ready."""
    rolling = stable(pods=pods(1, HOME) + pods(3, NEW))
    assert waits(decide(going_back(), seen(Side.BOTH, stable=rolling, candidate=None, remains=("x",)), NOW))
    two = stable(pods=pods(2, HOME) + pods(2, NEW))
    assert str(decide(going_back(), seen(Side.BOTH, stable=two, candidate=None, remains=("x",)), NOW).action) == "route stable"


def test_what_is_said_of_a_move_is_said_of_all_ready_endpoints():
    moved = going_back(shift=RouteChange(Side.BOTH, "", NOW - 3, NOW - 2))
    mixed = route(Side.BOTH, stable=1, candidate=2, other=1)
    assert "2 of 4 ready endpoints run the new version, 50 %" in _proof(moved, mixed)
    assert "1 of 2 ready endpoints runs the new version, 50 %" in _proof(moved, replace(mixed, candidate=1, other=0))


def _proof(release: Release, found: RouteSeen) -> str:
    from deliver.engine.core.route import follow_route_change

    return sentence(follow_route_change(release, seen(route=found), NOW, Exposure(Side.BOTH)).journal[-1], release)
