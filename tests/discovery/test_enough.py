"""How many requests the candidate will get before all users follow it."""

from deliver.discovery import enough
from deliver.model.plan import Plan, Side, Step


def test_a_canary_counts_its_last_shared_step_as_long_as_proof_is_waited_for() -> None:
    steps = (
        Step("10 %", 10, Side.BOTH, 1, 4, bake=60),
        Step("50 %", 50, Side.BOTH, 4, 4, bake=20),
        Step("100 %", 100, Side.CANDIDATE, 4, 4, bake=600),
    )
    assert enough.expected(Plan("canary", steps), 100.0) == 100 * 0.5 * 60 * enough.LATE


def test_its_own_limit_goes_before_the_usual_one() -> None:
    steps = (Step("50 %", 50, Side.BOTH, 4, 4, bake=20, max_bake=40), Step("100 %", 100, Side.CANDIDATE, 4, 4))
    assert enough.expected(Plan("canary", steps), 100.0) == 100 * 0.5 * 40 * enough.LATE


def test_a_switch_counts_the_bake_after_it() -> None:
    steps = (Step("preview", 0, Side.STABLE, 4, 4, bake=5), Step("100 %", 100, Side.CANDIDATE, 4, 4, bake=30))
    assert enough.expected(Plan("blue-green", steps), 10.0) == 300.0


def test_fixed_limits_stand_where_there_is_something_to_limit() -> None:
    errors = {"name": "errors", "bad": "x", "total": "y"}
    slow = {"name": "latency", "histogram": "x"}
    assert enough.fixed([errors, slow]) == [{**errors, "max": "5%", "compare": "stable"}]
    bound = {**slow, "slower_than": "250ms"}
    assert enough.fixed([bound]) == [{**bound, "max": "20%", "compare": "stable"}]
    assert "max" not in errors
