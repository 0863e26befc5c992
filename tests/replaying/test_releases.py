"""A past release judged again: by its own spec it comes to what it came to, by another one to what that would have made of it."""

from dataclasses import replace

import pytest

from deliver.model.errors import InputError
from deliver.model.plan import FlagPlan
from deliver.model.spec import EvidenceMetric, PluginSpec, QueryMetric
from deliver.model.verdict import Verdict
from deliver.replaying import ask, pods
from deliver.replaying.play import Ending
from deliver.sandbox.images import Behaviour
from deliver.simulating.setting import ALL, BAD
from tests.replaying.conftest import ANALYSIS, METRIC, Story


def again(story: Story, release: object, **analysis: object) -> ask.Answered:
    assert isinstance(release, type(story.back))
    question = ask.Question("shop", replace(ANALYSIS, **analysis), pods.of_release(release), ask.of_release(release))  # type: ignore[arg-type]
    return ask.ask(question, story.provider)


def test_one_that_was_taken_back_would_be_again_on_the_same_numbers(story: Story):
    found = again(story, story.back)
    assert found.replay.ending is Ending.ROLLED_BACK
    turned = next(entry for entry in story.back.journal if entry.kind == "verdict" and entry.text.startswith("rolling back"))
    assert abs(found.replay.at - turned.at) <= 10  # two polls: they do not begin at the same moment
    was = next(check for check in turned.checks if check.name == "errors")
    now = next(check for check in found.replay.turns[-1].checks if check.name == "errors")
    assert now.verdict is Verdict.FAIL
    assert now.candidate == pytest.approx(was.candidate, rel=0.5)


def test_the_pods_are_those_of_both_sides(story: Story):
    found = again(story, story.back)
    assert len(found.stable) == 4 and len(found.candidate) == 4
    assert all(story.back.candidate_hash in pod.name for pod in found.candidate)
    assert all(pod.since > 0 for pod in found.candidate) and not any(pod.since for pod in found.stable)


def test_a_looser_spec_would_have_let_it_through(story: Story):
    assert again(story, story.back, metrics=(replace(METRIC, max=0.9),)).replay.ending is Ending.PASSED


def test_one_that_was_promoted_would_be_again_and_its_steps_are_judged_one_by_one(story: Story):
    found = again(story, story.promoted)
    assert len(ask.of_release(story.promoted).begins) == 2
    assert [turn.verdict for turn in found.replay.turns].count(Verdict.BLIND) == 2  # each step begins with no samples of its own
    assert found.replay.ending is Ending.PASSED


def test_a_replay_is_the_same_each_time(story: Story):
    assert again(story, story.back) == again(story, story.back)


def test_evidence_judges_the_past_too(story: Story):
    found = again(story, story.back, metrics=(EvidenceMetric("errors", bad=BAD, total=ALL),)).replay
    assert found.ending is Ending.ROLLED_BACK and "times as bad as stable" in found.reason


def test_a_free_query_is_asked_as_of_then(story: Story):
    share = f"sum(rate({BAD.replace('}', ',{candidate}}')}[30s])) / sum(rate({ALL}{{candidate}}[30s]))"
    found = again(story, story.back, metrics=(METRIC, QueryMetric("share", share, max=0.05))).replay
    assert found.ending is Ending.ROLLED_BACK
    assert {check.name for turn in found.turns for check in turn.checks} == {"errors", "share"}


def test_without_enough_requests_it_would_have_been_held(story: Story):
    found = again(story, story.back, metrics=(replace(METRIC, min_samples=10**6),), max_blind=15.0).replay
    assert found.ending is Ending.HELD and "could not be judged for 15 s" in found.reason
    rolled = again(story, story.back, metrics=(replace(METRIC, min_samples=10**6),), max_blind=15.0, on_blind="rollback").replay
    assert rolled.ending is Ending.ROLLED_BACK


def test_after_a_switch_of_all_users_the_past_of_stable_is_compared_with(story: Story):
    first, second, *rest = story.promoted.plan.steps
    plan = replace(story.promoted.plan, steps=(replace(first, metrics=False), replace(second, baseline=300.0), *rest))
    switched = replace(story.promoted, plan=plan)
    stretch = ask.of_release(switched)
    assert len(stretch.begins) == 1 and stretch.baselines == (300.0,)  # what was not judged then is not judged now
    found = again(story, switched, metrics=(replace(METRIC, compare=True),)).replay
    assert "in the 5 min before" in found.turns[-1].checks[0].why


def test_one_that_gave_nobody_the_candidate_cannot_be_replayed(story: Story):
    with pytest.raises(InputError, match="never had a candidate that ran"):
        pods.of_release(replace(story.back, candidate_hash=""))
    with pytest.raises(InputError, match="never gave anybody the candidate"):
        ask.of_release(replace(story.back, journal=()))
    flag = replace(story.back, plan=replace(story.back.plan, flag=FlagPlan("f", PluginSpec("flagd"))))
    with pytest.raises(InputError, match="cannot be replayed"):
        pods.of_release(flag)


def test_pods_that_are_not_in_the_past_are_named(story: Story):
    question = ask.Question("shop", ANALYSIS, pods.Sides("web-x-.*", "web-y-.*"), ask.of_release(story.back))
    with pytest.raises(InputError) as error:
        ask.ask(question, story.provider)
    assert "no candidate pod in that time" in error.value.what and "web-y-.*" in error.value.why


def test_no_pod_is_on_both_sides(story: Story):
    sides = pods.Sides("web-.*", pods.of_release(story.back).candidate)
    found = ask.ask(ask.Question("shop", ANALYSIS, sides, ask.of_release(story.back)), story.provider)
    assert len(found.candidate) == 4
    assert not {pod.name for pod in found.stable} & {pod.name for pod in found.candidate}


def test_a_spec_that_counts_nothing_cannot_find_them(story: Story):
    with pytest.raises(InputError, match="no metric counts requests"):
        again(story, story.back, metrics=(QueryMetric("q", "max(x)", max=1),))


def test_the_story_is_what_it_says(story: Story):
    assert story.back.outcome == "ROLLED_BACK" and story.promoted.outcome == "PROMOTED"
    assert story.world.images.of("registry/web:1.2.0") == Behaviour()
