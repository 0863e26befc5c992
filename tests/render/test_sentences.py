"""Each event of a journal has its sentence, made of what the entry and its release hold."""

import pytest

from deliver.model.action import Action, Verb
from deliver.model.frozen import replace
from deliver.model.journal import Entry, Event, Result
from deliver.model.release import Release
from deliver.render.events import Narrator
from deliver.render.sentences import sentence

NUMBERS = dict.fromkeys(("ready", "pods", "candidate", "total", "seconds", "requests", "needed", "rate", "percent"), 3.0)
ACTION = Action(Verb.HOLD_STABLE, "because")


@pytest.mark.parametrize("event", Event)
def test_each_event_has_a_sentence(event: Event, scene):
    release: Release = scene("mid-bake").release
    entry = Entry(1, 1.0, event, action=ACTION, actor="sam", subject="both", numbers=NUMBERS, reason="lunch")
    told = sentence(entry, release)
    assert told
    assert "{" not in told


FEW = "errors: 1 request in 1 m 20 s is too few to judge by (proof is asked for from about 1,200 on): going on without proof"


@pytest.mark.parametrize(
    ("event", "more", "told"),
    [
        (Event.INTENT, {"action": ACTION}, "hold-stable: because"),
        (Event.OUTCOME, {"action": ACTION}, "hold-stable"),
        (Event.OUTCOME, {"action": ACTION, "reason": "conflict"}, "hold-stable: conflict"),
        (Event.STARTED, {"actor": "sam"}, "started by sam: registry.example/shop/web:1.0.0 -> registry.example/shop/web:1.1.0"),
        (Event.STEP_PASSED, {}, "step 1/3 10 %: PASS"),
        (Event.BAKE_BEGAN, {"step": 2}, "step 3/3: baking 100 % for 5 m"),
        (Event.PROMOTED, {}, "PROMOTED"),
        (Event.FEW_REQUESTS, {"subject": "errors", "numbers": {"requests": 1, "needed": 500, "seconds": 80, "owed": 1234}}, FEW),
        (Event.PROOF_AWAITED, {"subject": "errors", "numbers": {"seconds": 90}}, "the bake is over; waiting up to 1 m 30 s for proof"),
    ],
)
def test_a_sentence_has_the_numbers_of_its_entry_and_the_names_of_its_release(event: Event, more: dict, told: str, scene):
    made = sentence(Entry(1, 1.0, event, **more), scene("mid-bake").release)
    assert made.startswith(told) and (len(made) == len(told) or event in {Event.FEW_REQUESTS, Event.PROOF_AWAITED})


@pytest.mark.parametrize("result", [Result.DONE, Result.FAILED, Result.UNKNOWN])
def test_an_outcome_whose_intent_is_not_in_the_record_can_be_read(result: Result, scene):
    release = scene("mid-bake").release
    entry = Entry(1, 1.0, Event.OUTCOME, of=999, result=result, reason="forbidden")
    assert "an action" in sentence(entry, release)
    [line] = Narrator().tell(replace(release, journal=(entry,)))
    assert "an action" in line.text
