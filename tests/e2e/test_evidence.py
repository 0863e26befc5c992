"""Metrics without a limit: judged by evidence against the stable side, with real requests."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.support.events import ended, passed, unix
from tests.e2e.support.place import LATE, SELDOM
from tests.e2e.support.world import ERRORS, SLOW, World

Make = Callable[..., World]

WEIGHED = {key: ERRORS[key] for key in ("name", "bad", "total")} | {"min_samples": 20}
TIMED = {"name": "latency", "histogram": SLOW["histogram"], "min_samples": 20}


def steps(shop: World) -> dict[str, object]:
    return {"canary": {"weight": [50], "bake": "12s", "max_bake": shop.wide(60)}}


def judged(*metrics: object, **more: object) -> dict[str, object]:
    return {"poll": "2s", "metrics": list(metrics), **more}


@pytest.mark.stores(SELDOM, LATE)
def test_a_version_that_is_no_worse_is_shown_to_be_so_and_promoted(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(150) as users:
        view = ended(shop.release("1.1.0", strategy=steps(shop), analysis=judged(WEIGHED, TIMED)).end(), 0, "PROMOTED")
    users.lost_none()
    odds = {check["name"]: check["odds"] for check in view["checks"] if check["odds"]}
    assert set(odds) == {"errors", "latency"}
    assert all(one["proved"] and one["worse"] < one["needed"] for one in odds.values())


@pytest.mark.stores(SELDOM, LATE, each_time=(SELDOM,))
@pytest.mark.parametrize(
    ("version", "metric", "named"),
    [("2.0.0-errors", WEIGHED, "errors"), ("2.0.0-few-errors", WEIGHED, "errors"), ("2.0.0-slow", TIMED, "latency")],
)
def test_one_that_is_worse_is_taken_back_without_a_limit_given(world: Make, version: str, metric: dict[str, object], named: str) -> None:
    shop = world(replicas=2)
    with shop.users(150) as users:
        running = shop.release(version, strategy=steps(shop), analysis=judged(metric))
        view = ended(running.end(), 3, "ROLLED_BACK")
    assert not any(passed(0)(event) for event in running.events), "a step passed on data that speaks against it"
    shop.unchanged()
    users.lost_none()
    assert view["reason"].startswith(f"{named}: ")
    if "more than bad luck makes" not in view["reason"]:  # gross harm waits for no odds
        assert "times as bad as stable" in view["reason"]
        assert next(check for check in view["checks"] if check["name"] == named)["odds"]["worse"] >= 20


@pytest.mark.stores(SELDOM, LATE)
@pytest.mark.parametrize("version", ["2.0.0-errors", "2.0.0-slow"])
def test_no_step_of_several_passes_on_data_that_speaks_against_it(world: Make, version: str) -> None:
    """The first step ends before a scrape has seen it; what comes in then is bad, however few requests it was."""
    shop = world(replicas=4)
    with shop.users(100) as users:
        several = {"canary": {"weight": [10, 50, 75], "bake": "15s"}}
        running = shop.release(version, strategy=several, analysis=judged(WEIGHED, TIMED))
        view = ended(running.end(), 3, "ROLLED_BACK")
    assert [event["event"] for event in running.events if any(passed(step)(event) for step in range(3))] == []
    users.lost_none()
    assert users.reached(version, unix(view["traffic_off"])) == 0
    shop.unchanged()


def test_what_cannot_be_shown_with_so_few_requests_is_held_and_a_person_decides(world: Make) -> None:
    """Two requests a second show nothing within 8 s; nobody is moved on for want of evidence."""
    shop = world(replicas=1)
    few = WEIGHED | {"min_samples": 1}
    with shop.users(4):
        strategy = {"canary": {"weight": [50], "bake": "6s", "max_bake": "8s"}}
        view = ended(shop.release("1.1.0", strategy=strategy, analysis=judged(few)).end(), 7, "HELD")
        assert view["reason"].startswith("inconclusive: errors: not shown to be no worse within 8 s")
        assert shop.on_target("rollback").code == 0
    shop.unchanged()


@pytest.mark.slow  # the lab plays other heirs of a killed driver in tests/e2e/test_killed.py
def test_the_evidence_of_a_killed_driver_is_taken_up(world: Make) -> None:
    shop = world(replicas=2)
    half = {"canary": {"weight": [50], "bake": "10s", "max_bake": shop.wide(30)}}
    with shop.users(150):
        running = shop.release("1.1.0", strategy=half, analysis=judged(WEIGHED))
        running.wait_for("half of the traffic judged", passed(0))
        running.kill()
        before = _samples(shop.status())
        view = ended(shop.on_target("resume", "-o", "jsonl"), 0, "PROMOTED")
    assert before > 100
    assert _samples(view) > before, "the counts of the dead driver are its heir's"


def _samples(view: Any) -> int:
    return int(next(check for check in view["checks"] if check["name"] == "errors")["samples"])


def test_status_shows_odds_and_plan_says_what_would_be_found(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(150):
        shop.file("1.1.0", strategy=steps(shop), analysis=judged(WEIGHED))
        planned = shop.deliver("plan", "--until-detectable", "5x")
        assert planned.code == 0, planned
        assert "errors: " in planned.out
        assert "(detectable)" in planned.out
        ended(shop.release("1.1.0", strategy=steps(shop), analysis=judged(WEIGHED)).end(), 0, "PROMOTED")
    told = shop.on_target("status")
    assert "shown to be no worse" in told.out
    assert " that it is worse (20 needed)" in told.out
