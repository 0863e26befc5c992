"""The journal of a release: what happened, as events with their numbers, and what is asked of it.

Nothing here is a sentence: deliver.render.sentences makes them. `reason` alone is words, and nobody decides by them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from deliver.model.action import Action, Verb
from deliver.model.verdict import CheckResult


class EntryKind(StrEnum):
    """What sort of line it is; each event is of one kind."""

    INTENT = "intent"
    OUTCOME = "outcome"
    STATE = "state"
    VERDICT = "verdict"
    REQUEST = "request"
    NOTE = "note"


class Result(StrEnum):
    """What became of an intent. unknown: no answer came, or its driver was gone; what stands is read back."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Event(StrEnum):
    """Everything that a journal can say. In brackets: what `subject`, `numbers` and `reason` of the entry hold."""

    INTENT = "intent"  # [action]
    OUTCOME = "outcome"  # [action, of, result; reason: what it met]

    STARTED = "started"
    TAKEN_UP = "taken-up"  # by another driver
    REQUESTED = "requested"  # by an operator [subject: pause, resume, promote or abort; reason: as given]
    PAUSED = "paused"
    HELD = "held"  # exposure stays as it is, a person decides [reason]
    TURNED_BACK = "turned-back"  # from here on the only way is back [reason]
    ROLLBACK_RESUMED = "rollback-resumed"
    PROMOTED = "promoted"  # [reason]
    ROLLED_BACK = "rolled-back"  # [reason]
    ROLLBACK_FAILED = "rollback-failed"  # [reason]

    STEP_BEGAN = "step-began"
    STEP_SKIPPED = "step-skipped"  # what it wants stands already
    SHIFT_BEGAN = "shift-began"
    READINESS_AWAITED = "readiness-awaited"  # again [reason: for what]
    PODS_AWAITED = "pods-awaited"  # what keeps them may mend itself [subject: cause; numbers: pods, seconds; reason: whose and why]
    BAKE_BEGAN = "bake-began"
    BAKE_RESUMED = "bake-resumed"
    BAKE_OVER = "bake-over"  # and the step is not judged yet [reason: for want of what]
    PROOF_AWAITED = "proof-awaited"  # [subject: metric; numbers: seconds]
    APPROVAL_AWAITED = "approval-awaited"
    STEP_PASSED = "step-passed"
    STEPS_PASSED = "steps-passed"
    FINISH_RESUMED = "finish-resumed"

    CANDIDATE_READY = "candidate-ready"  # [subject: pod-template-hash; numbers: ready, pods]
    TRAFFIC_VERIFIED = "traffic-verified"  # [subject: side; numbers: candidate and total, ready endpoints; weight]
    TAKEOVER_VERIFIED = "takeover-verified"  # traffic on the Deployment's new pods [numbers: candidate and total, ready endpoints]
    CANDIDATE_PROBED = "candidate-probed"  # after the switch of all users [reason: how]
    STABLE_DRAINED = "stable-drained"  # [reason: how]
    DRAIN_TIMED_OUT = "drain-timed-out"  # taken for drained by time alone [reason: how]
    CONNECTIONS_HELD = "connections-held"  # [subject: pods; numbers: rate, requests a second; reason: both in words]
    CONNECTIONS_CUT = "connections-cut"  # they end with the old pods [subject: pods]
    STABLE_UPDATED = "stable-updated"  # the Deployment runs the new version [numbers: ready, pods]
    STABLE_AWAITED = "stable-awaited"  # on the way back: it cannot take the traffic yet [numbers: ready, pods]
    OLD_SIDE_COLD = "old-side-cold"  # a rollback could not take the traffic back [numbers: ready, pods]
    STABLE_SERVES = "stable-serves"  # on the way back: the EndpointSlices lead to the stable side [reason: and to which strangers]
    TRAFFIC_OFF = "traffic-off"  # no user gets the new version any more [reason: of a flag why it gives it to nobody; else strangers]
    TRAFFIC_OFF_RETRACTED = "traffic-off-retracted"  # [reason]
    SERVICES_BESIDE = "services-beside"  # they lead to the new version and are not moved [reason: which, up to `lead`]
    STRANGERS = "strangers"  # pods of others that users of the release's Services reach [reason: which]
    UNSERVED = "unserved"  # taken back, and none of its Services is there any more [reason: which]
    PODS_REMAIN = "pods-remain"  # of the new version, so the Services stay pinned [numbers: pods; reason: which]
    FLAG_SERVED = "flag-served"  # [numbers: percent; subject: why it gives the treatment to nobody, without one; reason: how it is known]
    KILL_UNCONFIRMED = "kill-unconfirmed"  # [reason: where it is not served yet]

    FEW_REQUESTS = "few-requests"  # [subject: metric; numbers: requests, needed, seconds, owed]
    INCONCLUSIVE = "inconclusive"  # promoted all the same [reason]
    METRICS_FOUND = "metrics-found"  # while the release runs [subject: their names]
    PREVIEW_LEFT_OPEN = "preview-left-open"
    FLAG_LEFT = "flag-left"  # what somebody else made of the flag meanwhile stays [reason]
    RECOVERED = "recovered"  # put together from the cluster, its record was lost
    OTHER = "other"  # a line of an older deliver that this one does not know [reason: its text]

    @property
    def kind(self) -> EntryKind:
        return _KINDS.get(self, EntryKind.STATE)


_KINDS: Mapping[Event, EntryKind] = {
    Event.INTENT: EntryKind.INTENT,
    Event.OUTCOME: EntryKind.OUTCOME,
    Event.REQUESTED: EntryKind.REQUEST,
    Event.TURNED_BACK: EntryKind.VERDICT,
    Event.STEP_PASSED: EntryKind.VERDICT,
    Event.PODS_AWAITED: EntryKind.NOTE,
    Event.FEW_REQUESTS: EntryKind.NOTE,
    Event.INCONCLUSIVE: EntryKind.NOTE,
    Event.METRICS_FOUND: EntryKind.NOTE,
    Event.PREVIEW_LEFT_OPEN: EntryKind.NOTE,
    Event.STRANGERS: EntryKind.NOTE,
    Event.UNSERVED: EntryKind.NOTE,
    Event.FLAG_LEFT: EntryKind.NOTE,
    Event.RECOVERED: EntryKind.NOTE,
    Event.OTHER: EntryKind.NOTE,
}


@dataclass(frozen=True)
class Entry:
    """One line of the journal. Release.noted writes it."""

    sparse = True  # for the codec: what is at its default is left out, a record has hundreds of entries

    seq: int  # from 1, without a gap
    at: float  # unix seconds, by the driver's clock
    event: Event
    step: int = 0  # index of the release's step at that time
    fence: int = 0  # of the driver that wrote it; 0: before there was a lock
    actor: str = ""  # who it was, where a person is meant
    action: Action | None = None  # of an intent and its outcome
    of: int = 0  # of an outcome: seq of its intent
    result: Result | None = None  # of an outcome
    subject: str = ""  # the name of what it is about, see Event
    numbers: Mapping[str, float] = field(default_factory=dict)  # see Event
    reason: str = ""  # in words, for people; nobody decides by it
    checks: tuple[CheckResult, ...] = ()  # what a verdict rests on

    @property
    def kind(self) -> EntryKind:
        return self.event.kind


Journal = Sequence[Entry]


def happened(journal: Journal, event: Event, since: float = 0.0, subject: str = "") -> bool:
    """It was said, at that time or later; with a subject, of that."""
    return any(entry.event is event and entry.at >= since and subject in ("", entry.subject) for entry in journal)


def newest(journal: Journal, events: Collection[Event], fence: int) -> Entry | None:
    """The last line of any of these that the driver with that fence wrote: the times of two drivers are of two clocks."""
    return next((entry for entry in reversed(journal) if entry.event in events and entry.fence == fence), None)


def times(journal: Journal, *events: Event) -> list[float]:
    """When any of these was said, oldest first."""
    return [entry.at for entry in journal if entry.event in events]


def attempts(journal: Journal, verb: Verb, **arguments: object) -> list[Entry]:
    """The intents of a verb, oldest first. arguments: fields that its Action must have."""
    return list(_of(journal, Event.INTENT, verb, arguments))


def last(journal: Journal, verb: Verb) -> Entry | None:
    """The newest intent of a verb."""
    return next(_of(reversed(journal), Event.INTENT, verb, {}), None)


def outcomes(journal: Journal, verb: Verb, since: float = 0.0, **arguments: object) -> list[Entry]:
    """What became of each try. An intent without an outcome is none: its driver could not record it, and wrote nothing. One whose driver
    died is closed as unknown by whoever takes the release up.
    """
    return [entry for entry in _of(journal, Event.OUTCOME, verb, arguments) if entry.at >= since]


def done(journal: Journal, verb: Verb, since: float = 0.0, **arguments: object) -> list[Entry]:
    """The outcomes of what was carried out."""
    return [entry for entry in outcomes(journal, verb, since, **arguments) if entry.result is Result.DONE]


def answered(journal: Journal, intent: Entry) -> bool:
    """It is known to have been carried out."""
    return any(entry.of == intent.seq and entry.result is Result.DONE for entry in journal)


def open_intents(journal: Journal) -> list[Entry]:
    """Intents whose outcome nobody wrote down: the process died in between."""
    closed = {entry.of for entry in journal if entry.event is Event.OUTCOME}
    return [entry for entry in journal if entry.event is Event.INTENT and entry.seq not in closed]


def last_outcome(journal: Journal) -> Entry | None:
    """Of whatever action."""
    return next((entry for entry in reversed(journal) if entry.event is Event.OUTCOME), None)


def last_verdict(journal: Journal) -> Entry | None:
    return next((entry for entry in reversed(journal) if entry.kind is EntryKind.VERDICT), None)


def _of(entries: Iterable[Entry], event: Event, verb: Verb, arguments: Mapping[str, object]) -> Iterator[Entry]:
    for entry in entries:
        action = entry.action
        if entry.event is event and action and action.verb is verb and all(getattr(action, key) == arguments[key] for key in arguments):
            yield entry
