"""The e-value of one poll never has an expected value above 1 when the candidate is no worse: every outcome counted, nothing sampled."""

import math
from fractions import Fraction
from functools import partial
from itertools import product

import pytest

from deliver.analysis import e_values
from deliver.analysis.e_process import BETS, LIMITS, RATIOS
from deliver.model.evidence import Tally


def hypergeometric(tally, ratio, margin):
    return e_values.hypergeometrics(tally, [ratio], margin)[0]


def binomial(n: int, p: float) -> list[float]:
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def expected(n: int, m: int, p: float, odds_ratio: float, increment) -> float:
    """Over all outcomes of n candidate requests with odds `odds_ratio` times those of m stable ones, whose share of bad is p."""
    odds = odds_ratio * p / (1 - p)
    mine, theirs = binomial(n, odds / (1 + odds)), binomial(m, p)
    return sum(mine[x] * theirs[y] * math.exp(increment(Tally(x, n, y, m))) for x, y in product(range(n + 1), range(m + 1)))


@pytest.mark.parametrize(("n", "m"), [(5, 45), (20, 20), (30, 10)])
@pytest.mark.parametrize("share", [0.001, 0.02, 0.2])
@pytest.mark.parametrize("margin", [1.0, 1.2, 3.0])
@pytest.mark.parametrize("truth", [0.5, 1.0])
def test_no_bet_on_a_candidate_within_the_margin_can_be_expected_to_win(n, m, share, margin, truth):
    odds = margin * truth
    for ratio in (RATIOS[0], RATIOS[3], RATIOS[-1]):
        assert expected(n, m, share, odds, partial(e_values.poisson, ratio=margin * ratio, margin=margin)) <= 1 + 1e-9
        assert expected(n, m, share, odds, partial(hypergeometric, ratio=margin * ratio, margin=margin)) <= 1 + 1e-9
    for stake in BETS:
        assert expected(n, m, share, odds, partial(e_values.bet_on_block, stake=stake, margin=margin)) <= 1 + 1e-9


def test_on_the_margin_itself_the_exact_law_is_fair():
    for ratio in RATIOS:
        assert expected(12, 30, 0.2, 1.5, partial(hypergeometric, ratio=1.5 * ratio, margin=1.5)) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05])
def test_below_an_absolute_limit_no_bet_can_be_expected_to_win_and_on_it_each_is_fair(share):
    for ratio in LIMITS:
        chances = binomial(200, share)
        value = sum(chance * math.exp(e_values.absolute(x, 200, 0.05, ratio)) for x, chance in enumerate(chances))
        assert value == pytest.approx(1.0, abs=1e-9) if share == 0.05 else value < 1


def test_for_the_candidate_the_same_holds_the_other_way_round():
    for ratio in (0.5, 1.0):  # at least 3 times worse is the hypothesis now
        assert expected(20, 60, 0.02, 3.0, partial(hypergeometric, ratio=ratio, margin=3.0)) == pytest.approx(1.0, abs=1e-9)
        assert expected(20, 60, 0.02, 6.0, partial(hypergeometric, ratio=ratio, margin=3.0)) < 1
    for ratio in (0.05, 0.3):
        value = sum(chance * math.exp(e_values.absolute(x, 300, 0.01, ratio)) for x, chance in enumerate(binomial(300, 0.01)))
        assert value == pytest.approx(1.0, abs=1e-9)


def test_the_law_of_rare_events_would_promise_too_much_for_the_candidate():
    """Why noninferiority.py takes the exact one: with 20 of 80 requests a share of 2 % is not rare enough."""
    assert expected(20, 60, 0.02, 3.0, partial(e_values.poisson, ratio=1.0, margin=3.0)) > 1.005


@pytest.mark.parametrize(
    "tally", [Tally(3, 40, 7, 360), Tally(30, 40, 70, 360), Tally(0, 10, 9, 90), Tally(90, 90, 1, 10), Tally(70, 2000, 480, 18_000)]
)
@pytest.mark.parametrize("odds", [Fraction(6, 5), Fraction(2), Fraction(50)])
def test_the_exact_law_is_that_of_whole_numbers(tally, odds):
    """Fisher's noncentral hypergeometric distribution, added up in integers."""

    def chance(psi: Fraction) -> Fraction:
        n, m, x = tally.candidate_total, tally.stable_total, tally.bad
        up, down = psi.as_integer_ratio()
        weights = {u: math.comb(n, u) * math.comb(m, x - u) * up**u * down ** (x - u) for u in range(max(0, x - m), min(x, n) + 1)}
        return Fraction(weights[tally.candidate_bad], sum(weights.values()))

    wanted = chance(odds) / chance(Fraction(1))
    assert hypergeometric(tally, float(odds), 1.0) == pytest.approx(_log(wanted), abs=1e-8)


@pytest.mark.parametrize("odds", [0.3, 1.0, 1.2, 50.0])
@pytest.mark.parametrize(("n", "m", "x"), [(40, 360, 10), (300, 300, 200), (10, 90, 95), (90, 10, 91), (2000, 18_000, 550)])
def test_the_sum_begins_beside_its_largest_term(n, m, x, odds):
    """Else a term could be too large for a float beside it."""

    def term(u: int) -> float:
        return e_values._choose(n, u) + e_values._choose(m, x - u) + u * math.log(odds)

    low, high = max(0, x - m), min(x, n)
    begin = min(max(e_values._mode(n, m, x, odds), low), high)
    largest = max(range(low, high + 1), key=term)
    assert abs(begin - largest) <= 1


def test_counts_of_a_busy_day_fit_into_a_float():
    """Close to the law of rare events, which needs no sum."""
    tally = Tally(500, 100_000, 3500, 900_000)
    exact = hypergeometric(tally, 1.2, 1.0)
    assert exact == pytest.approx(e_values.poisson(tally, 1.2, 1.0), rel=0.02)


def _log(value: Fraction) -> float:
    """Also of one that no float can hold."""
    return math.log(value.numerator) - math.log(value.denominator)


def test_a_poll_without_a_bad_event_says_nothing():
    quiet = Tally(0, 50, 0, 450)
    assert e_values.poisson(quiet, 2.0, 1.0) == hypergeometric(quiet, 2.0, 1.0) == e_values.bet_on_block(quiet, 0.9, 1.0) == 0.0
