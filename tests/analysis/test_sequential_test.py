"""From counts to a claim: when polls close, what is held against the past, proof, intervals, and the words for them."""

import math
from dataclasses import replace

import pytest

from deliver.analysis import e_process, noninferiority, phrases, ratio_interval, sequential_test
from deliver.analysis.e_process import ABSOLUTE
from deliver.analysis.sequential_test import Rules
from deliver.model.codec import decode, encode
from deliver.model.evidence import Calibration, MetricEvidence, Tally, Track

RULES = Rules(margin=1.0, alpha=0.05)
TRACK = Track(calibration=Calibration(likelihood=True, every=15.0, planned=40, bad=10, total=10_000))
GOOD, BAD = Tally(0, 60, 1, 540), Tally(9, 60, 1, 540)


def after(track: Track, *polls: Tally, rules: Rules = RULES, begin: float = 1000.0, every: float = 15.0) -> Track:
    for number, poll in enumerate(polls, 1):
        track = sequential_test.update(track, poll, begin, begin + number * every, rules)
    return track


# ---------------------------------------------------------------- polls


def test_a_poll_closes_when_its_time_is_over_and_both_sides_had_requests():
    early = sequential_test.update(TRACK, BAD, 1000.0, 1005.0, RULES)
    assert (early.pending, early.sum, sequential_test.log_evidence_against(early, RULES)) == (BAD, Tally(), 0.0)
    closed = sequential_test.update(early, BAD, 1000.0, 1015.0, RULES)
    assert (closed.pending, closed.sum) == (Tally(), BAD + BAD)
    assert sequential_test.log_evidence_against(closed, RULES) > 0


def test_without_a_request_of_the_candidate_it_stays_open():
    open_ = after(TRACK, Tally(0, 0, 2, 600), Tally(0, 0, 1, 600))
    assert (open_.pending, open_.wealth.polls) == (Tally(0, 0, 3, 1200), 0)


def test_what_was_bad_plays_no_part_in_when_it_closes():
    for poll in (Tally(0, 1, 0, 1), Tally(1, 1, 1, 1)):
        assert after(TRACK, poll).wealth.polls == 1
        assert sequential_test.update(TRACK, poll, 1000.0, 1010.0, RULES).wealth.polls == 0


def test_a_new_step_begins_its_own_poll():
    shifted = sequential_test.update(after(TRACK, GOOD), GOOD, 2000.0, 2010.0, RULES)
    assert (shifted.since, shifted.wealth.polls) == (2000.0, 1)


def test_without_stable_traffic_the_candidate_is_held_against_the_past():
    alone = Tally(6, 600, 0, 0)
    waiting = after(TRACK, alone, alone)
    assert waiting.wealth.polls == 0, "it may come yet"
    found = after(TRACK, *[alone] * 12)
    assert found.wealth.polls == 4
    assert sequential_test.capped_odds(sequential_test.log_evidence_against(found, RULES)) > 20, "1 % where the past had 0.1 %"
    like_the_past = after(TRACK, *[Tally(1, 600, 0, 0)] * 12)
    assert sequential_test.capped_odds(sequential_test.log_evidence_against(like_the_past, RULES)) < 1
    assert after(replace(TRACK, calibration=replace(TRACK.calibration, total=0)), *[alone] * 12).wealth.polls == 0


def test_the_past_is_taken_at_its_worst():
    assert sequential_test.upper_bound(10, 10_000, 1.0) == pytest.approx(0.0024, abs=0.0001)
    assert sequential_test.upper_bound(0, 1000, 1.0) == pytest.approx(0.0053, abs=0.0001), "no bad request is no share of 0"
    assert sequential_test.upper_bound(10, 10_000, 4.0) > sequential_test.upper_bound(10, 10_000, 1.0)
    assert sequential_test.upper_bound(0, 0, 1.0) == 1.0


def test_what_the_past_does_not_refute_ends_where_chance_has_half_a_percent_left():
    """Where nothing or everything was bad, Chernoff's bound is the chance itself: p^n or (1-p)^n = 0.005."""
    assert sequential_test.upper_bound(0, 50, 1.0) == pytest.approx(1 - 0.005 ** (1 / 50))
    assert sequential_test.lower_bound(50, 50, 1.0) == pytest.approx(0.005 ** (1 / 50))
    assert sequential_test.upper_bound(50, 50, 1.0) == pytest.approx(1.0)
    assert sequential_test.upper_bound(0, 50, 4.0) == pytest.approx(1 - 0.005 ** (4 / 50)), "dispersion is so much less that was seen"
    assert sequential_test.lower_bound(10, 50, 2.0, 0.05) == pytest.approx(1 - sequential_test.upper_bound(40, 50, 2.0, 0.05)), (
        "good and bad are alike"
    )


# ---------------------------------------------------------------- an absolute limit


SLO = Rules(limit=0.01)


def test_an_absolute_limit_needs_no_stable_side():
    assert sequential_test.capped_odds(sequential_test.log_evidence_against(after(TRACK, *[Tally(3, 60, 0, 0)] * 6, rules=SLO), SLO)) > 20
    assert sequential_test.log_evidence_against(after(TRACK, *[Tally(0, 60, 0, 0)] * 6, rules=SLO), SLO) < 0


def test_a_limit_that_stable_breaks_too_is_the_environments_problem():
    both = after(TRACK, *[Tally(6, 60, 54, 540)] * 4, rules=SLO)
    assert sequential_test.stable_breaks_limit(both, SLO)
    assert not sequential_test.stable_breaks_limit(after(TRACK, *[BAD] * 4, rules=SLO), SLO)
    assert not sequential_test.stable_breaks_limit(after(TRACK, *[BAD] * 4), RULES), "against stable, a shared incident cancels out"


def test_nothing_is_piled_up_while_stable_only_seems_to_break_the_limit():
    """Long before that is sure: its evidence is above 1 : 1."""
    doubtful = after(TRACK, Tally(9, 60, 10, 540), rules=SLO)
    assert 0 < e_process.log_evidence(doubtful.alike, ABSOLUTE) < 1
    assert not sequential_test.stable_breaks_limit(doubtful, SLO)
    assert sequential_test.log_evidence_against(doubtful, SLO) <= 1e-9
    assert sequential_test.log_evidence_against(after(TRACK, Tally(9, 60, 2, 540), rules=SLO), SLO) > 1


# ---------------------------------------------------------------- proof


def test_nothing_bad_on_either_side_proves_no_ratio_but_an_acceptable_share():
    few, many = after(TRACK, *[Tally(0, 60, 0, 540)] * 3), after(TRACK, *[Tally(0, 60, 0, 540)] * 10)
    assert noninferiority.no_worse(many.proof) == 0.0
    assert not sequential_test.is_proven(few, RULES)
    assert sequential_test.is_proven(many, RULES), "600 requests without an error: less than 1 % are bad"
    assert not sequential_test.is_proven(
        after(TRACK, *[Tally(0, 60, 0, 540)] * 10, rules=replace(RULES, acceptable=0.0)), replace(RULES, acceptable=0.0)
    )


def test_enough_alike_proves_that_it_is_no_worse():
    strict = replace(RULES, acceptable=0.0)
    alike = after(TRACK, *[Tally(2, 60, 18, 540)] * 12, rules=strict)
    assert sequential_test.is_proven(alike, strict)
    worse = after(TRACK, *[Tally(6, 60, 18, 540)] * 12, rules=strict)
    assert not sequential_test.is_proven(worse, strict)


def test_what_was_proved_stays_proved_through_a_bad_minute():
    proved = after(TRACK, *[Tally(2, 60, 18, 540)] * 14)
    later = sequential_test.update(proved, Tally(9, 60, 1, 540), 1000.0, 1000.0 + 15 * 15, RULES)
    assert noninferiority.strongest(later.proof) < noninferiority.strongest(proved.proof)
    assert sequential_test.is_proven(later, RULES)


def test_after_a_switch_the_past_is_what_it_is_no_worse_than():
    usual = replace(TRACK, calibration=Calibration(likelihood=True, every=15.0, planned=40, exact=True, bad=500, total=10_000))
    strict = replace(RULES, acceptable=0.0)
    alike = after(usual, *[Tally(30, 600, 0, 0)] * 12, rules=strict)
    assert sequential_test.is_proven(alike, strict), "5 % as before"
    assert not sequential_test.is_proven(after(usual, *[Tally(84, 600, 0, 0)] * 12, rules=strict), strict), "14 %"
    assert sequential_test.lower_bound(0, 1000, 1.0) == 0.0
    assert sequential_test.lower_bound(500, 10_000, 1.0) == pytest.approx(0.0434, abs=0.0005)


def test_a_past_without_a_bad_request_is_nothing_to_be_no_worse_than():
    spotless = replace(TRACK, calibration=replace(TRACK.calibration, bad=0, exact=True))
    alone = after(spotless, *[Tally(1, 600, 0, 0)] * 12)
    assert alone.wealth.polls > 0
    assert noninferiority.no_worse(alone.proof) == 0.0
    assert noninferiority.good_enough(alone.proof) > 0, "its own share can still be shown"


def test_against_a_limit_only_a_share_below_the_limit_is_proof():
    """As bad as stable is, above the limit: no worse, and not good enough."""
    alike = after(TRACK, *[Tally(2, 60, 18, 540)] * 14, rules=SLO)
    assert noninferiority.no_worse(alike.proof) > math.log(20)
    assert not sequential_test.is_proven(alike, SLO)
    assert sequential_test.is_proven(after(TRACK, *[Tally(0, 60, 18, 540)] * 14, rules=SLO), SLO)


def test_one_or_two_bad_requests_are_no_evidence_whatever_their_odds():
    rare = Tally(2, 6, 0, 5400)
    assert sequential_test.log_evidence_against(after(TRACK, rare), RULES) == 0.0
    assert sequential_test.log_evidence_against(after(TRACK, rare, Tally(1, 6, 0, 5400)), RULES) > math.log(20)


def test_an_incident_on_both_sides_is_never_the_candidates_and_is_over_when_it_is_over():
    incident = after(TRACK, *[Tally(30, 60, 270, 540)] * 4, rules=SLO)
    assert sequential_test.stable_breaks_limit(incident, SLO)
    assert sequential_test.log_evidence_against(incident, SLO) <= 1e-9, "nothing is piled up meanwhile"
    assert e_process.log_evidence(incident.alike, ABSOLUTE) == pytest.approx(math.log(20) + 1), "never far above what is needed"
    later = incident
    for number in range(5, 12):
        later = sequential_test.update(later, Tally(0, 60, 0, 540), 1000.0, 1000.0 + 15 * number, SLO)
    assert not sequential_test.stable_breaks_limit(later, SLO)
    assert sequential_test.log_evidence_against(later, SLO) <= 1e-9
    for number in range(12, 22):
        later = sequential_test.update(later, Tally(30, 60, 0, 540), 1000.0, 1000.0 + 15 * number, SLO)
    assert sequential_test.log_evidence_against(later, SLO) > math.log(20), "and one of its own is found after it"


# ---------------------------------------------------------------- many bounds


def test_a_metric_with_several_bounds_is_their_mean_and_speaks_by_the_one_near_p95():
    quiet, loud = after(TRACK, *[GOOD] * 3), after(TRACK, *[BAD] * 3)
    both = MetricEvidence((replace(loud, bound=0.1), replace(quiet, bound=0.5)))
    mean = (math.exp(sequential_test.log_evidence_against(loud, RULES)) + math.exp(sequential_test.log_evidence_against(quiet, RULES))) / 2
    assert sequential_test.metric_log_evidence(both, RULES) == pytest.approx(math.log(mean))
    rare, usual = Calibration(bad=3, total=1000), Calibration(bad=60, total=1000)
    assert (
        sequential_test.main_track(
            MetricEvidence((Track(1.0, rare), Track(0.25, usual), Track(0.1, Calibration(bad=500, total=1000))))
        ).bound
        == 0.25
    )


def test_before_the_first_sample_there_is_no_evidence_and_without_a_past_any_bound_may_speak():
    assert sequential_test.metric_log_evidence(MetricEvidence(), RULES) == 0.0
    unknown = Track(0.5, Calibration())
    assert sequential_test.main_track(MetricEvidence((unknown,))) == unknown
    assert sequential_test.main_track(MetricEvidence((unknown, Track(0.25, Calibration(bad=60, total=1000))))).bound == 0.25


def test_all_of_it_survives_the_record_exactly():
    kept = MetricEvidence((after(TRACK, GOOD, BAD, Tally(1, 60, 0, 0)),), {"web-a": 1000.25})
    assert decode(MetricEvidence, encode(kept)) == kept


# ---------------------------------------------------------------- for people


def test_the_interval_holds_the_truth_and_shrinks():
    little, much = (after(TRACK, *[Tally(3, 60, 9, 540)] * polls) for polls in (2, 20))
    low, high = ratio_interval.interval(little.profile, 0.05) or (0, 0)
    lower, higher = ratio_interval.interval(much.profile, 0.05) or (0, 0)
    assert low < 3 < high
    assert low <= lower < 3 < higher <= high
    assert ratio_interval.interval((), 0.05) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "1 : 1"), (math.log(412.4), "412 : 1"), (math.log(41234), "41,234 : 1"), (-math.log(3), "1 : 3"), (400.0, "over a billion : 1")],
)
def test_evidence_is_said_as_odds(value, text):
    assert phrases.odds(value) == text


def test_the_ratio_is_said_as_far_as_it_is_known():
    assert phrases.ratio_text(TRACK, RULES) == ""
    assert "times stable" in phrases.ratio_text(after(TRACK, *[BAD] * 5), RULES)
    assert phrases.ratio_text(after(TRACK, *[Tally(9, 60, 0, 540)] * 5), RULES).endswith("times stable or more")
    assert phrases.claim_text(RULES) == "it is worse than stable"
    assert phrases.claim_text(replace(RULES, margin=1.2)) == "it is more than 1.2 times as bad as stable"
    assert phrases.claim_text(SLO) == "more than 1 % are bad"
