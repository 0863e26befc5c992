"""More exposure than was wanted: one key that stands for many users, such as that of everybody who is not logged in (S7)."""

from dataclasses import replace

import pytest

from deliver.engine.core.flag_guards import EXPECTED_REQUESTS
from deliver.model.analysis_result import AnalysisResult
from tests.engine.driver.test_flags import FlagRig
from tests.engine.rig import METRIC


def serving(rig: FlagRig, percent: float, samples: int) -> None:
    """The metric passes, and the treatment has that part of the requests."""
    judged = rig.judge.analyze

    def analyze(*args: object, **more: object) -> AnalysisResult:
        found = judged(*args, **more)  # type: ignore[arg-type]
        results = tuple(replace(one, samples=samples) for one in found.results)
        return replace(found, results=results, candidate_percent=percent if rig.flags.percent < 100 else 100.0)

    rig.judge.analyze = analyze  # type: ignore[method-assign]


def limited(rig: FlagRig, on_blind: str):
    spec = rig.spec(weights=(10, 50))
    return replace(spec, analysis=replace(spec.analysis, metrics=(METRIC,), max_blind=60.0, on_blind=on_blind))


@pytest.mark.parametrize(("on_blind", "ends"), [("hold", "HELD"), ("rollback", "ROLLED_BACK")])
def test_a_share_of_users_that_is_most_of_the_requests_is_not_raised(on_blind: str, ends: str):
    rig = FlagRig.make()
    serving(rig, 77.9, EXPECTED_REQUESTS)
    release = rig.run(limited(rig, on_blind))
    assert release.outcome == ends
    assert "set 50" not in rig.flags.writes
    assert "77.9 % of the requests get the treatment, 10 % of the users were wanted" in release.reason


@pytest.mark.parametrize(("percent", "samples"), [(20.0, 10_000), (77.9, EXPECTED_REQUESTS - 1)], ids=["twice as much", "few requests"])
def test_what_chance_may_bring_is_no_reason_to_stop(percent: float, samples: int):
    rig = FlagRig.make()
    serving(rig, percent, samples)
    assert rig.run(limited(rig, "hold")).outcome == "PROMOTED"
