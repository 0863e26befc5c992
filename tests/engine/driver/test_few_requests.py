"""Metrics that nobody named, at too little traffic: they hold nothing up for ever, it is said once, and they may end a release still."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from deliver.model.analysis_result import AnalysisResult
from deliver.model.codec import decode, encode
from deliver.model.frozen import replace
from deliver.model.observation import PodSeen
from deliver.model.release import Outcome, Release
from deliver.model.verdict import CheckResult, Evidence, TooFewRequests, Verdict, binding, combined
from deliver.render.sentences import sentence
from tests.engine.invariants import watched
from tests.engine.rig import Judge, Rig

FEW = TooFewRequests(needed=600, counted=12, rests=12, rate=0.2, owed=1100)
Says = Callable[[float], CheckResult]


@dataclass
class Sparse(Judge):
    """A judge that has seen few requests. says: the result so many seconds after its first look at users. late: what awaits is after it."""

    says: Says = lambda seconds: few()
    late: float = 0.0
    began: float = 0.0

    def analyze(self, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], *, traffic: bool = True) -> AnalysisResult:
        at = self.now()
        if not traffic:
            return AnalysisResult((), None, at)
        self.began = self.began or at
        return AnalysisResult((replace(self.says(at - self.began), awaits=self.began + self.late),), 20.0, at)


def few(verdict: Verdict = Verdict.BLIND, few: TooFewRequests | None = FEW, proved: bool | None = False) -> CheckResult:
    return CheckResult("errors", "metric", verdict, f"errors say {verdict}", samples=12, few=few, proved=proved)


def played(says: Says, late: float = 0.0, **more: object) -> Release:
    rig = Rig.make()
    rig.judge = Sparse(rig.world.clock.now, says=says, late=late)
    dog = watched(rig)
    release = rig.run(rig.spec(**more))  # type: ignore[arg-type]
    dog.check(release)
    return release


def notes(release: Release) -> list[str]:
    return [sentence(entry, release) for entry in release.journal if entry.kind == "note"]


def entered(release: Release, step: int) -> float:
    return next(entry.at for entry in release.journal if sentence(entry, release).startswith(f"step {step}/3: preparing"))


def baking(release: Release, step: int) -> float:
    return next(entry.at for entry in release.journal if sentence(entry, release).startswith(f"step {step}/3: baking"))


def test_too_few_requests_hold_nothing_up_and_it_is_said_once() -> None:
    release = played(lambda seconds: few(), bake="10m")
    assert release.outcome is Outcome.PROMOTED, "not held after max_blind, which is shorter than one bake"
    (said,) = notes(release)
    assert said.startswith(
        "errors: 12 requests in 10 m are too few to judge by (proof is asked for from about 1,100 on): going on without proof;"
    )
    assert said.endswith("what it shows can still take the release back")
    assert release.unproved == ("errors",)


def test_it_is_not_let_pass_before_the_first_samples_can_be_there() -> None:
    release = played(lambda seconds: few(), late=75.0, bake="10s")
    assert entered(release, 2) - baking(release, 1) >= 70, "polls begin with the shift"
    assert release.outcome is Outcome.PROMOTED


@pytest.mark.parametrize("after", [5, 100])
def test_what_it_shows_takes_the_release_back(after: float) -> None:
    release = played(lambda seconds: few(Verdict.FAIL, few=None) if seconds >= after else few())
    assert release.outcome is Outcome.ROLLED_BACK
    assert release.reason == "errors: errors say FAIL"


def test_a_metric_that_somebody_named_is_waited_for_as_its_policy_says() -> None:
    assert played(lambda seconds: few(few=None), on_blind="rollback").outcome is Outcome.ROLLED_BACK
    assert played(lambda seconds: few(few=None)).outcome is Outcome.HELD


def test_blind_for_another_reason_is_blind_also_where_nobody_named_it() -> None:
    release = played(lambda seconds: few(few=None if seconds > 30 else FEW), bake="60s")
    assert release.outcome is Outcome.HELD
    assert "could not be judged" in release.reason


def test_proof_that_can_come_is_waited_for() -> None:
    near = replace(FEW, needed=230, rate=1.0)
    release = played(lambda seconds: few(Verdict.PASS, None if seconds > 200 else replace(near, rests=int(seconds)), proved=seconds > 200))
    assert release.outcome is Outcome.PROMOTED
    assert entered(release, 3) - baking(release, 2) > 75, "the bake is 60 s"
    assert notes(release) == []
    assert release.unproved == ()


def test_proof_that_cannot_come_is_not_waited_for() -> None:
    release = played(lambda seconds: few(Verdict.PASS))
    assert release.outcome is Outcome.PROMOTED
    assert entered(release, 3) - baking(release, 2) < 66
    assert len(notes(release)) == 1


def test_what_was_in_reach_and_did_not_come_goes_on_too() -> None:
    near = replace(FEW, needed=60, rate=1.0, rests=59)
    release = played(lambda seconds: few(Verdict.PASS, near))
    assert release.outcome is Outcome.PROMOTED
    assert entered(release, 3) - baking(release, 2) >= 180, "three bakes"


def test_between_the_number_that_half_of_them_need_and_the_one_that_nearly_all_do_nobody_is_held() -> None:
    some = replace(FEW, needed=500, counted=608, rests=608, rate=1.0, owed=1000)
    release = played(lambda seconds: few(Verdict.PASS, some))
    assert release.outcome is Outcome.PROMOTED, release.reason
    assert entered(release, 3) - baking(release, 2) >= 180, "it is in reach, and so waited for"
    (said,) = notes(release)
    assert "608 requests in" in said and "(proof is asked for from about 1,000 on): going on without proof" in said
    assert release.unproved == ("errors",)


def counted(requests: int) -> CheckResult:
    """By the newest estimate a good candidate would be proved by now."""
    return replace(few(Verdict.PASS, few=None), evidence=Evidence(numbers={"candidate_total": float(requests)}))


@pytest.mark.parametrize(("requests", "outcome"), [(1050, Outcome.PROMOTED), (1100, Outcome.HELD)])
def test_who_was_told_from_when_on_proof_is_asked_for_is_not_held_before(requests: int, outcome: Outcome) -> None:
    release = played(lambda seconds: few() if seconds < 70 else counted(requests))
    assert notes(release)[0].startswith("errors: 12 requests in")
    assert release.outcome is outcome
    assert ("inconclusive" in release.reason) is (outcome is Outcome.HELD)


def test_with_nothing_to_compare_with_that_is_what_is_said() -> None:
    release = played(lambda seconds: few(Verdict.PASS, replace(FEW, counted=700, rate=0.0)))
    assert notes(release)[0].startswith("errors: too few requests of stable to compare with: going on without proof")


def test_a_verdict_binds_unless_it_is_open_for_want_of_requests() -> None:
    named, open_, bad = few(few=None), few(), few(Verdict.FAIL)
    assert binding((named, open_, bad)) == (named, bad)
    assert combined(binding((open_,))) is Verdict.PASS


def test_the_record_keeps_it_and_older_records_are_read() -> None:
    data = encode(few())
    assert decode(CheckResult, data) == few()
    del data["few"]
    assert decode(CheckResult, data).few is None
