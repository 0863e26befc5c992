"""Selectors: taken apart strictly, put together safely, whatever the values are."""

import re
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deliver.analysis.selectors import Labels, Matcher, Selector, arms_in, bounds, escape, fill, histogram, parse
from deliver.model.errors import InputError

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
LABEL = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True).filter(lambda name: name != "__name__")
MATCHERS = st.lists(st.builds(Matcher, LABEL, st.sampled_from(["=", "!=", "=~", "!~"]), TEXT), max_size=4).map(tuple)


@given(name=st.one_of(st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,8}", fullmatch=True), TEXT.filter(bool)), matchers=MATCHERS)
def test_what_is_put_together_parses_to_exactly_the_intended_matchers(name, matchers):
    assert parse(str(Selector(name, matchers))) == Selector(name, matchers)


@given(pods=st.lists(TEXT, min_size=1, max_size=4), namespace=TEXT, user=MATCHERS)
def test_pod_matchers_select_exactly_the_pods_and_keep_the_users_own(pods, namespace, user):
    selector = parse(str(Selector("m", user).where(*Labels("ns", "po").matchers(namespace, tuple(pods)))))
    assert selector.matchers[:-2] == user
    assert selector.matchers[-2] == Matcher("ns", "=", namespace)
    assert selector.matchers[-1].value == "|".join(escape(pod) for pod in pods)


@given(text=TEXT, other=TEXT)
def test_an_escaped_text_matches_itself_alone(text, other):
    assert re.fullmatch(escape(text), text)
    assert bool(re.fullmatch(escape(text), other)) == (text == other)


@pytest.mark.parametrize(
    ("text", "name", "matchers"),
    [
        ("up", "up", []),
        (" up { } ", "up", []),
        ('http:rate{code=~"5..",}', "http:rate", [("code", "=~", "5..")]),
        ("up{a='x',b!~`\\d`}", "up", [("a", "=", "x"), ("b", "!~", "\\d")]),
        ('{__name__="up",a=""}', "up", [("a", "=", "")]),
        ('{"my.metric","my.label"="x"}', "my.metric", [("my.label", "=", "x")]),
        (r'up{a="\"\\\n\x41\u00e9\101"}', "up", [("a", "=", '"\\\nA\u00e9A')]),
        ('up{a="}{,"}', "up", [("a", "=", "}{,")]),
    ],
)
def test_plain_selectors(text, name, matchers):
    assert parse(text) == Selector(name, tuple(Matcher(*one) for one in matchers))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "character 1"),
        ("sum(x)", "character 4"),
        ("up[5m]", "character 3"),
        ("up offset 5m", "character 4"),
        ("up or vector(1)", "character 4"),
        ('up{a="x"', "character 9"),
        ('up{a="x}', "character 6"),
        ('up{a"x"}', "character 5"),
        ('up{a="x" b="y"}', "character 10"),
        ("up{a=x}", "character 6"),
        ('up{a="\\q"}', "character 7"),
        ('{a="x"}', "no metric name"),
        ('up{__name__="down"}', "given twice"),
        ('up{a="x"} # comment', "character 11"),
    ],
)
def test_anything_else_is_refused_with_the_place(text, place):
    with pytest.raises(InputError) as caught:
        parse(text)
    assert place in caught.value.why


@pytest.mark.parametrize("text", ["x_bucket", "x_count{a='b'}", "x_sum", 'x{le="1"}'])
def test_a_histogram_is_named_by_its_base(text):
    with pytest.raises(InputError):
        histogram(text)


@pytest.mark.parametrize(
    ("bound", "written"), [(1.0, "1"), (1.0, "1.0"), (0.25, "0.25"), (1e6, "1e+06"), (1e6, "1000000"), (1e6, "1000000.0")]
)
def test_a_bound_is_found_however_it_is_written(bound, written):
    assert re.fullmatch(bounds(bound), written)
    assert not re.fullmatch(bounds(bound), written + "5")


C, S = (Matcher("pod", "=~", "a|b"),), (Matcher("pod", "=~", "c"),)


@pytest.mark.parametrize(
    ("query", "filled"),
    [
        ("up{candidate}", 'up{pod=~"a|b"}'),
        ('up{code="5",{candidate}}', 'up{code="5",pod=~"a|b"}'),
        ("sum(up{candidate}) / sum(up{stable})", 'sum(up{pod=~"a|b"}) / sum(up{pod=~"c"})'),
        ('up{a="{candidate}"}', 'up{a="{candidate}"}'),
        ('up{a="}",{stable}}', 'up{a="}",pod=~"c"}'),
        ("up # {candidate}", "up # {candidate}"),
    ],
)
def test_placeholders_become_matchers(query, filled):
    assert fill(query, {"candidate": C, "stable": S}) == filled


def test_the_arms_a_query_asks_for():
    assert arms_in("a{candidate}/a{stable}") == {"candidate", "stable"}
    assert arms_in('a{b="{stable}"}') == set()


def test_no_pods_is_no_selector_rather_than_one_for_series_without_a_pod():
    with pytest.raises(ValueError):
        Labels().matchers("ns", ())


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not on PATH")
@settings(max_examples=15, deadline=None)
@given(matchers=MATCHERS.filter(lambda ms: all(m.op in {"=", "!="} for m in ms)), pods=st.lists(TEXT.filter(bool), min_size=1, max_size=3))
def test_prometheus_itself_takes_what_is_put_together(matchers, pods):
    selector = str(Selector("m", matchers).where(*Labels().matchers("ns", tuple(pods))))
    done = subprocess.run(["promtool", "promql", "--experimental", "format", selector], capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
