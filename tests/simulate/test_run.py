"""A simulated release is a real one: engine, strategy and analysis decide, on virtual time."""

from dataclasses import replace

import pytest

from deliver.engine.runtime.stop_signal import Stop
from deliver.model.errors import InputError
from deliver.model.release import Outcome
from deliver.model.spec import Analysis, EvidenceMetric, LatencyMetric, RatioMetric, ReleaseSpec, Target
from deliver.simulate.run import Run, play
from deliver.simulate.scenario import Regression, Setting, played
from deliver.simulate.summary import line, view

FIXED = RatioMetric("errors", "bad", "all", max=0.02, min_samples=20)
SETTING = Setting(rps=50, errors=0.005, past=60, scrape=5)


def spec(*metrics: object, strategy: str = "canary", **options: object) -> ReleaseSpec:
    options = options or {"weight": [50], "bake": "1m"}
    mine = ReleaseSpec(Target("prod", "api"), "x:1", strategy, options, analysis=Analysis(metrics=metrics or (FIXED,), poll=5.0))  # type: ignore[arg-type]
    return played(mine, SETTING).spec


def run(regression: Regression, mine: ReleaseSpec | None = None, setting: Setting = SETTING, seed: int = 1) -> Run:
    return play(mine or spec(), setting, regression, seed, Stop())


def test_a_version_as_good_as_the_old_one_is_promoted():
    found = run(Regression())
    assert found.outcome is Outcome.PROMOTED
    assert found.lost == 0 and found.served > 0
    assert found.exposed == pytest.approx(120, abs=30)  # a bake at 50 % and one at 100 %


def test_a_worse_one_is_taken_back_and_the_failures_it_served_are_counted():
    found = run(Regression(errors=20))
    assert found.outcome is Outcome.ROLLED_BACK and "errors" in found.release.reason
    assert 0 < found.failed < found.served
    assert 0 < found.exposed < 60


def test_a_slower_one_is_taken_back_by_a_limit_on_latency():
    slow = LatencyMetric("latency", "h", bound=0.25, max=0.05, min_samples=20)
    assert run(Regression(slower=8), spec(slow)).outcome is Outcome.ROLLED_BACK
    assert run(Regression(slower=1), spec(slow)).outcome is Outcome.PROMOTED


def test_evidence_against_stable_needs_no_limit():
    found = run(Regression(errors=15), spec(EvidenceMetric("errors", bad="bad", total="all")), replace(SETTING, past=2400))
    assert found.outcome is Outcome.ROLLED_BACK and "times as bad as stable" in found.release.reason
    assert found.release.trail


def test_other_strategies_are_played_too():
    found = run(Regression(errors=20), spec(strategy="blue-green", preview_bake="5s", bake="1m", hold="0s"))
    assert found.outcome is Outcome.ROLLED_BACK


def test_a_step_that_waits_for_a_person_is_let_pass():
    steps = [{"weight": 50, "bake": "30s", "approval": True}]
    assert run(Regression(), spec(steps=steps)).outcome is Outcome.PROMOTED


def test_a_preview_service_of_the_users_own_is_made_up_too():
    mine = spec(strategy="blue-green", preview_service="api-preview", preview_bake="5s", bake="30s", hold="0s", approve=True)
    assert run(Regression(), mine).outcome is Outcome.PROMOTED


def test_the_same_seed_gives_the_same_release_and_another_one_another():
    first, again, other = (run(Regression(errors=20), seed=seed) for seed in (3, 3, 4))
    assert (first.served, first.failed, first.exposed) == (again.served, again.failed, again.exposed)
    assert (first.served, first.failed) != (other.served, other.failed)


def test_what_cannot_be_had_is_refused_as_for_a_real_release():
    with pytest.raises(InputError, match="weight 1 cannot be had with 4 stable pods"):
        run(Regression(), spec(weight=[1], bake="1m", max_overshoot=2))


def test_a_line_has_shares_with_their_interval_and_medians():
    runs = [run(Regression(errors=20), seed=seed) for seed in (1, 2, 3)] + [run(Regression())]
    found = line(Regression(errors=20), runs)
    assert (found.regression, found.runs, found.outcomes) == ("20x errors", 4, {"ROLLED_BACK": 3, "PROMOTED": 1})
    share, low, high = found.back
    assert share == 75 and 30 < low < 75 < high < 96
    times = sorted(one.exposed for one in runs[:3])
    assert found.exposed == times[1] and found.late is not None and times[1] <= found.late <= times[2]
    assert view(found)["rolled_back"] == {"percent": 75.0, "low": round(low, 3), "high": round(high, 3)}


def test_a_line_of_promoted_ones_alone_has_no_time_until_back():
    found = line(Regression(), [run(Regression())])
    assert (found.exposed, found.late, found.failed) == (None, None, None) and found.took


@pytest.mark.parametrize(
    ("regression", "words"),
    [
        (Regression(), "1x errors"),
        (Regression(errors=5), "5x errors"),
        (Regression(slower=2), "2x slower"),
        (Regression(5, 2), "5x errors, 2x slower"),
    ],
)
def test_a_regression_is_named_by_what_is_worse(regression: Regression, words: str):
    assert str(regression) == words
