"""How often, and how late: the scrape interval and the store's delay, out of raw samples alone."""

from itertools import pairwise

import pytest

from deliver.metrics.scrape_delay import Cadence, cadence, sample_spacing
from deliver.plugins.interfaces import Histogram, Series

NOW = 10_000.0


def scraped(interval: float, *, last: float, samples: int = 10, without: tuple[int, ...] = ()) -> Series:
    """A counter that was scraped every `interval` seconds; `without`: scrapes before the newest (1, 2, ...) that were missed."""
    times = [last - interval * back for back in reversed(range(samples)) if back not in without]
    return Series({"pod": "web"}, tuple((at, 1.0) for at in times))


@pytest.mark.parametrize("interval", [1.0, 2.0, 15.0, 30.0, 60.0])
def test_a_store_that_is_up_to_date_has_an_interval_and_no_delay(interval: float) -> None:
    assert cadence([scraped(interval, last=NOW - 0.7 * interval)], NOW) == Cadence(interval, 0.0)


@pytest.mark.parametrize("delay", [15.0, 30.0, 90.0])
def test_what_one_interval_does_not_explain_is_the_stores_delay(delay: float) -> None:
    assert cadence([scraped(2.0, last=NOW - delay - 2.0)], NOW) == Cadence(2.0, delay)


def test_the_delay_that_is_told_is_never_more_than_it_is_and_at_most_one_interval_less() -> None:
    told = [cadence([scraped(15.0, last=NOW - 30 - age)], NOW).delay for age in range(16)]
    assert max(told) == 30.0
    assert min(told) == 15.0
    assert all(earlier <= later for earlier, later in pairwise(told))


def test_a_scrape_that_one_pod_missed_is_no_delay() -> None:
    missed = scraped(30.0, last=NOW - 55)
    assert cadence([missed, scraped(30.0, last=NOW - 10)], NOW) == Cadence(30.0, 0.0)


def test_missed_scrapes_do_not_lengthen_the_interval() -> None:
    assert cadence([scraped(15.0, last=NOW - 1, without=(2, 5))], NOW).interval == 15.0


def test_a_pod_that_is_gone_says_nothing_of_the_delay() -> None:
    assert cadence([scraped(2.0, last=NOW - 500), scraped(2.0, last=NOW - 1)], NOW).delay == 0.0


def test_native_histograms_are_samples_too() -> None:
    native = Series({"pod": "web"}, (), tuple((NOW - 10 * back, Histogram(1.0)) for back in reversed(range(5))))
    assert cadence([native], NOW) == Cadence(10.0, 0.0)


@pytest.mark.parametrize("series", [[], [Series({}, ())], [Series({}, ((NOW - 40, 1.0),))]])
def test_without_two_samples_of_a_series_nothing_is_known(series: list[Series]) -> None:
    found = cadence(series, NOW)
    assert not found.known
    assert (found.interval, found.delay, found.step) == (0.0, 0.0, 0.0)


def test_a_step_needs_two_samples_of_its_own_and_the_delay() -> None:
    assert Cadence(30.0, 15.0).step == 75.0


def test_the_spacing_is_the_usual_one_and_not_that_of_a_gap():
    gap = Series({}, ((0.0, 1.0), (15.0, 2.0), (30.0, 3.0), (300.0, 4.0)))
    assert sample_spacing([gap]) == 15.0
    assert sample_spacing([Series({}, ((0.0, 1.0),))]) == 0.0
