"""A release right after another one: the pods that serve now may not have been scraped yet. That is no typo."""

import pytest

from deliver.metrics import preflight
from deliver.model.observation import PodSeen
from deliver.model.spec import Analysis, RatioMetric
from deliver.plugins.interfaces import Answer, Series

NOW = 10_000.0
METRIC = RatioMetric("errors", 'requests{code="500"}', "requests", 0.01)


class OnlyOfOthers:
    """Knows the metric, of pods that are gone."""

    def raw(self, selector: str, window: float, timeout: float) -> Answer:
        return Answer(selector)

    def value(self, query: str, timeout: float) -> Answer:
        return Answer(query, (Series({}, ((NOW, 4.0),)),))

    def now(self, timeout: float) -> float:
        return NOW


@pytest.mark.parametrize(("age", "level"), [(5.0, "warn"), (119.0, "warn"), (121.0, "input")])
def test_pods_without_series_are_a_typo_only_when_they_are_old_enough_to_have_been_scraped(age: float, level: str):
    stable = (PodSeen("web-1", "u1", ready=True, since=NOW - 500), PodSeen("web-2", "u2", ready=True, since=NOW - age))
    (found,) = preflight.try_queries(Analysis(metrics=(METRIC,)), OnlyOfOthers(), "shop", stable)
    assert found.level == level
    assert "no series matches requests" in found.message


class Nothing(OnlyOfOthers):
    """Has heard of no such metric: the application was started for the first time, or the name is wrong."""

    def value(self, query: str, timeout: float) -> Answer:
        return Answer(query)


@pytest.mark.parametrize(
    ("age", "hint"),
    [
        (14.0, "nothing is called requests yet, and they are 14 s old: if the name is right, try again within 1 m 46 s"),
        (121.0, "nothing is called requests; is the name right, and are the pods scraped?"),
    ],
)
def test_a_name_that_nobody_has_heard_of_is_no_typo_for_sure_while_the_pods_are_young(age: float, hint: str):
    stable = (PodSeen("web-1", "u1", ready=True, since=NOW - age),)
    (found,) = preflight.try_queries(Analysis(metrics=(METRIC,)), Nothing(), "shop", stable)
    assert (found.level, found.hint) == ("input", hint)
