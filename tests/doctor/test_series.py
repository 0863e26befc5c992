"""doctor on Prometheus: what it knows of the pods, and what a release would not see."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from deliver.discovery import workload
from deliver.doctor import metrics, series
from deliver.doctor.line import DoctorLine
from deliver.doctor.series import series_lines
from deliver.model.spec import Target
from deliver.plugins.interfaces import Answer, Series
from deliver_sandbox.fixtures import world
from deliver_sandbox.world import World

ERRORS = {"name": "errors", "bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total"}
SLOW = {"name": "latency", "histogram": "http_request_duration_seconds", "slower_than": "250ms"}


@pytest.fixture
def busy() -> World:
    """Two minutes of users on four pods."""
    made = world(replicas=4, rps=100.0)
    made.clock.wait(120.0)
    return made


def look(made: World, *judged: Any, provider: Any = None, stale: float = 60.0) -> dict[str, DoctorLine]:
    seen = workload.read_workload(made.cluster, Target("shop", "web"))
    return {line.name: line for line in series_lines(provider or made.metrics, seen, judged, stale)}


def levels(found: dict[str, DoctorLine]) -> dict[str, str]:
    return {name: line.level for name, line in found.items()}


class Altered:
    """The sandbox's Prometheus with other answers to what begins with something."""

    def __init__(self, made: World, answers: Mapping[str, Sequence[Series]]) -> None:
        self.real, self.answers = made.metrics, answers
        self.namespace_label, self.pod_label = "namespace", "pod"

    def _told(self, query: str) -> Answer | None:
        return next((Answer(query, tuple(found)) for start, found in self.answers.items() if query.startswith(start)), None)

    def raw(self, selector: str, window: float, timeout: float) -> Answer:
        return self._told(selector) or self.real.raw(selector, window, timeout)

    def value(self, query: str, timeout: float) -> Answer:
        return self._told(query) or self.real.value(query, timeout)

    def now(self, timeout: float) -> float:
        return self.real.now(timeout)


def test_all_is_well_with_the_metrics_of_the_file(busy: World) -> None:
    found = look(busy, ERRORS, SLOW)
    assert levels(found) == {
        "series": "done",
        "freshness": "done",
        "scrape interval": "done",
        "counter errors": "done",
        "counter latency": "done",
        "errors of a crash": "todo",
    }
    assert found["series"].message == "all 4 ready pods have series with namespace and pod"
    assert found["scrape interval"].message == "5 s between two samples; a step takes 10 s at the least"


def test_without_metrics_the_counter_is_found(busy: World) -> None:
    assert levels(look(busy))["counter http_requests_total"] == "done"


def test_samples_that_stopped(busy: World) -> None:
    busy.metrics.stop()
    busy.clock.wait(90.0)
    line = look(busy, ERRORS)["freshness"]
    assert line.level == "fail"
    assert re.search(r"is 9\d s old", line.message)
    assert "still scraped" in line.hint


def test_a_slow_scrape_is_measured_and_the_hint_has_the_number(busy: World) -> None:
    busy.traffic.scrape_every(40.0)
    busy.clock.wait(590.0)
    line = look(busy, ERRORS)["scrape interval"]
    assert (line.level, line.message) == (
        "warn",
        "40 s between two samples; a step takes 80 s at the least: one that is missed makes a look blind",
    )
    assert "`max_staleness` to 2m" in line.hint
    assert look(busy, ERRORS, stale=120.0)["scrape interval"].level == "done"


def test_nobody_sends_requests(busy: World) -> None:
    busy.traffic.set(rps=0.0)
    busy.clock.wait(700.0)
    line = look(busy, ERRORS)["counter errors"]
    assert (line.level, "has not grown in 10m" in line.message) == ("warn", True)


@pytest.mark.parametrize(
    ("values", "says"),
    [((9.0, 3.0, 7.0), "fell 1 times and no pod restarted"), ((0.25, 0.5, 0.75), "has fractions")],
    ids=["gauge", "rate"],
)
def test_what_is_no_counter(busy: World, values: tuple[float, ...], says: str) -> None:
    pod = busy.api.list("pods", "shop")[0]["metadata"]["name"]
    at = busy.clock.now()
    points = tuple((at - 10.0 * (3 - index), value) for index, value in enumerate(values))
    line = look(busy, ERRORS, provider=Altered(busy, {"http_requests_total": [Series({"pod": pod}, points)]}))["counter errors"]
    assert line.level == "fail"
    assert says in line.message


def test_pods_whose_series_have_other_labels(busy: World) -> None:
    answers = {"count by (pod)": [], "count({namespace=": [Series({}, ((0.0, 4.0),))]}
    busy.clock.wait(300.0)
    line = look(busy, provider=Altered(busy, answers))["series"]
    assert line.level == "fail"
    assert "`pod_label: exported_pod` and `namespace_label: namespace`" in line.hint


def test_pods_that_are_not_scraped(busy: World) -> None:
    busy.clock.wait(300.0)
    line = look(busy, provider=Altered(busy, {"count": []}))["series"]
    assert (line.level, "are the pods scraped" in line.hint) == ("fail", True)


def test_pods_that_are_too_young(busy: World) -> None:
    """A minute after their start nobody can say whether they will be scraped."""
    made = world(replicas=2)
    line = look(made, provider=Altered(made, {"count": []}))["series"]
    assert (line.level, "young" in line.hint) == ("warn", True)


def test_errors_of_a_crash_are_seen_by_a_mesh(busy: World) -> None:
    pod = busy.api.list("pods", "shop")[0]["metadata"]["name"]
    at = busy.clock.now()
    istio = Series({"__name__": "istio_requests_total", "pod": pod, "response_code": "200"}, ((at - 5, 3.0), (at, 9.0)))
    metric = {"name": "errors", "bad": 'istio_requests_total{response_code=~"5.."}', "total": "istio_requests_total"}
    line = look(busy, metric, provider=Altered(busy, {"istio_requests_total": [istio]}))["errors of a crash"]
    assert (line.level, line.message) == ("done", "counted by Istio's sidecar, also when the application is gone")


def test_errors_of_a_crash_that_the_clients_count_come_with_the_query_that_judges_by_them(busy: World) -> None:
    answers = {'count(istio_requests_total{reporter="source"': [Series({}, ((0.0, 1.0),))]}
    line = look(busy, ERRORS, provider=Altered(busy, answers))["errors of a crash"]
    assert "Istio counts them" in line.message
    assert 'destination_workload="web-candidate"' in line.hint


def test_a_prometheus_that_does_not_answer_is_one_line(busy: World) -> None:
    busy.metrics.sick.down = "connection refused"
    found = look(busy, ERRORS)
    assert levels(found) == {"series": "fail"}
    assert "connection refused" in found["series"].message


def test_a_partial_answer_is_no_answer(busy: World) -> None:
    busy.metrics.sick.warnings = ("one store did not answer",)
    assert "partial" in look(busy, ERRORS)["series"].message


def test_a_selector_that_is_none(busy: World) -> None:
    line = look(busy, ERRORS | {"total": "sum(x)"})["series"]
    assert (line.level, "not a plain selector" in line.message) == ("fail", True)


def test_no_sample_at_all_has_no_interval() -> None:
    assert series.scrape_interval_line([], 60.0, 0.0).level == "warn"


@pytest.mark.parametrize(
    ("ahead", "apart", "level", "says"),
    [
        (0.5, 0.0, "done", "its clock agrees"),
        (300.0, 0.0, "warn", "300 s from ours, 300 s from the API server's"),
        (300.0, -300.0, "warn", "ours is the wrong one"),
        (300.0, None, "warn", "300 s from ours"),
        (0.0, 30.0, "warn", "0 s from ours, 30 s from the API server's"),
    ],
)
def test_three_clocks(ahead: float, apart: float | None, level: str, says: str) -> None:
    """ahead: Prometheus' less ours. apart: ours less the API server's."""
    line = metrics._skew(ahead, apart)
    assert (line.level, says in line.message) == (level, True)
