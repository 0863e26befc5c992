"""Proof before all users follow: waited for, never assumed, and the only thing that ends a bake early."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from deliver.model.analysis_result import AnalysisResult
from deliver.model.evidence import Calibration, MetricEvidence, Tally, Track
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import PodSeen
from deliver.model.release import Outcome, Release
from deliver.model.spec import ReleaseSpec
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.render.sentences import sentence
from tests.engine.invariants import watched
from tests.engine.rig import Judge, Rig, in_step


@dataclass
class Weighing(Judge):
    """A judge whose metric passes, and is proved when `proved` says so of the seconds since it was made."""

    proved: Callable[[float], bool] = lambda seconds: False
    began: float = 0.0
    looks: int = 0

    def analyze(self, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], *, traffic: bool = True) -> AnalysisResult:
        at = self.now()
        self.began, self.looks = self.began or at, self.looks + 1
        total = Tally(0, 10 * self.looks, 1, 90 * self.looks)
        numbers = {"candidate_bad": 0.0, "candidate_total": 10.0 * self.looks, "stable_bad": 1.0, "stable_total": 90.0 * self.looks}
        evidence = Evidence(at=at, numbers={**numbers, "odds_worse": 0.5, "odds_no_worse": 8.0})
        result = CheckResult("errors", "metric", Verdict.PASS, "0 of 10", evidence=evidence, proved=self.proved(at - self.began))
        measure = MetricEvidence((Track(calibration=Calibration(every=5.0), sum=total),), {"web-a": at})
        return AnalysisResult((result,), 10.0, at, measures={"errors": measure})


def weighed(proved: Callable[[float], bool] = lambda seconds: False) -> Rig:
    rig = Rig.make()
    rig.judge = Weighing(rig.world.clock.now, proved=proved)
    return rig


def spec(rig: Rig, policy: str = "hold", **options: object) -> ReleaseSpec:
    made = rig.spec(options=options)
    return replace(made, analysis=replace(made.analysis, inconclusive=policy))


def entered(release: Release, step: int) -> float:
    """When that step's preparation began."""
    return next(entry.at for entry in release.journal if sentence(entry, release).startswith(f"step {step}/3: preparing"))


def test_users_stay_on_both_sides_until_it_is_proved():
    rig = weighed(lambda seconds: seconds > 200)
    dog = watched(rig)
    release = rig.run(spec(rig, max_bake="5m"))
    assert release.outcome is Outcome.PROMOTED
    assert entered(release, 3) - entered(release, 2) > 120, "the bake is 60 s"
    waits = [sentence(entry, release) for entry in release.journal if "for proof" in sentence(entry, release)]
    assert waits == ["the bake is over; waiting up to 4 m for proof that errors is no worse"]
    dog.check(release)


@pytest.mark.parametrize(
    ("policy", "outcome", "says"),
    [
        ("hold", Outcome.HELD, "inconclusive: errors: not shown to be no worse within 3 m (`max_bake`): 0 of 10"),
        ("rollback", Outcome.ROLLED_BACK, "errors: not shown to be no worse within 3 m (`max_bake`): 0 of 10"),
        ("promote", Outcome.PROMOTED, "all 3 steps passed"),
    ],
)
def test_what_is_never_proved_ends_as_the_policy_says(policy, outcome, says):
    rig = weighed()
    dog = watched(rig)
    release = rig.run(spec(rig, policy))
    assert release.outcome is outcome
    assert release.reason == says
    noted = [sentence(entry, release) for entry in release.journal if entry.kind == "note" and "inconclusive" in sentence(entry, release)]
    assert len(noted) == (2 if policy == "promote" else 0), "said once a step, and on the record"
    dog.check(release)


def test_the_first_step_needs_no_proof():
    release = weighed_run(lambda seconds: seconds > 100)
    assert release.outcome is Outcome.PROMOTED


def weighed_run(proved: Callable[[float], bool]) -> Release:
    rig = weighed(proved)
    return rig.run(spec(rig))


def test_proof_ends_a_bake_early_from_min_bake_on():
    rig = weighed(lambda seconds: seconds > 25)
    release = rig.run(spec(rig, min_bake="20s"))
    assert release.outcome is Outcome.PROMOTED
    slow = weighed(lambda seconds: True)
    patient = slow.run(spec(slow))
    assert release.ended - release.started < patient.ended - patient.started - 60
    early = [entry for entry in release.journal if (entry.event, entry.step) == (Event.STEP_PASSED, 0)]
    assert early[0].at - release.started >= 20


def test_without_proof_no_bake_ends_early():
    rig = weighed(lambda seconds: seconds > 170)
    release = rig.run(spec(rig, min_bake="5s", max_bake="10m"))
    passed = {sentence(entry, release).split()[1]: entry.at for entry in release.journal if entry.event is Event.STEP_PASSED}
    baking = [entry.at for entry in release.journal if "baking" in sentence(entry, release) and "step 1/3" in sentence(entry, release)]
    assert passed["1/3"] - baking[0] >= 60


def test_however_short_the_bake_some_looks_are_waited_for():
    rig = weighed(lambda seconds: seconds > 30)
    release = rig.run(spec(rig, bake="0s"))
    assert release.outcome is Outcome.PROMOTED


def test_shares_of_users_are_proved_before_the_last_of_them_too():
    """A flag's steps have both sides all the way: 50 to 100 % leaves nobody to compare with."""
    from deliver.engine.core.proof_gate import is_asked_for
    from deliver.model.plan import Plan, Side, Step

    steps = tuple(Step(f"{share} %", share, Side.BOTH, candidate_pods=0, stable_pods=0, bake=60.0) for share in (10, 50, 100))
    made = weighed_run(lambda seconds: True)
    asked = [is_asked_for(replace(made, plan=Plan("flag", steps), step=at)) for at in range(3)]
    assert asked == [False, True, True]


def test_a_person_may_let_it_pass_without_proof():
    rig = weighed()
    rig.when(in_step(2), lambda: rig.ask("promote"))
    rig.when(in_step(3), lambda: rig.ask("promote"))
    assert rig.run(spec(rig)).outcome is Outcome.PROMOTED


def test_the_evidence_and_its_trail_are_in_the_record_after_each_look():
    rig = weighed()
    seen: list[tuple[int, int]] = []

    def update() -> None:
        record = rig.record()
        seen.append((record.measures["errors"].tracks[0].sum.candidate_total, sum(point.candidate_total for point in record.trail)))

    rig.when(lambda release: rig.judge.looks >= 6, update)
    release = rig.run(spec(rig))
    assert seen
    assert seen[0][0] >= 50, "saved no later than the look after"
    assert seen[0][0] == seen[0][1], "the trail holds every request once"
    assert sum(point.candidate_total for point in release.trail) == 10 * rig.judge.looks
    assert {point.step for point in release.trail} == {0, 1}
    assert release.trail[0].against == pytest.approx(-0.301, abs=0.001)
