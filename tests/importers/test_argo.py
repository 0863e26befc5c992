"""AnalysisTemplates and Rollouts."""

from typing import Any

import pytest

from tests.importers.conftest import Convert, data, metrics, template, told

QUERY = 'sum(rate(n{bad="1"}[2m])) / sum(rate(n[2m]))'
ERRORS = {"name": "errors", "successCondition": "result[0] < 0.05", "query": QUERY}


def rollout(steps: list[Any], **canary: Any) -> dict[str, Any]:
    spec = {"workloadRef": {"kind": "Deployment", "name": "web"}, "strategy": {"canary": {"steps": steps, **canary}}}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "r", "namespace": "shop"}, "spec": spec}


def test_a_template_becomes_an_analysis(converted: Convert):
    found = converted(template([{**ERRORS, "interval": "30s", "failureLimit": 2, "initialDelay": "2m"}]), deployment="web")
    assert data(found) == {
        "target": {"deployment": "web"},
        "analysis": {
            "prometheus": {"service": "monitoring/prometheus:9090"},
            "metrics": [{"name": "errors", "bad": 'n{bad="1"}', "total": "n", "max": "5%", "window": "2m", "consecutive": 3}],
            "poll": "30s",
            "warmup": "2m",
        },
    }
    assert "here it is 3 polls in a row" in told(found)


def test_the_cluster_wide_kind_is_read_too(converted: Convert):
    assert metrics(converted({**template([ERRORS]), "kind": "ClusterAnalysisTemplate"}))[0]["name"] == "errors"


@pytest.mark.parametrize("interval", ["30s", "2m"])
def test_errors_of_the_provider_bound_the_time_without_a_verdict(converted: Convert, interval: str):
    analysis = data(converted(template([{**ERRORS, "interval": interval, "consecutiveErrorLimit": 4}])))["analysis"]
    assert (analysis["max_blind"], analysis["on_blind"]) == ({"30s": "2m30s", "2m": "10m"}[interval], "rollback")


def test_the_shortest_interval_is_the_poll(converted: Convert):
    both = template([{**ERRORS, "interval": "5m"}, {**ERRORS, "name": "other", "interval": "1m"}])
    assert data(converted(both))["analysis"]["poll"] == "1m"


def test_a_count_is_told_as_the_bake_that_it_asks_for(converted: Convert):
    assert "bake should be 5m" in told(converted(template([{**ERRORS, "interval": "60s", "count": 5}])))


def test_arguments_have_their_default_the_rollouts_value_or_the_users(converted: Convert):
    asks = template([{**ERRORS, "query": QUERY.replace('bad="1"', 'bad="1",app="{{ args.app }}"')}], args=[{"name": "app", "value": "a"}])
    hands = rollout([{"setWeight": 5}], analysis={"args": [{"name": "app", "value": "b"}]})
    assert 'app="a"' in metrics(converted(asks))[0]["bad"]
    assert 'app="b"' in metrics(converted(asks, hands))[0]["bad"]
    assert 'app="c"' in metrics(converted(asks, hands, args={"app": "c"}))[0]["bad"]


def test_an_argument_in_a_limit_is_filled_in(converted: Convert):
    asks = template([{**ERRORS, "successCondition": "result[0] < {{args.most}}"}], args=[{"name": "most", "value": "0.02"}])
    assert metrics(converted(asks))[0]["max"] == "2%"


def test_a_canary_service_that_is_named_outright_is_told(converted: Convert):
    query = "sum(rate(n{svc=~'{{args.service-name}}',bad='1'}[2m])) / sum(rate(n{svc=~'{{args.service-name}}'}[2m]))"
    args = [{"name": "service-name", "value": "web-canary.shop.svc.cluster.local"}]
    found = converted(template([{**ERRORS, "query": query}], args=args))
    assert 'svc=~"web-canary.shop.svc.cluster.local" names a canary of the other tool\'s making' in told(found)


def test_an_argument_without_a_value_is_asked_for(converted: Convert):
    found = converted(template([{**ERRORS, "query": "max(x{a='{{args.app}}'})"}], args=[{"name": "app"}]))
    assert found.text == ""
    assert "argument `app` has no value; give it with --arg app=VALUE" in told(found)


def test_an_argument_that_names_the_side_is_left_out(converted: Convert):
    args = [{"name": "latest", "valueFrom": {"podTemplateHashValue": "Latest"}}]
    found = converted(
        template(
            [{**ERRORS, "query": QUERY.replace("n[", 'n{h="{{args.latest}}"}[').replace('bad="1"', 'bad="1",h="{{args.latest}}"')}],
            args=args,
        )
    )
    assert metrics(found)[0]["bad"] == 'n{bad="1"}'
    assert "deliver names the pods of each side itself: h" in told(found)


def test_an_argument_from_a_label_or_a_secret_is_asked_for_and_never_left_out(converted: Convert):
    args = [{"name": "region", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['region']"}}}]
    asks = template([{**ERRORS, "query": QUERY.replace("n[", 'n{region="{{args.region}}"}[')}], args=args)
    found = converted(asks)
    assert found.text == "" and "give it with --arg region=VALUE" in told(found)
    assert 'region="eu"' in metrics(converted(asks, args={"region": "eu"}))[0]["total"]


def test_a_query_that_compares_with_the_stable_hash_asks_for_stable_pods(converted: Convert):
    args = [{"name": f"{one}-hash", "valueFrom": {"podTemplateHashValue": one.title()}} for one in ("latest", "stable")]
    query = "sum(rate(n{bad='1',h='{{args.latest-hash}}'}[1m])) / sum(rate(n{bad='1',h='{{args.stable-hash}}'}[1m]))"
    found = converted(template([{"name": "ratio", "successCondition": "result[0] <= 1.5", "query": query}], args=args))
    (ratio,) = metrics(found)
    assert ratio["query"] == 'sum(rate(n{bad="1",{candidate}}[1m])) / sum(rate(n{bad="1",{stable}}[1m]))'
    assert ratio["max"] == 1.5


def test_the_candidate_of_all_requests_is_not_the_candidate_of_its_own(converted: Convert):
    args = [{"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}]
    share = "sum(rate(n{h='{{args.hash}}'}[1m])) / sum(rate(n[1m]))"
    found = converted(template([{"name": "share", "successCondition": "result[0] >= 0.05", "query": share}], args=args))
    assert metrics(found)[0]["query"] == "sum(rate(n{{candidate}}[1m])) / sum(rate(n[1m]))"
    assert "it compares the candidate with all requests" in told(found)


def test_templates_that_the_rollout_does_not_use_are_not_taken(converted: Convert):
    mine, other = template([ERRORS]), template([{**ERRORS, "name": "other"}])
    other["metadata"] = {"name": "x"}
    found = converted(mine, other, rollout([{"setWeight": 5}], analysis={"templates": [{"templateName": "t"}]}))
    assert [one["name"] for one in metrics(found)] == ["errors"]
    assert "AnalysisTemplate x: not converted: Rollout r does not use it" in told(found)


def test_the_one_template_of_older_versions_is_found(converted: Convert):
    other = {**template([{**ERRORS, "name": "other"}]), "metadata": {"name": "x"}}
    found = converted(template([ERRORS]), other, rollout([{"setWeight": 5}], analysis={"templateName": "t"}))
    assert [one["name"] for one in metrics(found)] == ["errors"]


def test_templates_of_templates_are_taken_and_those_of_another_kind_or_namespace_are_not(converted: Convert):
    outer, inner, wide, far = (template([{**ERRORS, "name": name}]) for name in ("outer", "inner", "wide", "far"))
    outer["metadata"], inner["metadata"], wide["metadata"], far["metadata"] = (
        {"name": "outer"}, {"name": "inner"}, {"name": "t"}, {"name": "inner", "namespace": "elsewhere"},
    )  # fmt: skip
    outer["spec"] = {"templates": [{"templateName": "inner"}, {"templateName": "t", "clusterScope": True}]}
    wide["kind"] = "ClusterAnalysisTemplate"
    outer["metadata"]["namespace"] = "shop"
    found = converted(outer, inner, wide, far, rollout([{"setWeight": 5}], analysis={"templates": [{"templateName": "outer"}]}))
    assert [one["name"] for one in metrics(found)] == ["inner", "wide"]
    assert "has no metrics" not in told(found)


def test_dry_runs_are_named_by_expressions_and_by_the_rollout_too(converted: Convert):
    both = template([ERRORS, {**ERRORS, "name": "other"}], dryRun=[{"metricName": "oth.*"}])
    assert [one["name"] for one in metrics(converted(both))] == ["errors"]
    hands = rollout([{"setWeight": 5}], analysis={"templates": [{"templateName": "t"}], "dryRun": [{"metricName": "errors"}]})
    assert "analysis" not in data(converted(both, hands))


def test_failures_in_a_row_have_the_time_that_they_need(converted: Convert):
    """A poll that breaches is blind until there are enough of them: with the usual 5 min the release would be held first."""
    found = converted(template([{**ERRORS, "interval": "5m", "failureLimit": 3}]))
    assert (metrics(found)[0]["consecutive"], data(found)["analysis"]["max_blind"]) == (4, "25m")
    assert "so that 4 polls in a row can fail" in told(found)
    assert "max_blind" not in data(converted(template([{**ERRORS, "interval": "30s", "failureLimit": 3}])))["analysis"]


def test_a_limit_that_failed_itself_still_does(converted: Convert):
    counted = {"name": "restarts", "successCondition": "result[0] < 1", "query": "sum(restarts{a='1'})"}
    found = converted(template([counted, {**counted, "name": "traffic", "successCondition": "result[0] > 0"}]))
    assert [(one.get("max"), one.get("min")) for one in metrics(found)] == [(0.999999999, None), (None, 1e-9)]
    assert "1 itself failed there" in told(found)


def test_an_analysis_in_a_step_is_its_bake(converted: Convert):
    steps = [{"setWeight": 10}, {"analysis": {"templates": [{"templateName": "t"}]}}, {"pause": {"duration": "1m"}}]
    found = converted(rollout(steps), template([{**ERRORS, "interval": "30s", "count": 10, "initialDelay": "1m"}]))
    assert data(found)["strategy"]["canary"]["steps"] == [{"weight": 10, "bake": "7m"}]


def test_two_metrics_of_one_name_get_two(converted: Convert):
    assert [one["name"] for one in metrics(converted(template([ERRORS]), template([{**ERRORS, "name": "Errors!"}])))] == [
        "errors",
        "errors-2",
    ]


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ({"name": "a", "provider": {"job": {}}}, "provider `job`: only prometheus is read"),
        ({"name": "b", "provider": {"prometheus": {"rangeQuery": {}, "query": "x"}}}, "a range query gives many numbers"),
        ({"name": "c", "query": QUERY}, "neither a success nor a failure condition"),
        ({"name": "e", "successCondition": "result[0] < 1", "query": " "}, "it has no query"),
        ({"name": "dry", "successCondition": "result[0] < 1", "query": QUERY}, "a dry run"),
        ({**ERRORS, "failureLimit": -1}, "its failures never counted there"),
        ({**ERRORS, "failureLimit": "many"}, "`many` is no whole number"),
    ],
)
def test_what_cannot_be_taken_over_is_said_and_the_rest_is(converted: Convert, metric: dict[str, Any], reason: str):
    found = converted(template([metric, {**ERRORS, "name": "kept"}], dryRun=[{"metricName": "dry"}]))
    assert reason in told(found)
    assert [one["name"] for one in metrics(found)] == ["kept"]
    assert any(note.lost for note in found.notes)


def test_fields_without_a_counterpart_are_named(converted: Convert):
    asks = template([{**ERRORS, "inconclusiveLimit": 3}])
    asks["spec"]["metrics"][0]["provider"]["prometheus"] |= {"authentication": {}, "insecure": True}
    assert all(word in told(converted(asks)) for word in ("inconclusiveLimit", "authentication", "insecure"))


def test_a_second_prometheus_is_said(converted: Convert):
    other = template([{**ERRORS, "name": "other"}])
    other["spec"]["metrics"][0]["provider"]["prometheus"]["address"] = "https://other.example.com"
    assert "a second address, https://other.example.com" in told(converted(template([ERRORS]), other))


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("http://prom.obs:9090", {"service": "obs/prom:9090"}),
        ("http://prom.obs.svc.cluster.local", {"service": "obs/prom:80"}),
        ("http://prom.example", {"url": "http://prom.example"}),
        ("https://prom.obs:9090/prefix", {"url": "https://prom.obs:9090/prefix"}),
    ],
)
def test_a_service_of_the_cluster_is_reached_through_the_api_server(converted: Convert, address: str, provider: dict[str, str]):
    asks = template([ERRORS])
    asks["spec"]["metrics"][0]["provider"]["prometheus"]["address"] = address
    assert data(converted(asks))["analysis"]["prometheus"] == provider


def test_a_name_that_looks_like_a_number_stays_a_name(converted: Convert):
    assert "deployment: '1e9'" in converted(template([ERRORS]), deployment="1e9").text


def test_a_name_of_several_lines_stays_a_comment(converted: Convert):
    evil = {**template([ERRORS]), "metadata": {"name": "x\ntarget: {deployment: evil}\u2028\x00y"}}
    found = data(converted(evil, deployment="web"))
    assert found["target"] == {"deployment": "web"}


def test_a_rollouts_steps_are_a_canarys(converted: Convert):
    steps = [
        {"setWeight": 0}, {"setWeight": 10}, {"pause": {"duration": "5m"}}, {"pause": {"duration": 30}},
        {"analysis": {"templates": []}}, {"setWeight": 50}, {"pause": {}}, {"setCanaryScale": {"replicas": 3}},
    ]  # fmt: skip
    found = converted(rollout(steps))
    assert data(found)["target"] == {"deployment": "web", "namespace": "shop"}
    assert data(found)["strategy"]["canary"]["steps"] == [{"weight": 10, "bake": "5m30s"}, {"weight": 50, "bake": "0s", "approval": True}]
    assert "step 8: not converted: `setCanaryScale`" in told(found)
    again = converted(
        rollout([{"setWeight": 20}, {"pause": {"duration": "1m"}}, {"setWeight": 20}, {"pause": {"duration": "1m"}}, {"setWeight": 5}])
    )
    assert data(again)["strategy"]["canary"]["steps"] == [{"weight": 20, "bake": "2m"}]
    assert "step 5: not converted: back to 5 %" in told(again)
    odd = converted(rollout([{"setWeight": "many"}, {"setWeight": "25"}, {3: 4}]))
    assert data(odd)["strategy"]["canary"]["steps"] == [{"weight": 25, "bake": "0s"}]
    assert "step 1: not converted: its weight is no number" in told(odd)


def test_a_rollout_with_pods_of_its_own_needs_a_deployment_first(converted: Convert):
    own = rollout([{"setWeight": 10}])
    del own["spec"]["workloadRef"]
    found = converted(own)
    assert data(found)["target"]["deployment"] == "r"
    assert "make one of its pod template" in told(found)


def test_a_rollout_without_canary_steps_is_not_taken(converted: Convert):
    assert converted(rollout([])).text == ""
