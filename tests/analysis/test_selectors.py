"""Selectors: taken apart strictly, put together safely, whatever the values are."""

import re
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deliver.analysis.selectors import Matcher, PodLabels, Selector, arms_in, escape, fill, histogram, le_pattern, parse
from deliver.model.errors import InputError

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
LABEL = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True).filter(lambda name: name != "__name__")
MATCHERS = st.lists(st.builds(Matcher, LABEL, st.sampled_from(["=", "!=", "=~", "!~"]), TEXT), max_size=4).map(tuple)


@given(name=st.one_of(st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,8}", fullmatch=True), TEXT.filter(bool)), matchers=MATCHERS)
def test_what_is_put_together_parses_to_exactly_the_intended_matchers(name, matchers):
    assert parse(str(Selector(name, matchers))) == Selector(name, matchers)


@given(pods=st.lists(TEXT, min_size=1, max_size=4), namespace=TEXT, user=MATCHERS)
def test_pod_matchers_select_exactly_the_pods_and_keep_the_users_own(pods, namespace, user):
    selector = parse(str(Selector("m", user).where(*PodLabels("ns", "po").matchers(namespace, tuple(pods)))))
    assert selector.matchers[:-2] == user
    assert selector.matchers[-2] == Matcher("ns", "=", namespace)
    assert selector.matchers[-1].value == "|".join(escape(pod) for pod in pods)


def test_names_that_are_no_plain_ones_are_quoted():
    selector = Selector("my.metric", (Matcher("my.label", "=", "x"), Matcher("plain", "!=", 'a"b')))
    assert str(selector) == '{"my.metric","my.label"="x",plain!="a\\"b"}'
    assert parse(str(selector)) == selector
    assert str(Selector("up")) == "up"


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
    ("text", "why"),
    [
        ("", "at character 1: no metric name"),
        ("sum(x)", "at character 4: `(x)` does not belong in a selector"),
        ("up[5m]", "at character 3: `[5m]` does not belong in a selector"),
        ("up offset 5m", "at character 4: `offset 5m` does not belong in a selector"),
        ("up or vector(1)", "at character 4: `or vector(1)` does not belong in a selector"),
        ('up{a="x"', "at character 9: `,` or `}` is missing"),
        ('up{a="x}', "at character 6: the string is not closed"),
        ('up{a"x"}', "at character 5: one of = != =~ !~ is missing"),
        ('up{a="x" b="y"}', "at character 10: `,` or `}` is missing"),
        ("up{a=x}", "at character 6: a string in quotes is missing"),
        ('up{a="\\q"}', "at character 7: unknown escape in a string"),
        ("up{=}", "at character 4: a label name or `}` is missing"),
        ('up{""}', "at character 4: a label name or `}` is missing"),
        ('{a="x"}', "at character 1: no metric name"),
        ('up{a="x",__name__="down"}', "at character 10: the metric name is given twice"),
        ('{"up","down"}', "at character 7: the metric name is given twice"),
        ('{__name__=""}', "at character 2: the metric name is empty"),
        ('up{a="x"} # comment', "at character 11: `# comment` does not belong in a selector"),
    ],
)
def test_anything_else_is_refused_with_the_place(text, why):
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.why == why
    assert (caught.value.what, caught.value.hint) == (f"`{text}` is not a plain selector", 'write it like http_requests_total{code=~"5.."}')


@pytest.mark.parametrize(
    ("text", "what", "why", "hint"),
    [
        ("x_bucket", "is a part of a histogram", "_bucket is added by deliver", "write x"),
        ("x_count{a='b'}", "is a part of a histogram", "_count is added by deliver", "write x"),
        ("x_sum", "is a part of a histogram", "_sum is added by deliver", "write x"),
        ('x{a="b",le="1"}', "has a matcher for `le`", "deliver adds the one for the bound", "leave `le` out"),
    ],
)
def test_a_histogram_is_named_by_its_base(text, what, why, hint):
    with pytest.raises(InputError) as caught:
        histogram(text)
    assert (caught.value.what, caught.value.why, caught.value.hint) == (f"`{text}` {what}", why, hint)
    assert histogram('x{a="b"}') == Selector("x", (Matcher("a", "=", "b"),))


@pytest.mark.parametrize(
    ("matcher", "held"),
    [
        (Matcher("code", "=", "500"), True),
        (Matcher("code", "=", "50"), False),
        (Matcher("code", "!=", "500"), False),
        (Matcher("code", "!=", "200"), True),
        (Matcher("code", "!=", "5.."), True),  # a text, no pattern
        (Matcher("code", "=", "5.."), False),
        (Matcher("code", "=~", "5.."), True),
        (Matcher("code", "=~", "5."), False),  # the whole value, not its begin
        (Matcher("code", "!~", "5.."), False),
        (Matcher("code", "!~", "4.."), True),
        (Matcher("path", "=", ""), True),  # a label that is not there is an empty one
        (Matcher("path", "!=", ""), False),
        (Matcher("path", "=~", "/.*"), False),
    ],
)
def test_which_series_a_matcher_selects(matcher, held):
    assert matcher.holds({"code": "500"}) is held


@pytest.mark.parametrize(
    ("bound", "written"), [(1.0, "1"), (1.0, "1.0"), (0.25, "0.25"), (1e6, "1e+06"), (1e6, "1000000"), (1e6, "1000000.0")]
)
def test_a_bound_is_found_however_it_is_written(bound, written):
    assert re.fullmatch(le_pattern(bound), written)
    assert not re.fullmatch(le_pattern(bound), written + "5")
    assert not re.fullmatch(le_pattern(bound), "0"), "nor by its whole part"


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
        ('up{a="x"} / up{candidate}', 'up{a="x"} / up{pod=~"a|b"}'),  # after a brace that was closed
        ("# {stable}\nup{candidate} # {stable}\n/ up{stable}", '# {stable}\nup{pod=~"a|b"} # {stable}\n/ up{pod=~"c"}'),
    ],
)
def test_placeholders_become_matchers(query, filled):
    assert fill(query, {"candidate": C, "stable": S}) == filled


def test_a_query_with_an_open_string_is_refused_with_the_place():
    with pytest.raises(InputError) as caught:
        fill('up{candidate} > "x', {"candidate": C})
    assert (caught.value.what, caught.value.why) == ('`up{candidate} > "x` is not PromQL', "at character 17: the string is not closed")


def test_the_arms_a_query_asks_for():
    assert arms_in("a{candidate}/a{stable}") == {"candidate", "stable"}
    assert arms_in('a{b="{stable}"}') == set()


def test_no_pods_is_no_selector_rather_than_one_for_series_without_a_pod():
    with pytest.raises(ValueError, match=r"^no pods to select$"):
        PodLabels().matchers("ns", ())


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not on PATH")
@settings(max_examples=15, deadline=None)
@given(matchers=MATCHERS.filter(lambda ms: all(m.op in {"=", "!="} for m in ms)), pods=st.lists(TEXT.filter(bool), min_size=1, max_size=3))
def test_prometheus_itself_takes_what_is_put_together(matchers, pods):
    selector = str(Selector("m", matchers).where(*PodLabels().matchers("ns", tuple(pods))))
    done = subprocess.run(["promtool", "promql", "--experimental", "format", selector], capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
