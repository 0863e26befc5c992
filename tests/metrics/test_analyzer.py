"""The analyzer on a made-up provider: verdicts, evidence, steps, and that nothing makes it raise."""

import pytest

from deliver.metrics import preflight
from deliver.metrics.analyzer import StepAnalyzer
from deliver.model.observation import PodSeen
from deliver.model.spec import Analysis, LatencyMetric, QueryMetric, RatioMetric
from deliver.model.verdict import Verdict
from deliver.plugins.interfaces import Answer, MetricsError, Probe, Series

PASS, FAIL, BLIND = Verdict.PASS, Verdict.FAIL, Verdict.BLIND
STABLE = (PodSeen("web-s", "u1", ready=True, since=10.0),)
CANDIDATE = (PodSeen("web-c", "u2", ready=True, since=900.0),)
ERRORS = RatioMetric("errors", 'req{code="500"}', "req", 0.01, min_samples=50)


def counter(pod, code, *points):
    return Series({"__name__": "req", "pod": pod, "code": code}, tuple(points))


class Provider:
    """Answers by the beginning of the query; skew: its clock less ours."""

    def __init__(self, clock, skew=0.0):
        self.clock, self.skew, self.asked, self.answers, self.fail = clock, skew, [], {}, None

    def raw(self, selector, window, timeout):
        return self.value(selector, timeout)

    def value(self, query, timeout):
        self.asked.append(query)
        if self.fail:
            raise self.fail
        return Answer(query, *next((answer for start, answer in self.answers.items() if query.startswith(start)), ((),)))

    def now(self, timeout):
        if self.fail:
            raise self.fail
        return self.clock() + self.skew


class Clock:
    at = 1000.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


def setup(clock, *metrics, skew=0.0, **more):
    provider = Provider(clock, skew)
    bad = (counter("web-c", "500", (951.0 + skew, 0.0), (999.0 + skew, 20.0)),)
    fine = (
        counter("web-c", "200", (951.0 + skew, 0.0), (999.0 + skew, 80.0)),
        counter("web-s", "200", (951.0 + skew, 0.0), (999.0 + skew, 300.0)),
    )
    provider.answers = {'req{code="500"': (bad,), "req{": ((*bad, *fine),)}
    analyzer = StepAnalyzer(Analysis(metrics=metrics, **more), provider, (), clock)
    analyzer.reset(950.0)
    return analyzer, provider


def test_a_bad_candidate_fails_with_all_its_evidence(clock):
    analyzer, provider = setup(clock, ERRORS)
    done = analyzer.analyze("shop", STABLE, CANDIDATE)
    (result,) = done.results
    assert (result.verdict, result.candidate, result.stable, result.limit, result.unit, result.samples) == (FAIL, 20.0, 0.0, 1.0, "%", 100)
    assert done.candidate_percent == 25.0
    assert done.at == 1000.0
    assert 'req{code="500",namespace="shop",pod=~"web-c|web-s"}' in result.evidence.query
    assert result.evidence.numbers["candidate_bad"] == 20
    assert any("web-c" in line and "20 @999.0" in line for line in result.evidence.samples)
    assert len(provider.asked) == 2


def test_a_new_step_forgets_what_was_before(clock):
    analyzer, _ = setup(clock, ERRORS)
    analyzer.reset(999.5)
    (result,) = analyzer.analyze("shop", STABLE, CANDIDATE).results
    assert (result.verdict, result.samples) == (BLIND, 0)


def test_nothing_is_judged_while_warming_up(clock):
    analyzer, _ = setup(clock, ERRORS, warmup=60.0)
    (result,) = analyzer.analyze("shop", STABLE, CANDIDATE).results
    assert result.verdict is BLIND
    assert "warming up: 10 s left" in result.why


@pytest.mark.parametrize("skew", [-500.0, 0.0, 500.0])
def test_the_providers_clock_may_be_wrong(clock, skew):
    analyzer, _ = setup(clock, ERRORS, skew=skew)
    assert analyzer.analyze("shop", STABLE, CANDIDATE).results[0].samples == 100


def test_old_samples_are_no_data(clock):
    analyzer, _ = setup(clock, ERRORS)
    clock.at = 1061.0
    assert "old" in analyzer.analyze("shop", STABLE, CANDIDATE).results[0].why


def test_a_pod_that_has_gone_still_counts_in_the_window(clock):
    analyzer, _ = setup(clock, ERRORS)
    analyzer.analyze("shop", STABLE, CANDIDATE)
    replaced = (PodSeen("web-c2", "u3", ready=True, since=999.0),)
    assert analyzer.analyze("shop", STABLE, replaced).results[0].verdict is FAIL


def test_a_metric_that_nobody_has_says_so(clock):
    analyzer, _ = setup(clock, RatioMetric("x", "nope", "nope_total", 0.01))
    (result,) = analyzer.analyze("shop", STABLE, CANDIDATE).results
    assert result.verdict is BLIND
    assert "no series matches nope_total" in result.why


def test_a_partial_answer_is_blind(clock):
    analyzer, provider = setup(clock, ERRORS)
    provider.answers = {"req{": ((), ("store 1 is away",))}
    (result,) = analyzer.analyze("shop", STABLE, CANDIDATE).results
    assert (result.verdict, "store 1 is away" in result.why) == (BLIND, True)


@pytest.mark.parametrize("error", [MetricsError("down"), RuntimeError("token=secret"), KeyError("x")])
def test_whatever_the_provider_raises_is_blind_and_tells_no_secret(clock, error):
    analyzer, provider = setup(clock, ERRORS, LatencyMetric("slow", "h", 0.1, 0.1), QueryMetric("q", "up{candidate}", max=1))
    provider.fail = error
    results = analyzer.analyze("shop", STABLE, CANDIDATE).results
    assert [result.verdict for result in results] == [BLIND] * 3
    assert "secret" not in str(results)


def test_no_provider_and_no_pods_are_blind(clock):
    assert StepAnalyzer(Analysis(metrics=(ERRORS,)), None, (), clock).analyze("shop", STABLE, CANDIDATE).results[0].verdict is BLIND
    analyzer, _ = setup(clock, ERRORS, QueryMetric("q", "up{candidate}", max=1))
    assert {result.verdict for result in analyzer.analyze("shop", (), ()).results} == {BLIND}


def test_a_free_query_gets_its_pods(clock):
    analyzer, provider = setup(clock, QueryMetric("q", "up{candidate} - up{stable}", max=1))
    provider.answers = {"up": ((Series({}, ((1000.0, 3.0),)),),)}
    (result,) = analyzer.analyze("shop", STABLE, CANDIDATE).results
    assert (result.verdict, result.candidate) == (FAIL, 3.0)
    assert provider.asked == ['up{namespace="shop",pod=~"web-c"} - up{namespace="shop",pod=~"web-s"}']


class Check:
    def __init__(self, *answers, failures=1):
        self.answers, self.failures = list(answers), failures

    def probe(self, namespace, pod, timeout):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Probe(answer, "said so", "GET /")


@pytest.mark.parametrize(
    ("answer", "verdict"), [(True, PASS), (False, FAIL), (None, BLIND), (RuntimeError("secret"), BLIND)]
)  # fmt: skip
def test_health_before_there_is_traffic(clock, answer, verdict):
    analyzer = StepAnalyzer(Analysis(metrics=(ERRORS,)), None, [("http", Check(answer))], clock)
    (result,) = analyzer.analyze("shop", STABLE, CANDIDATE, traffic=False).results
    assert (result.name, result.kind, result.verdict) == ("http", "health", verdict)
    assert "secret" not in str(result)


def test_one_failed_probe_is_not_judged_when_two_are_wanted(clock):
    analyzer = StepAnalyzer(Analysis(), None, [("http", Check(False, None, False, True, failures=2))], clock)
    verdicts = [analyzer.analyze("shop", STABLE, CANDIDATE).results[0] for _ in range(4)]
    assert [result.verdict for result in verdicts] == [BLIND, BLIND, FAIL, PASS]
    assert "web-c" in verdicts[2].why


def test_pods_that_are_not_ready_are_not_probed(clock):
    analyzer = StepAnalyzer(Analysis(), None, [("http", Check(False))], clock)
    assert analyzer.analyze("shop", STABLE, (PodSeen("web-c", "u"),)).results[0].verdict is BLIND


def test_preflight_finds_a_typo_and_a_dead_provider(clock):
    _, provider = setup(clock)
    analysis = Analysis(metrics=(RatioMetric("x", "rek", "req", 0.01, min_samples=5), RatioMetric("y", "sum(x)", "req", 0.01)))
    found = preflight.try_queries(analysis, provider, "shop", STABLE)
    assert [(finding.rule, finding.level) for finding in found] == [("metrics-match", "input"), ("metrics-query", "input")]
    assert "rek" in found[0].message
    provider.fail = MetricsError("down")
    assert [finding.level for finding in preflight.try_queries(analysis, provider, "shop", STABLE)] == ["refuse"]


def test_a_scrape_between_the_two_queries_makes_no_request_slow(clock):
    """Prometheus commits a scrape at any moment: also after one of the two selectors was answered and before the other one is."""

    class Scraped(Provider):
        seen = 0

        def raw(self, selector, window, timeout):
            self.seen += 1
            points = tuple((at, value) for at, value in ((951.0, 0.0), (995.0, 100.0), (1000.0, 200.0)) if at < 1000.0 or self.seen > 1)
            name = selector.partition("{")[0]
            le = {"le": "0.25"} if name.endswith("_bucket") else {}
            return Answer(selector, (Series({"__name__": name, "pod": "web-c", **le}, points),))

    latency = LatencyMetric("latency", "took", 0.25, 0.05, min_samples=50)
    analyzer = StepAnalyzer(Analysis(metrics=(latency,)), Scraped(clock), (), clock)
    analyzer.reset(950.0)
    (result,) = analyzer.analyze("shop", STABLE, CANDIDATE).results
    assert (result.verdict, result.candidate, result.samples) == (PASS, 0.0, 100)
