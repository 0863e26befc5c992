"""Blue-green end to end: a preview that nobody is moved to, one switch under load, and a way back that needs nothing of the new side."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.support import objects
from tests.e2e.support.events import Event, baking, did, ended, in_phase, says, unix
from tests.e2e.support.process import Running
from tests.e2e.support.world import World

Make = Callable[..., World]
LOAD = {"port": 8080, "rate": 5, "min_requests": 20}
LOADED = pytest.mark.pace(2)
"""On the sandbox time passes no faster than a small machine can answer the load."""
HEALTH = [{"http": {"path": "/healthz", "port": 8080}}]


def blue_green(shop: World, version: str = "1.1.0", analysis: dict[str, Any] | None = None, **options: Any) -> Running:
    wanted = {"preview_bake": "3s", "bake": "6s", "hold": "6s"} | options
    return shop.release(version, strategy={"blue-green": wanted}, analysis=analysis or {})


def holding(event: Event) -> bool:
    return "the old side is kept warm" in str(event.get("event", ""))


def selector_writes(running: Running, action: str) -> list[Event]:
    return [event for event in running.events if did(action)(event)]


# ---------------------------------------------------------------- the whole of it


@LOADED
def test_a_good_version_gets_all_users_at_once_and_nothing_of_it_is_left_over(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = blue_green(shop, analysis={"health": HEALTH}, load=LOAD, approve=True)
        running.wait_for("a person to be asked", in_phase("Waiting"))
        assert shop.selector("web-preview") == {"deliver.dev/release": running.events[-1]["id"]}
        assert shop.endpoints("web-preview") == set(shop.pods("1.1.0"))
        assert not shop.endpoints("web") & set(shop.pods("1.1.0"))
        assert shop.on_target("promote").code == 0
        view = ended(running.end(), 0, "PROMOTED")
    users.all_well()
    assert view["switch"]["switched"]
    assert view["switch"]["probed"]
    shop.runs_only("1.1.0")
    shop.as_with("1.1.0")


@pytest.mark.lab  # its load generator keeps its promise of 200 a second; the sandbox counts in its own engine tests
def test_no_request_is_lost_in_the_switch_at_200_a_second_fresh_and_kept_alive(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(200) as users:
        running = blue_green(shop)
        running.wait_for("the switch", baking(1))
        moved = time.time()
        ended(running.end(), 0, "PROMOTED")
    users.all_well()
    assert sum(second.versions.get("1.0.0", 0) for second in users.fresh.traffic.seconds if second.at > moved + 2) == 0
    assert users.fresh.traffic.requests + users.kept.traffic.requests > 2000


# ---------------------------------------------------------------- the facts of the switch


@pytest.mark.lab  # connections that really stay open
def test_who_clings_to_the_old_side_is_named_and_drained_is_not_claimed(world: Make) -> None:
    shop = world(replicas=4)
    old = set(shop.pods("1.0.0"))
    with shop.users(60):
        running = blue_green(shop, bake="10s", hold="10s")
        event = running.wait_for("who clings", says("connections still held on"))
        named = {word.strip(",:") for word in event["event"].split() if word.startswith("web-")}
        assert named
        assert named <= old
        status = shop.on_target("status").out
        assert "not drained" in status
        assert min(named) in status
        view = ended(running.end(), 0, "PROMOTED")
    assert set(view["switch"]["clinging"]) <= old
    assert view["switch"]["drained"] is None


@pytest.mark.lab  # a real EndpointSlice controller and a real kube-proxy
def test_without_kept_connections_it_is_switched_probed_and_drained_in_that_order(world: Make) -> None:
    shop = world(replicas=3)
    crowd = shop.users(60).fresh
    crowd.begin()
    view = ended(blue_green(shop, analysis={"health": HEALTH}, bake="14s").end(), 0, "PROMOTED")
    crowd.end()
    facts = view["switch"]
    assert unix(facts["switched"]) <= unix(facts["probed"]) <= unix(facts["drained"])
    assert "10 of 10 fresh requests came through" in facts["how"]["probed"]


@LOADED
def test_the_load_alone_tells_how_the_services_are_asked_after_the_switch(world: Make) -> None:
    shop = world(replicas=2)
    nothing: dict[str, object] = {"prometheus": None, "metrics": []}
    view = ended(blue_green(shop, analysis=nothing, load=LOAD).end(), 0, "PROMOTED")
    assert view["switch"]["probed"]
    assert "fresh requests came through" in view["switch"]["how"]["probed"]
    assert "load" not in [check["name"] for check in view["checks"]], "it is of the preview, and over"


# ---------------------------------------------------------------- judged before anybody is moved


@LOADED
def test_a_bad_version_is_found_by_our_own_load_and_no_user_has_seen_it(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        view = ended(blue_green(shop, "2.0.0-errors", load=LOAD).end(), 3, "ROLLED_BACK")
    users.all_well()
    assert "requests failed" in view["reason"]
    assert users.versions == {"1.0.0"}
    shop.unchanged()


@pytest.mark.lab  # pods that really take their time
def test_a_slow_version_is_found_by_its_95_percent(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        view = ended(blue_green(shop, "2.0.0-slow", load=LOAD | {"max_latency": "250ms"}).end(), 3, "ROLLED_BACK")
    assert "95 % within" in view["reason"]
    assert users.versions == {"1.0.0"}
    shop.unchanged()


def test_a_version_that_is_bad_for_users_alone_is_taken_back_after_the_switch(world: Make) -> None:
    """Compared with what the stable side was before, for it has no traffic any more."""
    shop = world(replicas=2)
    metric = {"name": "errors", "bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total", "max": "5%", "compare": "stable"}
    metrics = [metric | {"min_samples": 10, "window": "20s"}]
    with shop.users(60):
        running = blue_green(shop, "2.0.0-errors", analysis={"metrics": metrics}, bake="30s")
        view = ended(running.end(), 3, "ROLLED_BACK")
    assert "min before" in view["reason"]
    shop.unchanged()


# ---------------------------------------------------------------- a person is asked


def test_the_switch_waits_for_promote(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        running = blue_green(shop, approve=True)
        running.wait_for("a person to be asked", in_phase("Waiting"))
        assert shop.on_target("promote").code == 0
        ended(running.end(), 0, "PROMOTED")
    users.all_well()
    shop.as_with("1.1.0")


@pytest.mark.parametrize(("unanswered", "code", "outcome"), [("hold", 7, "HELD"), ("rollback", 3, "ROLLED_BACK")])
def test_nobody_answers(world: Make, unanswered: str, code: int, outcome: str) -> None:
    shop = world(replicas=2)
    view = ended(blue_green(shop, approve=True, approve_timeout="3s", on_unanswered=unanswered).end(), code, outcome)
    assert "nobody answered within" in view["reason"]
    assert shop.endpoints("web") == set(shop.pods("1.0.0"))
    if outcome == "HELD":
        assert shop.on_target("rollback").code == 0
    shop.unchanged()


# ---------------------------------------------------------------- the way back


def test_the_hole_of_others_the_new_side_turns_unready_after_the_switch(world: Make) -> None:
    """Argo Rollouts does not look at the active Service while the new pods are not ready: it stays on them, with no endpoint at all."""
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = blue_green(shop, bake="60s")
        running.wait_for("all users on the new version", baking(1))
        shop.pace.sleep(4)
        _, turned = shop.chaos("1.1.0", "errors=100&healthy=false")
        view = ended(running.end(), 3, "ROLLED_BACK")
    off = unix(view["traffic_off"])
    assert off - turned < shop.at_most(8)
    assert users.reached("1.1.0", off) == 0
    for crowd in (users.fresh, users.kept):  # until all of them are off, a side without a ready pod refuses
        assert sum(second.failed for second in crowd.traffic.seconds if second.at - 1 > off) == 0
    shop.unchanged()


@pytest.mark.parametrize(
    "harm", ["crashing", "scaled down", *(pytest.param(harm, marks=pytest.mark.slow) for harm in ("unready", "half deleted", "gone"))]
)
def test_rollback_in_the_hold_needs_nothing_of_the_new_side(world: Make, harm: str) -> None:
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = blue_green(shop, hold="10m")
        running.wait_for("the hold", holding)
        running.kill()
        match harm:
            case "crashing":
                shop.chaos("1.1.0", "exit=1")
            case "unready":
                shop.chaos("1.1.0", "healthy=false")
            case "scaled down":
                shop.hands.scale("web-candidate", 0)
            case "half deleted":
                shop.hands.delete(*(f"pod/{name}" for name in shop.pods("1.1.0")[:2]), wait=False)
            case _:
                shop.hands.delete("deployment/web-candidate", wait=False)
        back = shop.on_target("rollback", "-o", "jsonl")
        view = ended(back, 0, "ROLLED_BACK")
        began = next(unix(event["at"]) for event in map(json.loads, back.out.splitlines()) if event["kind"] == "ReleaseEvent")
        assert unix(view["traffic_off"]) - began < shop.at_most(10)
    assert users.reached("1.1.0", unix(view["traffic_off"])) == 0
    shop.unchanged()
    shop.runs_only("1.0.0")


def test_rollback_in_the_hold_loses_no_request_and_promote_ends_the_hold(world: Make) -> None:
    shop = world(replicas=3)
    with shop.users(100) as users:
        running = blue_green(shop, hold="10m")
        running.wait_for("the hold", holding)
        assert "kept warm until" in shop.on_target("status").out
        assert shop.on_target("rollback").code == 0
        running.end()
        again = blue_green(shop, hold="10m")
        again.wait_for("the hold", holding)
        assert shop.on_target("promote").code == 0
        ended(again.end(), 0, "PROMOTED")
    users.all_well()
    shop.as_with("1.1.0")


@pytest.mark.parametrize("boundary", ["open-preview", "route candidate", "update-stable"])
def test_a_driver_that_is_killed_is_followed_by_another(world: Make, boundary: str) -> None:
    shop = world(replicas=2)
    with shop.users(40) as users:
        running = blue_green(shop, hold="1s")
        running.wait_for(boundary, did(boundary))
        running.kill()
        ended(shop.on_target("resume", "-o", "jsonl"), 0, "PROMOTED")
    users.all_well()
    shop.as_with("1.1.0")


# ---------------------------------------------------------------- the user's own preview Service, and bad input


def own_preview(selector: dict[str, str]) -> dict[str, Any]:
    return objects.service("green", selector)


@LOADED
@pytest.mark.parametrize(("version", "code", "outcome"), [("1.1.0", 0, "PROMOTED"), ("2.0.0-errors", 3, "ROLLED_BACK")])
def test_the_users_own_preview_service_is_what_it_was_afterwards(world: Make, version: str, code: int, outcome: str) -> None:
    shop = world(replicas=2, services=[objects.service(), own_preview({"app": "web", "track": "preview"})])
    with shop.users(60) as users:
        running = blue_green(shop, version, preview_service="green", load=LOAD, preview_bake="10s")
        running.wait_for("the preview", baking(0))
        assert shop.endpoints("green") == set(shop.pods(version))
        ended(running.end(), code, outcome)
    users.all_well()
    if outcome == "PROMOTED":
        shop.as_with("1.1.0")
    else:
        shop.unchanged()


@pytest.mark.parametrize(
    ("selector", "options", "said"),
    [
        ({"app": "web"}, {"preview_service": "green"}, "it selects the live pods"),
        ({"app": "x"}, {"preview_service": "blue"}, "does not exist"),
        ({"app": "x"}, {"weight": [10, 50]}, "all users are moved in one switch"),
        ({"app": "x"}, {"load_rate": 5}, "needs `load_port`"),
    ],
    ids=["live pods", "missing", "weights", "load without port"],
)
def test_bad_input_changes_nothing(world: Make, selector: dict[str, str], options: dict[str, Any], said: str) -> None:
    shop = world(replicas=2, services=[objects.service(), own_preview(selector)])
    refused = blue_green(shop, **options).end()
    assert refused.code == 2, refused
    assert said in refused.said
    assert "Traceback" not in refused.said
    shop.unchanged()
