"""Fixed limits: when a metric passes, fails, or cannot be judged."""

import math

import pytest

from deliver.analysis.counts import Counts
from deliver.analysis.threshold import BreachStreak, judge_counts, judge_query, single_value
from deliver.model.spec import LatencyMetric, QueryMetric, RatioMetric
from deliver.model.verdict import Verdict
from deliver.plugins.interfaces import Answer, Series

PASS, FAIL, BLIND = Verdict.PASS, Verdict.FAIL, Verdict.BLIND
NOW = 1000.0


def metric(**more):
    return RatioMetric("errors", "bad", "total", **{"max": 0.01, "min_samples": 50, **more})


def counts(bad, total, newest=NOW, **more):
    return Counts(bad, total, newest, series=1, pods=1, **more)


def judge(metric, candidate, stable=Counts(), streak=BreachStreak()):  # noqa: B008
    return judge_counts(metric, candidate, stable, streak, now=NOW, stale=60.0)


@pytest.mark.parametrize(
    ("candidate", "verdict", "why"),
    [
        (counts(0, 100), PASS, "0 of 100"),
        (counts(1, 100), PASS, "1 of 100"),
        (counts(2, 100), FAIL, "2 of 100 requests bad (2 %), limit 1 %"),
        (counts(2, 200), PASS, "1 %"),  # at the limit is within it
        (counts(1, 50), BLIND, "a single bad request settles nothing"),  # above the limit, and no harm
        (counts(2, 50), FAIL, "4 %"),  # as many as are needed
        (counts(40, 49), BLIND, "49 candidate requests so far, 50 needed"),
        (counts(0, 0), BLIND, "0 candidate requests"),
        (Counts(), BLIND, "no samples"),
        (counts(0, 100, newest=NOW - 61), BLIND, "61 s old"),
        (counts(90, 100, newest=NOW - 61), BLIND, "61 s old"),
    ],
)
def test_share_against_the_limit(candidate, verdict, why):
    judgement = judge(metric(), candidate)
    assert judgement.verdict is verdict
    assert why in judgement.why


def test_without_a_least_number_no_request_is_still_no_evidence():
    assert judge(metric(min_samples=0), counts(0, 0)).verdict is BLIND
    assert judge(metric(min_samples=0), counts(0, 1)).verdict is PASS
    assert judge(metric(min_samples=0), counts(2, 2)).verdict is FAIL


@pytest.mark.parametrize(
    ("stable", "verdict", "why"),
    [
        (counts(0, 100), FAIL, "stable 0 %"),
        (counts(5, 100), BLIND, "environment"),
        (counts(9, 10), FAIL, "too few requests to compare"),
        (counts(0, 49), FAIL, "too few requests to compare (49)"),
        (counts(0, 50), FAIL, "limit 1 %, stable 0 %"),
        (Counts(), FAIL, "too few requests to compare"),
        (counts(1, 100), FAIL, "stable 1 %"),
    ],
)
def test_compared_with_the_stable_side(stable, verdict, why):
    judgement = judge(metric(compare=True), counts(5, 100), stable)
    assert judgement.verdict is verdict
    assert why in judgement.why


def test_the_stable_side_does_not_matter_when_nobody_asked():
    assert judge(metric(), counts(5, 100), counts(50, 100)).verdict is FAIL


def test_breaches_in_a_row_count_polls_that_brought_new_samples():
    wanted, streak = metric(consecutive=3), BreachStreak()
    verdicts = []
    for newest, bad in ((1, 5), (1, 5), (2, 5), (3, 0), (4, 5), (5, 5), (5, 5), (6, 5)):
        judgement = judge(wanted, counts(bad, 100, newest=NOW - 10 + newest), streak=streak)
        streak = judgement.streak
        verdicts.append(judgement.verdict)
    assert verdicts == [BLIND, BLIND, BLIND, PASS, BLIND, BLIND, BLIND, FAIL]


def test_both_shares_are_told_with_every_verdict():
    def told(candidate, stable=Counts(), wanted=metric()):  # noqa: B008
        judgement = judge(wanted, candidate, stable)
        return judgement.verdict, judgement.value, judgement.stable

    assert told(counts(0, 100), counts(1, 400)) == (PASS, 0.0, 0.0025)
    assert told(counts(5, 100), counts(1, 400)) == (FAIL, 0.05, 0.0025)
    assert told(counts(5, 100)) == (FAIL, 0.05, None)
    assert told(counts(5, 10), counts(1, 400)) == (BLIND, 0.5, 0.0025)
    assert told(Counts(), counts(1, 400)) == (BLIND, None, 0.0025)
    assert told(counts(5, 10), counts(4, 4, unmatched=1), LatencyMetric("slow", "h", 0.3, 0.05)) == (BLIND, 0.5, None)


@pytest.mark.parametrize(
    ("wanted", "stable", "why"),
    [
        (metric(), Counts(), "5 of 100 requests bad (5 %), limit 1 %"),
        (metric(compare=True), counts(1, 400), "5 of 100 requests bad (5 %), limit 1 %, stable 0.25 %"),
        (
            metric(compare=True),
            counts(1, 49),
            "5 of 100 requests bad (5 %), limit 1 %; the stable side has too few requests to compare (49)",
        ),
        (
            metric(compare=True),
            counts(8, 400),
            "both sides breach: candidate 5 %, stable 2 %, limit 1 %; this looks like the environment's problem",
        ),
        (metric(consecutive=2), Counts(), "5 of 100 requests bad (5 %), limit 1 %; breach 1 of 2 in a row"),
        (LatencyMetric("slow", "h", 0.3, 0.02), Counts(), "5 of 100 requests slower than 0.3 s (5 %), limit 2 %"),
    ],
)
def test_what_is_said_of_a_breach(wanted, stable, why):
    assert judge(wanted, counts(5, 100), stable).why == why


def test_a_sample_is_no_data_when_it_is_older_than_that():
    assert judge(metric(), counts(0, 100, newest=NOW - 60)).verdict is PASS
    old = judge(metric(), counts(0, 100, newest=NOW - 60.6))
    assert (old.verdict, old.why) == (BLIND, "the candidate's newest sample is 61 s old, more than 60 s")


def test_a_gap_does_not_end_the_row():
    first = judge(metric(consecutive=2), counts(5, 100, newest=NOW - 5))
    gap = judge(metric(consecutive=2), Counts(), streak=first.streak)
    assert judge(metric(consecutive=2), counts(5, 100), streak=gap.streak).verdict is FAIL


def test_a_histogram_without_the_bucket_is_blind_and_shows_no_share():
    judgement = judge(LatencyMetric("slow", "h", 0.3, 0.05), counts(100, 100, unmatched=1))
    assert (judgement.verdict, judgement.value) == (BLIND, None)
    assert "no bucket le=0.3" in judgement.why


def answer(*values, warnings=()):
    return Answer("q", tuple(Series({}, ((NOW, value),)) for value in values), warnings)


@pytest.mark.parametrize(
    ("got", "verdict"),
    [
        (answer(5.0), PASS),
        (answer(1.0), PASS),
        (answer(10.0), PASS),
        (answer(10.1), FAIL),
        (answer(0.9), FAIL),
        (answer(), BLIND),
        (answer(math.nan), BLIND),
        (answer(math.inf), BLIND),
        (answer(5.0, 5.0), BLIND),
        (answer(5.0, warnings=("a store is away",)), BLIND),
        (Answer("q", (Series({}, ()),)), BLIND),
    ],
)
def test_a_query_is_one_finite_number_within_its_limits(got, verdict):
    assert judge_query(QueryMetric("q", "q", max=10, min=1), got, BreachStreak(), now=NOW).verdict is verdict


@pytest.mark.parametrize(
    ("got", "why"),
    [
        (answer(5.0), "5 is within min 1, max 10"),
        (answer(0.5), "0.5 is outside min 1, max 10"),
        (answer(), "the query gives no value"),
        (Answer("q", (Series({}, ()),)), "the query gives no value"),
        (answer(1.0, 2.0), "the query gives 2 series, one is wanted"),
        (answer(-math.inf), "the query gives -inf, not a number that can be judged"),
        (answer(5.0, warnings=("a store is away",)), "the answer is partial: a store is away"),
    ],
)
def test_what_is_said_of_a_query(got, why):
    assert judge_query(QueryMetric("q", "q", max=10, min=1), got, BreachStreak(), now=NOW).why == why


def test_the_one_number_of_an_answer_has_no_reason_beside_it():
    assert single_value(answer(5.0)) == (5.0, "")
    assert single_value(answer()) == (None, "the query gives no value")


def test_the_newest_value_of_a_query_is_judged_and_told():
    two = Answer("q", (Series({}, ((NOW - 5, 50.0), (NOW, 2.0))),))
    assert judge_query(QueryMetric("q", "q", max=10), two, BreachStreak(), now=NOW).value == 2.0
    assert judge_query(QueryMetric("q", "q", max=1), two, BreachStreak(), now=NOW).value == 2.0
    assert judge_query(QueryMetric("q", "q", max=1, consecutive=2), two, BreachStreak(), now=NOW).value == 2.0
    assert judge_query(QueryMetric("q", "q", max=1), answer(math.nan), BreachStreak(), now=NOW).value is None


def test_one_good_value_ends_the_row_and_one_that_is_none_does_not():
    wanted = QueryMetric("q", "q", min=1, consecutive=2)
    first = judge_query(wanted, answer(0.0), BreachStreak(), now=NOW)
    assert (first.streak, first.why) == (BreachStreak(1, NOW), "0 is outside min 1; breach 1 of 2 in a row")
    assert judge_query(wanted, answer(2.0), first.streak, now=NOW + 5).streak == BreachStreak(0, NOW + 5)
    assert judge_query(wanted, answer(), first.streak, now=NOW + 5).streak == first.streak


def test_a_query_fails_after_its_breaches_in_a_row():
    wanted = QueryMetric("q", "q", max=1, consecutive=2)
    first = judge_query(wanted, answer(2.0), BreachStreak(), now=NOW)
    again = judge_query(wanted, answer(2.0), first.streak, now=NOW)
    second = judge_query(wanted, answer(2.0), again.streak, now=NOW + 5)
    assert [first.verdict, again.verdict, second.verdict] == [BLIND, BLIND, FAIL]


def test_a_breach_of_stable_too_is_no_excuse_for_what_is_far_worse():
    """A past with one bad minute: 23 % of the candidate's requests are bad, 1.8 % of stable's, and the limit is 1 %."""
    alike = judge(metric(compare=True), counts(5, 200), counts(11, 598))
    assert (alike.verdict, "environment" in alike.why) == (BLIND, True)
    assert judge(metric(compare=True), counts(41, 180), counts(11, 598)).verdict is FAIL


def test_a_breach_that_is_not_yet_one_of_enough_in_a_row_leans():
    found = judge(metric(consecutive=2), counts(5, 100))
    assert (found.verdict, found.leans) == (BLIND, True)
    assert judge(metric(consecutive=2), counts(0, 100)).leans is False
