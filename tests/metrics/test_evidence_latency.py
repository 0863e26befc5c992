"""Latency that is judged by evidence: the fractions of requests above the bounds of a histogram."""

import pytest

from deliver.model.spec import EvidenceMetric
from deliver.plugins.interfaces import Answer, Histogram, Series
from tests.metrics.evidence_shop import BEGIN, BLIND, CANDIDATE, FAIL, PASS, STABLE, Shop, Watch


class Timed(Shop):
    """The same pods with a histogram of three buckets: `slow` of the requests take longer than 0.25 s. native: as one sample a scrape."""

    def __init__(self, slow, *, native=False):
        super().__init__(dict.fromkeys(slow, (10.0, 0.0)))
        self.slow, self.native = slow, native

    def raw(self, selector, window, timeout):
        self.asked.append(selector)
        name = selector.partition("{")[0]
        if self.native is (name != "seconds"):
            return Answer(selector)
        return Answer(selector, tuple(one for pod in self.slow for one in self._of(pod, name, self.at - window)))

    def value(self, query, timeout):
        return Answer(query)

    def _of(self, pod, name, since):
        times = [t for t in range(int(BEGIN - 30), int(self.at) + 1) if t % 15 == 0 and t > since]
        whole = {t: round(10.0 * (t - BEGIN + 30)) for t in times}
        late = {t: round(self.slow[pod] * whole[t]) for t in times}
        labels = {"__name__": name, "pod": pod}
        if self.native:
            buckets = lambda t: ((0.0, 0.1, (whole[t] - late[t]) / 2), (0.1, 0.25, (whole[t] - late[t]) / 2), (0.25, 1.0, float(late[t])))  # noqa: E731
            yield Series(labels, (), tuple((float(t), Histogram(float(whole[t]), buckets(t))) for t in times))
        elif name == "seconds_count":
            yield Series(labels, tuple((float(t), float(whole[t])) for t in times))
        else:
            for bound, count in (("0.1", lambda t: (whole[t] - late[t]) / 2), ("0.25", lambda t: whole[t] - late[t]), ("+Inf", whole.get)):
                yield Series(labels | {"le": bound}, tuple((float(t), float(count(t))) for t in times))


LATENCY = EvidenceMetric("latency", histogram="seconds", min_samples=20)


def slow(candidate, stable=0.05):
    return {STABLE[0].name: stable, STABLE[1].name: stable, CANDIDATE[0].name: candidate}


@pytest.mark.parametrize("native", [False, True])
def test_a_slow_candidate_fails_at_the_bounds_that_tell_something(native):
    watch = Watch(Timed(slow(0.5), native=native), LATENCY)
    number, result = watch.until(FAIL)
    assert number is not None
    assert [track.bound for track in watch.evidence_store.measures["latency"].tracks] == [0.1, 0.25]
    assert "requests slower than 0.25 s (50 %)" in result.why
    number, result = Watch(Timed(slow(0.05), native=native), LATENCY).until(FAIL, 20)
    assert (number, result.verdict) == (None, PASS)


def test_where_all_are_fast_the_lowest_bound_is_enough():
    watch = Watch(Timed(slow(0.5, stable=0.0)), LATENCY)
    number, result = watch.until(FAIL)
    assert number is not None
    assert "slower than 0.25 s" in result.why or "slower than 0.1 s" in result.why


def test_other_buckets_than_stable_are_blind_not_slow():
    shop = Timed(slow(0.05))
    watch = Watch(shop, LATENCY)
    watch.look()
    theirs = shop._of

    def renamed(pod, name, since):
        for one in theirs(pod, name, since):
            if "candidate" not in pod or one.labels.get("le") != "0.25":
                yield one

    shop._of = renamed
    results = [watch.look().results[0] for _ in range(4)]
    assert {one.verdict for one in results} == {BLIND}
    assert "the candidate's histogram has no bound 0.25 any more" in results[0].why
