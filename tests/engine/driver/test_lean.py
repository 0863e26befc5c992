"""What leans is no PASS, and a bake is over when its last samples are there (design.md rule 2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from deliver.model.analysis_result import AnalysisResult
from deliver.model.journal import Event
from deliver.model.observation import PodSeen
from deliver.model.release import Direction, Outcome, Release
from deliver.model.spec import ReleaseSpec
from deliver.model.verdict import Verdict
from deliver.render.sentences import sentence
from tests.engine.rig import GOOD, TARGET, Judge, Rig, in_step

WHY = "9 of 52 requests bad (17.3 %), stable 0 of 356: it leans"


@dataclass
class Scraped(Judge):
    """Its samples tell of what was `late` seconds ago. leaning: from when to when it leans, unix seconds."""

    late: float = 0.0
    leaning: tuple[float, float] = (float("inf"), float("inf"))
    awaits: float = 0.0

    def analyze(self, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], *, traffic: bool = True) -> AnalysisResult:
        said, now = super().analyze(namespace, stable, candidate, traffic=traffic), self.now()
        leans = self.leaning[0] <= now < self.leaning[1]
        verdict, why = (Verdict.BLIND, WHY) if leans else (said.results[0].verdict, said.results[0].why)
        result = replace(said.results[0], verdict=verdict, why=why, leans=leans, seen_to=now - self.late, awaits=self.awaits)
        return replace(said, results=(result,))


def rig(**judge: float) -> tuple[Rig, Scraped]:
    made = Rig.make()
    scraped = Scraped(made.world.clock.now, **judge)  # type: ignore[arg-type]  # seconds all
    made.judge = scraped
    return made, scraped


def passed(release: Release, step: int) -> float:
    return next(entry.at for entry in release.journal if (entry.event, entry.step) == (Event.STEP_PASSED, step - 1))


def began(release: Release, step: int) -> float:
    return next(entry.at for entry in release.journal if (entry.event, entry.step) == (Event.BAKE_BEGAN, step - 1))


def overtimes(release: Release) -> list[str]:
    return [sentence(entry, release) for entry in release.journal if sentence(entry, release).startswith("the bake is over, and")]


def test_a_step_is_not_over_before_the_samples_of_its_last_second_are_there():
    made, _ = rig(late=30.0)
    release = made.run(made.spec(bake="60s"))
    assert release.outcome is Outcome.PROMOTED
    assert 88.0 <= passed(release, 1) - began(release, 1) <= 96.0


def test_what_is_waited_for_is_said_once_a_bake():
    made, _ = rig(late=30.0)
    told = overtimes(made.run(made.spec(bake="60s")))
    assert len(told) == 3
    assert told[0].startswith("the bake is over, and the step is not judged yet: errors: samples of its last ")


def test_samples_that_are_there_are_not_waited_for():
    made, _ = rig()
    release = made.run(made.spec(bake="60s"))
    assert not overtimes(release)
    assert passed(release, 1) - began(release, 1) <= 66.0


def test_a_lean_is_baked_on_and_passes_when_it_has_settled():
    made, judge = rig()
    made.when(in_step(1), lambda: setattr(judge, "leaning", (made.world.clock.now(), made.world.clock.now() + 100.0)))
    release = made.run(made.spec(bake="60s"))
    assert release.outcome is Outcome.PROMOTED
    assert passed(release, 1) - began(release, 1) >= 100.0
    assert overtimes(release) == [f"the bake is over, and the step is not judged yet: errors: {WHY}"]


def test_one_that_does_not_settle_is_held_in_bounded_time_as_on_blind_says():
    made, judge = rig()
    made.when(in_step(1), lambda: setattr(judge, "leaning", (made.world.clock.now(), float("inf"))))
    release = made.run(made.spec(bake="60s", max_blind=120.0))
    assert (release.outcome, release.step) == (Outcome.HELD, 0)
    assert WHY in release.reason


def test_samples_that_cannot_be_there_yet_blind_nobody():
    made, judge = rig()
    judge.verdict = Verdict.BLIND
    made.when(in_step(1), lambda: setattr(judge, "awaits", made.world.clock.now() + 90.0))
    release = made.run(made.spec(bake="60s", max_blind=60.0))
    assert 148.0 <= release.ended - began(release, 1) <= 160.0


def everybody(release: Release) -> bool:
    return release.last_step and bool(release.bake_since)


def leans_from(made: Rig, judge: Scraped, condition: Callable[[Release], bool]) -> None:
    made.when(condition, lambda: setattr(judge, "leaning", (made.world.clock.now(), float("inf"))))


def test_nobody_is_left_on_what_looks_bad_while_the_old_side_is_warm():
    """Held, all users would stay on it (S2)."""
    made, judge = rig()
    before = made.before()
    leans_from(made, judge, everybody)
    release = made.run(made.spec(bake="60s", max_blind=120.0))
    assert release.outcome is Outcome.ROLLED_BACK
    assert WHY in release.reason
    assert made.before() == before


def blue_green(hold: str) -> ReleaseSpec:
    spec = Rig.make().spec(bake="30s", max_blind=120.0)
    return replace(spec, strategy="blue-green", options={"bake": "30s", "preview_bake": "5s", "hold": hold}, image=GOOD, target=TARGET)


def test_what_leans_in_the_warm_hold_does_not_lose_the_way_back():
    made, judge = rig()
    leans_from(made, judge, lambda release: release.course is Direction.PROMOTING)
    release = made.run(blue_green("60s"))
    assert release.outcome is Outcome.ROLLED_BACK
    assert "it did not settle within" in release.reason
    assert not [entry for entry in release.journal if entry.kind == "intent" and sentence(entry, release).startswith("update-stable")]


def test_a_lean_in_the_hold_that_settles_is_promoted():
    made, judge = rig()
    made.when(
        lambda release: release.course is Direction.PROMOTING,
        lambda: setattr(judge, "leaning", (made.world.clock.now(), made.world.clock.now() + 90.0)),
    )
    release = made.run(blue_green("60s"))
    assert release.outcome is Outcome.PROMOTED


def test_the_finish_too_waits_for_the_samples_of_the_holds_last_second():
    made, _ = rig(late=30.0)
    release = made.run(blue_green("60s"))
    updated = next(entry.at for entry in release.journal if entry.kind == "intent" and sentence(entry, release).startswith("update-stable"))
    assert updated - passed(release, 2) >= 86.0
