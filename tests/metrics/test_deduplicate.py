"""Two Prometheus servers in a pair, and stores with more than one cluster: each request counts once, and only ours do."""

import pytest

from deliver.metrics import deduplicate
from deliver.plugins.interfaces import Answer, Series

REPLICAS = ("prometheus_replica", "__replica__")


def series(*points: tuple[float, float], **labels: str) -> Series:
    return Series({"__name__": "req", "pod": "a", **labels}, points)


def test_the_copy_with_more_samples_counts_alone():
    answer = Answer("req", (series((1.0, 5.0), prometheus_replica="0"), series((1.5, 5.0), (2.5, 9.0), prometheus_replica="1")))
    (kept,) = deduplicate.deduplicate(answer, REPLICAS).series
    assert kept.points == ((1.5, 5.0), (2.5, 9.0))
    assert "prometheus_replica" not in kept.labels


def test_of_two_equal_ones_the_fresher():
    answer = Answer("req", (series((1.0, 5.0), __replica__="a"), series((1.5, 6.0), __replica__="b")))
    assert deduplicate.deduplicate(answer, REPLICAS).series[0].points == ((1.5, 6.0),)


def test_series_that_differ_otherwise_all_stay():
    answer = Answer("req", tuple(series((1.0, 5.0), prometheus_replica="0", code=code) for code in ("200", "500")))
    assert {one.labels["code"] for one in deduplicate.deduplicate(answer, REPLICAS).series} == {"200", "500"}


def test_without_the_label_the_answer_stays_as_it_is():
    answer = Answer("req", (series((1.0, 5.0)), series((1.0, 5.0))), ("partial",))
    assert deduplicate.deduplicate(answer, REPLICAS) is answer


@pytest.mark.parametrize("warnings", [(), ("one store did not answer",)])
def test_a_partial_answer_stays_one(warnings: tuple[str, ...]):
    answer = Answer("req", (series((1.0, 5.0), prometheus_replica="0"),), warnings)
    assert deduplicate.deduplicate(answer, REPLICAS).warnings == warnings
