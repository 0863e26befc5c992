"""A bad version is taken back by itself, and everything is as it was before."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.support import objects
from tests.e2e.support.events import baking, ended, passed, unix
from tests.e2e.support.place import LATE, SELDOM
from tests.e2e.support.world import ERRORS, SLOW, World, image

Make = Callable[..., World]

USUAL = ERRORS | {"min_samples": 10}
STRICT = ERRORS | {"max": "1%", "min_samples": 50}
LATENCY = SLOW | {"min_samples": 10}


@pytest.mark.stores(SELDOM, LATE)
@pytest.mark.parametrize(
    ("version", "metric", "named"),
    [("2.0.0-errors", USUAL, "errors"), ("2.0.0-few-errors", STRICT, "errors"), ("2.0.0-slow", LATENCY, "latency")],
)
def test_a_version_that_hurts_users_is_rolled_back(world: Make, version: str, metric: dict[str, Any], named: str) -> None:
    shop = world(replicas=4)
    with shop.users(100) as users:
        analysis = {"metrics": [metric | {"window": shop.wide(30)}]}
        running = shop.release(version, strategy={"canary": {"weight": [10, 50], "bake": "12s"}}, analysis=analysis)
        view = ended(running.end(), 3, "ROLLED_BACK")
    if metric is not STRICT:  # 2 % pass for 1 % now and then, on as few requests as a step has
        assert not any(passed(0)(event) for event in running.events), "a step passed on data that speaks against it"
    shop.unchanged()
    shop.runs_only("1.0.0")
    users.lost_none()
    assert users.reached(version, unix(view["traffic_off"])) == 0, "a fresh connection reached the candidate after `traffic off`"
    assert view["reason"].startswith(named), view["reason"]
    failed = next(check for check in view["checks"] if check["name"] == named)
    assert failed["verdict"] == "FAIL"
    assert failed["candidate"] > failed["limit"]


@pytest.mark.parametrize(
    ("version", "cause", "within"),
    [("2.0.0-crash", "crash", 45), ("9.9.9-does-not-exist", "pull", 30), ("2.0.0-unready", "not ready", 40)],
)
def test_a_version_that_does_not_start_never_gets_a_request(world: Make, version: str, cause: str, within: float) -> None:
    shop = world(replicas=4)
    with shop.users(40) as users:
        result = shop.release(version, limits={"ready": "20s" if version.endswith("unready") else "5m"}).end()
    view = ended(result, 3, "ROLLED_BACK")
    shop.unchanged()
    shop.runs_only("1.0.0")
    users.all_well()
    assert users.versions == {"1.0.0"}
    assert cause in view["reason"].lower(), view["reason"]
    assert result.took < shop.at_most(within), "where the cause is certain nobody waits for a deadline"


def test_the_last_words_of_a_crashing_container_are_shown(world: Make) -> None:
    shop = world(replicas=1)
    shop.file("2.0.0-crash", strategy={"canary": {"weight": [50], "bake": "3s"}})
    result = shop.deliver("run")
    assert result.code == 3, result
    assert "told to crash" in result.said, "the log line that says why"


def test_a_bad_version_behind_two_services_and_an_autoscaler_leaves_no_trace(world: Make) -> None:
    shop = world(
        replicas=3, services=[objects.service(), objects.service("web-internal")], extra=[objects.autoscaler(minimum=None, maximum=6)]
    )
    # An autoscaler without a minimum and without metrics leaves the replicas alone.
    with shop.users(60) as users, shop.users(20, "web-internal") as insiders:
        ended(shop.release("2.0.0-errors").end(), 3, "ROLLED_BACK")
    shop.unchanged()
    users.lost_none()
    insiders.lost_none()


def test_explain_tells_why_with_query_samples_and_limit(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60):
        ended(shop.release("2.0.0-errors", strategy={"canary": {"weight": [50], "bake": "8s"}}).end(), 3, "ROLLED_BACK")
    told = shop.on_target("explain")
    assert told.code == 0, told
    for part in ("errors", "http_requests_total", 'code=~"5.."', "5 %", "candidate"):
        assert part in told.out, f"{part} is not in {told}"
    data = shop.on_target("explain", "-o", "json").json
    assert data["apiVersion"] == "deliver.dev/v1alpha1"


def test_health_checks_run_before_the_first_request(world: Make) -> None:
    """The candidate answers its readiness probe but not the check of the release."""
    shop = world(replicas=2)
    checks = {"prometheus": None, "metrics": [], "health": [{"http": {"path": "/healthz", "port": 8081}}]}
    with shop.users(40) as users:
        running = shop.release("1.1.0", strategy={"canary": {"weight": [50], "bake": "5s"}}, analysis=checks, limits={"ready": "20s"})
        ended(running.end(), 3, "ROLLED_BACK")
    users.all_well()
    assert users.versions == {"1.0.0"}
    shop.unchanged()


@pytest.mark.stores(SELDOM, LATE)
def test_a_version_that_turns_bad_while_it_bakes_is_taken_back(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(60) as users:
        running = shop.release("1.1.0", strategy={"canary": {"weight": [50], "bake": shop.wide(60)}})
        running.wait_for("the bake", baking(0))
        shop.chaos("1.1.0", "errors=60")
        view = ended(running.end(), 3, "ROLLED_BACK")
    users.lost_none()
    assert image("1.1.0") in view["candidate"]["image"]
    shop.unchanged()
