"""What of a spec can be played with made-up users, and what is said of the rest."""

from dataclasses import replace

import pytest

from deliver.model.errors import InputError
from deliver.model.spec import (
    Analysis,
    EvidenceMetric,
    LatencyMetric,
    Metric,
    NotifySpec,
    PluginSpec,
    QueryMetric,
    RatioMetric,
    ReleaseSpec,
    Target,
)
from deliver.simulate.scenario import ALL, BAD, DURATIONS, NEW, PROVIDER, TARGET, Regression, Setting, played, unseen, usual

ERRORS = RatioMetric("errors", "app_failures_total", "app_calls_total", 0.01)
SPEC = ReleaseSpec(Target("prod", "api"), "ghcr.io/acme/api:2", "canary", {"weight": [50]}, analysis=Analysis(metrics=(ERRORS,)))


def test_the_made_up_workload_takes_the_place_of_the_users_own():
    spec = played(SPEC, Setting()).spec
    assert (spec.target, spec.image, spec.analysis.provider) == (TARGET, NEW, PluginSpec(PROVIDER))
    (metric,) = spec.analysis.metrics
    assert metric == replace(ERRORS, bad=BAD, total=ALL)
    assert (spec.strategy, dict(spec.options)) == (SPEC.strategy, dict(SPEC.options))


def test_limits_and_the_way_of_judging_stay_the_users_own():
    mine = replace(SPEC.analysis, alpha=0.01, max_blind=7.0, on_blind="rollback", warmup=3.0)
    found = played(replace(SPEC, analysis=mine), Setting()).spec.analysis
    assert (found.alpha, found.max_blind, found.on_blind, found.warmup) == (0.01, 7.0, "rollback", 3.0)


def test_no_more_past_is_asked_for_than_there_is():
    assert played(SPEC, Setting(past=600)).spec.analysis.history == 600


@pytest.mark.parametrize(("bound", "played_at"), [(0.25, 0.25), (0.3, 0.25), (60.0, 10.0)])
def test_a_latency_is_judged_at_the_nearest_bound_that_is_made_up(bound: float, played_at: float):
    found = played(replace(SPEC, analysis=Analysis(metrics=(LatencyMetric("slow", "h", bound, 0.05),))), Setting())
    (metric,) = found.spec.analysis.metrics
    assert isinstance(metric, LatencyMetric)
    assert (metric.histogram, metric.bound) == (DURATIONS, played_at)
    assert bool(found.left) is (bound != played_at)


def test_every_useful_bound_stays_every_useful_bound():
    found = played(replace(SPEC, analysis=Analysis(metrics=(EvidenceMetric("slow", histogram="h"),))), Setting())
    assert found.left == () and found.spec.analysis.metrics == (EvidenceMetric("slow", histogram=DURATIONS),)


def test_what_has_no_part_is_named_with_the_reason():
    metrics = (ERRORS, replace(ERRORS, name="orders"), QueryMetric("queue", "max(x)", max=1))
    analysis = Analysis(metrics=metrics, health=(PluginSpec("http"),))
    whole = replace(SPEC, analysis=analysis, notify=(NotifySpec(PluginSpec("webhook")),), router=PluginSpec("none"))
    options = {"load_port": 80, "preview_service": "api-preview", "steps": [{"weight": 5, "approval": True}]}
    found = played(replace(whole, options=options), Setting())
    assert [text.partition(":")[0] for text in found.left] == [
        "health checks (http)",
        "approvals",
        "notify",
        "router none",
        "metric orders",
        "metric queue",
        "load",
        "preview_service",
    ]
    assert found.spec.notify == () and found.spec.analysis.health == () and list(found.spec.options) == ["steps"]


SLOW = LatencyMetric("slow", "h", 0.25, 0.05)


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ((ERRORS,), ["1x errors", "5x errors"]),
        ((EvidenceMetric("latency", histogram="h"),), ["1x errors", "2x slower"]),
        ((ERRORS, SLOW), ["1x errors", "5x errors", "2x slower"]),
        ((), ["1x errors", "5x errors"]),
    ],
)
def test_a_bad_version_is_played_for_each_thing_that_is_looked_at(metrics: tuple[Metric, ...], words: list[str]):
    assert [str(one) for one in usual(metrics)] == words


def test_a_regression_that_nothing_could_show_is_named():
    both = [Regression(errors=5), Regression(slower=2)]
    assert [text.partition(":")[0] for text in unseen((ERRORS,), both)] == ["no metric of the spec counts slow requests"]
    assert [text.partition(":")[0] for text in unseen((SLOW,), both)] == ["no metric of the spec counts bad requests"]
    assert list(unseen((ERRORS, SLOW), both)) == [] and list(unseen((ERRORS,), [Regression()])) == []


def test_a_flag_cannot_be_simulated():
    with pytest.raises(InputError, match="cannot be simulated"):
        played(replace(SPEC, strategy="flag"), Setting())
