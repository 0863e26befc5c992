"""What a plan says of how soon a regression would be found."""

import pytest

from deliver.analysis.detectability import SharedStep, Traffic
from deliver.metrics.detectability import MetricTraffic, describe, detectability_findings
from deliver.model.frozen import replace
from deliver.model.plan import Plan, Side, Step
from deliver.model.release import Release
from deliver.model.spec import Analysis, EvidenceMetric, RatioMetric
from deliver.plugins.interfaces import MetricsError
from tests.metrics.evidence_shop import ERRORS, STABLE, Shop, rates

STEPS = (
    Step("10 %", 10.0, Side.BOTH, candidate_pods=1, stable_pods=9, bake=300.0),
    Step("50 %", 50.0, Side.BOTH, candidate_pods=9, stable_pods=9, bake=300.0),
    Step("100 %", 100.0, Side.CANDIDATE, candidate_pods=9, stable_pods=9, bake=300.0),
)


def release(*metrics, steps=STEPS) -> Release:
    from deliver.model.spec import ReleaseSpec, Target

    spec = ReleaseSpec(Target("shop", "web"), "registry/web:2", "canary", analysis=Analysis(metrics=metrics))
    return Release("web-1", 1, spec, Plan("canary", steps), None, "web-candidate", "me", 0.0)  # type: ignore[arg-type]  # no snapshot is looked at


def told(shop, *metrics, wanted=0.0, steps=STEPS):
    return [found.message for found in detectability_findings(release(*metrics, steps=steps), shop, STABLE, lambda: 0.0, wanted)]


def test_it_says_what_is_found_when_and_what_is_not():
    (text,) = told(Shop(rates(0.0, stable_bad=0.1), past=7200.0), ERRORS)
    assert text.startswith("errors: at 20 requests/s, 1 % of them bad, a fivefold share is found in about ")
    assert "a doubling not within the bakes" in text or "a doubling is found in about" in text
    assert text.endswith("false alarms: at most 5 %")


def test_a_rate_of_thousands_is_written_out():
    known = MetricTraffic(ERRORS, Traffic(2031.0, 0.0), 0.05)
    assert describe(known, [SharedStep(0.2, 60.0)], 0.05).startswith("errors: at 2031 requests/s, 0 % of them bad, a few bad ones")


def test_a_wanted_ratio_gets_the_options_that_find_it():
    texts = told(Shop(rates(0.0, stable_bad=0.1), past=7200.0), ERRORS, wanted=2.0)
    assert len(texts) == 2
    assert "2 times as bad is found before all users follow with --weight 10,50 --bake " in texts[1]
    (_, within) = told(Shop(rates(0.0, stable_bad=0.1), past=7200.0), ERRORS, wanted=1.1)
    assert "cannot be found however long the bakes are: it is within the margin" in within


def test_a_multiple_of_nothing_is_no_advice():
    """Seen on the lab: "5 times as bad cannot be found however long the bakes are" beside a line that says it is found at once."""
    assert len(told(Shop(rates(0.0, stable_bad=0.0), past=7200.0), ERRORS, wanted=5.0)) == 1


def test_metrics_share_the_false_alarms_so_each_takes_longer():
    known = MetricTraffic(ERRORS, Traffic(20.0, 0.001), 0.05)
    alone, among = describe(known, [SharedStep(0.1, 1e6)], 0.05), describe(replace(known, alpha=0.005), [SharedStep(0.1, 1e6)], 0.05)
    assert alone != among


@pytest.mark.parametrize(
    ("traffic", "says"),
    [
        (Traffic(0.0, 0.0), "the past of the stable pods shows no requests yet"),
        (Traffic(20.0, 0.0), "0 % of them bad, a few bad ones of the candidate are found within a few polls"),
    ],
)
def test_what_cannot_be_computed_is_said(traffic, says):
    assert says in describe(MetricTraffic(ERRORS, traffic, 0.05), [SharedStep(0.1, 300.0)], 0.05)


def test_a_provider_that_fails_takes_no_plan_with_it():
    shop = Shop(rates(0.0))
    shop.now = lambda timeout: (_ for _ in ()).throw(MetricsError("down"))
    assert told(shop, ERRORS) == ["errors: how soon a regression is found is not known (down)"]


def test_nothing_is_said_of_fixed_limits_absolute_limits_or_steps_that_compare_nothing():
    shop = Shop(rates(0.0), past=7200.0)
    assert told(shop, RatioMetric("fixed", 'req{code="500"}', "req", 0.01)) == []
    assert told(shop, EvidenceMetric("slo", bad="x", total="y", slo=0.01)) == []
    assert told(shop, ERRORS, steps=(STEPS[2],)) == []
