"""Blind is never a pass: exposure freezes, has a budget and a policy, and goes on when it can see again (design.md rule 2)."""

import pytest

from deliver.model.analysis_result import AnalysisResult
from deliver.model.release import Outcome
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from tests.engine.invariants import watched
from tests.engine.rig import Judge, Rig, in_step


def blind(rig: Rig) -> None:
    rig.judge.verdict = Verdict.BLIND


def test_exposure_is_frozen_and_the_release_held_after_its_budget():
    rig, dog = Rig.make(), None
    dog = watched(rig)
    at = rig.when(in_step(1), lambda: blind(rig))
    release = rig.run(rig.spec(max_blind=240.0))
    assert release.outcome is Outcome.HELD
    assert release.reason.startswith("could not be judged for 24")
    assert "errors: errors say BLIND" in release.reason
    assert 240.0 <= release.ended - at[0] < 260.0
    assert release.step == 0
    dog.check(release)


def test_on_blind_rollback():
    rig = Rig.make()
    before, dog = rig.before(), watched(rig)
    rig.when(in_step(2), lambda: blind(rig))
    release = rig.run(rig.spec(max_blind=60.0, on_blind="rollback"))
    assert release.outcome is Outcome.ROLLED_BACK
    assert "could not be judged" in release.reason
    assert rig.before() == before
    dog.check(release)


def test_it_goes_on_when_it_can_see_again_in_time():
    rig, dog = Rig.make(), None
    dog = watched(rig)

    def dark() -> None:
        blind(rig)
        rig.world.clock.after(200.0, lambda: setattr(rig.judge, "verdict", Verdict.PASS))

    rig.when(in_step(2), dark)
    release = rig.run(rig.spec(max_blind=240.0))
    assert release.outcome is Outcome.PROMOTED
    dog.check(release)


def test_the_budget_is_for_one_blind_spell():
    rig = Rig.make()
    start = rig.world.clock.now()
    rig.judge.verdict = lambda now: Verdict.BLIND if (now - start) % 100 < 50 else Verdict.PASS
    assert rig.run(rig.spec(max_blind=60.0)).outcome is Outcome.PROMOTED


def test_a_blind_release_can_still_be_failed_by_its_pods():
    rig = Rig.make()
    before = rig.before()

    def harm() -> None:
        blind(rig)
        for pod in rig.world.cluster.list("pods", "shop", selector="deliver.dev/release"):
            rig.world.kubelet.change(pod["metadata"]["name"], crash=1.0)

    rig.when(in_step(2), harm)
    release = rig.run()
    assert release.outcome is Outcome.ROLLED_BACK
    assert rig.before() == before


class Stuck(Judge):
    """Answers once, with a PASS, and says the same thing for ever: an analyzer whose data stands still."""

    first: AnalysisResult | None = None

    def analyze(self, namespace, stable, candidate, *, traffic=True):
        self.first = self.first or super().analyze(namespace, stable, candidate, traffic=traffic)
        return self.first


def test_a_verdict_that_gets_old_is_no_pass():
    rig = Rig.make()
    rig.judge = Stuck(rig.world.clock.now)
    release = rig.run(rig.spec(bake="60s", max_blind=120.0))
    assert release.outcome is Outcome.HELD
    assert release.step == 0
    assert "could not be judged" in release.reason


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.FAIL])
def test_a_verdict_from_before_the_bake_counts_for_nothing(verdict: Verdict):
    """What was true of 10 % says nothing of 50 %."""
    rig = Rig.make()
    old: list[AnalysisResult] = []

    class Late(Judge):
        def analyze(self, namespace, stable, candidate, *, traffic=True):
            found = super().analyze(namespace, stable, candidate, traffic=traffic)
            if rig.record().step == 0:
                return found
            earlier = tuple(type(r)(r.name, r.kind, verdict, "old") for r in found.results)
            old.append(old[0] if old else AnalysisResult(earlier, 1.0, found.at - 30.0))
            return old[0]

    rig.judge = Late(rig.world.clock.now)
    release = rig.run(rig.spec(bake="60s", max_blind=60.0))
    assert release.outcome is Outcome.HELD
    assert release.step == 1


def test_a_judge_that_fails_to_answer_at_all_is_blind():
    rig = Rig.make()

    class Broken(Judge):
        def analyze(self, namespace, stable, candidate, *, traffic=True):
            return AnalysisResult((), None, 0.0)

    rig.judge = Broken(rig.world.clock.now)
    release = rig.run(rig.spec(max_blind=60.0))
    assert release.outcome is Outcome.HELD
    assert release.step == 0


def test_a_rise_that_was_slept_through_is_judged_again_first():
    """Hunt, wild 8003780: the machine slept between the PASS and the next size, which is more users where Services select both sides."""
    rig, asked = Rig.make(), list[float]()

    def said(now: float) -> Verdict:
        asked.append(now)
        return Verdict.PASS

    rig.judge.verdict = said
    slept = rig.when(in_step(2, "Preparing"), lambda: rig.world.clock.wait(90.0))
    release = rig.run()
    assert release.outcome is Outcome.PROMOTED
    rise = next(
        entry.at for entry in release.journal if entry.kind == "intent" and sentence(entry, release).startswith("scale-candidate 4")
    )
    assert any(slept[0] + 90.0 <= at <= rise for at in asked)


def test_a_rise_that_was_slept_through_is_not_made_when_nothing_can_be_seen_any_more():
    rig = Rig.make()

    def sleep() -> None:
        blind(rig)
        rig.world.clock.wait(90.0)

    rig.when(in_step(2, "Preparing"), sleep)
    release = rig.run(rig.spec(max_blind=120.0))
    assert release.outcome is Outcome.HELD
    assert release.reason.startswith("could not be judged for 12")
    assert rig.get("deployments", "web-candidate")["spec"]["replicas"] == 1
