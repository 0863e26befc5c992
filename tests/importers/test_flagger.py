"""Canaries with their MetricTemplates."""

from typing import Any

import pytest

from deliver.importers.flagger import BUILT_IN
from tests.importers.conftest import Convert, canary, data, metrics, query_template, told

SUCCESS = {"name": "request-success-rate", "thresholdRange": {"min": 99}, "interval": "1m"}
DURATION = {"name": "request-duration", "thresholdRange": {"max": 500}, "interval": "30s"}
OWN = {"name": "my metric", "templateRef": {"name": "q"}, "thresholdRange": {"max": 5}, "interval": "2m"}


def test_a_canary_becomes_target_steps_and_metrics(converted: Convert):
    found = converted(canary({"interval": "30s", "stepWeight": 20, "maxWeight": 50, "metrics": [SUCCESS, DURATION]}))
    assert data(found)["target"] == {"deployment": "web", "namespace": "shop"}
    assert data(found)["strategy"]["canary"]["steps"] == [{"weight": weight, "bake": "30s"} for weight in (20, 40, 60)]
    bad, total, histogram = BUILT_IN["istio"]
    assert metrics(found) == [
        {"name": "request-success-rate", "bad": bad, "total": total, "max": "1%", "window": "1m"},
        {"name": "request-duration", "histogram": histogram, "slower_than": "500ms", "max": "1%", "window": "30s"},
    ]


@pytest.mark.parametrize("mesh", [*BUILT_IN, "istio:1.2"])
def test_built_in_metrics_are_those_of_the_mesh(converted: Convert, mesh: str):
    found = metrics(converted(canary({"metrics": [SUCCESS]}, provider=mesh)))
    assert found[0]["bad"] == BUILT_IN[mesh.partition(":")[0]][0]


def test_an_ingress_does_not_say_which_pod_answered(converted: Convert):
    found = converted(canary({"metrics": [SUCCESS]}, provider="nginx"))
    assert found.text == ""
    assert "does not say which pod answered" in told(found)


@pytest.mark.parametrize(
    ("weights", "steps"),
    [
        ({"stepWeights": [5, 10.5, 60]}, [5, 10.5, 60]),
        ({"stepWeight": 30}, [30, 60, 90, 100]),  # Flagger goes on while the weight is below the highest
        ({"stepWeight": 25, "maxWeight": 50}, [25, 50]),
        ({"stepWeight": 60, "maxWeight": 50}, [60]),
        ({"stepWeight": 50, "maxWeight": 100}, [50, 100]),
        ({"stepWeights": [50, 0, 5]}, [5, 50]),
    ],
)
def test_weights(converted: Convert, weights: dict[str, Any], steps: list[float]):
    found = converted(canary({**weights, "metrics": []}))
    assert [step["weight"] for step in data(found)["strategy"]["canary"]["steps"]] == steps


def test_iterations_are_one_switch(converted: Convert):
    assert data(converted(canary({"interval": "1m", "iterations": 10})))["strategy"] == {"blue-green": {"bake": "10m"}}


def test_the_threshold_is_polls_in_a_row(converted: Convert):
    found = converted(canary({"threshold": 5, "metrics": [SUCCESS]}))
    assert metrics(found)[0]["consecutive"] == 5
    assert "5 polls in a row" in told(found)


def test_there_is_time_for_all_of_them(converted: Convert):
    found = converted(canary({"interval": "1m", "threshold": 10, "metrics": [SUCCESS]}))
    assert data(found)["analysis"]["max_blind"] == "11m"


@pytest.mark.parametrize(
    "odd", [{"threshold": float("inf")}, {"threshold": -3}, {"iterations": float("nan")}, {"interval": "-5s"}, {"stepWeight": float("inf")}]
)
def test_numbers_that_are_none_are_no_crash(converted: Convert, odd: dict[str, Any]):
    assert data(converted(canary({**odd, "metrics": [SUCCESS]})))["analysis"]["poll"] == "1m"


def test_the_primary_is_the_stable_side(converted: Convert):
    query = 'sum(rate(n{pod=~"{{ target }}-[a-z0-9]+-[a-z0-9]+"}[1m])) / sum(rate(n{pod=~"{{ target }}-primary-.*"}[1m]))'
    (found,) = metrics(converted(canary({"metrics": [OWN]}), query_template(query)))
    assert found["query"] == "sum(rate(n{{candidate}}[1m])) / sum(rate(n{{stable}}[1m]))"
    other = metrics(converted(canary({"metrics": [OWN]}), query_template('max(x{pod!~"{{ target }}-primary.*"})')))
    assert other[0]["query"] == "max(x{{candidate}})"


def test_what_both_sides_have_in_common_names_none(converted: Convert):
    query = 'sum(rate(n{svc="{{ service }}",c="5"}[1m])) / sum(rate(n{svc="{{ service }}",ns="{{ namespace }}"}[1m]))'
    half = {**OWN, "thresholdRange": {"max": 0.5}}
    assert metrics(converted(canary({"metrics": [half]}), query_template(query)))[0]["bad"] == 'n{c="5"}'
    (other,) = metrics(converted(canary({"metrics": [OWN]}), query_template('max(x{svc="{{ service }}-primary"})')))
    assert other["query"] == "max(x{{stable}})"


def test_the_address_of_the_built_in_metrics_is_the_canarys_own(converted: Convert):
    found = converted(canary({"metrics": [SUCCESS]}, metricsServer="http://prom.obs:9090"))
    assert data(found)["analysis"]["prometheus"] == {"service": "obs/prom:9090"}


def test_other_labels_of_pods_are_told(converted: Convert):
    assert "set `pod_label`" in told(converted(canary({"metrics": [SUCCESS]}, provider="kubernetes")))


def test_the_deadline_is_that_of_a_steps_pods(converted: Convert):
    assert data(converted(canary({"metrics": [SUCCESS]}, progressDeadlineSeconds=90)))["limits"] == {"ready": "1m30s"}


def test_a_template_is_filled_in_and_what_names_the_side_left_out(converted: Convert):
    query = (
        '100 * sum(rate(n{ns="{{ namespace }}",pod=~"{{target}}-.*",dir="{{ variables.dir }}",s="bad"}[{{ interval }}]))'
        ' / sum(rate(n{ns="{{ namespace }}",pod=~"{{target}}-.*",dir="{{ variables.dir }}"}[{{ interval }}]))'
    )
    found = converted(canary({"metrics": [{**OWN, "templateVariables": {"dir": "in"}}]}), query_template(query))
    assert metrics(found) == [{"name": "my-metric", "bad": 'n{dir="in",s="bad"}', "total": 'n{dir="in"}', "max": "5%", "window": "2m"}]
    assert data(found)["analysis"]["prometheus"] == {"service": "monitoring/prometheus:9090"}


def test_a_query_in_the_canary_itself_is_read(converted: Convert):
    inline = {"name": "old", "query": "sum(rate(n{a='1'}[1m])) / sum(rate(n[1m]))", "threshold": 0.5}
    assert metrics(converted(canary({"metrics": [inline]})))[0]["max"] == "50%"


def test_the_fields_of_older_versions_are_read(converted: Convert):
    old = canary({})
    old["spec"]["canaryAnalysis"] = {"interval": "10s", "metrics": [{"name": "request-success-rate", "threshold": 99}]}
    assert metrics(converted(old))[0]["max"] == "1%"


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ({"name": "x", "thresholdRange": {"max": 1}}, "neither built in nor has it a template"),
        ({**OWN, "templateRef": {"name": "gone"}}, "MetricTemplate gone is not in what was read"),
        ({**SUCCESS, "thresholdRange": {"max": 1}}, "no limit that could fail"),
        ({**SUCCESS, "thresholdRange": {"min": "many"}}, "its threshold is no number"),
        ({**SUCCESS, "thresholdRange": {"min": float("nan")}}, "its threshold is no number"),
        ({**DURATION, "thresholdRange": {"max": 0.5}}, "it is in milliseconds there"),
        ({**OWN, "templateRef": {"name": "q"}, "templateVariables": {}}, "`{{ variables.dir }}` has no value"),
    ],
)
def test_what_cannot_be_taken_over_is_said_and_the_rest_is(converted: Convert, metric: dict[str, Any], reason: str):
    found = converted(canary({"metrics": [metric, DURATION]}), query_template("max(x{a='{{ variables.dir }}'})"))
    assert reason in told(found)
    assert [one["name"] for one in metrics(found)] == ["request-duration"]


def test_other_providers_credentials_hooks_and_targets_are_said(converted: Convert):
    datadog = converted(canary({"metrics": [OWN, DURATION], "webhooks": [{}]}), query_template("x", type="datadog"))
    assert "provider `datadog`" in told(datadog) and "webhooks: not converted" in told(datadog)
    secret = converted(canary({"metrics": [OWN]}), query_template("max(x{a='1'})", secretRef={"name": "s"}))
    assert "credentials are not copied" in told(secret)
    daemons = converted(canary({"metrics": [SUCCESS]}, targetRef={"kind": "DaemonSet", "name": "d"}))
    assert daemons.text == "" and "its target is a DaemonSet" in told(daemons)


def test_an_analysis_that_was_skipped_and_certificates_that_were_not_checked_are_told(converted: Convert):
    found = converted(canary({"metrics": [OWN]}, skipAnalysis=True), query_template("max(x{a='1'})", insecureSkipVerify=True))
    assert "it skips its analysis there" in told(found) and "MetricTemplate q, insecureSkipVerify: not converted" in told(found)


def test_templates_alone_are_not_enough(converted: Convert):
    assert converted(query_template("max(x)")).text == ""
