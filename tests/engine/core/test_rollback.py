"""The way back, look by look: who can take the users, what proves that they are there, what goes then, and what cannot be gone back to."""

from dataclasses import replace
from typing import Any

import pytest

from deliver.engine.core import rollback
from deliver.engine.core.decision import end, turn_back
from deliver.engine.core.route import has_capacity, verified_at
from deliver.formatting.durations import words
from deliver.model.observation import ArmSeen, Problem, RouteSeen
from deliver.model.plan import Side
from deliver.model.release import AutoscalerSnapshot, Outcome, Release, RouteChange, digest_of
from deliver.render.sentences import sentence
from tests.engine.core.states import (
    BEGUN,
    CANDIDATE,
    HOME,
    NEW,
    NOW,
    candidate,
    decide,
    done,
    going_back,
    limited,
    pods,
    route,
    seen,
    stable,
    waits,
)
from tests.journalled import intent

FRESH = digest_of(BEGUN.new_template)


def asked(release: Release, side: Side | None = Side.STABLE, **look: Any) -> str:
    return str(decide(release, seen(side, **look), NOW).action)


# ---------------------------------------------------------------- who can take the traffic


@pytest.mark.parametrize(
    ("ready", "other", "takes"), [(0, 0, False), (0, 4, False), (1, 0, True), (1, 4, False), (2, 4, True), (1, None, True)]
)
def test_half_of_its_size_is_enough_or_any_pod_where_there_is_no_other(ready: int, other: int | None, takes: bool):
    arm = None if other is None else candidate(pods=pods(other, CANDIDATE))
    assert has_capacity(ready, BEGUN, seen(candidate=arm)) is takes
    five = replace(BEGUN, snapshot=replace(BEGUN.snapshot, replicas=5))
    assert not has_capacity(2, five, seen()), "half of five is three"
    assert has_capacity(3, five, seen())


def test_the_first_write_moves_the_users_and_says_why():
    decision = decide(going_back(), seen(), NOW)
    assert decision.action is not None
    assert (str(decision.action), decision.action.exposure.hash, decision.action.why) == ("route stable", HOME, "errors: 9 of 100")


def test_a_stable_side_that_cannot_take_them_yet_is_brought_there():
    weak = stable(pods=pods(1, HOME) + pods(3, HOME, ready=False))
    assert waits(decide(going_back(), seen(stable=weak), NOW)), "it comes by itself"
    shrunk = decide(going_back(), seen(stable=stable(desired=1, pods=pods(1, HOME))), NOW).action
    assert shrunk is not None
    assert (str(shrunk), shrunk.why) == ("restore-stable", "the stable side needs its pods before it can take the traffic")
    scaled = going_back(snapshot=replace(BEGUN.snapshot, autoscaler=AutoscalerSnapshot("web", "h", 1, 9)))
    assert waits(decide(scaled, seen(stable=stable(desired=1, pods=pods(1, HOME))), NOW)), "its size is its autoscaler's"


def test_old_pods_that_are_rolling_away_are_kept_before_anybody_is_sent_to_them():
    rolling = stable(template=FRESH, paused=False, pods=pods(2, HOME) + pods(2, NEW))
    action = decide(going_back(), seen(Side.CANDIDATE, stable=rolling), NOW).action
    assert action is not None
    assert (str(action), action.why) == (
        "restore-stable",
        "its pods of before are rolling away: they must stay before anybody is sent to them",
    )
    assert asked(done(going_back(), "restore-stable", [NOW - 1]), Side.CANDIDATE, stable=rolling) == "route stable"
    assert asked(going_back(), Side.CANDIDATE, stable=replace(rolling, paused=True)) == "route stable"


def test_a_restore_that_did_not_come_about_is_tried_again_before_anybody_is_sent_to_pods_that_go():
    rolling = stable(template=FRESH, paused=False, pods=pods(2, HOME) + pods(2, NEW))
    unsaved = intent(going_back(), NOW - 1, "restore-stable: x")
    assert asked(unsaved, Side.CANDIDATE, stable=rolling) == "restore-stable", "it could not be recorded, and nothing was written"
    for result in ("failed", "unknown"):
        often = done(going_back(), "restore-stable: the server is busy", [NOW - 4, NOW - 3, NOW - 2, NOW - 1], result)
        assert asked(often, Side.CANDIDATE, stable=rolling) == "restore-stable"
        assert asked(done(often, "restore-stable: x", [NOW], result), Side.CANDIDATE, stable=rolling) == "route stable", "not for ever"


def test_pins_to_pods_that_are_gone_are_taken_away_first():
    lost = seen(Side.CANDIDATE, candidate=candidate(pods=pods(4, CANDIDATE, ready=False)), stable=stable(pods=pods(4, "third")))
    action = decide(going_back(), lost, NOW).action
    assert action is not None
    assert (str(action), action.exposure.hash, action.why) == (
        "route both",
        "",
        "no pod that has the traffic is ready: whoever is ready serves",
    )


def test_a_stable_side_that_loses_its_last_pod_under_the_traffic_shares_it_again():
    release = going_back(shift=RouteChange(Side.STABLE, HOME, 1.0, 1.0, 2.0), traffic_off=NOW - 3)
    decision = decide(release, seen(Side.STABLE, stable=stable(pods=pods(4, HOME, ready=False))), NOW)
    assert decision.action is not None
    assert (str(decision.action), decision.action.why) == (
        "route both",
        "the stable side has lost its last ready pod: whoever is ready serves",
    )
    assert (decision.release.shift, decision.release.traffic_off) == (None, 0.0), "both are proven once more"


# ---------------------------------------------------------------- proof, and what comes after


def test_nothing_is_said_to_have_moved_before_the_slices_agree():
    decision = decide(going_back(), seen(Side.STABLE, route=route(Side.STABLE, agreed=False)), NOW)
    assert decision.release.journal == ()
    assert decision.release.shift == RouteChange(Side.STABLE, HOME, NOW)


def test_off_the_candidate_are_two_facts_a_second_apart():
    first = decide(going_back(), seen(Side.STABLE), NOW)
    assert sentence(first.release.journal[-1], first.release) == "the EndpointSlices lead to the stable side"
    assert waits(first, NOW + 1)
    second = decide(first.release, seen(Side.STABLE), NOW + 1)
    assert [sentence(entry, second.release) for entry in second.release.journal[-2:]] == [
        "traffic on the stable side is verified: 0 of 4 ready endpoints run the new version, 0 %",
        "traffic is off the new version",
    ]
    assert second.release.traffic_off == NOW + 1
    again = replace(second.release, shift=None, traffic_off=NOW - 50)
    third = decide(decide(again, seen(Side.STABLE), NOW + 2).release, seen(Side.STABLE), NOW + 3)
    assert third.release.traffic_off == NOW - 50, "it is off since the first time"
    assert sentence(third.release.journal[-1], third.release).startswith("traffic on the stable side is verified")


def off(**more: Any) -> Release:
    """Verified 10 s ago: the drain is over."""
    return going_back(**{"shift": RouteChange(Side.STABLE, HOME, NOW - 12, NOW - 12, NOW - 10), "traffic_off": NOW - 10, **more})


def test_the_candidate_goes_when_it_is_drained():
    assert asked(off()) == "delete-candidate"
    drained = decide(off(), seen(Side.STABLE), NOW).action
    assert drained is not None
    assert drained.why == "it has no traffic any more"
    early = off(shift=RouteChange(Side.STABLE, HOME, NOW - 9, NOW - 9, NOW - 8))
    assert waits(decide(early, seen(Side.STABLE), NOW), NOW + 2)
    assert asked(replace(early, exposed=False)) == "delete-candidate", "it never had any"
    assert asked(early, candidate=candidate(pods=())) == "delete-candidate", "there is nobody to drain"
    assert asked(off(), stable=stable(desired=3)) == "restore-stable", "whole again before its end"


def test_the_last_words_of_pods_that_are_not_well_are_kept_once():
    for arm in (candidate(pods=pods(4, CANDIDATE, ready=False)), candidate(pods=pods(4, CANDIDATE, problem=Problem("oom-kill", "killed")))):
        action = decide(off(), seen(Side.STABLE, candidate=arm), NOW).action
        assert action is not None
        assert (str(action), action.why) == ("keep-evidence", "the candidate's last log lines, before its pods go")
        assert asked(intent(off(), NOW - 1, "keep-evidence: x"), candidate=arm) == "keep-evidence", "it could not be recorded"
        assert asked(done(off(), "keep-evidence", [NOW - 1]), candidate=arm) == "delete-candidate"


def test_the_only_side_that_could_serve_stays():
    empty = stable(pods=pods(4, HOME, ready=False))
    assert waits(rollback.ensure_candidate_gone(off(), empty, seen(Side.STABLE, stable=empty), NOW) or pytest.fail("it goes"))
    gone = seen(None, stable=empty, route=route(None, gone=True))
    decision = rollback.ensure_candidate_gone(off(), empty, gone, NOW)
    assert decision is not None
    assert str(decision.action) == "delete-candidate", "without a Service nobody is served"


def test_without_any_service_the_rest_is_put_back_all_the_same():
    look = seen(None, route=route(None, gone=True, foreign="Service web was deleted"))
    assert str(decide(going_back(), look, NOW).action) == "delete-candidate"
    edited = replace(look, stable=stable(desired=2))
    action = decide(going_back(), edited, NOW).action
    assert action is not None
    assert (str(action), action.why) == ("restore-stable", "the template that stood before")


# ---------------------------------------------------------------- its end


def home(**look: Any):
    """Nothing of ours is left but the hold on the Deployment."""
    return seen(Side.BOTH, **{"candidate": None, "route": route(Side.BOTH, marked=False), **look})


@pytest.mark.parametrize(
    ("release", "at", "action"),
    [
        (off(), route(None), "restore-route"),  # one Service is as before, and another not yet
        (off(traffic_off=0.0), route(None), "route stable"),  # who knows who has them
        (off(), route(None, foreign="edited by somebody"), "route stable"),
        (off(), route(Side.CANDIDATE), "route stable"),
    ],
)
def test_selectors_that_are_being_put_back_are_not_pinned_again(release: Release, at: RouteSeen, action: str):
    assert str(decide(release, home(route=at), NOW).action) == action


def test_it_ends_when_everything_is_as_it_stood_before():
    action = decide(off(), home(), NOW).action
    assert action is not None
    assert (str(action), action.why) == ("release-stable", "replicas and the hold as before")
    assert str(decide(off(), home(stable=stable(paused=False, fence=3)), NOW).action) == "release-stable"
    assert str(decide(off(), home(route=route(Side.BOTH, marked=True)), NOW).action) == "restore-route"
    ended = decide(off(), home(stable=stable(paused=False)), NOW).release
    assert (ended.outcome, ended.reason, ended.ended) == (Outcome.ROLLED_BACK, "errors: 9 of 100", NOW)
    assert sentence(ended.journal[-1], ended) == "ROLLED_BACK: errors: 9 of 100"


def test_a_deployment_that_still_rolls_back_is_waited_for():
    assert waits(decide(off(), home(stable=stable(paused=False, settled=False)), NOW))
    assert waits(decide(off(), home(stable=stable(paused=False, pods=pods(4, HOME) + pods(1, NEW))), NOW))
    weak = home(stable=stable(paused=False, pods=pods(3, HOME)))
    assert decide(off(), weak, NOW).release.outcome is Outcome.ROLLED_BACK, "a pod that was lost otherwise is not our doing"
    assert waits(decide(done(off(), "restore-stable", [NOW - 9]), weak, NOW))


@pytest.mark.parametrize(
    ("desired", "surge", "scaler", "ours"),
    [(6, 6, False, True), (5, 6, False, True), (7, 6, False, False), (6, 6, True, False), (4, 6, False, False)],
)
def test_pods_that_we_added_are_taken_away_and_a_strangers_are_not(desired: int, surge: int, scaler: bool, ours: bool):
    snapshot = replace(BEGUN.snapshot, autoscaler=AutoscalerSnapshot("web", "h", 2, 10) if scaler else None)
    look = home(stable=stable(paused=False, desired=desired, pods=pods(desired, HOME)))
    decision = decide(off(surged=surge, snapshot=snapshot), look, NOW)
    assert (str(decision.action) == "release-stable") is ours


@pytest.mark.parametrize("arm", [None, stable(uid="another")])
def test_a_deployment_that_is_not_the_one_of_before_cannot_be_gone_back_to(arm: ArmSeen | None):
    release = decide(going_back(), seen(stable=arm), NOW).release
    assert release.outcome is Outcome.ROLLBACK_FAILED
    assert release.reason == (
        "Deployment web is not the one that stood before; traffic was left where it is (rolling back because errors: 9 of 100)"
    )


@pytest.mark.parametrize(
    ("at", "cause"),
    [
        ({"foreign": "Service web was edited", "detail": "x"}, "Service web was edited"),
        ({"detail": "3 of 4 endpoints"}, "3 of 4 endpoints"),
        ({}, "the Services do not lead to the stable pods alone"),
    ],
)
def test_a_rollback_that_cannot_get_done_says_so_in_half_an_hour(at: dict[str, str], cause: str):
    look = seen(route=route(Side.BOTH, **at))
    assert decide(going_back(since=NOW - 1799.9), look, NOW).release.outcome is None
    release = decide(going_back(since=NOW - 1800), look, NOW).release
    assert release.outcome is Outcome.ROLLBACK_FAILED
    assert release.reason == f"not done within 1800 s: {cause} (rolling back because errors: 9 of 100)"


def test_a_course_turns_back_once():
    release = going_back()
    assert turn_back(release, "another", NOW) is release
    assert verified_at(release) == 0.0, "nothing was moved yet"
    assert end(limited(release), Outcome.ROLLED_BACK, NOW, "said").reason == "said"
    assert sentence(end(replace(release, reason=""), Outcome.PROMOTED, NOW).journal[-1], release) == "PROMOTED"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45, "45 s"), (0.5, "0.5 s"), (60, "1 m"), (90, "1 m 30 s"), (3600, "1 h"), (3605, "1 h 5 s"), (7260, "2 h 1 m")],
)
def test_times_are_said_in_the_largest_units(seconds: float, text: str):
    assert words(seconds) == text


def test_a_contested_rollback_restores_a_changed_template_before_the_selectors_come_back():
    """Else they are taken away again at the next look, for the template's sake, and so on without end (hunt, wild 200004741)."""
    contested = done(going_back(), "route stable", [NOW - 4 + at / 2 for at in range(rollback.MAX_UNDONE_MOVES + 1)])
    assert rollback.is_contested(contested)
    edited = stable(template="somebody's", paused=True)
    assert asked(contested, stable=edited, candidate=None) == "restore-stable"
    assert asked(contested, stable=edited) != "restore-stable", "the new version's pods go first, while nobody is led to them"
    assert asked(contested, stable=stable(), candidate=None) == "restore-route"
