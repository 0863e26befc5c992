"""Fewer requests than the weight promises, or far more: a signal, and no pass."""

import pytest

from deliver.metrics.candidate_traffic import check_exposure
from deliver.model.evidence import Tally
from deliver.model.observation import PodSeen
from deliver.model.verdict import Verdict
from tests.metrics.evidence_shop import CANDIDATE, STABLE, Shop, Watch, rates


def pods(number: int, ready: bool = True) -> tuple[PodSeen, ...]:
    return tuple(PodSeen(f"web-{n}", f"u{n}", ready=ready) for n in range(number))


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [(100, Verdict.PASS), (30, Verdict.PASS), (20, Verdict.BLIND), (0, Verdict.BLIND), (290, Verdict.PASS), (310, Verdict.BLIND)],
)
def test_less_than_a_quarter_or_more_than_three_times_what_the_endpoints_promise_blinds(candidate, verdict):
    found = check_exposure(candidate / 10, Tally(0, candidate, 0, 1000 - candidate), pods(9), pods(1), 5.0)
    assert found is not None
    assert found.verdict is verdict
    assert f"{candidate / 10:g} % of the requests" in found.why
    assert "1 of 10 endpoints (10 %)" in found.why


def test_with_few_requests_nothing_is_said():
    assert check_exposure(0.0, Tally(0, 0, 0, 900), pods(9), pods(1), 5.0) is None
    assert check_exposure(None, Tally(), pods(9), pods(1), 5.0) is None
    assert check_exposure(0.0, Tally(0, 0, 0, 9000), pods(9), pods(1, ready=False), 5.0) is None


def test_where_only_one_side_was_seen_nothing_is_said():
    assert check_exposure(None, Tally(0, 0, 0, 9000), pods(9), pods(1), 5.0) is None


def test_it_is_counted_anew_in_each_step():
    watch = Watch(Shop(rates(0.0, rate=0.6) | {STABLE[0].name: (20.0, 0.0), STABLE[1].name: (20.0, 0.0)}), shared=True)
    for _ in range(3):
        last = watch.look()
    blind = next(one for one in last.results if one.name == "exposure")
    assert blind.verdict is Verdict.BLIND
    watch.analyzer.reset(watch.shop.at)
    assert all(one.name != "exposure" for one in watch.look(3).results)


def test_where_users_are_not_spread_by_endpoints_it_does_not_apply():
    watch = Watch(Shop(rates(0.0, rate=0.6) | {STABLE[0].name: (20.0, 0.0), STABLE[1].name: (20.0, 0.0)}))
    for _ in range(3):
        last = watch.look(candidate=CANDIDATE)
    assert all(one.name != "exposure" for one in last.results)
