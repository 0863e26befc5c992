"""The view says what was read back, not what was asked for."""

from dataclasses import replace

import pytest

from deliver.formatting.durations import duration
from deliver.formatting.formats import image_change, number, percent, rfc3339
from deliver.formatting.sanitize import clean
from deliver.model.observation import RouteSeen
from deliver.model.plan import Side
from deliver.model.release import Direction, Outcome, Phase
from deliver.model.verdict import CheckResult, Verdict
from deliver.render import blue_green
from deliver.render.text import exposure
from deliver.render.view import release_view
from deliver.render.words import PODS


def test_exposure_by_endpoints_is_what_the_slices_hold(scene):
    shown = scene("mid-bake")
    seen = replace(shown.seen, route=RouteSeen(side=Side.BOTH, stable=3, candidate=2))
    view = release_view(shown.release, seen, shown.now)
    assert view["exposure"] == {"wanted": 10.0, "endpoints": 40.0, "observed": 18.3, "window": None}


def test_exposure_by_weight_is_what_the_router_says_and_never_called_by_endpoints(scene):
    shown = scene("mid-bake")
    seen = replace(shown.seen, route=RouteSeen(side=Side.BOTH, agreed=True, weight=10.0, stable=3, candidate=2))
    view = release_view(shown.release, seen, shown.now)
    assert (view["exposure"]["endpoints"], view["route"]["weight"]) == (10.0, 10.0)
    assert exposure(view).startswith("wanted 10 %, by weight 10 %")
    assert PODS.traffic(view).startswith("traffic: the router gives the new version 10 % of the requests")
    pinned = replace(seen, route=RouteSeen(side=Side.STABLE, weight=0.0, stable=3, candidate=0))
    assert exposure(release_view(shown.release, pinned, shown.now)).startswith("wanted 10 %, by endpoints 0 %")


def test_what_was_not_read_is_null_never_zero(scene):
    shown = scene("mid-bake")
    view = release_view(shown.release, None, shown.now)
    assert view["exposure"]["endpoints"] is None and view["exposure"]["observed"] is None
    assert view["stable"]["ready"] is None and view["candidate"]["restarts"] is None and view["route"] is None


def test_no_endpoint_at_all_is_not_zero_percent(scene):
    shown = scene("mid-bake")
    assert release_view(shown.release, replace(shown.seen, route=RouteSeen()), shown.now)["exposure"]["endpoints"] is None


def test_candidate_that_was_looked_for_and_is_gone_has_zero_pods(scene):
    shown = scene("rolled-back")
    candidate = release_view(shown.release, shown.seen, shown.now)["candidate"]
    assert (candidate["desired"], candidate["ready"]) == (0, 0)


def test_after_promotion_the_named_deployments_new_pods_are_the_new_version(scene):
    shown = scene("promoted")
    assert release_view(shown.release, shown.seen, shown.now)["exposure"]["endpoints"] == 100.0


@pytest.mark.parametrize(("ready", "says"), [(2, "kept warm until"), (1, "too few of its pods are ready to take the traffic back")])
def test_an_old_side_is_called_warm_while_it_could_take_the_traffic_back(scene, ready, says):
    shown = scene("mid-bake")
    holding = replace(shown.release, plan=replace(shown.release.plan, hold=600.0), course=Direction.PROMOTING, phase=Phase.FINISHING)
    pods = tuple(replace(pod, ready=number < ready) for number, pod in enumerate(shown.seen.stable.pods))
    seen = replace(shown.seen, stable=replace(shown.seen.stable, pods=pods))
    view = release_view(holding, seen, shown.now)
    assert view["hold"]["warm"] is (ready == 2)
    assert says in "\n".join(blue_green.lines(view))
    assert release_view(holding, None, shown.now)["hold"]["warm"], "nothing was read back: nothing says otherwise"


def test_checks_of_a_rollback_are_those_that_turned_it(scene):
    shown = scene("rolled-back")
    checks = release_view(shown.release, shown.seen, shown.now)["checks"]
    assert [(check["name"], check["verdict"]) for check in checks] == [("pods", "PASS"), ("errors", "FAIL")]


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("mid-bake", ["running", "pending", "pending"]),
        ("paused", ["waiting", "pending", "pending"]),
        ("promoted", ["done", "done", "done"]),
        ("rolled-back", ["failed", "skipped", "skipped"]),
        ("held-blind", ["held", "pending", "pending"]),
    ],
)
def test_step_states(scene, name, states):
    shown = scene(name)
    assert [step["state"] for step in release_view(shown.release, shown.seen, shown.now)["steps"]] == states


@pytest.mark.parametrize(
    ("outcome", "verb"),
    [(Outcome.PROMOTED, "rollback"), (Outcome.ROLLED_BACK, "explain"), (Outcome.HELD, "resume"), (Outcome.ROLLBACK_FAILED, "rollback")],
)
def test_next_command_fits_the_outcome_and_can_be_pasted(scene, outcome, verb):
    release = replace(scene("mid-bake").release, outcome=outcome)
    assert release_view(release, None, 0)["next"][0] == f"deliver {verb} web -n shop"


def test_wanted_is_zero_on_the_way_back_and_all_while_finishing(scene):
    release = scene("mid-bake").release
    assert release_view(replace(release, course=Direction.ROLLING_BACK), None, 0)["exposure"]["wanted"] == 0.0
    assert release_view(replace(release, course=Direction.PROMOTING), None, 0)["exposure"]["wanted"] == 100.0


def test_control_characters_of_the_cluster_reach_no_field(scene):
    shown = scene("mid-bake")
    evil = CheckResult("a\x1b[2Jb", "metric", Verdict.FAIL, "x\r\ny\u202ez\x9b31m", candidate=float("inf"))
    release = replace(shown.release, checks=(evil,), reason="bell\x07 \x1b]0;title\x07end", evidence=("log\x1b[31mred",))
    view = release_view(release, shown.seen, shown.now)
    assert view["checks"][0]["name"] == "ab" and view["checks"][0]["why"] == "x yz" and view["checks"][0]["candidate"] is None
    assert view["reason"] == "bell end" and view["evidence"] == ["logred"]


def test_clean_keeps_what_people_write():
    assert clean("größer → 日本 é `x` 50 %") == "größer → 日本 é `x` 50 %"
    assert clean("lone \ud800 surrogate") == "lone  surrogate"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (1.25, "1.2s"),
        (42, "42s"),
        (59.7, "1m"),
        (130, "2m10s"),
        (3600, "1h"),
        (3900, "1h05m"),
        (273600, "3d4h"),
        (-1, "0s"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_little_is_not_nothing_and_nearly_all_is_not_all():
    shares = [percent(x) for x in (0, 0.04, 14.2857, 20, 99.97, 100, None)]
    assert shares == ["0 %", "0.04 %", "14.3 %", "20 %", "99.97 %", "100 %", "-"]
    assert [number(x, "%") for x in (0.00001, 12.44, 512, None, float("nan"))] == ["1.0e-05 %", "12.4 %", "512 %", "-", "-"]


def test_image_change_names_the_repository_once():
    assert image_change("r:5000/a/web:1", "r:5000/a/web:2") == ("r:5000/a/web:1", "2")
    assert image_change("r:5000/a/web", "r:5000/a/web@sha256:ab") == ("r:5000/a/web", "sha256:ab")
    assert image_change("a/web:1", "b/web:2") == ("a/web:1", "b/web:2")
    assert image_change("a/web:1", "a/webshop:2") == ("a/web:1", "a/webshop:2")


def test_times_are_rfc3339_in_utc():
    assert rfc3339(1795567800.9) == "2026-11-25T00:50:00Z" and rfc3339(0) is None
