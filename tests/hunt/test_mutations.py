"""The hunt is known to bite: for each rule of design.md section 3, an engine that breaks it is caught, by that rule's name."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from deliver.engine.commands.first_move import FirstMove
from deliver.engine.core import decision as decisions
from deliver.engine.core import flag_release, progress, rollback, route
from deliver.engine.core.decide import taken_up
from deliver.engine.runtime.driver import Driver
from deliver.engine.runtime.executor import Executor
from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.engine.runtime.lease import Lease
from deliver.engine.runtime.observer import Observer
from deliver.engine.runtime.record_store import Store
from deliver.engine.runtime.remaining_pods import remaining_pods
from deliver.model import journal
from deliver.model.action import Verb
from deliver.model.observation import Observation
from deliver.model.release import Outcome, Release
from deliver.model.verdict import Verdict
from deliver.plugins.flags import Undone
from deliver.testing.flags import MemoryFlags
from deliver.traffic import endpoints
from tests.hunt.crash_pairs import Pair, crash
from tests.hunt.play import Result, play
from tests.hunt.worlds import Event, Start, Story

Patch = pytest.MonkeyPatch
BLIND = Event(0.0, "verdict", ("BLIND", 900.0, 0.0))


def with_(*events: Event, **start: Any) -> Callable[[], Iterator[Result]]:
    """One story."""
    return lambda: iter([play(Story(1, Start(**start), events))])


def pairs() -> Iterator[Result]:
    return (crash(Pair.of(seed)) for seed in range(10))


def any_stable_pods_will_do(patch: Patch) -> None:
    patch.setattr(rollback, "has_capacity", lambda ready, release, seen: True)
    patch.setattr(rollback, "serves_nobody", lambda stable, seen: False)
    patch.setattr("deliver.engine.core.pod_release.leads_to_nobody", lambda action, seen: False)


def blind_is_a_pass(patch: Patch) -> None:
    patch.setattr(progress, "combined", lambda results: Verdict.PASS)


def no_bake(patch: Patch) -> None:
    original = progress.ensure_bake_done
    patch.setattr(
        progress,
        "ensure_bake_done",
        lambda release, seen, now: original(replace(release, bake_since=release.bake_since - 1000.0), seen, now),
    )


def rollback_waits_for_the_driver(patch: Patch) -> None:
    patch.setattr(import_module("deliver.engine.commands.rollback"), "first_move", lambda *args: FirstMove())
    patch.setattr(Lease, "seize", Lease.inherit)


def candidate_first(patch: Patch) -> None:
    patch.setattr(rollback, "ensure_traffic_on_stable", lambda release, stable, seen, now: None)


def stable_before_the_bake(patch: Patch) -> None:
    original = progress.next_action

    def climb(release: Release, seen: Observation, now: float) -> decisions.Decision:
        decision = original(release, seen, now)
        if release.last_step and release.bake_since and seen.stable and seen.stable.desired == release.snapshot.replicas:
            return decisions.act(decision.release, now, Verb.SCALE_STABLE, "cheaper", pods=1)
        return decision

    patch.setattr(progress, "next_action", climb)


def waits_for_ever(patch: Patch) -> None:
    patch.setattr(progress, "wait_for_approval", lambda release, now, *limits: decisions.wait(release, now))
    patch.setattr("deliver.engine.core.guards.out_of_time", lambda release, now, may_hold: None)


def nothing_restored(patch: Patch) -> None:
    patch.setattr(
        rollback,
        "ensure_restored",
        lambda release, stable, seen, now: decisions.Decision(decisions.end(release, Outcome.ROLLED_BACK, now), None, now),
    )


def no_fence(patch: Patch) -> None:
    patch.setattr(GuardedWriter, "_check", lambda self, kind, now, uid: None)
    patch.setattr(Lease, "confirm", lambda self: None)
    patch.setattr(Lease, "renew_if_due", lambda self: None)
    patch.setattr(Observer, "newest_fence", lambda self, release, seen: 0)
    patch.setattr(Store, "_check_fence", lambda self, record, release: None)


def the_heir_gives_up(patch: Patch) -> None:

    def taken(release: Release, actor: str, fence: int, now: float) -> Release:
        return decisions.turn_back(taken_up(release, actor, fence, now), "whatever", now)

    patch.setattr("deliver.engine.commands.operate.taken_up", taken)


def one_more_field(patch: Patch) -> None:
    original = Executor._deployment
    patch.setattr(Executor, "_deployment", lambda self, name, uid, spec: original(self, name, uid, {**spec, "minReadySeconds": 1}))


def no_intents(patch: Patch) -> None:
    patch.setattr(Driver, "_journal", lambda self, release, action: None)


def nothing_waits_for_the_journal(patch: Patch) -> None:
    patch.setattr("deliver.engine.runtime.driver._moves_users", lambda action, release: True)


def an_intent_is_taken_for_a_deed(patch: Patch) -> None:
    patch.setattr("deliver.engine.runtime.driver._moves_users", lambda action, release: action.verb is Verb.ROUTE)
    patch.setattr(rollback, "restored_or_refused", lambda release: bool(journal.attempts(release.journal, Verb.RESTORE_STABLE)))


def wishes_for_facts(patch: Patch) -> None:
    patch.setattr(route, "ready_endpoints", lambda seen: {"candidate": 1, "total": 10})


def counted_by_deployment(patch: Patch) -> None:
    def versions(look: Any, release: Release, stable: Any, candidate: Any, live: Any) -> dict[str, str]:
        arms = {pod.uid: "stable" for pod in stable} | {pod.uid: "candidate" for pod in candidate}
        return {uid: arms.get(uid, "other") for uid in live}

    patch.setattr(endpoints, "_versions", versions)


def selectors_at_once(patch: Patch) -> None:
    patch.setattr("deliver.engine.runtime.observer.remaining_pods", lambda *look: ((), remaining_pods(*look)[1]))


def nobody_on_his_way_out(patch: Patch) -> None:
    patch.setattr("deliver.engine.runtime.observer.remaining_pods", lambda *look: (remaining_pods(*look)[0], 0))


def off_for_ever(patch: Patch) -> None:
    patch.setattr(rollback, "retract_proof", lambda release, why, now: replace(release, shift=None))


def told_in_full(patch: Patch) -> None:
    original = Release.noted

    def noted(self: Release, at: float, event: journal.Event, **more: Any) -> Release:
        return original(self, at, event, **{**more, "reason": f"{more.get('reason', '')} {dict(self.snapshot.template)}"})

    patch.setattr(Release, "noted", noted)


def no_hold(patch: Patch) -> None:
    patch.setattr(Release, "held_until", property(lambda self: 0.0))


def flag_waits_for_the_driver(patch: Patch) -> None:
    patch.setattr(import_module("deliver.engine.commands.rollback"), "first_flag_move", lambda *args: FirstMove())
    patch.setattr(Lease, "seize", Lease.inherit)


def flag_not_restored(patch: Patch) -> None:
    ended = decisions.end
    patch.setattr(
        flag_release,
        "ensure_restored",
        lambda release, seen, found, before, now: decisions.Decision(ended(release, Outcome.ROLLED_BACK, now), None, now),
    )


def flag_put_back_whole(patch: Patch) -> None:
    patch.setattr(
        MemoryFlags, "undo", lambda self, write, flag, document, mark: Undone(MemoryFlags.restore(self, write, flag, document, mark))
    )


def flag_given_back_with_the_share(patch: Patch) -> None:
    """What a merge would do that keeps whatever somebody has touched."""
    patch.setattr(MemoryFlags, "undo", lambda self, write, flag, document, mark: Undone(self._put({**self._document(), "percent": 50.0})))


def flag_told_as_ever(patch: Patch) -> None:
    text = "every user gets the safe variant again, and the flag is as it stood before"
    patch.setattr("deliver.render.flag.meaning", lambda release, seen: text)


OFF = (Event(30.0, "flag switch", (False,)), Event(50.0, "operator", ("rollback", 0.0)))
STAFF = (Event(30.0, "flag rule", ("staff",)), Event(50.0, "operator", ("rollback", 0.0)))
SCALED = (Event(20.0, "scale", (0,)), Event(30.0, "operator", ("rollback", 0.0)))
LATE = Event(0.0, "in finish", ("rollback", 13.0))
UNSAVED = with_(
    Event(0.0, "in finish", ("abort", 25.0)),
    Event(5.0, "jump", (600.0,)),
    Event(73.0, "fault", ("busy", "write", "configmaps", 1.0, 40.0, 3.0)),
    replicas=1,
    weights=(100,),
    bake=5.0,
    image="slow",
    ready_after=20.0,
    rps=50.0,
    strategy="blue-green",
    hold=10.0,
)
NOBODY_READY = (Event(20.0, "verdict", ("FAIL", 900.0, 0.0)), Event(35.0, "pod unready", (0, 60.0)))
CASES = [
    (1, any_stable_pods_will_do, with_(*SCALED, bake=60.0)),
    (2, blind_is_a_pass, with_(BLIND)),
    (2, no_bake, with_(bake=60.0)),
    (3, rollback_waits_for_the_driver, with_(Event(30.0, "operator", ("rollback", 0.0)), bake=60.0)),
    (4, candidate_first, with_(Event(10.0, "verdict", ("FAIL", 900.0, 0.0)))),
    (4, stable_before_the_bake, with_()),
    (5, waits_for_ever, with_(approval=True)),
    (6, nothing_restored, with_(image="errors")),
    (6, selectors_at_once, with_(LATE, bake=5.0, drain=2.0, rps=20.0, ready_after=5.0)),
    (6, selectors_at_once, with_(LATE, bake=5.0, drain=2.0, rps=20.0, ready_after=5.0, strategy="blue-green", weights=(100,))),
    (6, nobody_on_his_way_out, with_(Event(20.0, "verdict", ("FAIL", 900.0, 0.0)), drain=2.0, rps=20.0)),
    (6, off_for_ever, with_(*NOBODY_READY, replicas=1, weights=(50,), drain=30.0, rps=20.0)),
    (7, no_fence, with_(Event(20.0, "operator", ("takeover", 0.0)), bake=60.0)),
    (8, the_heir_gives_up, pairs),
    (9, one_more_field, with_()),
    (10, no_intents, with_()),
    (10, nothing_waits_for_the_journal, UNSAVED),
    (1, an_intent_is_taken_for_a_deed, UNSAVED),
    (11, told_in_full, with_(secret=True)),
    (12, wishes_for_facts, with_()),
    (12, counted_by_deployment, with_(bake=5.0)),
    (2, blind_is_a_pass, with_(BLIND, strategy="blue-green", weights=(100,), preview_metrics=True)),
    (4, no_hold, with_(strategy="blue-green", weights=(100,), hold=60.0)),
    (6, nothing_restored, with_(strategy="blue-green", weights=(100,), image="errors")),
    (2, blind_is_a_pass, with_(BLIND, strategy="flag")),
    (2, no_bake, with_(strategy="flag", bake=60.0)),
    (3, flag_waits_for_the_driver, with_(Event(70.0, "operator", ("rollback", 0.0)), strategy="flag", bake=60.0)),
    (6, flag_not_restored, with_(strategy="flag", image="errors")),
    (7, no_fence, with_(Event(20.0, "operator", ("takeover", 0.0)), strategy="flag", bake=60.0)),
    (10, no_intents, with_(strategy="flag")),
    (6, flag_put_back_whole, with_(*OFF, strategy="flag", bake=60.0)),
    (6, flag_put_back_whole, with_(*STAFF, strategy="flag", bake=60.0)),
    (6, flag_given_back_with_the_share, with_(*OFF, strategy="flag", bake=60.0)),
    (12, flag_told_as_ever, with_(*STAFF, strategy="flag", bake=60.0)),
]


@pytest.mark.parametrize(("rule", "mutate", "stories"), CASES, ids=[f"rule {rule} {mutate.__name__}" for rule, mutate, _ in CASES])
def test_an_engine_that_breaks_a_rule_is_caught(
    rule: int, mutate: Callable[[Patch], None], stories: Callable[[], Iterator[Result]], monkeypatch: Patch
):
    mutate(monkeypatch)
    assert any(text.startswith(f"rule {rule}:") for result in stories() for text in result.broken)


def test_every_rule_has_an_engine_that_breaks_it():
    assert {rule for rule, _, _ in CASES} == set(range(1, 13))


@pytest.mark.parametrize("stories", [stories for _, _, stories in CASES], ids=[mutate.__name__ for _, mutate, _ in CASES])
def test_the_engine_as_it_is_is_not(stories: Callable[[], Iterator[Result]]):
    assert [result.broken for result in stories() if result.broken] == []
