"""When a release looks for metrics by itself, what it makes of the answer, and what it waits for."""

from collections.abc import Callable
from typing import Any

import pytest

from deliver.cli import context, release
from deliver.cli.discover import settled
from deliver.cli.options import Given
from deliver.cli.request import Asked
from deliver.discovery import discover as discovery
from deliver.discovery import metric_choice, workload
from deliver.discovery.metric_choice import MetricChoice
from deliver.discovery.types import DiscoveredEntry, Discovery
from deliver.discovery.workload import Workload
from deliver.engine.runtime import record_store
from deliver.engine.runtime.record_store import Record
from deliver.model.errors import Unreachable
from deliver.model.observation import PodSeen
from deliver.model.spec import Analysis, EvidenceMetric, RatioMetric, Target
from tests.cli.conftest import FILE
from tests.render.conftest import begun

ERRORS = DiscoveredEntry({"name": "errors", "bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total"}, "errors: because")
WEB = Workload(Target("shop", "web"), "reg/web:1", "web", 1, 4, False, (PodSeen("web-a", "u", ready=True),), frozenset())
HALF = {"weight": ["50"], "bake": "60s"}
PLACE = {"service": "monitoring/prometheus:9090"}
Ask = Callable[..., Asked]


@pytest.fixture
def found(folder: Any, monkeypatch: pytest.MonkeyPatch) -> list[Discovery]:
    """What discovery finds; put another in its place."""
    answers = [Discovery(PLACE, (ERRORS,), ("errors: because",), rate=100.0, there=True, answers=True)]
    monkeypatch.setattr(context, "open_cluster", lambda given: type("Cluster", (), {"namespace": "shop"})())
    monkeypatch.setattr(metric_choice, "read_workload", lambda *args: WEB)
    monkeypatch.setattr(workload, "read_workload", lambda *args: WEB)
    monkeypatch.setattr(metric_choice, "discover", lambda *args, **more: answers[0])
    monkeypatch.setattr(record_store.Store, "load", lambda self: Record())
    return answers


@pytest.fixture
def asked(found: list[Discovery]) -> Ask:
    """What `deliver canary web` with these options makes of it."""

    def ask(strategy: str = "canary", **more: Any) -> Asked:
        values = {"target": "web", "image": "reg/web:2", "file": "none", "discover": None, "quiet": False, **HALF, **more}
        return release.spec(Given(values, str), strategy)

    return ask


def metrics(made: Asked) -> tuple[Any, ...]:
    return made.spec.analysis.metrics


def judged_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workload's last release was judged by `errors`."""
    from dataclasses import replace

    from deliver.model.spec import PluginSpec

    last = begun()
    metric = EvidenceMetric("errors", bad="x_total", total="y_total", duty=False)
    analysis = Analysis(provider=PluginSpec("prometheus", PLACE), metrics=(metric,))
    last = replace(last, spec=replace(last.spec, analysis=analysis))
    monkeypatch.setattr(record_store.Store, "load", lambda self: Record(last))


def test_without_a_file_and_without_metrics_they_are_found(asked: Ask) -> None:
    made = asked()
    (metric,) = metrics(made)
    assert isinstance(metric, EvidenceMetric)
    assert (metric.total, metric.duty) == ("http_requests_total", False)
    assert made.spec.analysis.provider is not None
    assert dict(made.spec.analysis.provider.options) == PLACE
    assert made.notes == ("errors: because",)


def test_no_discover_leaves_it_out(asked: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    judged_before(monkeypatch)
    assert asked(discover=False) == Asked(asked(discover=False).spec)
    assert asked(discover=False).spec.analysis == Analysis()


def test_a_file_that_names_none_is_judged_as_before_and_not_less(asked: Ask, folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "deliver.yaml").write_text(FILE.partition("analysis:")[0])
    assert metrics(asked(file=None)) == (), "nobody ever wanted any"
    assert len(metrics(asked(file=None, discover=True))) == 1
    judged_before(monkeypatch)
    assert len(metrics(asked(file=None))) == 1, "its silence is no word"
    (folder / "deliver.yaml").write_text(FILE.partition("analysis:")[0] + "analysis: {metrics: []}\n")
    assert metrics(asked(file=None)) == (), "this is"


def test_so_do_options(asked: Ask) -> None:
    named = {"prometheus": "a/b:1", "errors": "x_total", "requests": "y_total", "max_error_rate": "2%"}
    (metric,) = metrics(asked(discover=True, **named))
    assert isinstance(metric, RatioMetric)
    assert metric.total == "y_total"


def test_metrics_that_somebody_names_must_be_proved(asked: Ask) -> None:
    (metric,) = metrics(asked(prometheus="a/b:1", errors="x_total", requests="y_total", max_error_rate="none"))
    assert isinstance(metric, EvidenceMetric)
    assert metric.duty


def test_a_prometheus_that_is_named_is_asked(asked: Ask, found: list[Discovery], monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[Any] = []

    def discover(cluster: Any, seen: Workload, ask: Any, provider: Any, *, now: float) -> Discovery:
        named.append(provider)
        return found[0]

    monkeypatch.setattr(metric_choice, "discover", discover)
    assert len(metrics(asked(prometheus="a/b:1/prom"))) == 1
    assert named == [{"service": "a/b:1", "path": "/prom"}]


def test_a_flag_has_users_that_only_its_owner_can_tell_apart(asked: Ask) -> None:
    made = asked("flag", image=None, flag="new-checkout", set=["configmap=flags"], weight=["50"], bake="60s")
    assert (metrics(made), made.notes) == ((), ())


@pytest.mark.parametrize("rate", [5.0, 0.1, 0.0])
def test_at_little_traffic_they_are_taken_all_the_same_and_it_is_said(asked: Ask, found: list[Discovery], rate: float) -> None:
    found[0] = Discovery(PLACE, (ERRORS,), rate=rate, there=True, answers=True)
    made = asked()
    (metric,) = metrics(made)
    assert isinstance(metric, EvidenceMetric)
    assert "the release goes on without it; what errors show can still take it back" in made.notes[-1]


def test_nothing_found_is_one_line_and_goes_on_being_looked_for(asked: Ask, found: list[Discovery]) -> None:
    found[0] = Discovery(notes=("Prometheus: none found in the cluster",))
    made = asked()
    assert made.notes == ("Prometheus: none found in the cluster; judged by its pods and health checks alone",)
    assert made.spec.analysis == Analysis()
    found[0] = Discovery(notes=("Prometheus: a/b:1: connection refused",), there=True)
    made = asked()
    assert made.notes[0].endswith("; judged by its pods and health checks alone; metrics are looked for while it runs")
    assert made.spec.analysis.seeking


def test_a_cluster_that_does_not_answer_is_for_the_release_to_tell(asked: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> Workload:
        raise Unreachable("the API server does not answer")

    monkeypatch.setattr(metric_choice, "read_workload", fail)
    assert asked().notes == ("metrics: not looked for: the API server does not answer",)


def test_quiet_says_only_what_changes_the_judging(asked: Ask) -> None:
    assert asked(quiet=True).notes == ()


def test_young_pods_are_waited_for_and_it_is_said_before() -> None:
    ages = [10.0, 5.0, 0.0]
    said: list[str] = []
    slept: list[float] = []

    def look() -> MetricChoice:
        assert not slept or said, "said first"
        wait = ages.pop(0)
        return MetricChoice(wait=wait, why="the pods are young" if wait else "", notes=() if wait else ("errors: because",))

    assert settled(look, slept.append, said.append).notes == ("errors: because",)
    assert (slept, said) == ([5.0, 5.0], ["the pods are young"])


def test_a_plan_does_not_wait_and_says_what_a_release_would(found: list[Discovery], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "age_if_young", lambda *args: 14.0)
    monkeypatch.setattr(metric_choice, "age_if_young", lambda *args: 14.0)
    found[0] = Discovery(notes=("metrics: Prometheus has no series of these pods",), there=True, answers=True)
    values = {"target": "web", "image": "reg/web:2", "file": "none", "discover": None, "quiet": False, **HALF}
    made = release.spec(Given(values, str), "canary", patient=False)
    assert made.notes[0].startswith("the pods of web are 14 s old and Prometheus has no series of them yet: waiting up to 1 m 46 s")
