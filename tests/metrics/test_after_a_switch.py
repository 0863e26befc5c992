"""After all users were moved at once: the stable side's past to compare with, who still gets requests, and the Services asked."""

import pytest

from deliver.metrics import drain
from deliver.metrics.analyzer import StepAnalyzer, StepSetup
from deliver.model.observation import PodSeen
from deliver.model.spec import Analysis, RatioMetric
from deliver.model.verdict import Verdict
from deliver.plugins.interfaces import Answer, MetricsError, Probe, Series

PASS, FAIL, BLIND = Verdict.PASS, Verdict.FAIL, Verdict.BLIND
STABLE = (PodSeen("web-s", "u1", ready=True, since=10.0),)
CANDIDATE = (PodSeen("web-c", "u2", ready=True, since=9900.0),)
ERRORS = RatioMetric("errors", 'req{code="500"}', "req", 0.05, min_samples=50, compare=True)
SWITCH = 10_000.0
NOW = SWITCH + 30


def counter(pod, code, *points):
    return Series({"__name__": "req", "pod": pod, "code": code}, tuple(points))


def every(begin, end, step, rate, start=0.0):
    """Samples of a counter that grows at that rate."""
    count = int((end - begin) / step) + 1
    return [(begin + i * step, start + rate * i * step) for i in range(count)]


class Provider:
    """Stable had 100 requests a second until the switch, of which `bad` percent failed; the candidate fails one in five since."""

    def __init__(self, bad=0.0, fails=0):
        self.bad, self.fails, self.asked = bad, fails, []

    def raw(self, selector, window, timeout):
        self.asked.append((selector, window))
        if self.fails and window > 1000:
            self.fails -= 1
            raise MetricsError("too much at once")
        failed = (
            counter("web-s", "500", *every(NOW - window, SWITCH, 10, self.bad), (SWITCH + 20, self.bad * (window - 30))),
            counter("web-c", "500", (SWITCH - 10, 0.0), (SWITCH, 0.0), (SWITCH + 29, 100.0)),
        )
        well = (
            counter("web-s", "200", *every(NOW - window, SWITCH, 10, 100 - self.bad)),
            counter("web-c", "200", (SWITCH - 10, 0.0), (SWITCH, 0.0), (SWITCH + 29, 400.0)),
        )
        return Answer(selector, failed if "500" in selector else (*failed, *well))

    def now(self, timeout):
        return NOW


def judged(provider, baseline=3600.0, probes=()):
    analyzer = StepAnalyzer(Analysis(metrics=(ERRORS,)), provider, (), lambda: NOW, StepSetup(baseline, service_probes=probes))
    analyzer.reset(SWITCH)
    return analyzer, analyzer.analyze("shop", STABLE, CANDIDATE)


# ---------------------------------------------------------------- stable's own past


def test_worse_than_stable_was_in_its_last_hour_is_a_failure():
    _, done = judged(Provider(bad=1.0))
    [result] = done.results
    assert result.verdict is FAIL
    assert result.candidate == pytest.approx(20.0)
    assert result.stable == pytest.approx(1.0, abs=0.05)
    assert "in the 60 min before" in result.why
    assert result.evidence.numbers["stable_total"] == pytest.approx(360_000, rel=0.01)


def test_no_worse_than_stable_was_is_the_environments():
    _, done = judged(Provider(bad=30.0))
    assert done.results[0].verdict is BLIND
    assert "both sides breach" in done.results[0].why


def test_without_a_past_the_stable_side_has_too_few_requests_to_compare():
    _, done = judged(Provider(bad=30.0), baseline=0.0)
    assert "too few requests to compare" in done.results[0].why
    assert done.switch is None


def test_nothing_of_after_the_switch_is_the_past():
    """Connections that are still held bring the old pods requests: those are not what it was."""
    provider = Provider(bad=1.0)
    analyzer, _ = judged(provider)
    past = analyzer._step.past.counts["errors"]
    assert past.newest <= SWITCH


def test_the_past_is_asked_for_once_a_step():
    provider = Provider(bad=1.0)
    analyzer, _ = judged(provider)
    analyzer.analyze("shop", STABLE, CANDIDATE)
    assert sum(window > 1000 for _, window in provider.asked) == 2


def test_a_past_that_could_not_be_had_is_asked_for_again():
    provider = Provider(bad=1.0, fails=1)
    analyzer, first = judged(provider)
    assert first.results[0].verdict is BLIND
    assert "too much at once" in first.results[0].why
    assert analyzer.analyze("shop", STABLE, CANDIDATE).results[0].verdict is FAIL


# ---------------------------------------------------------------- who still gets requests


def rates(*series, since=100.0, fresh=0.0):
    return drain.request_rates(series, {"a": 0.0, "b": 0.0}, since, fresh, "pod")


def test_the_rate_of_a_pod_is_the_sum_over_its_counters_since_the_switch():
    ten = counter("a", "200", (90.0, 0.0), (102.0, 100.0), (112.0, 200.0))
    two = counter("a", "500", (90.0, 0.0), (102.0, 20.0), (112.0, 40.0))
    assert rates(ten, two) == {"a": 12.0}


def test_a_counter_that_stands_still_is_a_rate_of_none():
    assert rates(counter("a", "200", (102.0, 500.0), (107.0, 500.0), (112.0, 500.0))) == {"a": 0.0}


def test_requests_before_the_switch_are_none_of_its_business():
    assert rates(counter("a", "200", (95.0, 0.0), (101.0, 900.0), (112.0, 900.0))) == {"a": 0.0}


def test_one_sample_since_the_switch_says_nothing():
    assert rates(counter("a", "200", (90.0, 0.0), (102.0, 100.0))) == {}


def test_a_pod_that_is_not_scraped_any_more_says_nothing():
    assert rates(counter("a", "200", (102.0, 0.0), (112.0, 50.0)), fresh=150.0) == {}


def test_pods_of_the_other_side_are_left_out():
    assert rates(counter("z", "200", (102.0, 0.0), (112.0, 50.0))) == {}


def test_the_analyzer_gives_the_rates_of_the_old_pods():
    _, done = judged(Provider())
    assert done.switch
    assert done.switch.why == ""
    assert set(done.switch.rates) <= {"web-s"}


# ---------------------------------------------------------------- the Services asked


def asked(*answers):
    """An asker that gives one answer after the other, and the last one for ever."""
    left = list(answers)
    calls = []

    def ask(timeout):
        calls.append(timeout)
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return Probe(answer, f"said {answer}")

    return ask, calls


def looks(ask, times):
    analyzer, done = judged(Provider(), probes=(("Service web", ask),))
    found = [done]
    found += [analyzer.analyze("shop", STABLE, CANDIDATE) for _ in range(times - 1)]
    return [(next((r.verdict for r in one.results if r.kind == "service"), None), one.switch.unasked) for one in found]


def test_a_service_that_came_through_is_not_asked_again():
    ask, calls = asked(True)
    assert looks(ask, 3) == [(PASS, "")] * 3
    assert len(calls) == 1


def test_one_bad_answer_blinds_and_two_in_a_row_fail():
    assert looks(asked(False, False)[0], 2) == [(BLIND, ""), (FAIL, "")]
    assert looks(asked(False, True)[0], 2) == [(BLIND, ""), (PASS, "")]


def test_one_that_cannot_be_asked_has_no_verdict_and_the_reason_is_told():
    assert looks(asked(None, True)[0], 2) == [(None, "Service web: said None"), (PASS, "")]


def test_whatever_an_asker_raises_is_no_fault_of_the_service():
    assert looks(asked(RuntimeError("token=secret"))[0], 1) == [(None, "Service web: internal error: RuntimeError")]
