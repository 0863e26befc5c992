"""What is asked of a journal, and that nothing of it is read back out of a sentence."""

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import deliver
from deliver.model import journal
from deliver.model.action import Action, Verb
from deliver.model.codec import decode, encode
from deliver.model.journal import Entry, EntryKind, Event, Result
from deliver.model.plan import ORIGINAL, Exposure, Side

BOTH, STABLE = Action(Verb.ROUTE, "50 %", exposure=ORIGINAL), Action(Verb.ROUTE, "errors", exposure=Exposure(Side.STABLE, "abc"))
FLOOR = Action(Verb.HOLD_AUTOSCALER, "", pods=7)
LINES = (
    Entry(1, 1.0, Event.STARTED),
    Entry(2, 2.0, Event.INTENT, action=BOTH),
    Entry(3, 3.0, Event.OUTCOME, action=BOTH, of=2, result=Result.FAILED, reason="conflict"),
    Entry(4, 4.0, Event.INTENT, action=BOTH),
    Entry(5, 5.0, Event.OUTCOME, action=BOTH, of=4, result=Result.DONE),
    Entry(6, 6.0, Event.CONNECTIONS_CUT, subject="web-a"),
    Entry(7, 7.0, Event.INTENT, action=STABLE),
    Entry(8, 7.0, Event.INTENT, action=FLOOR),
    Entry(9, 8.0, Event.OUTCOME, action=STABLE, of=7, result=Result.DONE),
    Entry(10, 9.0, Event.STEP_PASSED),
)


def seqs(entries: list[Entry]) -> list[int]:
    return [entry.seq for entry in entries]


def test_attempts_are_the_intents_of_a_verb_with_its_arguments():
    assert seqs(journal.attempts(LINES, Verb.ROUTE)) == [2, 4, 7]
    assert seqs(journal.attempts(LINES, Verb.ROUTE, side=Side.BOTH)) == [2, 4]
    assert seqs(journal.attempts(LINES, Verb.ROUTE, side=Side.CANDIDATE)) == []
    assert journal.last(LINES, Verb.ROUTE) == LINES[6]
    assert journal.last(LINES, Verb.KILL_FLAG) is None


def test_outcomes_are_of_all_tries_and_done_of_those_that_were_carried_out():
    assert seqs(journal.outcomes(LINES, Verb.ROUTE)) == [3, 5, 9]
    assert seqs(journal.outcomes(LINES, Verb.ROUTE, 5.0)) == [5, 9]
    assert seqs(journal.done(LINES, Verb.ROUTE)) == [5, 9]
    assert seqs(journal.done(LINES, Verb.ROUTE, 5.1, side=Side.BOTH)) == []
    assert (journal.last_outcome(LINES), journal.last_verdict(LINES)) == (LINES[8], LINES[9])


def test_an_intent_is_open_until_it_has_an_outcome_and_answered_once_it_was_carried_out():
    assert seqs(journal.open_intents(LINES)) == [8]
    assert [journal.answered(LINES, LINES[at]) for at in (1, 3, 7)] == [False, True, False]


def test_what_happened_is_asked_by_event_since_when_and_of_what():
    assert journal.happened(LINES, Event.CONNECTIONS_CUT)
    assert journal.happened(LINES, Event.CONNECTIONS_CUT, 6.0, "web-a")
    assert not journal.happened(LINES, Event.CONNECTIONS_CUT, 6.1)
    assert not journal.happened(LINES, Event.CONNECTIONS_CUT, subject="web-b")
    assert journal.times(LINES, Event.STARTED, Event.STEP_PASSED) == [1.0, 9.0]


finite = st.floats(allow_nan=False, allow_infinity=False)
exposures = st.none() | st.builds(Exposure, weight=st.none() | finite)
actions = st.none() | st.builds(Action, share=finite, exposure=exposures)


@given(st.builds(Entry, at=finite, action=actions, numbers=st.dictionaries(st.text(), finite, max_size=2), checks=st.just(())))
def test_an_entry_survives_the_journey_and_what_is_at_its_default_is_not_sent(entry: Entry):
    data = encode(entry)
    assert decode(Entry, json.loads(json.dumps(data))) == entry
    assert ("actor" in data, "of" in data, "numbers" in data) == (bool(entry.actor), bool(entry.of), bool(entry.numbers))


@pytest.mark.parametrize("event", Event)
def test_each_event_is_of_one_kind(event: Event):
    assert Entry(1, 1.0, event).kind in EntryKind


def test_the_engine_reads_no_sentence():
    """Where it needs to know what was said it asks for an event; `reason` is words that it passes on and never looks into."""
    readers = ("startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "split", "find", "index", "lower")
    for path in sorted(Path(deliver.__file__).parent.glob("engine/**/*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
        looked = [one for one in attributes if one.attr in readers and isinstance(one.value, ast.Attribute) and one.value.attr == "reason"]
        assert not [node.lineno for node in attributes if node.attr == "text"], path
        assert not [node.lineno for node in looked], path
