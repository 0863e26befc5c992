"""What leans against the candidate, gross harm, and which samples a step rests on: the judge's side of design.md rule 2."""

import dataclasses

import pytest

from deliver.metrics import preflight
from deliver.model.spec import Analysis
from deliver.plugins.interfaces import Answer
from tests.metrics.evidence_shop import BEGIN, BLIND, CANDIDATE, ERRORS, FAIL, PASS, STABLE, Shop, Watch, rates


def test_one_client_that_tries_again_within_a_look_is_no_gross_harm():
    """Scrapes of 2 s: its errors are all in one of them."""

    class Burst(Shop):
        def raw(self, selector, window, timeout):
            self.asked.append(selector)
            return Answer(selector, tuple(one for one in self.series(selector, self.at - window, 2) if one.points))

        def series(self, selector, since, every):
            for one in super().series(selector, since, every):
                clustered = one.labels["code"] == "500" and one.labels["pod"] == CANDIDATE[0].name
                yield dataclasses.replace(one, points=tuple((t, 20.0 * (t > BEGIN + 6)) for t, _ in one.points)) if clustered else one

    watch = Watch(Burst(rates(0.0, stable_bad=0.0)), poll=5.0)
    verdicts = [watch.look(5).results[0] for _ in range(4)]
    assert FAIL not in {one.verdict for one in verdicts}
    assert verdicts[-1].leans


def test_what_leans_says_so_and_is_no_pass():
    watch = Watch(Shop(rates(0.12)))
    for _ in range(4):
        result = watch.look().results[0]
    assert (result.verdict, result.leans) == (BLIND, True)
    assert result.why.startswith("6 of 225 requests bad (2.67 %), stable 2 of 900 (0.222 %): ")
    assert result.why.endswith("it leans against the candidate and is not settled")


def test_the_numbers_of_a_step_are_those_of_its_own_samples():
    watch = Watch(Shop(rates(0.02)))
    for _ in range(4):
        watch.look()
    watch.analyzer.reset(watch.shop.at)
    result = watch.look().results[0]
    assert (result.samples, result.verdict) == (0, BLIND)
    assert result.evidence.numbers["candidate_total"] == 5 * 75, "the release's evidence goes on"


def test_after_a_switch_our_own_load_is_never_the_users():
    """What the candidate had counted when the last scrape of before the switch was taken, and what came until the next one (S3)."""
    watch = Watch(Shop(rates(0.0, rate=20.0), past=600.0), alone=True)
    first, second, third = (watch.look().results[0] for _ in range(3))
    assert (first.samples, second.samples, third.samples) == (0, 20 * 15, 20 * 30)


def test_the_past_is_read_up_to_the_switch_when_the_pods_are_young():
    """S2: stable pods 23 s old at the release's start had half a minute of requests by the switch."""
    idle = {pod.name: (4.0, 0.01) for pod in STABLE}
    watch = Watch(Shop(rates(1.0) | idle, past=15.0), alone=True, history=21600.0)
    number, result = watch.until(FAIL)
    assert number == 2
    assert "stable 0 of" in result.why
    assert watch.evidence_store.measures["errors"].tracks[0].calibration.total >= 240


@pytest.mark.parametrize(("rate", "fails", "stable"), [(10.0, True, "stable 0 of 300 "), (4.0, False, "stable 0 of 0 ")])
def test_users_who_stay_on_the_old_pods_after_a_switch_are_compared_with(rate, fails, stable):
    """Worse than those are now, though no worse than a short past with a bad minute in it. Probes alone are no users."""

    class BadMinute(Shop):
        def series(self, selector, since, every):
            for one in super().series(selector, since, every):
                spoilt = one.labels["code"] == "500" and one.labels["pod"] != CANDIDATE[0].name
                points = tuple((t, v + 200.0 * (t >= BEGIN - 15)) for t, v in one.points)
                yield dataclasses.replace(one, points=points) if spoilt else one

    watch = Watch(BadMinute(rates(1.0) | {pod.name: (rate, 0.01) for pod in STABLE}, past=45.0), alone=True, history=21600.0)
    results = [watch.look().results[0] for _ in range(2)]
    assert (results[-1].verdict is FAIL) is fails
    assert stable in results[-1].why


class Spoilt(Shop):
    """A past with bad bursts in it, each on one pod: dispersion high, as many bad requests as the candidate has now."""

    def __init__(self, rates, *, past, burst):
        super().__init__(rates, past=past)
        self.burst = burst

    def series(self, selector, since, every):
        for one in super().series(selector, since, every):
            at = {STABLE[0].name: 600.0, STABLE[1].name: 1500.0}.get(one.labels["pod"], 0.0)
            spoilt = at and one.labels["code"] == "500"
            yield dataclasses.replace(one, points=tuple((t, v + self.burst * (t >= BEGIN - at)) for t, v in one.points)) if spoilt else one


def halves(candidate_bad, stable_bad):
    """Both sides have as many requests; bad ones a second."""
    return {pod.name: (10.0, stable_bad / 2) for pod in STABLE} | {CANDIDATE[0].name: (20.0, candidate_bad)}


@pytest.mark.parametrize("bad", [0.08, 0.15, 0.3])
@pytest.mark.parametrize("burst", [0.0, 60.0, 400.0])
def test_no_pass_is_shown_beside_numbers_that_speak_clearly_however_noisy_the_past_was(burst, bad):
    watch, seen = Watch(Spoilt(halves(bad, 0.0), past=3600.0, burst=burst), history=21600.0), 0
    while seen < 25:
        result = watch.look().results[0]
        seen, stable = (int(result.evidence.numbers[f"step_{arm}_bad"]) for arm in ("candidate", "stable"))
        assert stable == 0
        assert seen < 17 or result.leans or result.verdict is FAIL, result.why
    assert result.evidence.numbers["dispersion"] > 5


@pytest.mark.parametrize("burst", [0.0, 60.0, 400.0])
def test_a_good_version_and_a_shared_incident_pass_beside_the_same_pasts(burst):
    for bad in (0.02, 2.0):
        watch = Watch(Spoilt(halves(bad, bad), past=3600.0, burst=burst), history=21600.0)
        assert not any(watch.look().results[0].leans for _ in range(20))


@pytest.mark.parametrize(("late", "told"), [(0.0, ""), (30.0, " s late")])
def test_a_store_that_is_late_is_waited_for_and_told(late, told):
    class Late(Shop):
        def series(self, selector, since, every):
            for one in super().series(selector, since, every):
                yield dataclasses.replace(one, points=tuple(point for point in one.points if point[0] <= self.at - late))

    watch = Watch(Late(rates(0.0)))
    results = [watch.look(5).results[0] for _ in range(16)]
    waiting = [one for one in results if "not scraped twice since the step began" in one.why]
    assert len(waiting) == (3 if not late else 9)
    assert told in waiting[-1].why
    assert results[-1].verdict is PASS
    assert results[-1].seen_to <= watch.shop.at - late + 15


def test_a_store_whose_clock_is_a_little_behind_is_late_and_its_samples_have_our_time():
    """VictoriaMetrics answers as of 30 s ago, `time()` too: what was taken before the step is no part of it."""

    class AsOfBefore(Shop):
        def now(self, timeout):
            return self.at - 30.0

        def series(self, selector, since, every):
            for one in super().series(selector, since - 30.0, every):
                yield dataclasses.replace(one, points=tuple(point for point in one.points if point[0] <= self.at - 30.0))

    watch = Watch(AsOfBefore(rates(0.0)))
    assert [watch.look().results[0].samples for _ in range(5)] == [0, 0, 0, 75, 150]


def test_a_plan_sees_pods_whose_samples_show_two_minutes_late():
    """Samples that are pushed arrive up to two minutes late (VictoriaMetrics issue 865): they had been taken for other pods' series."""

    class Pushed(Shop):
        def series(self, selector, since, every):
            for one in super().series(selector, since, every):
                yield dataclasses.replace(one, points=tuple(point for point in one.points if point[0] <= self.at - 120.0))

    shop = Pushed(rates(0.0), past=900.0)
    assert preflight.try_queries(Analysis(metrics=(ERRORS,)), shop, "shop", STABLE) == []
    shop.lost = shop.at - 290.0
    (old,) = preflight.try_queries(Analysis(metrics=(ERRORS,)), shop, "shop", STABLE)
    assert "s old" in old.message
