"""A first release by somebody who has never written a query: what is found in the cluster, and what comes of it."""

from collections.abc import Callable

import pytest
import yaml

from tests.e2e.support.events import ended
from tests.e2e.support.process import Result
from tests.e2e.support.world import World, image

Make = Callable[..., World]
QUICK = ("--weight", "50", "--bake", "8s", "--poll", "2s", "--drain", "2s")
ENOUGH = 30  # seconds of users, until there are samples to choose a bound from and a rate to go by


def first_release(shop: World, verb: str, version: str, *more: str) -> Result:
    """As typed into an empty folder."""
    return shop.on_target(verb, "--image", image(version), *QUICK, *more)


def test_init_writes_a_file_that_plans_as_it_stands(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(60):
        shop.pace.sleep(ENOUGH)
        result = shop.deliver("init", "web", "-n", shop.namespace, "--image", image("1.1.0"), "-o", "deliver.yaml")
        assert (result.code, result.out) == (0, ""), result
        written = yaml.safe_load((shop.folder / "deliver.yaml").read_text())
        errors, latency = written["analysis"]["metrics"]
        assert written["analysis"]["prometheus"] == {"service": "monitoring/prometheus:9090"}
        assert errors == {"name": "errors", "bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total"}
        assert latency["histogram"] == "http_request_duration_seconds"
        assert written["target"]["services"] == ["web"]
        assert written["analysis"]["health"] == [{"http": {"path": "/healthz", "port": 8080}}]
        assert shop.deliver("validate").code == 0
        plan = shop.deliver("plan")
        assert plan.code == 0, plan
    shop.unchanged()
    again = shop.deliver("init", "web", "-n", shop.namespace, "-o", "deliver.yaml")
    assert (again.code, "is there already" in again.err) == (2, True), again


def test_a_bad_version_is_caught_without_a_query(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60):
        shop.pace.sleep(ENOUGH)
        result = first_release(shop, "canary", "2.0.0-errors", "-o", "jsonl")
        view = ended(result, 3, "ROLLED_BACK")
        assert "errors" in view["reason"]
        assert "errors: http_requests_total (counted by the application); bad is code=~" in result.err
    shop.unchanged()


def test_a_good_version_is_promoted_by_what_was_found(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60) as users:
        shop.pace.sleep(ENOUGH)
        ended(first_release(shop, "canary", "1.1.0", "--bake", "30s", "-o", "jsonl"), 0, "PROMOTED")
    users.all_well()
    shop.runs_only("1.1.0")


def test_nobody_is_held_up_by_metrics_of_an_application_without_users(world: Make) -> None:
    shop = world(replicas=2)
    result = first_release(shop, "plan", "1.1.0")
    assert result.code == 0, result
    assert "with fewer than 1,000 the release goes on without it" in result.err
    view = ended(first_release(shop, "canary", "1.1.0", "-o", "jsonl"), 0, "PROMOTED")
    assert view["judged_by"] == {"metrics": ["errors", "latency"], "health": [], "too_few": ["errors", "latency"]}
    shop.runs_only("1.1.0")


def test_a_bad_version_is_caught_whatever_the_first_seconds_of_traffic_were(world: Make) -> None:
    shop = world(replicas=4)
    with shop.users(40):
        shop.pace.sleep(15)
        steps = ("--weight", "25,50", "--bake", "15s", "--drain", "3s")
        result = shop.on_target("canary", "--image", image("2.0.0-errors"), *steps, "-o", "jsonl")
        view = ended(result, 3, "ROLLED_BACK")
        assert "errors" in view["reason"]
    shop.unchanged()


@pytest.mark.slow  # two releases; the sandbox plays it each time
def test_a_release_right_after_another_is_judged_by_no_less(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60):
        shop.pace.sleep(ENOUGH)
        ended(first_release(shop, "canary", "1.1.0", "-o", "jsonl"), 0, "PROMOTED")
        shop.pace.sleep(3)
        view = ended(shop.on_target("blue-green", "--image", image("2.0.0-errors"), "--bake", "10s", "-o", "jsonl"), 3, "ROLLED_BACK")
        assert view["judged_by"]["metrics"] == ["errors", "latency"]


def test_discovery_can_be_left_out(world: Make) -> None:
    shop = world(replicas=2)
    result = first_release(shop, "plan", "1.1.0", "--no-discover")
    assert (result.code, result.err) == (0, ""), result


def test_where_nobody_may_look_the_release_goes_on_and_says_so(world: Make) -> None:
    """The Role of an operator is for one namespace."""
    shop = world(replicas=2)
    operator = shop.account("operator")
    result = operator("plan", "web", "--image", image("1.1.0"), *QUICK)
    assert result.code == 0, result
    assert "judged by its pods and health checks alone" in result.err
    assert "Judged by: its pods alone" in result.out


def test_doctor_sees_the_series_that_a_release_is_judged_by(world: Make) -> None:
    shop = world(replicas=2)
    with shop.users(60):
        shop.pace.sleep(ENOUGH)
        result = shop.on_target("doctor", "--prometheus", "monitoring/prometheus:9090", "-o", "json")
    assert result.code == 0, result
    levels = {item["name"]: item["level"] for item in result.json["items"]}
    wanted = ("prometheus", "series", "freshness", "scrape interval", "counter http_requests_total")
    assert {name: levels.get(name) for name in wanted} == dict.fromkeys(wanted, "done")


@pytest.mark.disruptive
def test_doctor_says_that_samples_have_stopped(world: Make) -> None:
    shop = world(replicas=2)
    shop.file("1.1.0")
    with shop.place.no_prometheus():
        result = shop.deliver("doctor", "-o", "json")
    assert result.code == 8, result
    (line,) = [item for item in result.json["items"] if item["name"] == "prometheus"]
    assert line["level"] == "fail"
