"""Around the phases, look by look: what people ask, what another driver takes up, and what holds whatever is decided."""

from dataclasses import replace

import pytest

from deliver.engine.core.decide import taken_up
from deliver.model.journal import Event
from deliver.model.observation import OperatorRequest
from deliver.model.plan import Side
from deliver.model.release import Direction, Outcome, Phase, Release
from deliver.render.sentences import sentence
from tests.engine.core.states import (
    BEGUN,
    HOME,
    NOW,
    PAUSE,
    baking,
    decide,
    done,
    finishing,
    going_back,
    pods,
    seen,
    stable,
    waits,
)
from tests.journalled import intent

# ---------------------------------------------------------------- what people ask


def asked(release: Release, verb: str, reason: str = "because") -> Release:
    return decide(release, seen(requests=(OperatorRequest("r", verb, "ops@desk", reason, NOW - 2),)), NOW).release


def test_each_request_is_in_the_journal_with_who_asked():
    for reason, text in (("because", "pause asked by ops@desk: because"), ("", "pause asked by ops@desk")):
        entry = asked(baking(), "pause", reason).journal[0]
        assert (entry.at, entry.kind, sentence(entry, BEGUN), entry.actor) == (NOW, "request", text, "ops@desk")


def test_a_pause_counts_from_when_it_is_taken_in():
    paused = asked(baking(), "pause").paused
    assert paused is not None
    assert (paused.at, paused.actor) == (NOW, "ops@desk")


def test_a_finish_can_be_paused_until_the_deployment_is_touched():
    warm = intent(finishing(), NOW - 9, "route candidate: x").noted(NOW - 9, Event.OTHER, reason="update-stable is next")
    assert asked(warm, "pause").paused is not None
    meant = intent(warm, NOW - 2, "update-stable: x")
    assert asked(meant, "pause").paused is not None, "what could not be recorded was not carried out"
    assert asked(done(meant, "update-stable", [NOW - 1], "failed"), "pause").paused is not None
    for result in ("done", "unknown"):
        assert asked(done(meant, "update-stable", [NOW - 1], result), "pause").paused is None


def test_resume_and_promote_end_a_pause_and_promote_passes_the_bake():
    assert asked(baking(paused=PAUSE), "resume").paused is None
    assert asked(baking(paused=PAUSE), "resume").step == 1
    promoted = asked(baking(paused=PAUSE), "promote")
    assert (promoted.paused, promoted.step, promoted.approved) == (None, 2, 1)
    assert asked(baking(approved=2), "promote").approved == 2, "what was let pass stays so"
    warm = asked(finishing(paused=PAUSE, approved=1), "promote")
    assert (warm.approved, warm.paused) == (3, None), "it ends the hold"


@pytest.mark.parametrize(("reason", "said"), [("because", "aborted by ops@desk: because"), ("", "aborted by ops@desk")])
def test_abort_turns_back_and_names_who_and_why(reason: str, said: str):
    release = asked(baking(paused=PAUSE), "abort", reason)
    assert (release.course, release.phase, release.since, release.paused, release.ended_by) == (
        Direction.ROLLING_BACK,
        Phase.ROLLING_BACK,
        NOW,
        None,
        "ops@desk",
    )
    assert (release.reason, release.shift) == (said, None)
    verdict = next(entry for entry in release.journal if entry.kind == "verdict")
    assert (sentence(verdict, release), [check.name for check in verdict.checks]) == (f"rolling back: {said}", ["errors"])


def test_on_the_way_back_a_request_is_noted_and_changes_nothing():
    for verb in ("abort", "pause", "promote", "resume"):
        release = asked(going_back(), verb)
        assert (release.reason, release.ended_by, release.paused, release.approved) == ("errors: 9 of 100", "", None, -1)
        assert sentence(release.journal[0], release) == f"{verb} asked by ops@desk: because"


# ---------------------------------------------------------------- another driver takes it up


def test_who_takes_it_up_bakes_the_step_anew_and_is_named():
    before = baking(outcome=Outcome.HELD, ended=NOW - 9, timed_out=True, paused=PAUSE, blind_since=NOW - 9, reason="not done")
    release = taken_up(before, "other@there", 7, NOW)
    assert (release.step, release.fence, release.outcome, release.ended, release.timed_out, release.paused) == (
        1,
        7,
        None,
        0.0,
        False,
        None,
    )
    assert (release.since, release.resumed, release.started, release.phase) == (NOW, NOW, before.started, Phase.PREPARING)
    assert (release.bake_since, release.blind_since, release.shift, release.reason) == (0.0, 0.0, None, "")
    entry = release.journal[-1]
    assert (entry.event, entry.actor, entry.at) == (Event.TAKEN_UP, "other@there", NOW)


@pytest.mark.parametrize(("step", "bake_since", "wanted"), [(1, 0.0, 0), (1, NOW - 5, 1), (0, 0.0, 0)])
def test_a_step_that_had_not_begun_to_bake_is_not_taken_on_trust(step: int, bake_since: float, wanted: int):
    assert taken_up(baking(step=step, bake_since=bake_since), "o", 1, NOW).step == wanted


def test_a_rollback_keeps_its_cause_and_a_finish_its_phase():
    back = taken_up(going_back(bake_since=0.0), "o", 1, NOW)
    assert (back.reason, back.phase, back.step) == ("errors: 9 of 100", Phase.ROLLING_BACK, 1)
    finish = taken_up(baking(course=Direction.PROMOTING, phase=Phase.FINISHING, step=2, bake_since=0.0, reason="x"), "o", 1, NOW)
    assert (finish.phase, finish.step, finish.reason) == (Phase.FINISHING, 2, "")


# ---------------------------------------------------------------- rule 1, whatever is decided


def test_no_pin_leads_to_a_version_without_a_ready_pod_while_another_has_one():
    """The stable side lost its pods; the step wants its traffic there all the same."""
    release = replace(BEGUN, started=NOW - 10, since=NOW - 10)
    empty = stable(pods=pods(4, HOME, ready=False))
    assert str(decide(release, seen(Side.BOTH, stable=empty, candidate=None), NOW).action) == "route stable", "there is nobody else"
    decision = decide(release, seen(Side.BOTH, stable=empty), NOW)
    assert waits(decision)
