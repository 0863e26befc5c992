"""Every scenario of `deliver demo`, with real `deliver` processes over HTTP, at a shorter pace."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deliver.demo.scenarios import DEFAULT, SCENARIOS, Scenario
from deliver.demo.show import Result, show
from deliver.demo.stage import Pace, Stage
from deliver.demo.teller import Teller
from deliver.model.exitcodes import ExitCode
from deliver.model.release import Outcome

QUICK = Pace(bake=1.5, drain=0.5, speed=5.0)


def play(scenario: Scenario, tmp_path: Path) -> tuple[Result, str]:
    tmp_path.mkdir(exist_ok=True)
    with (tmp_path / "told").open("w+") as stream:
        (result,) = show([scenario], Teller(stream, {}), os.environ, pace=QUICK)
        stream.seek(0)
        return result, stream.read()


TOGETHER = (("killed-driver", "errors", "slow", "crash"), ("healthy", "two-drivers", "blind", "foreign-edit"))
"""Each on a sandbox of its own, side by side: they mostly wait."""


@pytest.mark.slow  # real processes, by the machine's clock
@pytest.mark.parametrize("names", TOGETHER, ids="+".join)
def test_they_go_as_told(names: tuple[str, ...], tmp_path: Path):
    with ThreadPoolExecutor(len(names)) as pool:
        played = list(pool.map(lambda name: play(SCENARIOS[name], tmp_path / name), names))
    for result, told in played:
        assert [fact.text for fact in result.facts if not fact.good] == [], told
        assert "0 lost" in told
        assert "everything went as told" in told


def test_every_scenario_is_played():
    assert {name for names in TOGETHER for name in names} == set(SCENARIOS)


def test_a_release_that_does_not_end_as_told_is_reported(tmp_path: Path):
    def wrong(stage: Stage) -> None:
        stage.types("run --image registry/web:2.0.0-crash", ExitCode.PROMOTED)
        stage.outcome(Outcome.PROMOTED)
        stage.served_by("2.0.0-crash")

    result, told = play(Scenario("wrong", "not what happens", 1, wrong), tmp_path)
    assert not result.good
    assert [fact.good for fact in result.facts] == [False, False, False]
    assert "exit code 3, not 0" in told
    assert "not as told: wrong" in told


def test_a_stage_sees_what_a_release_has_left_behind(tmp_path: Path):
    def leave(stage: Stage) -> None:
        stage.as_before()
        stage.kubectl_set_image("registry/web:1.2.0")
        stage.as_before()

    result, _ = play(Scenario("left", "an image is left", 1, leave), tmp_path)
    assert [fact.good for fact in result.facts] == [True, False]


def test_the_default_is_a_good_release_and_a_bad_one():
    assert DEFAULT == ("healthy", "errors")
