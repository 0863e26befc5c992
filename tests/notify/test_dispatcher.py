"""News of a real release on the sandbox: each turn once, in order; and no notifier holds a release up or changes how it ends."""

import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from deliver.model.errors import InputError
from deliver.model.release import Release
from deliver.model.verdict import Verdict
from deliver.notify.dispatcher import NotifyingReporter
from deliver.plugins.notifiers import News, NotifyError
from tests.engine.rig import Quiet, Rig, in_step


@dataclass
class Ears:
    """A notifier that remembers; `answer` may raise."""

    heard: list[News] = field(default_factory=list)
    answer: Callable[[], None] = lambda: None

    def notify(self, news: News, timeout: float) -> None:
        self.answer()
        self.heard.append(news)


@dataclass
class Told:
    rig: Rig
    ears: Ears
    display: Quiet
    events: frozenset[str] = frozenset()

    def run(self) -> Release:
        self.rig.reporter = NotifyingReporter(  # type: ignore[assignment]  # wraps the rig's own
            self.display, self.whom, lambda release, seen: {"id": release.id}, self.rig.world.clock.now, pause=lambda seconds: None
        )
        return self.rig.run()

    def whom(self, release: Release):
        return (("webhook", self.events, self.ears),)


@pytest.fixture
def told() -> Told:
    rig = Rig.make()
    return Told(rig, Ears(), rig.reporter)


def test_every_turn_of_a_good_release_is_told_once(told: Told):
    assert told.run().outcome == "PROMOTED"
    assert [one.event for one in told.ears.heard] == ["started", "step", "step", "step", "promoted"]
    assert told.ears.heard[-1].text.endswith(": promoted")
    assert told.ears.heard[-1].release == {"id": "web-20260105-1"}


def test_a_bad_one_is_told_as_it_turns_and_when_it_is_back(told: Told):
    told.rig.judge.verdict = Verdict.FAIL
    assert told.run().outcome == "ROLLED_BACK"
    assert [one.event for one in told.ears.heard][-2:] == ["rolling-back", "rolled-back"]
    assert "errors say FAIL" in told.ears.heard[-1].text


def test_only_the_events_that_were_asked_for(told: Told):
    told.events = frozenset({"promoted"})
    told.run()
    assert [one.event for one in told.ears.heard] == ["promoted"]


@pytest.mark.parametrize("error", [NotifyError("answered 500"), NotifyError("answered 404", again=False), ValueError("very-secret")])
def test_a_notifier_that_fails_is_said_and_changes_nothing(told: Told, error: Exception):
    def fail() -> None:
        raise error

    told.ears.answer = fail
    assert told.run().outcome == "PROMOTED"
    said = [note for note in told.display.notes if "was not notified of `promoted`" in note]
    assert len(said) == 1
    assert "very-secret" not in said[0]


def test_one_that_fails_at_first_is_tried_again(told: Told):
    left = [NotifyError("answered 503")]

    def once() -> None:
        if left:
            raise left.pop()

    told.ears.answer = once
    told.run()
    assert told.ears.heard[0].event == "started"


def test_whoever_cannot_be_made_is_said_and_the_release_goes_on(told: Told):
    def missing(release: Release):
        raise InputError("environment variable HOOK is not set")

    told.whom = missing  # type: ignore[method-assign]  # what another person's shell lacks
    assert told.run().outcome == "PROMOTED"
    assert told.display.notes == ["nobody is notified: environment variable HOOK is not set"]


def test_a_held_release_is_told_with_its_reason(told: Told):
    told.rig.when(in_step(1), lambda: told.rig.stop.request(signal.SIGTERM))
    assert told.run().outcome == "HELD"
    assert told.ears.heard[-1].event == "held"
    assert "SIGTERM" in told.ears.heard[-1].text
