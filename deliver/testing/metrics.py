"""The contract of a metric provider: raw samples, plain errors, and an end to every call."""

import math
from abc import abstractmethod
from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar

import pytest

from deliver.plugins.interfaces import Answer, MetricsError
from deliver.testing.plugin import PluginContract, in_time


class MetricProviderContract(PluginContract):
    """selector: of counters that exist. query: gives one number. wrong: can never be answered. unknown: a selector that matches nothing."""

    selector: ClassVar[str]
    query: ClassVar[str]
    wrong: ClassVar[str]
    unknown: ClassVar[str] = "no_such_series_at_all"
    timeout: ClassVar[float] = 5.0

    @abstractmethod
    def alive(self) -> Any:
        """A provider whose server is there and has samples."""

    @abstractmethod
    def dead(self) -> Any:
        """One whose server does not answer."""

    def test_raw_gives_every_sample_of_the_window_oldest_first(self) -> None:
        answer: Answer = self.alive().raw(self.selector, 60.0, self.timeout)
        assert answer.series, "the selector's series are there"
        assert answer.query
        for series in answer.series:
            assert all(earlier[0] < later[0] for earlier, later in pairwise(series.points))
            assert all(isinstance(value, float) for _, value in series.points)

    def test_a_selector_that_matches_nothing_is_an_empty_answer(self) -> None:
        assert self.alive().raw(self.unknown, 60.0, self.timeout).series == ()

    def test_a_value_is_a_number_now(self) -> None:
        (series,) = self.alive().value(self.query, self.timeout).series
        assert math.isfinite(series.points[-1][1])

    def test_its_clock_goes(self) -> None:
        provider = self.alive()
        first = provider.now(self.timeout)
        assert provider.now(self.timeout) >= first > 0

    def test_a_query_that_can_never_be_answered_says_so(self) -> None:
        with pytest.raises(MetricsError) as caught:
            self.alive().value(self.wrong, self.timeout)
        assert caught.value.bad_query

    def test_a_server_that_is_away_is_an_error_in_time_and_nobodys_query(self) -> None:
        provider = self.dead()
        calls: tuple[Callable[[], Any], ...] = (
            lambda: provider.raw(self.selector, 60.0, 1.0),
            lambda: provider.value(self.query, 1.0),
            lambda: provider.now(1.0),
        )
        for call in calls:
            with in_time(1.0), pytest.raises(MetricsError) as caught:
                call()
            assert not caught.value.bad_query
