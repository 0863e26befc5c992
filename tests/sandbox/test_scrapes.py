"""How the sandbox's Prometheus comes by its samples and shows them: each of its settings, as a real one has it."""

import time
from itertools import pairwise

import pytest

from deliver.plugins.interfaces import MetricsError, Series
from deliver_sandbox.fixtures import IMAGE, world
from deliver_sandbox.images import HEALTHY, Behaviour
from deliver_sandbox.scrapes import Scraping
from deliver_sandbox.world import World

ALL, BAD = 'http_requests_total{code="200"}', 'http_requests_total{code="500"}'


def scraped(scraping: Scraping, behaviour: Behaviour = HEALTHY, rps: float = 100.0, replicas: int = 4) -> World:
    made = world(replicas, {IMAGE: behaviour}, rps=rps, fresh=1.0, scrape=0.0)
    made.traffic.scrape(scraping)
    return made


def raw(made: World, selector: str, window: float = 300.0) -> tuple[Series, ...]:
    return made.metrics.raw(selector, window, 5.0).series


def number(made: World, query: str) -> float:
    (series,) = made.metrics.value(query, 5.0).series
    return series.points[0][1]


def test_on_the_beat_all_pods_are_scraped_at_one_moment():
    made = scraped(Scraping(15.0))
    began = made.clock.now()
    made.clock.wait(61.0)
    assert {tuple(at - began for at, _ in one.points) for one in raw(made, ALL)} == {(15.0, 30.0, 45.0, 60.0)}


def test_apart_each_pod_has_a_place_of_its_own_and_keeps_it():
    made = scraped(Scraping(15.0, apart=True))
    made.clock.wait(100.0)
    firsts = {round(one.points[0][0] % 15, 3) for one in raw(made, ALL)}
    assert len(firsts) == 4
    assert all(later[0] - earlier[0] == pytest.approx(15.0) for one in raw(made, ALL) for earlier, later in pairwise(one.points))


def test_jitter_makes_a_scrape_late_by_no_more_than_its_share():
    made = scraped(Scraping(10.0, jitter=0.3))
    began = made.clock.now()
    made.clock.wait(200.0)
    late = [(at - began) % 10.0 for one in raw(made, ALL) for at, _ in one.points]
    assert 0.0 <= min(late) < 1.0 and 2.0 < max(late) <= 3.0


def test_a_missed_scrape_is_up_0_and_no_sample_and_nothing_is_lost_by_it():
    made = scraped(Scraping(5.0, missed=0.3))
    made.clock.wait(299.0)
    ups = [value for one in raw(made, "up") for _, value in one.points]
    assert 0.5 < sum(ups) / len(ups) < 0.9
    assert sum(len(one.points) for one in raw(made, ALL)) == sum(ups)
    assert sum(one.points[-1][1] for one in raw(made, ALL)) == pytest.approx(29_900, rel=0.1)


def test_a_scrape_that_failed_ends_its_series_for_instant_queries_until_the_next():
    made = scraped(Scraping(5.0, missed=1.0))
    made.clock.wait(31.0)
    assert made.metrics.value("http_requests_total", 5.0).series == ()
    assert number(made, "count(up == 0)") == 4.0


def test_a_pod_is_a_target_only_after_it_was_discovered_and_its_image_may_be_later():
    made = scraped(Scraping(5.0, discovery=7.0, late={IMAGE: 20.0}))
    name = made.api.list("pods", "shop")[0]["metadata"]["name"]
    made.api.delete("pods", "shop", name)
    made.clock.wait(60.0)
    young = [one for one in raw(made, "up") if one.labels["pod"] not in {pod["metadata"]["name"] for pod in made.api.list("pods", "shop")}]
    assert not young  # it went before it was one
    (new,) = [run for run in made.kubelet.runs.values() if run.started > made.clock.now() - 61.0]
    (series,) = [one for one in raw(made, ALL) if one.labels["pod"] == new.name]
    assert series.points[0][0] >= new.started + new.behaviour.start + 27.0


def test_a_counter_can_be_born_with_its_first_event():
    made = scraped(Scraping(1.0, born=True), rps=20.0)
    made.clock.wait(20.0)
    assert len(raw(made, ALL)) == 4
    assert raw(made, BAD) == ()
    made.kubelet.turn(IMAGE, errors=0.2)
    made.clock.wait(20.0)
    assert raw(made, BAD)
    assert all(one.points[0][1] >= 1.0 for one in raw(made, BAD))
    older = scraped(Scraping(1.0))
    older.clock.wait(20.0)
    assert {value for one in raw(older, BAD) for _, value in one.points} == {0.0}


def test_a_store_that_is_late_shows_no_newer_sample_to_any_query():
    made = scraped(Scraping(5.0))
    made.metrics.series.lag = 30.0
    made.clock.wait(100.0)
    now = made.clock.now()
    assert max(one.points[-1][0] for one in raw(made, ALL)) == pytest.approx(now - 30.0)
    assert number(made, "sum(http_requests_total)") == pytest.approx(7_000, rel=0.02)
    assert made.metrics.now(5.0) == now


def test_victoriametrics_offset_gives_instant_queries_the_value_of_then_and_ranges_all_samples():
    made = scraped(Scraping(5.0))
    made.metrics.latency_offset = 30.0
    made.clock.wait(100.0)
    now = made.clock.now()
    assert number(made, "sum(http_requests_total)") == pytest.approx(7_000, rel=0.02)
    assert made.metrics.now(5.0) == now - 30.0  # as if its clock were behind
    assert max(one.points[-1][0] for one in raw(made, ALL)) == pytest.approx(now)
    (past,) = made.metrics.value("sum(http_requests_total)[90s:10s]", 5.0).series
    held = [value for at, value in past.points if at > now - 30.0]
    assert len(set(held)) == 1 and past.points[-1][1] < 7_500


def test_an_image_can_turn_bad_after_it_has_served_for_a_while():
    made = scraped(Scraping(5.0), Behaviour(errors=0.5, sound=60.0))
    made.clock.wait(50.0)
    assert made.traffic.tally.errors == 0
    made.clock.wait(50.0)
    assert made.traffic.tally.errors == pytest.approx(2_000, rel=0.15)


def test_users_with_a_flag_are_counted_apart_by_a_label():
    made = scraped(Scraping(5.0))
    made.traffic.vary(lambda: 0.25, Behaviour(errors=0.5))
    made.clock.wait(60.0)
    on, off = (number(made, f'sum(http_requests_total{{variant="{name}"}})') for name in ("on", "off"))
    assert on / (on + off) == pytest.approx(0.25, abs=0.03)
    assert number(made, 'sum(http_requests_total{variant="on",code="500"})') / on == pytest.approx(0.5, abs=0.06)
    assert number(made, 'sum(http_requests_total{variant="off",code="500"})') == 0.0
    assert number(made, "count(up)") == 4.0


def test_a_query_before_the_first_scrape_finds_nothing():
    made = scraped(Scraping(60.0, apart=True), replicas=1)
    assert raw(made, ALL) == ()
    with pytest.raises(MetricsError):
        made.metrics.value("sum(", 5.0)


def test_hours_that_nobody_asks_about_cost_next_to_nothing():
    made = scraped(Scraping(1.0, apart=True, jitter=0.3, missed=0.05))
    begin = time.process_time()
    for _ in range(10):
        made.clock.wait(3600.0)
        assert made.traffic.tally.requests
    assert time.process_time() - begin < 10.0  # a draw for each scrape of the ten hours, and no row of them


@pytest.mark.parametrize("scraping", [Scraping(7.0), Scraping(7.0, apart=True, jitter=0.2, missed=0.2)])
def test_the_same_seed_gives_the_same_samples_however_often_one_looks(scraping: Scraping):
    whole, often = scraped(scraping), scraped(scraping)
    whole.clock.wait(120.0)
    for _ in range(120):
        often.clock.wait(1.0)
        assert often.traffic.tally
    assert {one.labels["pod"]: one.points for one in raw(whole, "up")} == {one.labels["pod"]: one.points for one in raw(often, "up")}
