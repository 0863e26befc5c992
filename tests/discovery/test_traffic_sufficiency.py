"""How many requests the candidate will get before all users follow it: said, and nothing more."""

from deliver.discovery import traffic_sufficiency
from deliver.model.plan import Plan, Side, Step
from deliver.model.spec import EvidenceMetric

FREE = EvidenceMetric("errors", bad="x", total="y", duty=False)
HALF = Plan("canary", (Step("50 %", 50, Side.BOTH, 4, 4, bake=20), Step("100 %", 100, Side.CANDIDATE, 4, 4, bake=20)))


def test_a_canary_counts_its_last_shared_step_as_long_as_proof_is_waited_for() -> None:
    steps = (
        Step("10 %", 10, Side.BOTH, 1, 4, bake=60),
        Step("50 %", 50, Side.BOTH, 4, 4, bake=20),
        Step("100 %", 100, Side.CANDIDATE, 4, 4, bake=600),
    )
    assert traffic_sufficiency.expected_requests(Plan("canary", steps), 100.0) == 100 * 0.5 * 60 * traffic_sufficiency.EARLY_FRACTION


def test_its_own_limit_goes_before_the_usual_one() -> None:
    steps = (Step("50 %", 50, Side.BOTH, 4, 4, bake=20, max_bake=40), Step("100 %", 100, Side.CANDIDATE, 4, 4))
    assert traffic_sufficiency.expected_requests(Plan("canary", steps), 100.0) == 100 * 0.5 * 40 * traffic_sufficiency.EARLY_FRACTION


def test_a_switch_counts_the_bake_after_it() -> None:
    steps = (Step("preview", 0, Side.STABLE, 4, 4, bake=5), Step("100 %", 100, Side.CANDIDATE, 4, 4, bake=30))
    assert traffic_sufficiency.expected_requests(Plan("blue-green", steps), 10.0) == 300.0


def test_too_few_for_proof_are_told_with_what_comes_of_it() -> None:
    (line,) = traffic_sufficiency.traffic_notes(HALF, 5.0, (FREE,))
    assert line == (
        "metrics: at 5 requests a second the candidate gets about 75 before all users follow; proof takes about 500 or more, and with "
        "fewer than 1,000 the release goes on without it; what errors show can still take it back"
    )


def test_enough_of_them_and_metrics_that_somebody_named_need_no_word() -> None:
    assert traffic_sufficiency.traffic_notes(HALF, 500.0, (FREE,)) == ()
    assert traffic_sufficiency.traffic_notes(HALF, 5.0, (EvidenceMetric("errors", bad="x", total="y"),)) == ()


def test_pods_that_have_counted_nothing_yet_are_not_said_to_have_no_traffic() -> None:
    (line,) = traffic_sufficiency.traffic_notes(HALF, 0.0, (FREE,))
    assert line.startswith(
        "metrics: no requests have been counted yet; proof takes about 500 or more, and with fewer than 1,000 the release"
    )


def test_a_number_at_which_one_good_version_in_two_is_proved_is_told_too() -> None:
    assert "gets about 750 before" in traffic_sufficiency.traffic_notes(HALF, 50.0, (FREE,))[0]
    assert traffic_sufficiency.traffic_notes(HALF, 67.0, (FREE,)) == ()
