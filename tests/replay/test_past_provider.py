"""The past answers as Prometheus would have then, and asks the real one for each thing once."""

from dataclasses import dataclass, field

import pytest

from deliver.plugins.interfaces import Answer, Series
from deliver.replay.past_provider import Past

POINTS = tuple((float(at), float(at)) for at in range(0, 1000, 10))


@dataclass
class Recorded:
    """Answers with the same points whatever it is asked."""

    asked: list[str] = field(default_factory=list)

    def now(self, timeout: float) -> float:
        return 1000.0

    def raw(self, selector: str, window: float, timeout: float) -> Answer:
        self.asked.append(f"{selector}[{window:g}]")
        return Answer(selector, (Series({"pod": "a"}, POINTS),))

    def value(self, query: str, timeout: float) -> Answer:
        self.asked.append(query)
        return Answer(query, (Series({"pod": "a"}, POINTS),))


@pytest.fixture
def past() -> Past:
    return Past(Recorded(), since=500.0, at=500.0)  # type: ignore[arg-type]


def times(answer: Answer) -> list[float]:
    return [at for series in answer.series for at, _ in series.points]


def test_samples_are_those_of_the_window_before_that_time(past: Past):
    assert times(past.raw("x", 30.0, 1.0)) == [480.0, 490.0, 500.0]
    past.at = 995.0
    assert times(past.raw("x", 30.0, 1.0)) == [970.0, 980.0, 990.0]


def test_time_is_the_time_that_is_played(past: Past):
    past.at = 612.0
    assert past.now(1.0) == 612.0


def test_each_thing_is_asked_for_once_and_far_enough_back(past: Past):
    for at in (500.0, 700.0, 990.0):
        past.at = at
        past.raw("x", 60.0, 1.0)
        past.value("max(y)", 1.0)
        past.value("sum(z)[120s:30s]", 1.0)
    assert past.provider.asked == ["x[860]", "(max(y))[1100s:15s]", "sum(z)[920s:30s]"]  # type: ignore[attr-defined]


def test_what_a_look_before_did_not_reach_back_to_is_asked_for_again(past: Past):
    past.raw("x", 60.0, 1.0)
    assert min(times(past.raw("x", 460.0, 1.0))) == 50.0  # of a switch of all users: the past of stable, hours before
    assert past.provider.asked == ["x[860]", "x[1260]"]  # type: ignore[attr-defined]
    past.raw("x", 60.0, 1.0)
    assert len(past.provider.asked) == 2  # type: ignore[attr-defined]


@dataclass
class Dated(Recorded):
    """One that can be asked as of an earlier time."""

    at: float = 1000.0

    def as_of(self, at: float) -> "Dated":
        return Dated(self.asked, at)


def test_no_more_is_asked_for_than_there_is_to_play():
    provider = Dated()
    past = Past(provider, since=500.0, at=500.0, until=600.0)  # type: ignore[arg-type]
    past.raw("x", 60.0, 1.0)
    past.value("max(y)", 1.0)
    assert provider.asked == ["x[460]", "(max(y))[700s:15s]"]
    assert past.provider.at == 600.0  # type: ignore[attr-defined]


def test_a_subquery_is_cut_to_its_own_window(past: Past):
    assert times(past.value("sum(z)[20s:10s]", 1.0)) == [490.0, 500.0]


def test_a_query_gives_its_newest_value_unless_that_is_too_old(past: Past):
    past.at = 503.0
    assert times(past.value("max(y)", 1.0)) == [500.0]
    past.at = 2000.0
    assert past.value("max(y)", 1.0).series == ()


def test_a_series_that_was_not_there_yet_is_none(past: Past):
    past.at = -5.0
    assert past.raw("x", 30.0, 1.0).series == ()
