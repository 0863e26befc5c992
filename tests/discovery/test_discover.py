"""discover() on the sandbox: its Deployment, its Prometheus; and the file that comes of it."""

import copy
from pathlib import Path
from typing import Any

import pytest

from deliver.config.loader import parse
from deliver.discovery import discover, workload, yaml_writer
from deliver.discovery.types import DiscoveredEntry, Discovery, Question
from deliver.discovery.workload import Workload
from deliver.model.errors import InputError
from deliver.model.spec import Facts, Target
from deliver_sandbox.fixtures import world
from deliver_sandbox.world import World

SHOP = Target("shop", "web")


def nobody(question: Question) -> Any:
    raise AssertionError(question)


@pytest.fixture
def busy() -> World:
    made = world(replicas=4, rps=100.0)
    made.clock.wait(120.0)
    return made


def found(made: World) -> tuple[Workload, Discovery]:
    seen = workload.read_workload(made.cluster, SHOP)
    return seen, discover.discover_metrics(made.metrics, seen, nobody, {"service": "monitoring/prometheus:9090"})


def test_what_stands_there(busy: World) -> None:
    seen, _ = found(busy)
    assert (seen.target.services, seen.image, seen.desired, len(seen.pods), seen.containers) == (("web",), "registry/web:1.0.0", 4, 4, 1)
    assert [dict(check.entry) for check in seen.health] == [{"http": {"path": "/healthz", "port": 8080}}]
    assert seen.probed == {"/healthz"}


def test_the_metrics_and_why(busy: World) -> None:
    _, discovery = found(busy)
    errors, latency = discovery.metrics
    assert errors.entry == {"name": "errors", "bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total"}
    assert latency.entry["histogram"] == "http_request_duration_seconds"
    assert latency.entry["slower_than"] in ("50ms", "100ms")
    assert "counted by the application" in errors.why
    assert discovery.rate == pytest.approx(100.0, rel=0.05)


def test_without_requests_there_is_no_bound_to_choose() -> None:
    idle = world(replicas=2, rps=0.0)
    idle.clock.wait(60.0)
    _, discovery = found(idle)
    assert [dict(metric.entry) for metric in discovery.metrics][1:] == [{"name": "latency", "histogram": "http_request_duration_seconds"}]
    assert discovery.rate == 0.0
    assert any("too few to choose a bound" in line for line in discovery.notes)


def test_pods_that_nobody_scrapes(busy: World) -> None:
    busy.metrics.sick.empty = True
    assert found(busy)[1].notes[-1] == "metrics: Prometheus has no series of these pods; are they scraped?"


def test_a_deployment_that_is_not_there_is_bad_input(busy: World) -> None:
    with pytest.raises(InputError, match="does not exist"):
        workload.read_workload(busy.cluster, Target("shop", "wbe"))


def test_the_only_deployment_of_a_namespace_needs_no_name(busy: World) -> None:
    assert workload.choose_deployment(busy.cluster, "shop", nobody) == "web"


def test_several_are_a_question(busy: World) -> None:
    body = copy.deepcopy(busy.api.get("deployments", "shop", "web"))
    body["metadata"] = {"name": "api"}
    busy.api.create("deployments", "shop", body)
    asked: list[Question] = []

    def first(question: Question) -> Any:
        asked.append(question)
        return question.choices[0].value

    assert workload.choose_deployment(busy.cluster, "shop", first) == "api"
    assert [choice.how for choice in asked[0].choices] == ["`deliver init api`", "`deliver init web`"]


def test_an_empty_namespace_is_bad_input(busy: World) -> None:
    with pytest.raises(InputError, match="no Deployment in namespace `other`"):
        workload.choose_deployment(busy.cluster, "other", nobody)


# ---------------------------------------------------------------- the file


def written(seen: Workload, discovery: Discovery, image: str = "") -> dict[str, Any]:
    return parse(yaml_writer.yaml_text(seen, discovery, image).encode(), "deliver.yaml").data


def test_the_file_says_what_was_found(busy: World) -> None:
    data = written(*found(busy), "registry/web:1.1.0")
    assert data["target"] == {"deployment": "web", "namespace": "shop", "services": ["web"]}
    assert data["image"] == "registry/web:1.1.0"
    assert data["strategy"] == {"canary": {"steps": [{"weight": 10, "bake": "5m"}, {"weight": 50, "bake": "5m"}]}}
    assert data["analysis"]["prometheus"] == {"service": "monitoring/prometheus:9090"}
    assert [metric["name"] for metric in data["analysis"]["metrics"]] == ["errors", "latency"]
    assert data["analysis"]["health"] == [{"http": {"path": "/healthz", "port": 8080}}]


def test_every_reason_is_a_comment_in_it(busy: World) -> None:
    seen, discovery = found(busy)
    text = yaml_writer.yaml_text(seen, discovery)
    assert "# errors: http_requests_total (counted by the application)" in text
    assert "# image: REPO:TAG" in text
    assert max(map(len, text.splitlines())) <= 140


def test_words_from_outside_stay_comments(busy: World) -> None:
    seen, _ = found(busy)
    discovery = Discovery(notes=("metrics: a\nstrategy: {evil: {}}\x1b[2J",))
    assert "evil" not in str(written(seen, discovery))


@pytest.mark.parametrize("value", ["yes", "a: b", "x #y", "it's", 'a"b', "a'b\"c", "-", "5", "{a}", "a,b", "", "é", "null", "~"])
def test_any_text_is_read_back_as_it_was(busy: World, value: str) -> None:
    seen, _ = found(busy)
    discovery = Discovery({"service": "a/b:1"}, (DiscoveredEntry({"name": "errors", "bad": value, "total": value}, "why"),))
    assert written(seen, discovery)["analysis"]["metrics"] == [{"name": "errors", "bad": value, "total": value}]


def test_without_anything_found_it_is_a_release_that_is_judged_by_its_pods(busy: World) -> None:
    seen, _ = found(busy)
    bare = Workload(seen.target, seen.image, "web", 1, 4, 0, seen.pods, frozenset())
    assert "analysis" not in written(bare, Discovery())


@pytest.mark.parametrize(("pods", "ladder"), [(1, (50,)), (2, (20, 50)), (4, (10, 50)), (10, (5, 25, 50)), (100, (5, 25, 50))])
def test_the_steps_are_such_that_the_pods_can_have_them(pods: int, ladder: tuple[int, ...]) -> None:
    assert yaml_writer.canary_weights(Facts(SHOP, pods)) == ladder


def test_the_file_is_valid(busy: World, tmp_path: Path) -> None:
    from deliver.config.build import check
    from deliver.config.draft import Draft

    text = yaml_writer.yaml_text(*found(busy))
    assert check(Draft.of(parse(text.encode(), "deliver.yaml"))) == "; still needed on the command line: image"
