"""A/A: stable pods against each other; every alarm is a false one."""

from dataclasses import replace

import pytest

from deliver.model.errors import InputError
from deliver.model.observation import PodSeen
from deliver.model.verdict import Verdict
from deliver.replay import aa_test, pods
from deliver.replay.pods import Sides
from deliver.replay.question import Question, alarms, since
from deliver.replay.rejudge import Ending, Replay, Turn
from tests.replay.conftest import ANALYSIS, METRIC, Story

FEWER = replace(METRIC, min_samples=20)
PODS = tuple(PodSeen(f"web-1-{n}", str(n)) for n in range(8))


def ended(ending: Ending) -> Replay:
    return Replay(ending, 1.0, "", (Turn(1.0, Verdict.PASS, ()),), 1)


def question(story: Story, **analysis: object) -> Question:
    sides = Sides(pods.of_deployment("web"))
    analysis = {"metrics": (FEWER,)} | analysis
    return Question("shop", replace(ANALYSIS, **analysis), sides, since(story.world.clock.now(), 600))  # type: ignore[arg-type]


def test_each_split_has_every_pod_once_and_the_share_that_was_asked_for():
    for candidate, stable in aa_test.splits(PODS, 0.25, 20, seed=1):
        assert len(candidate) == 2 and {*candidate, *stable} == set(PODS) and not set(candidate) & set(stable)


def test_the_seed_says_which_splits():
    first, again, other = (list(aa_test.splits(PODS, 0.5, 10, seed)) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(("share", "size"), [(0.0, 1), (0.25, 2), (1.0, 7)])
def test_neither_side_is_ever_empty(share: float, size: int):
    assert aa_test.size_of(PODS, share) == size


def test_one_pod_cannot_be_split():
    with pytest.raises(InputError, match="nothing to split"):
        next(aa_test.splits(PODS[:1], 0.5, 1, 1))


def test_the_rate_of_false_alarms_has_its_interval():
    found = aa_test.summed([ended(Ending.ROLLED_BACK), *[ended(Ending.PASSED)] * 8, ended(Ending.HELD)], PODS, 0.25)
    assert (found.runs, found.alarms, found.held, found.possible) == (10, 1, 1, 28)
    assert (found.low, found.high) == pytest.approx((0.0179, 0.4042), abs=1e-4)


def test_pods_of_two_versions_are_not_alike_and_that_is_seen():
    assert aa_test.summed([], PODS, 0.25).templates == 1
    assert aa_test.summed([], (*PODS, PodSeen("web-2-0", "x")), 0.25).templates == 2


def test_healthy_pods_raise_no_alarm_and_a_hair_trigger_does(story: Story):
    calm, _ = alarms(question(story), story.provider, 0.25, 3, lambda count: False)
    assert (calm.runs, calm.alarms, calm.held) == (3, 0, 0)
    nervous, _ = alarms(question(story, metrics=(replace(FEWER, max=0.001),)), story.provider, 0.25, 3, lambda count: False)
    assert nervous.alarms == 3


def test_what_cannot_be_judged_is_no_alarm(story: Story):
    blind = question(story, metrics=(replace(METRIC, min_samples=10**6),), max_blind=15.0, on_blind="rollback")
    found, _ = alarms(blind, story.provider, 0.25, 2, lambda count: False)
    assert (found.alarms, found.held) == (0, 2)


def test_it_can_be_ended_early(story: Story):
    found, replays = alarms(question(story), story.provider, 0.25, 50, lambda count: count == 2)
    assert found.runs == len(replays) == 2


def test_each_selector_is_asked_for_once_however_many_splits(story: Story):
    asked = len(story.provider.asked)
    alarms(question(story), story.provider, 0.25, 3, lambda count: False)
    assert len(story.provider.asked) - asked <= 6
