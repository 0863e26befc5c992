"""Metrics that are judged by evidence, on a made-up provider: what is counted, when, and that a killed driver's heir counts it once."""

import dataclasses

import pytest

from deliver.model.codec import decode, encode
from deliver.model.evidence import MetricEvidence
from deliver.model.spec import RatioMetric
from deliver.plugins.interfaces import Answer, MetricsError
from tests.metrics.evidence_shop import BEGIN, BLIND, CANDIDATE, ERRORS, FAIL, PASS, STABLE, Shop, Watch, rates


def test_a_candidate_that_is_worse_fails_and_says_how_much():
    number, result = Watch(Shop(rates(0.4))).until(FAIL)
    assert number is not None
    assert number <= 12
    assert "that it is more than 1.2 times as bad as stable" in result.why
    assert result.evidence.numbers["odds_worse"] >= result.evidence.numbers["odds_needed"] == 20
    assert result.candidate == pytest.approx(8.0, abs=1)


def test_harm_that_is_gross_is_not_weighed_first():
    number, result = Watch(Shop(rates(1.0))).until(FAIL)
    assert number == 2
    assert result.why == "15 of 75 requests bad (20 %), stable 0 of 300 (0 %): more than bad luck makes"
    assert not result.leans


def test_one_that_is_alike_passes_and_is_proved_in_time():
    watch = Watch(Shop(rates(0.005)))
    first, passed = watch.until(PASS)
    assert first == 2, "75 requests between two samples of the step, 20 are asked for"
    assert (passed.verdict, passed.proved) == (PASS, False)
    for _ in range(12):
        last = watch.look().results[0]
    assert (last.verdict, last.proved) == (PASS, True)


def test_every_request_is_counted_once():
    watch = Watch(Shop(rates(0.5)))
    for _ in range(8):
        result = watch.look().results[0]
    assert result.evidence.numbers["candidate_total"] == 5 * 120
    assert result.evidence.numbers["candidate_bad"] == 60
    assert result.evidence.numbers["stable_total"] == 20 * 120


def test_a_gap_in_the_answers_loses_no_request():
    watch = Watch(Shop(rates(0.5)), max_staleness=60.0)
    watch.look()
    watch.shop.down = True
    blind = [watch.look(60).results[0] for _ in range(5)]
    assert {one.verdict for one in blind} == {BLIND}
    watch.shop.down = False
    assert watch.look().results[0].evidence.numbers["candidate_total"] == 5 * 330


def test_an_heir_goes_on_with_the_evidence_of_the_dead_driver_exactly():
    whole, killed = Watch(Shop(rates(0.06))), Watch(Shop(rates(0.06)))
    for _ in range(10):
        expected = whole.look()
    for _ in range(4):
        last = killed.look()
    kept = {name: decode(MetricEvidence, encode(one)) for name, one in last.measures.items()}
    heir = Watch(killed.shop, measures=kept)
    heir.shop.at = killed.shop.at
    for _ in range(6):
        found = heir.look()
    assert found.measures == expected.measures
    assert found.results[0].why == expected.results[0].why


def test_samples_of_before_the_step_and_of_the_warm_up_do_not_count():
    watch = Watch(Shop(rates(0.5)), warmup=30.0)
    assert "warming up" in watch.look().results[0].why
    watch.look(), watch.look()
    assert watch.evidence_store.measures["errors"].tracks[0].sum.candidate_total <= 5 * 15


@pytest.mark.parametrize(
    ("shop", "candidate", "why"),
    [
        (
            Shop({name: rate for name, rate in rates(0.0).items() if "candidate" not in name}),
            CANDIDATE,
            "no samples of the candidate's pods",
        ),
        (Shop(rates(0.0, rate=0.2)), CANDIDATE, "the candidate's pods were not scraped twice since the step began"),
        (Shop(rates(0.0), down=True), CANDIDATE, "no route to host"),
    ],
)
def test_what_cannot_be_judged_is_blind_never_a_pass(shop, candidate, why):
    result = Watch(shop).look(candidate=candidate).results[0]
    assert result.verdict is BLIND
    assert why in result.why


def test_proof_of_a_metric_that_nobody_named_is_missed_from_a_thousand_requests_on_at_the_earliest():
    found = dataclasses.replace(ERRORS, duty=False)
    watch, last = Watch(Shop(rates(0.02, stable_bad=0.05)), found), None
    for _ in range(60):
        result = watch.look().results[0]
        if result.verdict is PASS and result.proved is False:
            total = result.evidence.numbers["candidate_total"]
            assert result.few is not None or total >= 1000
            last = result.few or last
    assert last is not None
    assert last.needed < last.owed


def test_too_few_requests_in_the_step_are_blind():
    watch = Watch(Shop(rates(0.0, rate=0.2)))
    watch.look()
    result = watch.look().results[0]
    assert result.verdict is BLIND
    assert result.why == "3 candidate requests in this step so far, 20 needed"


def test_old_samples_are_blind():
    watch = Watch(Shop(rates(0.0)), max_staleness=30.0)
    watch.look(), watch.look()
    watch.shop.lost = watch.shop.at
    assert watch.look(20).results[0].verdict is PASS
    assert "old" in watch.look(20).results[0].why


def test_the_past_tells_the_dispersion_and_is_asked_for_once_without_the_candidate():
    watch = Watch(Shop(rates(0.05, stable_bad=0.05), past=7200.0))
    for _ in range(3):
        result = watch.look().results[0]
    asked = [query for query in watch.shop.asked if query.startswith("sum by (pod)")]
    assert len(asked) == 2
    assert asked[0] == 'sum by (pod) (req{namespace="shop",pod=~"web-[a-z0-9]+-[a-z0-9]{5}"})[21600s:30s]'
    calibration = watch.evidence_store.measures["errors"].tracks[0].calibration
    assert calibration.phi < 12.0
    assert calibration.placebos == 40
    assert any("2.0 h of the stable pods: dispersion" in line for line in result.evidence.samples)


def test_without_a_past_the_evidence_is_careful():
    watch = Watch(Shop(rates(0.5)))
    watch.look()
    calibration = watch.evidence_store.measures["errors"].tracks[0].calibration
    assert (calibration.phi, calibration.block, calibration.every) == (12.0, 1, 15.0)
    assert calibration.basis == "no past that could be read: too little for a dispersion, 12 is assumed"


def test_an_absolute_limit_fails_the_candidate_alone_and_blames_the_environment_for_both():
    slo = dataclasses.replace(ERRORS, slo=0.02)
    number, result = Watch(Shop(rates(0.25)), slo).until(FAIL, 120)
    assert number is not None
    assert "more than 2 % are bad" in result.why
    number, result = Watch(Shop(rates(1.0, stable_bad=2.0)), slo).until(FAIL)
    assert number is None
    assert result.verdict is BLIND
    assert "environment's problem" in result.why


def test_all_metrics_together_have_one_chance_of_a_false_alarm():
    """Two that say 20 : 1 and nothing else are 10.5 : 1 together."""
    alone, _ = Watch(Shop(rates(0.12)), ERRORS).until(FAIL, 200)
    others = tuple(dataclasses.replace(ERRORS, name=f"other{n}", bad='req{code="599"}') for n in range(4))
    among, result = Watch(Shop(rates(0.12)), ERRORS, *others).until(FAIL, 200)
    assert alone is not None
    assert among is not None
    assert among > alone
    assert result.name == "errors"


def test_fixed_limits_beside_it_stay_what_they_are():
    fixed = RatioMetric("fixed", 'req{code="500"}', "req", 0.01, min_samples=50)
    watch = Watch(Shop(rates(0.2)), fixed, ERRORS)
    watch.look()
    done = watch.look()
    assert done.results[0].verdict is FAIL
    assert "limit 1 %" in done.results[0].why
    assert done.results[0].proved is None


def test_after_a_switch_the_candidate_is_held_against_the_last_hour():
    shop = Shop(rates(0.5, stable_bad=0.02), past=7200.0)
    watch = Watch(shop)
    shop.rates = {name: rate for name, rate in shop.rates.items() if "candidate" in name} | {
        STABLE[0].name: (10.0, 0.02),
        STABLE[1].name: (10.0, 0.02),
    }
    shop.lost = BEGIN + 1e9
    watch.look()
    for pod in STABLE:
        shop.rates[pod.name] = (0.0, 0.0)
    number, result = watch.until(FAIL, 60)
    assert number is not None
    assert "times as bad as stable" in result.why


# ---------------------------------------------------------------- what goes wrong


def test_a_past_that_does_not_come_at_once_is_asked_for_again_and_not_for_ever():
    shop = Shop(rates(0.05, stable_bad=0.05), past=7200.0)
    answers, failing = shop.value, [2]

    def value(query, timeout):
        if failing[0]:
            failing[0] -= 1
            raise MetricsError("no answer within 4 s")
        return answers(query, timeout)

    shop.value = value
    watch = Watch(shop)
    assert [watch.look().results[0].verdict for _ in range(3)] == [BLIND, BLIND, PASS]
    assert watch.evidence_store.measures["errors"].tracks[0].calibration.placebos == 40
    failing[0] = 99
    without = Watch(shop)
    assert [without.look().results[0].verdict for _ in range(4)] == [BLIND, BLIND, BLIND, PASS]
    assert without.evidence_store.measures["errors"].tracks[0].calibration.assumed


def test_of_a_single_pod_no_dispersion_is_measured():
    alone = Shop({STABLE[0].name: (20.0, 0.1), CANDIDATE[0].name: (5.0, 0.0)}, past=7200.0)
    watch = Watch(alone)
    watch.look(stable=STABLE[:1])
    calibration = watch.evidence_store.measures["errors"].tracks[0].calibration
    assert (calibration.assumed, calibration.phi) == (True, 12.0)
    assert calibration.basis == "2.0 h of a single pod: too little for a dispersion, 12 is assumed"


def test_a_metric_that_does_not_answer_keeps_its_part_of_the_mean():
    """Else a hiccup of Prometheus would let the others cross."""
    quiet = dataclasses.replace(ERRORS, name="quiet", bad='req{code="599"}', total="other")
    shop = Shop(rates(0.12))
    alone, _ = Watch(Shop(rates(0.12))).until(FAIL, 200)
    both = Watch(shop, ERRORS, quiet, *(dataclasses.replace(quiet, name=f"q{n}") for n in range(3)))
    raw = shop.raw
    shop.raw = lambda selector, window, timeout: Answer(selector) if selector.startswith("other") else raw(selector, window, timeout)
    number, _ = both.until(FAIL, 400)
    assert alone is not None
    assert number is not None
    assert number > alone, "1/5 of the mean is all that the failing one has"


def test_probes_of_idle_old_pods_are_no_traffic_to_compare_with():
    shop = Shop(rates(0.5, stable_bad=0.02), past=7200.0)
    watch = Watch(shop, alone=True)
    number, result = watch.until(FAIL, 30)
    assert number is not None
    assert result.evidence.numbers["stable_total"] == 0
