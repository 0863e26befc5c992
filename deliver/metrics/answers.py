"""Reads Prometheus' query answers strictly: what is not exactly as documented is a MetricsError, never a number.

Format: https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats
"""

import itertools
import math
from typing import Any

from deliver.formatting.sanitize import json_in, one_line
from deliver.plugins.interfaces import Answer, Histogram, MetricsError, Series


def parse_answer(status: int, body: bytes, query: str) -> Answer:
    """Raises MetricsError for any answer that is not a whole, successful one."""
    data = json_in(body)
    if isinstance(data, dict) and data.get("status") == "error":
        raise refusal(status, data)
    if status != 200:
        raise MetricsError(f"answered {status}: {_problem(data, body)}")
    if not isinstance(data, dict) or data.get("status") != "success" or not isinstance(data.get("data"), dict):
        raise MetricsError(f"did not answer as a Prometheus does: {short(body)}")
    try:
        series = _series(data["data"].get("resultType"), data["data"].get("result"))
        warnings = tuple(one_line(text, 300) for text in data.get("warnings") or ())
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise MetricsError(f"answered with malformed data: {one_line(error, 300)}") from error
    return Answer(query, series, warnings)


def refusal(status: int, data: dict[str, Any]) -> MetricsError:
    """The error for a well-formed refusal. Only `bad_data` is the query's own fault; a time-out or an overload passes."""
    kind = one_line(data.get("errorType", ""), 40)
    message = one_line(data.get("error", "no reason given"), 300)
    return MetricsError(f"refused the query ({kind or status}): {message}", bad_query=status == 400 and kind == "bad_data")


def short(body: bytes) -> str:
    return one_line(body[:400].decode(errors="replace"), 120) or "nothing"


def _problem(data: Any, body: bytes) -> str:
    """The API server's proxy explains itself in a Status object; others in whatever they like."""
    if isinstance(data, dict) and data.get("kind") == "Status":
        return one_line(data.get("message", "no reason given"), 300)
    return short(body)


def _series(kind: Any, result: Any) -> tuple[Series, ...]:
    if kind == "scalar":
        return (Series({}, (_point(result),)),)
    if kind not in {"vector", "matrix"} or not isinstance(result, list):
        raise ValueError(f"result type {kind!r}")
    return tuple(_one(kind, entry) for entry in result)


def _one(kind: str, entry: Any) -> Series:
    labels = entry["metric"]
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise ValueError("labels that are not text")
    points = tuple(_point(pair) for pair in _pairs(kind, entry, "value"))
    natives = tuple((_time(at), _histogram(sample)) for at, sample in _pairs(kind, entry, "histogram"))
    if not points and not natives:
        raise ValueError("a series without a sample")
    if any(earlier[0] >= later[0] for samples in (points, natives) for earlier, later in itertools.pairwise(samples)):
        raise ValueError("samples out of order")
    return Series(labels, points, natives)


def _pairs(kind: str, entry: Any, key: str) -> list[Any]:
    """The samples of an entry: plain values and native histograms stand under keys of their own."""
    if kind == "vector":
        return [entry[key]] if key in entry else []
    return list(entry.get(f"{key}s") or ())


def _point(pair: Any) -> tuple[float, float]:
    at, value = pair
    return _time(at), _number(value)


def _time(at: Any) -> float:
    if isinstance(at, bool) or not isinstance(at, (int, float)) or not math.isfinite(at):
        raise ValueError("a sample without a time")
    return float(at)


def _number(value: Any) -> float:
    if not isinstance(value, str) or "_" in value:
        raise ValueError("a sample that is not a time and a number in quotes")
    return float(value)


def _histogram(sample: Any) -> Histogram:
    """`{"count": "3", "sum": "0.4", "buckets": [[rule, "0.1", "0.2", "3"]]}`; the rule says which of its ends belong to a bucket."""
    buckets = tuple((_number(low), _number(high), _number(count)) for _, low, high, count in sample.get("buckets") or ())
    if any(not low < high or not count >= 0 for low, high, count in buckets):
        raise ValueError("a histogram whose buckets cannot be")
    return Histogram(_number(sample["count"]), buckets)
