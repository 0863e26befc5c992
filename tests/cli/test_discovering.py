"""When a release looks for metrics by itself, and what it makes of the answer."""

from collections.abc import Callable
from typing import Any

import pytest

from deliver.cli import release, session
from deliver.cli.options import Given
from deliver.discovery import find, workload
from deliver.discovery.words import Chosen, Discovered
from deliver.discovery.workload import Workload
from deliver.model.errors import Unreachable
from deliver.model.seen import PodSeen
from deliver.model.spec import Analysis, EvidenceMetric, RatioMetric, ReleaseSpec, Target
from tests.cli.conftest import FILE

ERRORS = Chosen({"name": "errors", "bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total"}, "errors: because")
WEB = Workload(Target("shop", "web"), "reg/web:1", "web", 1, 4, False, (PodSeen("web-a", "u", ready=True),), frozenset())
HALF = {"weight": ["50"], "bake": "60s"}
Ask = Callable[..., tuple[ReleaseSpec, tuple[str, ...]]]


@pytest.fixture
def found(folder: Any, monkeypatch: pytest.MonkeyPatch) -> list[Discovered]:
    """What discovery finds; put another in its place."""
    answers = [Discovered({"service": "monitoring/prometheus:9090"}, (ERRORS,), ("errors: because",), rate=100.0)]
    monkeypatch.setattr(session, "open_cluster", lambda given: type("Cluster", (), {"namespace": "shop"})())
    monkeypatch.setattr(workload, "look", lambda *args: WEB)
    monkeypatch.setattr(find, "discover", lambda *args: answers[0])
    return answers


@pytest.fixture
def asked(found: list[Discovered]) -> Ask:
    """The spec of `deliver canary web` with these options."""

    def ask(strategy: str = "canary", **more: Any) -> tuple[ReleaseSpec, tuple[str, ...]]:
        values = {"target": "web", "image": "reg/web:2", "file": "none", "discover": None, "quiet": False, **HALF, **more}
        return release.spec(Given(values, str), strategy)

    return ask


def metrics(made: tuple[ReleaseSpec, tuple[str, ...]]) -> tuple[Any, ...]:
    return made[0].analysis.metrics


def test_without_a_file_and_without_metrics_they_are_found(asked: Ask) -> None:
    made, told = asked()
    (metric,) = made.analysis.metrics
    assert isinstance(metric, EvidenceMetric)
    assert metric.total == "http_requests_total"
    assert made.analysis.provider is not None
    assert dict(made.analysis.provider.options) == {"service": "monitoring/prometheus:9090"}
    assert told == ("errors: because",)


def test_no_discover_leaves_it_out(asked: Ask) -> None:
    assert asked(discover=False)[0].analysis == Analysis()


def test_a_file_says_what_is_wanted(asked: Ask, folder: Any) -> None:
    (folder / "deliver.yaml").write_text(FILE.partition("analysis:")[0])
    assert metrics(asked(file=None)) == ()
    assert len(metrics(asked(file=None, discover=True))) == 1


def test_so_do_options(asked: Ask) -> None:
    named = {"prometheus": "a/b:1", "errors": "x_total", "requests": "y_total", "max_error_rate": "2%"}
    (metric,) = metrics(asked(discover=True, **named))
    assert isinstance(metric, RatioMetric)
    assert metric.total == "y_total"


def test_a_prometheus_that_is_named_is_asked(asked: Ask, found: list[Discovered], monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[Any] = []

    def discover(cluster: Any, seen: Workload, ask: Any, provider: Any) -> Discovered:
        named.append(provider)
        return found[0]

    monkeypatch.setattr(find, "discover", discover)
    assert len(metrics(asked(prometheus="a/b:1/prom"))) == 1
    assert named == [{"service": "a/b:1", "path": "/prom"}]


def test_a_flag_has_users_that_only_its_owner_can_tell_apart(asked: Ask) -> None:
    made, told = asked("flag", image=None, flag="new-checkout", set=["configmap=flags"], weight=["50"], bake="60s")
    assert (made.analysis.metrics, told) == ((), ())


def test_too_few_requests_for_evidence_get_a_fixed_limit(asked: Ask, found: list[Discovered]) -> None:
    found[0] = Discovered(found[0].provider, (ERRORS,), rate=5.0)
    made, told = asked()
    (metric,) = made.analysis.metrics
    assert isinstance(metric, RatioMetric)
    assert (metric.max, metric.compare) == (0.05, True)
    assert "judged by fixed limits, errors 5%" in told[-1]


def test_next_to_none_are_left_out_unless_somebody_wants_them(asked: Ask, found: list[Discovered]) -> None:
    found[0] = Discovered(found[0].provider, (ERRORS,), rate=0.1)
    made, told = asked()
    assert made.analysis.metrics == ()
    assert "too few to judge by" in told[-1]
    assert len(metrics(asked(discover=True))) == 1


def test_nothing_found_is_one_line(asked: Ask, found: list[Discovered]) -> None:
    found[0] = Discovered(told=("Prometheus: none found in the cluster",))
    assert asked() == (asked(discover=False)[0], ("Prometheus: none found in the cluster; judged by its pods and health checks alone",))


def test_a_cluster_that_does_not_answer_is_for_the_release_to_tell(asked: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> Workload:
        raise Unreachable("the API server does not answer")

    monkeypatch.setattr(workload, "look", fail)
    assert asked()[1] == ("metrics: not looked for: the API server does not answer",)


def test_quiet_says_only_what_changes_the_judging(asked: Ask) -> None:
    assert asked(quiet=True)[1] == ()
