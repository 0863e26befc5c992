"""The journal as a person reads it: an intent and its outcome become one line, a verdict is told when it changes."""

from dataclasses import dataclass, field
from math import isfinite

from deliver.formatting.durations import duration
from deliver.formatting.formats import count, number
from deliver.formatting.sanitize import clean
from deliver.model.journal import Entry, EntryKind, Event, Result
from deliver.model.release import Release
from deliver.model.verdict import CheckResult, Verdict, binding, combined
from deliver.render.sentences import phrase, sentence

_LEVELS = {
    **dict.fromkeys((Event.HELD, Event.ROLLED_BACK, Event.OLD_SIDE_COLD, Event.STABLE_AWAITED), "warn"),
    **dict.fromkeys((Event.CONNECTIONS_HELD, Event.CONNECTIONS_CUT), "warn"),
    **dict.fromkeys((Event.PROMOTED, Event.TRAFFIC_VERIFIED, Event.TAKEOVER_VERIFIED, Event.TRAFFIC_OFF), "done"),
    **dict.fromkeys((Event.CANDIDATE_PROBED, Event.STABLE_DRAINED), "done"),
    Event.ROLLBACK_FAILED: "fail",
    Event.TURNED_BACK: "fail",
    Event.TRAFFIC_OFF_RETRACTED: "warn",
    Event.SERVICES_BESIDE: "warn",
    Event.STRANGERS: "warn",
    Event.UNSERVED: "fail",
}


@dataclass(frozen=True)
class Line:
    """level: action, wait, done, warn or fail (style.py has the symbols)."""

    at: float
    level: str
    text: str
    seq: int = 0


@dataclass
class Narrator:
    """Journal lines newer than the last call, as events. since: older lines were told by an earlier driver and are left out."""

    since: float = 0.0
    _seq: int = 0
    _open: dict[int, Entry] = field(default_factory=dict)
    _verdict: tuple[Verdict, str] | None = None

    def fresh(self, release: Release) -> list[Entry]:
        """Every line not seen yet, once."""
        new = [entry for entry in release.journal if entry.seq > self._seq]
        if new:
            self._seq = new[-1].seq
        return [entry for entry in new if entry.at >= self.since]

    def tell(self, release: Release) -> list[Line]:
        events = (self._event(entry, release) for entry in self.fresh(release))
        return [event for event in events if event]

    def doing(self, release: Release) -> str:
        """The oldest intent without an outcome, "" when nothing is under way."""
        return phrase(next(iter(self._open.values())), release)[0] if self._open else ""

    def _event(self, entry: Entry, release: Release) -> Line | None:
        match entry.kind:
            case EntryKind.INTENT:
                self._open[entry.seq] = entry
                return None
            case EntryKind.OUTCOME:
                return _outcome(entry, self._open.pop(entry.of, None), release)
            case EntryKind.VERDICT:
                return self._told_verdict(entry, release)
            case EntryKind.NOTE:
                return Line(entry.at, "warn", clean_sentence(entry, release), entry.seq)
        if entry.event is Event.STARTED:
            return None  # every display says so in its head
        return Line(entry.at, _LEVELS.get(entry.event, "action"), clean_sentence(entry, release), entry.seq)

    def _told_verdict(self, entry: Entry, release: Release) -> Line | None:
        """Once, however often it is repeated; a turn back is a failure whatever the checks say (a person may have asked)."""
        verdict, text = combined(binding(entry.checks)), clean_sentence(entry, release)
        if (verdict, text) == self._verdict:
            return None
        self._verdict = (verdict, text)
        if entry.event is Event.TURNED_BACK:
            return Line(entry.at, "fail", text, entry.seq)
        level = {Verdict.PASS: "done", Verdict.FAIL: "fail", Verdict.BLIND: "warn"}[verdict]
        lines = [check_line(check) for check in entry.checks if check.verdict is verdict and check.kind != "pods"]
        return Line(entry.at, level, f"{text} ({'; '.join(lines)})" if lines else text, entry.seq)


def clean_sentence(entry: Entry, release: Release) -> str:
    """Its sentence, fit for a terminal."""
    return clean(sentence(entry, release))


def _outcome(entry: Entry, intent: Entry | None, release: Release) -> Line:
    todo, done = phrase(intent or entry, release)
    took = f" ({duration(entry.at - intent.at)})" if intent and entry.at - intent.at >= 1 else ""
    if entry.result in (None, Result.DONE):
        return Line(entry.at, "done", done + took, entry.seq)
    why = f": {clean(entry.reason)}" if entry.reason else ""
    if entry.result is Result.FAILED:
        return Line(entry.at, "fail", f"could not {todo}{why}", entry.seq)
    return Line(entry.at, "warn", f"not known yet whether it worked to {todo}{why}", entry.seq)


def check_line(check: CheckResult, *, why: bool = False) -> str:
    """`errors: FAIL, candidate 12.4 %, stable 0.1 %, limit 1 %, 512 samples`. why: and the reason, when it is not a pass."""
    if check.kind == "pods":  # its numbers are pods, its sentence says them better
        return f"{clean(check.name)}: {check.verdict}, {clean(check.why)}"
    parts = [str(check.verdict)]
    for name, value in (("candidate", check.candidate), ("stable", check.stable), ("limit", check.limit)):
        if value is not None and isfinite(value):
            parts.append(f"{name} {number(value, clean(check.unit))}")
    if check.samples:
        parts.append(count(check.samples, "sample"))
    reason = f" ({clean(check.why)})" if why and check.why and check.verdict is not Verdict.PASS else ""
    return f"{clean(check.name)}: {', '.join(parts)}{reason}"
