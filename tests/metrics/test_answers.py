"""A corpus of answers: a whole, successful one gives samples, everything else an error that says what came."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.metrics.answers import parse_answer
from deliver.plugins.interfaces import Answer, MetricsError


def ok(kind, result, **more):
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}, **more}).encode()


def one(value):
    return ok("vector", [{"metric": {"pod": "a"}, "value": [1.5, value]}])


@pytest.mark.parametrize(
    ("body", "points"),
    [
        (one("3"), [((1.5, 3.0),)]),
        (one("NaN"), "nan"),
        (one("+Inf"), [((1.5, float("inf")),)]),
        (one("-Inf"), [((1.5, float("-inf")),)]),
        (ok("vector", []), []),
        (ok("matrix", []), []),
        (ok("scalar", [1, "0.5"]), [((1.0, 0.5),)]),
        (ok("matrix", [{"metric": {}, "values": [[1, "1"], [2, "2"]]}]), [((1.0, 1.0), (2.0, 2.0))]),
        (ok("vector", [{"metric": {}, "value": [1, "1"]}, {"metric": {"a": "b"}, "value": [1, "2"]}]), [((1.0, 1.0),), ((1.0, 2.0),)]),
        (ok("vector", [], infos=["PromQL info: not a counter"]), []),
    ],
)
def test_good_answers(body, points):
    series = [one.points for one in parse_answer(200, body, "q").series]
    assert ("nan" in str(series)) if points == "nan" else series == points


def test_warnings_are_kept():
    assert parse_answer(200, ok("vector", [], warnings=["store 1\n is away"]), "q").warnings == ("store 1 is away",)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, b"<html><title>Sign in</title>", "Sign in"),
        (200, b"", "nothing"),
        (200, b"null", "null"),
        (200, b"[]", "[]"),
        (200, b'{"status":"success"}', "success"),
        (200, b'{"status":"success","data":null}', "success"),
        (200, one("3")[:-10], "did not answer"),
        (200, b"\xff\xfe\x00", "did not answer"),
        (200, b"[" * 100_000, "did not answer"),
        (200, b'{"status":"error","errorType":"timeout","error":"query timed out"}', "query timed out"),
        (200, ok("string", [1, "x"]), "result type 'string'"),
        (200, ok("streams", []), "streams"),
        (200, ok("vector", {}), "malformed"),
        (200, ok("vector", [1]), "malformed"),
        (200, ok("vector", [{"metric": {}}]), "malformed"),
        (200, ok("vector", [{"metric": {"a": 1}, "value": [1, "1"]}]), "malformed"),
        (200, ok("vector", [{"metric": [], "value": [1, "1"]}]), "malformed"),
        (200, ok("vector", [{"metric": {}, "value": [1, 1]}]), "malformed"),
        (200, ok("vector", [{"metric": {}, "value": ["1", "1"]}]), "malformed"),
        (200, ok("vector", [{"metric": {}, "value": [1, "1_0"]}]), "malformed"),
        (200, ok("vector", [{"metric": {}, "value": [1, "ten"]}]), "malformed"),
        (200, ok("vector", [{"metric": {}, "histogram": [1, {}]}]), "malformed"),
        (200, ok("matrix", [{"metric": {}, "values": [[2, "1"], [1, "2"]]}]), "out of order"),
        (200, ok("scalar", [1]), "malformed"),
        (503, b"", "503"),
        (503, b"<html>", "503"),
        (503, b'{"status":"error","errorType":"timeout","error":"too slow"}', "too slow"),
        (422, b'{"status":"error","errorType":"execution","error":"many-to-many"}', "many-to-many"),
        (401, b"Unauthorized", "Unauthorized"),
        (404, b"404 page not found", "not found"),
        (503, b'{"kind":"Status","message":"no endpoints available for service"}', "no endpoints available"),
        (403, b'{"kind":"Status","message":"cannot get services/proxy"}', "services/proxy"),
        (500, ok("vector", []), "500"),
        (204, b"", "204"),
    ],
)
def test_everything_else_is_an_error_that_says_what_came(status, body, says):
    with pytest.raises(MetricsError) as caught:
        parse_answer(status, body, "q")
    assert says in str(caught.value)
    assert not caught.value.bad_query
    assert len(str(caught.value)) < 400


def test_only_a_query_that_cannot_be_parsed_is_the_users_fault():
    with pytest.raises(MetricsError) as caught:
        parse_answer(400, b'{"status":"error","errorType":"bad_data","error":"1:5: parse error: unexpected end"}', "q")
    assert caught.value.bad_query


def test_a_refusal_of_any_length_is_told_in_short():
    """It goes into the journal, and an object of the cluster has 1 MiB."""
    with pytest.raises(MetricsError) as caught:
        parse_answer(500, json.dumps({"status": "error", "errorType": ["x" * 90_000], "error": "y" * 90_000}).encode(), "q")
    assert len(str(caught.value)) < 400


KEYS = st.sampled_from(["status", "data", "result", "resultType", "metric", "value"])
LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=5)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)
RESULTS = st.sampled_from(["vector", "matrix", "scalar"]).flatmap(lambda kind: JSON.map(lambda result: ok(kind, result)))


@given(st.sampled_from([200, 400, 503]), st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()) | RESULTS)
def test_no_answer_raises_anything_else(status, body):
    with contextlib.suppress(MetricsError):
        assert isinstance(parse_answer(status, body, "q"), Answer)
