"""Metrics without a fixed limit, and the keys and options of judging by evidence."""

import pytest

from deliver.config.build import build
from deliver.config.draft import Draft
from deliver.config.loader import parse
from deliver.config.options import apply_options
from deliver.model.errors import InputError
from deliver.model.spec import Analysis, EvidenceMetric, LatencyMetric, RatioMetric

FILE = """
target: {{deployment: web}}
image: registry/web:2
strategy: {{canary: {{weight: [10]}}}}
analysis:
  prometheus: {{service: "monitoring/prometheus:9090"}}
  {more}
  metrics: [{metric}]
"""
COUNTED = 'name: errors, bad: "req{code=~\\"5..\\"}", total: req'
TIMED = "name: latency, histogram: seconds"


def analysis(metric: str = f"{{{COUNTED}}}", more: str = "poll: 5s", **options: object) -> Analysis:
    draft = Draft.of(parse(FILE.format(metric=metric, more=more).encode(), "deliver.yaml"))
    apply_options(draft, options, lambda name: "--" + name.replace("_", "-"))
    return build(draft).analysis


def metric_of(text: str, **options: object) -> object:
    return analysis(f"{{{text}}}", **options).metrics[0]


def test_a_metric_without_a_limit_is_judged_by_evidence():
    assert metric_of(COUNTED) == EvidenceMetric("errors", bad='req{code=~"5.."}', total="req")
    assert metric_of(TIMED) == EvidenceMetric("latency", histogram="seconds")
    assert metric_of(f"{TIMED}, slower_than: 250ms") == EvidenceMetric("latency", histogram="seconds", bound=0.25)


def test_one_with_a_limit_is_what_it_always_was():
    assert metric_of(f"{COUNTED}, max: 1%, compare: stable") == RatioMetric("errors", 'req{code=~"5.."}', "req", 0.01, compare=True)
    assert metric_of(f"{TIMED}, slower_than: 250ms, max: 5%") == LatencyMetric("latency", "seconds", 0.25, 0.05)


def test_margin_slo_and_weight():
    found = metric_of(f"{COUNTED}, margin: 2x, weight: 3")
    assert isinstance(found, EvidenceMetric)
    assert (found.margin, found.weight, found.slo) == (2.0, 3.0, 0.0)
    limited = metric_of(f"{COUNTED}, slo: 0.5%")
    assert isinstance(limited, EvidenceMetric)
    assert limited.slo == 0.005


def test_the_releases_own_keys():
    found = analysis(
        more="{false_alarms: 1%, prove: 5x, acceptable: 2%, inconclusive: rollback, history: 1h}".strip("{}").replace(", ", "\n  ")
    )
    assert (found.alpha, found.prove, found.acceptable, found.inconclusive, found.history) == (0.01, 5.0, 0.02, "rollback", 3600.0)
    assert analysis(more="prove: nothing").prove == 0.0
    usual = analysis()
    assert (usual.alpha, usual.prove, usual.acceptable, usual.inconclusive) == (0.05, 3.0, 0.01, "hold")


def test_options_of_the_command_line():
    found = analysis(false_alarms="1%", prove="nothing", inconclusive="promote")
    assert (found.alpha, found.prove, found.inconclusive) == (0.01, 0.0, "promote")
    made = metric_of(COUNTED, errors="bad", requests="all", max_error_rate="none")
    assert made == EvidenceMetric("errors", bad="bad", total="all")
    assert metric_of(COUNTED, errors="bad", requests="all") == RatioMetric("errors", "bad", "all", 0.01)
    assert analysis(latency_histogram="seconds").metrics[1] == EvidenceMetric("latency", histogram="seconds")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{COUNTED}, max: 1%, margin: 2x", "`max` is a fixed limit, `margin` belongs to evidence"),
        (f"{COUNTED}, max: 1%, slo: 1%", "`max` is a fixed limit, `slo` belongs to evidence"),
        (f"{COUNTED}, consecutive: 3", "`consecutive` needs a fixed limit, `max`"),
        (f"{COUNTED}, slo: 1%, margin: 2x", "`slo` is an absolute limit and `margin` one against stable"),
        (f"{COUNTED}, slo: 0%", "`slo` must be above 0 % and below 100 %"),
        (f"{COUNTED}, margin: 0.5x", "is not between 1x and 1000x"),
        (f"{COUNTED}, margin: twice", "is not a ratio"),
        (f"{TIMED}, max: 5%", "`max` needs `slower_than`"),
        (f"{TIMED}, slo: 5%", "`slo` needs `slower_than`"),
    ],
)
def test_what_contradicts_itself_is_said(text, says):
    with pytest.raises(InputError) as error:
        metric_of(text)
    assert says in f"{error.value.what} {error.value.why}"


@pytest.mark.parametrize("more", ["false_alarms: 0%", "false_alarms: 80%", "prove: never", "prove: 0.5x", "inconclusive: maybe"])
def test_a_policy_that_is_none_is_an_input_error(more):
    with pytest.raises(InputError):
        analysis(more=more)
