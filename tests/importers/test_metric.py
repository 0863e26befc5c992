"""What a query with a limit becomes: bad of total, slower than a bound, or the query as it is."""

from typing import Any

import pytest

from deliver.importers import metric
from deliver.importers.deliver_yaml import NotTaken
from deliver.importers.ratio import Bounds

GOOD = 'sum(rate(http_requests_total{app="web",code!~"5.."}[5m]))'
BAD = 'sum(rate(http_requests_total{app="web",code=~"5.."}[5m]))'
ALL = 'sum(rate(http_requests_total{app="web"}[5m]))'
COUNTED = {"bad": 'http_requests_total{app="web",code=~"5.."}', "total": 'http_requests_total{app="web"}', "window": "5m"}


@pytest.mark.parametrize(
    ("query", "bounds", "limit"),
    [
        (f"{BAD} / {ALL}", Bounds(max=0.05), "5%"),
        (f"{GOOD} / {ALL}", Bounds(min=0.95), "5%"),
        (f"{GOOD} / {ALL} * 100", Bounds(min=99.9), "0.1%"),
        (f"100 * {GOOD} / {ALL}", Bounds(min=99), "1%"),
        (f"100 * ({BAD} / {ALL})", Bounds(max=1), "1%"),
        (f"1 - {BAD} / {ALL}", Bounds(min=0.98), "2%"),
        (f"1 - ({GOOD} / {ALL})", Bounds(max=0.02), "2%"),
        (f"100 - {GOOD} / {ALL} * 100", Bounds(max=5), "5%"),
        (f"({ALL} - {BAD}) / {ALL}", Bounds(min=0.9), "10%"),
        (f"({BAD} or vector(0)) / {ALL}", Bounds(max=0.05), "5%"),
        (f"({BAD} or on() vector(0)) / ({ALL}) # share", Bounds(max=0.05), "5%"),
        (f"{BAD.replace('rate', 'irate')} / {ALL.replace('rate', 'increase')}", Bounds(max=0), "0%"),
    ],
)
def test_a_share_of_counts_is_bad_of_total(query: str, bounds: Bounds, limit: str):
    assert metric.made(query, bounds) == metric.Made({**COUNTED, "max": limit})


@pytest.mark.parametrize(("good", "bad"), [('x="1"', 'x!="1"'), ('x!="1"', 'x="1"'), ('x=~"a|b"', 'x!~"a|b"'), ('x!~"a|b"', 'x=~"a|b"')])
def test_what_is_bad_is_the_rest_of_what_is_good(good: str, bad: str):
    found = metric.made(f"sum(rate(n{{{good}}}[1m])) / sum(rate(n[1m]))", Bounds(min=0.9))
    assert found.keys["bad"] == f"n{{{bad}}}"


@pytest.mark.parametrize(
    ("query", "bounds"),
    [
        ("sum(rate(handled_total{code='OK'}[1m])) / sum(rate(started_total[1m]))", Bounds(min=0.9)),
        ("sum(rate(n{a='1',b='2'}[1m])) / sum(rate(n[1m]))", Bounds(min=0.9)),
        (f"{BAD} / {ALL}", Bounds(0.1, 0.2)),
        ("sum(rate(http_request_duration_seconds_sum[1m])) / sum(rate(http_request_duration_seconds_count[1m]))", Bounds(max=0.3)),
        (f"{ALL} / {BAD}", Bounds(max=0.5)),
        ("sum(rate(bytes_total[1m])) / sum(rate(requests_total[1m]))", Bounds(max=5000)),
        ("sum by (path) (rate(n{a='1'}[1m])) / sum(rate(n{}[1m]))", Bounds(max=0.1)),
        ("avg(rate(n{a='1'}[1m]))", Bounds(max=0.1)),
        (f"{BAD} / {ALL} > 5", Bounds(max=0.1)),
        ("histogram_quantile(0.9, sum by (le) (rate(x_bucket{a='1'}[1m])))", Bounds(min=0.1)),
        ("sum(rate(n{a='1'}[1m:10s])) / sum(rate(n[1m]))", Bounds(max=0.1)),
        ("sum(rate(n{a='1'}[99999999999999])) / sum(rate(n[1m]))", Bounds(max=0.1)),
    ],
)
def test_anything_else_stays_a_query_about_the_candidate_and_says_why(query: str, bounds: Bounds):
    found = metric.made(query, bounds)
    assert "{candidate}" in found.keys["query"] and found.keys["query"].count("{candidate}") == query.count("rate(")
    assert (found.keys.get("min"), found.keys.get("max")) == (bounds.min, bounds.max)
    assert found.notes[0].startswith("kept as a free query: ")


def test_strings_and_comments_of_a_query_stay_as_they_are():
    found = metric.made('max(label_replace(x{a="}{[y{"}, "b", "c{d}", "e", "f")) # {z}', Bounds(max=1))
    assert found.keys["query"] == 'max(label_replace(x{a="}{[y{",{candidate}}, "b", "c{d}", "e", "f")) # {z}'


def test_a_query_without_a_selector_says_that_it_is_about_both_sides():
    assert "does not say which pods" in metric.made("avg(queue_depth)", Bounds(max=1)).notes[-1]


@pytest.mark.parametrize(
    ("query", "bounds", "keys"),
    [
        (
            'histogram_quantile(0.99, sum(rate(http_request_duration_seconds_bucket{app="web"}[2m])) by (le))',
            Bounds(max=0.5),
            {"histogram": 'http_request_duration_seconds{app="web"}', "slower_than": "500ms", "max": "1%", "window": "2m"},
        ),
        (
            "histogram_quantile(.95, sum by (le) (rate(istio_request_duration_milliseconds_bucket[1m])))",
            Bounds(max=500),
            {"histogram": "istio_request_duration_milliseconds", "slower_than": "500ms", "max": "5%", "window": "1m"},
        ),
        (
            'sum(rate(h_seconds_bucket{a="1",le="0.25"}[1m])) / sum(rate(h_seconds_count{a="1"}[1m]))',
            Bounds(min=0.9),
            {"histogram": 'h_seconds{a="1"}', "slower_than": "250ms", "max": "10%", "window": "1m"},
        ),
        (
            'sum(rate(h_seconds_bucket{le="1"}[1m])) / sum(rate(h_seconds_bucket{le="+Inf"}[1m]))',
            Bounds(min=0.99),
            {"histogram": "h_seconds", "slower_than": "1s", "max": "1%", "window": "1m"},
        ),
    ],
)
def test_a_limit_on_a_quantile_or_a_bucket_is_a_share_of_slow_requests(query: str, bounds: Bounds, keys: dict[str, Any]):
    assert metric.made(query, bounds).keys == keys


def test_the_callers_count_becomes_the_servers():
    query = 'sum(rate(r{reporter="source",c=~"5.*"}[1m])) / sum(rate(r{reporter="source"}[1m]))'
    found = metric.made(query, Bounds(max=0.1))
    assert found.keys["total"] == 'r{reporter="destination"}'
    assert "reporter destination" in found.notes[0]


def test_what_names_the_side_is_left_out_and_said():
    query = f'sum(rate(r{{pod_name=~"{metric.arm("target")}-.*",c="1"}}[1m])) / sum(rate(r{{pod_name=~"{metric.arm("target")}-.*"}}[1m]))'
    found = metric.made(query, Bounds(max=0.1))
    assert (found.keys["bad"], found.keys["total"]) == ('r{c="1"}', "r")
    assert "pod_name" in found.notes[0] and "set `pod_label`" in found.notes[1]


@pytest.mark.parametrize(
    ("query", "bounds", "reason"),
    [
        (ALL, Bounds(), "never fail"),
        (f"{BAD} / {ALL}", Bounds(max=1.0), "no share can break its limit"),
        ("sum(rate(nginx_ingress_controller_requests{a='1'}[1m])) / sum(rate(n[1m]))", Bounds(max=0.1), "which pod answered"),
        (f"max({metric.arm('target')}_depth)", Bounds(max=1), "it names the side by `target`"),
        ("max(x{a=})", Bounds(max=1), "not PromQL"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_the_reason(query: str, bounds: Bounds, reason: str):
    with pytest.raises(NotTaken) as error:
        metric.made(query, bounds)
    assert reason in error.value.what


def test_a_deep_or_endless_query_is_refused_not_a_crash():
    for query in ("(" * 5000 + "1", "sum(rate(x{", "sum(rate(x{a='", "sum(", "100 *", ""):
        try:
            metric.made(query, Bounds(max=1))
        except NotTaken:
            continue
