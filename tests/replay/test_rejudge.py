"""A past release judged again: by its own spec it comes to what it came to, by another one to what that would have made of it."""

import re
from dataclasses import replace

import pytest

from deliver.model.errors import InputError
from deliver.model.evidence import Point
from deliver.model.journal import Entry, Event, times
from deliver.model.names import candidate_name
from deliver.model.plan import FlagPlan
from deliver.model.release import Release
from deliver.model.spec import EvidenceMetric, PluginSpec, QueryMetric
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.replay import from_record, pods
from deliver.replay.question import Answered, Question, ask, since
from deliver.replay.rejudge import Ending
from deliver.simulate.run import made
from deliver.simulate.scenario import ALL, BAD, NEW, Regression
from deliver_sandbox.images import Behaviour
from deliver_sandbox.world import World
from tests.replay.conftest import ANALYSIS, METRIC, SETTING, Story, released


def again(story: Story, release: object, **analysis: object) -> Answered:
    assert isinstance(release, type(story.back))
    return ask(from_record.question(release, replace(ANALYSIS, **analysis)), story.provider)  # type: ignore[arg-type]


def decided(release: Release) -> Entry:
    """The newest entry that rests on checks."""
    return next(entry for entry in reversed(release.journal) if entry.checks)


def told(checks: tuple[CheckResult, ...]) -> dict[str, tuple[Verdict, str]]:
    return {check.name: (check.verdict, check.why) for check in checks if check.kind != "pods"}


def test_one_that_was_taken_back_would_be_again_at_the_same_look_on_the_same_numbers(story: Story):
    found = again(story, story.back).replay
    assert found.ending is Ending.ROLLED_BACK
    assert found.at == decided(story.back).at
    assert told(found.turns[-1].checks) == told(decided(story.back).checks)


def test_evidence_comes_out_as_it_did_to_the_last_digit_however_short_the_release_was(brief: tuple[World, Release]):
    world, release = brief
    assert len(release.trail) <= 5  # a poll more or less would be another number
    found = ask(from_record.question(release, release.spec.analysis), world.metrics).replay
    assert found.at == decided(release).at
    assert told(found.turns[-1].checks) == told(decided(release).checks)


@pytest.mark.parametrize("takes", [0.1, 0.45, 0.8, 1.2, 1.9])
def test_a_provider_that_takes_its_time_made_no_other_release_of_it(takes: float):
    """Between a look's begin and its answers scrapes come: what it saw of them is seen again, at one time and not at each answer's."""
    world = made(replace(SETTING, scrape=1), Regression(errors=20), 1)
    world.metrics.sick.slow = takes
    metric = replace(METRIC, min_samples=10)
    back = released(world, NEW, replace(ANALYSIS, poll=2.0, metrics=(metric,)))
    world.metrics.sick.slow = 0.0
    world.clock.wait(300)
    found = ask(from_record.question(back, back.spec.analysis), world.metrics).replay
    assert back.outcome == "ROLLED_BACK" and found.ending is Ending.ROLLED_BACK
    assert found.at <= decided(back).at and found.turns[-1].checks[0].verdict is Verdict.FAIL


@pytest.mark.parametrize("wrong", [-40.0, 25.0])
def test_a_driver_whose_clock_was_wrong_is_replayed_on_the_providers(brief: tuple[World, Release], wrong: float):
    world, release = brief
    found = ask(from_record.question(by(release, wrong), release.spec.analysis), world.metrics).replay
    assert from_record.skew(release) == 0.0
    assert found.at == pytest.approx(decided(release).at, abs=0.2)
    assert told(found.turns[-1].checks) == told(decided(release).checks)


def by(release: Release, wrong: float) -> Release:
    """As a driver with such a clock would have written it. What the provider told has the provider's time."""
    return replace(
        release,
        started=release.started + wrong,
        ended=release.ended + wrong,
        journal=tuple(replace(entry, at=entry.at + wrong) for entry in release.journal),
        trail=tuple(replace(point, at=point.at + wrong) for point in release.trail),
    )


def test_with_another_poll_it_is_looked_at_at_other_times(story: Story):
    assert from_record.stretch(story.promoted, ANALYSIS.poll).looks
    assert from_record.stretch(story.promoted, 2 * ANALYSIS.poll).looks == ()


def test_the_pods_are_those_of_both_sides(story: Story):
    found = again(story, story.back)
    assert len(found.stable) == 4 and len(found.candidate) == 4
    assert all(story.back.candidate_hash in pod.name for pod in found.candidate)
    assert all(pod.since > 0 for pod in found.candidate) and not any(pod.since for pod in found.stable)


def test_pods_that_had_gone_before_are_none_of_it(story: Story):
    """The candidate's of a release an hour ago are not those of the last half hour."""
    now = story.world.clock.now()
    sides = pods.Sides("web-[a-z0-9]+-[a-z0-9]+", "web-candidate-.*")
    gone = Question("shop", ANALYSIS, sides, since(now - 1700, 60))
    with pytest.raises(InputError, match="no candidate pod in that time"):
        ask(gone, story.provider)


def test_pods_of_a_long_name_are_found_too():
    """Kubernetes cuts what it makes up a name from at 58 characters."""
    name = "checkout-service-of-the-shop-in-the-south-of-the-country"
    pattern = pods.of_hash(name, "5d9f8c7b6d")
    assert re.fullmatch(pattern, f"{name}-5d9f8c7b6d-"[:58] + "x7k2p")
    assert re.fullmatch(pattern, f"{candidate_name(name)}-5d9f8c7b6d-"[:58] + "x7k2p")
    assert not re.fullmatch(pods.of_hash("web", "5d9f8c7b6d"), "web-api-5d9f8c7b6d-x7k2p")


def test_a_looser_spec_would_have_let_it_through(story: Story):
    assert again(story, story.back, metrics=(replace(METRIC, max=0.9, min_samples=100),)).replay.ending is Ending.PASSED


def test_one_that_was_promoted_would_be_again_and_its_steps_are_judged_one_by_one(story: Story):
    found = again(story, story.promoted)
    assert len(from_record.stretch(story.promoted, ANALYSIS.poll).bakes) == 2
    assert [turn.verdict for turn in found.replay.turns].count(Verdict.BLIND) == 2  # each step begins with too few samples of its own
    assert found.replay.ending is Ending.PASSED
    assert found.replay.looks == 25  # two bakes of a minute, and one for the samples of its last seconds


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
    stretch = from_record.stretch(switched, ANALYSIS.poll)
    assert [bake.baseline for bake in stretch.bakes] == [300.0]  # what was not judged then is not judged now
    found = again(story, switched, metrics=(replace(METRIC, compare=True),)).replay
    assert "in the 5 min before" in found.turns[-1].checks[0].why


def test_one_that_gave_nobody_the_candidate_cannot_be_replayed(story: Story):
    with pytest.raises(InputError, match="never had a candidate that ran"):
        pods.of_release(replace(story.back, candidate_hash=""))
    with pytest.raises(InputError, match="never gave anybody the candidate"):
        from_record.question(replace(story.back, journal=()), ANALYSIS)
    flag = replace(story.back, plan=replace(story.back.plan, flag=FlagPlan("f", PluginSpec("flagd"))))
    with pytest.raises(InputError, match="cannot be replayed"):
        pods.of_release(flag)


def test_pods_that_are_not_in_the_past_are_named(story: Story):
    question = Question("shop", ANALYSIS, pods.Sides("web-x-.*", "web-y-.*"), from_record.stretch(story.back, 5.0))
    with pytest.raises(InputError) as error:
        ask(question, story.provider)
    assert "no candidate pod in that time" in error.value.what and "web-y-.*" in error.value.why


def test_no_pod_is_on_both_sides(story: Story):
    sides = pods.Sides("web-.*", pods.of_release(story.back).candidate)
    found = ask(Question("shop", ANALYSIS, sides, from_record.stretch(story.back, 5.0)), story.provider)
    assert len(found.candidate) == 4
    assert not {pod.name for pod in found.stable} & {pod.name for pod in found.candidate}


def test_a_spec_that_counts_nothing_cannot_find_them(story: Story):
    with pytest.raises(InputError, match="no metric counts requests"):
        again(story, story.back, metrics=(QueryMetric("q", "max(x)", max=1),))


def test_the_story_is_what_it_says(story: Story):
    assert story.back.outcome == "ROLLED_BACK" and story.promoted.outcome == "PROMOTED"
    assert story.world.images.of("registry/web:1.2.0") == Behaviour()


def test_endpoints_promise_no_requests_where_a_router_gave_them_by_weight(story: Story):
    plan = story.promoted.plan
    weighted = replace(plan, steps=tuple(replace(step, by_weight=True) for step in plan.steps))
    assert from_record.stretch(story.promoted, ANALYSIS.poll).bakes[0].shared
    assert not from_record.stretch(replace(story.promoted, plan=weighted), ANALYSIS.poll).bakes[0].shared


def looks(release: Release, at: tuple[float, ...], *lines: tuple[float, Event], end: float = 100.0) -> list[float]:
    """Of a release whose trail has these seconds, with these lines in its journal beside; a poll is 5 s."""
    trail = tuple(Point(one, "errors", 0, 0, 1, 0, 1) for one in at)
    journal = tuple(Entry(seq, when, event) for seq, (when, event) in enumerate(lines))
    return list(from_record.looks(replace(release, trail=trail, journal=journal), 0.0, end))


def test_looks_are_those_of_the_trail_and_between_them_one_each_poll(story: Story):
    assert looks(story.back, (4.0, 9.0, 14.2), end=15) == [4, 9, 14.2]
    assert looks(story.back, (4.0, 21.0), end=24) == pytest.approx([4, 11, 16, 21])
    assert looks(story.back, (-3.0, 12.0, 200.0), end=23) == pytest.approx([7, 12, 17, 22])


def decision(at: float, evidence: Evidence) -> Entry:
    return Entry(9, at, Event.TURNED_BACK, checks=(CheckResult("errors", "metric", Verdict.FAIL, "bad", evidence=evidence),))


@pytest.mark.parametrize(
    ("age", "at"),
    [(0.8, 14.9), (-0.3, 15.25), (-5.0, 15.4)],
    ids=["asked 0.7 s after the look began", "with a sample that came meanwhile", "never after the entry"],
)
def test_the_look_that_decided_has_all_the_samples_that_it_saw(story: Story, age: float, at: float):
    """A look's point has the time at which it began; on a slow machine, or by a slow provider, a scrape comes before its answer does."""
    trail = tuple(Point(one, "errors", 0, 0, 1, 0, 1) for one in (4.0, 9.0, 14.2))
    entry = decision(15.4, Evidence("q", 14.9, {"newest_sample_age": age}))
    release = replace(story.back, trail=trail, journal=(entry,))
    assert list(from_record.looks(release, 0.0, 15.4)) == pytest.approx([4, 9, at])


def test_a_look_that_the_trail_and_the_journal_have_is_one_look(story: Story):
    trail = tuple(Point(one, "errors", 0, 0, 1, 0, 1) for one in (4.0, 9.0, 14.9))
    release = replace(story.back, trail=trail, journal=(decision(15.4, Evidence("q", 14.9)),))
    assert from_record.looks(release, 0.0, 15.4) == (4.0, 9.0, 14.9)


def test_while_no_driver_was_there_nobody_looked(story: Story):
    assert looks(story.back, (5.0, 92.0), (80.0, Event.TAKEN_UP), end=92) == pytest.approx([5, 87, 92])


def test_a_release_too_short_for_a_look_has_one_at_its_end(story: Story):
    assert looks(story.back, (), end=3) == [3]


def test_it_is_judged_until_the_old_side_was_not_kept_warm_any_more_or_to_where_it_turned_back(story: Story):
    plan = replace(story.promoted.plan, hold=30.0)
    passed = times(story.promoted.journal, Event.STEPS_PASSED)[0]
    held = replace(story.promoted, plan=plan, ended=passed + 1000)
    assert from_record.stretch(held, 5.0).end == passed + 30
    back = held.noted(passed + 12, Event.TURNED_BACK, reason="errors")
    assert from_record.stretch(back, 5.0).end == passed + 12
