"""Users with a flag's treatment against those without, on the same pods; or everyone against the time before."""

import pytest

from deliver.metrics import preflight
from deliver.metrics.analyzer import StepAnalyzer, StepSetup
from deliver.metrics.variants import Variants
from deliver.model.observation import PodSeen
from deliver.model.spec import Analysis, QueryMetric, RatioMetric
from deliver.model.verdict import Verdict
from deliver.plugins.interfaces import Answer, Series

PODS = (PodSeen("web-a", "u1", ready=True, since=100.0), PodSeen("web-b", "u2", ready=True, since=100.0))
ERRORS = RatioMetric("errors", 'req{code="500"}', "req", 0.01, min_samples=50)
ON = Variants("variant", "on")


def series(pod: str, code: str, variant: str, *points: tuple[float, float]) -> Series:
    labels = {"__name__": "req", "pod": pod, "code": code} | ({"variant": variant} if variant else {})
    return Series(labels, points)


class Provider:
    def __init__(self, *served: Series) -> None:
        self.served, self.asked = served, list[str]()

    def raw(self, selector: str, window: float, timeout: float) -> Answer:
        self.asked.append(selector)
        return Answer(selector, tuple(one for one in self.served if 'code="500"' not in selector or one.labels["code"] == "500"))

    def value(self, query: str, timeout: float) -> Answer:
        self.asked.append(query)
        return Answer(query, (Series({}, ((1000.0, 0.5),)),))

    def now(self, timeout: float) -> float:
        return 1000.0


def grown(pod: str, code: str, variant: str, by: float) -> Series:
    return series(pod, code, variant, (951.0, 10.0), (999.0, 10.0 + by))


def analyze(provider: Provider, *metrics: object, **more: object):
    analyzer = StepAnalyzer(Analysis(metrics=metrics), provider, (), lambda: 1000.0, StepSetup(**more))  # type: ignore[arg-type]  # made-up metrics
    analyzer.reset(950.0)
    return analyzer.analyze("shop", PODS, PODS)


def test_only_the_treatments_own_errors_count_against_it():
    served = [grown("web-a", "500", "off", 90.0), grown("web-a", "200", "off", 10.0), grown("web-b", "200", "on", 100.0)]
    done = analyze(Provider(*served), ERRORS, variants=ON)
    (result,) = done.results
    assert (result.verdict, result.candidate, result.stable, result.samples) == (Verdict.PASS, 0.0, 90.0, 100)
    assert done.candidate_percent == 50.0


def test_a_bad_treatment_fails_although_everyone_else_is_well():
    served = [grown("web-a", "200", "off", 5000.0), grown("web-a", "200", "on", 90.0), grown("web-b", "500", "on", 10.0)]
    (result,) = analyze(Provider(*served), ERRORS, variants=ON).results
    assert (result.verdict, result.candidate, result.stable) == (Verdict.FAIL, 10.0, 0.0)


def test_requests_that_no_flag_was_asked_for_belong_to_neither():
    served = [grown("web-a", "500", "", 400.0), grown("web-a", "200", "on", 100.0), grown("web-a", "200", "off", 100.0)]
    (result,) = analyze(Provider(*served), ERRORS, variants=ON).results
    assert (result.verdict, result.stable) == (Verdict.PASS, 0.0)


def test_without_the_label_nothing_is_judged():
    (result,) = analyze(Provider(grown("web-a", "200", "", 100.0)), ERRORS, variants=ON).results
    assert result.verdict is Verdict.BLIND
    assert "no series with a label `variant`" in result.why


def test_a_free_query_asks_for_the_same_pods_with_and_without_the_treatment():
    provider = Provider()
    analyze(provider, QueryMetric("ratio", "sum(req{{candidate}}) / sum(req{{stable}})", max=2.0), variants=ON)
    (query,) = provider.asked
    assert 'pod=~"web-a|web-b",variant="on"' in query
    assert 'variant!="on",variant!=""' in query


def test_where_nothing_tells_them_apart_everyone_is_compared_with_the_time_before_the_release():
    before = series("web-a", "500", "", (-2700.0, 0.0), (-100.0, 10.0))
    served = [before, series("web-a", "200", "", (-2700.0, 0.0), (-100.0, 990.0), (951.0, 990.0), (999.0, 1070.0))]
    served.append(series("web-b", "500", "", (-2700.0, 0.0), (951.0, 0.0), (999.0, 20.0)))
    metric = RatioMetric("errors", 'req{code="500"}', "req", 0.01, min_samples=50, compare=True)
    done = analyze(Provider(*served), metric, baseline=3600.0, until=900.0)
    (result,) = done.results
    assert (result.verdict, result.candidate) == (Verdict.FAIL, 20.0)
    assert result.stable == pytest.approx(1.0)
    assert done.candidate_percent is None, "the same pods before and after have no share of each other"


def test_a_label_that_no_series_has_is_found_before_the_release():
    provider = Provider(grown("web-a", "500", "", 1.0))
    found = preflight.try_queries(Analysis(metrics=(ERRORS,)), provider, "shop", PODS, variant="variant")
    (label,) = [one for one in found if one.level == "input"]
    assert "has a label `variant`" in label.message
    assert "code" in label.hint
