"""The journal as a person reads it: an intent and its outcome become one line, a verdict is told when it changes."""

import re
from dataclasses import dataclass, field
from math import isfinite

from deliver.model.release import Entry, Release
from deliver.model.verdict import CheckResult, Verdict, binding, combined
from deliver.text.durations import duration
from deliver.text.formats import count, number
from deliver.text.sanitize import clean

_INTENT = re.compile(r"(?P<verb>[a-z]+(?:-[a-z]+)*)(?: (?P<arg>stable|both(?: [\d.]+ %)?|candidate|\d+(?:\.\d+)?))?(?:[:;,]? .*)?$")
_SIDES = {"stable": "the stable side only", "both": "both sides", "candidate": "the candidate only"}


@dataclass(frozen=True)
class Event:
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

    def tell(self, release: Release) -> list[Event]:
        events = (self._event(entry, release) for entry in self.fresh(release))
        return [event for event in events if event]

    def doing(self, release: Release) -> str:
        """The oldest intent without an outcome, "" when nothing is under way."""
        return phrase(next(iter(self._open.values())), release)[0] if self._open else ""

    def _event(self, entry: Entry, release: Release) -> Event | None:
        match entry.kind:
            case "intent":
                self._open[entry.seq] = entry
                return None
            case "outcome":
                return _outcome(entry, self._open.pop(entry.of, None), release)
            case "verdict":
                return self._told_verdict(entry)
            case "request":
                by = f" (by {clean(entry.actor)})" if entry.actor and entry.actor not in entry.text else ""
                return Event(entry.at, "action", clean(entry.text) + by, entry.seq)
            case "state" if entry.text.startswith("started by "):
                return None  # every display says so in its head
            case "state":
                return Event(entry.at, _state_level(entry.text), clean(entry.text), entry.seq)
            case _:
                return Event(entry.at, "warn", clean(entry.text), entry.seq)

    def _told_verdict(self, entry: Entry) -> Event | None:
        """Once, however often it is repeated; a turn back is a failure whatever the checks say (a person may have asked)."""
        verdict, text = combined(binding(entry.checks)), clean(entry.text)
        if (verdict, text) == self._verdict:
            return None
        self._verdict = (verdict, text)
        if text.startswith("rolling back"):
            return Event(entry.at, "fail", text, entry.seq)
        level = {Verdict.PASS: "done", Verdict.FAIL: "fail", Verdict.BLIND: "warn"}[verdict]
        told = [check_line(check) for check in entry.checks if check.verdict is verdict and check.kind != "pods"]
        return Event(entry.at, level, f"{text} ({'; '.join(told)})" if told else text, entry.seq)


def _outcome(entry: Entry, intent: Entry | None, release: Release) -> Event:
    todo, done = phrase(intent, release) if intent else (clean(entry.text), clean(entry.text))
    took = f" ({duration(entry.at - intent.at)})" if intent and entry.at - intent.at >= 1 else ""
    if entry.result in ("", "done"):
        return Event(entry.at, "done", done + took, entry.seq)
    why = f": {clean(entry.text)}" if intent and entry.text and entry.text != intent.text else ""
    if entry.result == "failed":
        return Event(entry.at, "fail", f"could not {todo}{why}" if intent else f"failed: {todo}", entry.seq)
    return Event(entry.at, "warn", f"not known yet whether it worked to {todo}{why}", entry.seq)


def _state_level(text: str) -> str:
    lowered = text.lower()
    if any(word in lowered for word in ("rollback_failed", "rollback failed")):
        return "fail"
    if any(word in lowered for word in ("held", "rolling back", "rollback", "frozen", "rolled_back", "rolled back")):
        return "warn"
    return "done" if any(word in lowered for word in ("promoted", "verified", "traffic is off", "probed:", "drained:")) else "action"


def phrase(intent: Entry, release: Release) -> tuple[str, str]:
    """What the intent is to do, and what is true when it is done. The verbs are those of model/action.py."""
    found = _INTENT.match(intent.text)
    verb, arg = (found["verb"], found["arg"] or "") if found else ("", "")
    name, twin = f"`{clean(release.spec.target.deployment)}`", f"`{clean(release.candidate)}`"
    flag = f"flag `{clean(release.plan.flag.flag)}`" if release.plan.flag else "the flag"
    pods = count(int(arg), "pod") if arg.isdecimal() else "its pods"
    side = f"the new pods of {name}" if arg == "stable" and _finishing(intent, release) else _whom(arg)
    preview = f"preview Service `{clean(release.plan.preview)}`"
    phrases = {
        "hold-stable": (f"pause Deployment {name}", f"Deployment {name} is paused for the release"),
        "hold-autoscaler": (f"hold the autoscaler at {pods} or more", f"autoscaler holds {pods} or more"),
        "create-candidate": (f"create the candidate {twin} with {pods}", f"candidate {twin} created with {pods}"),
        "scale-candidate": (f"scale the candidate to {pods}", f"candidate scaled to {pods}"),
        "scale-stable": (f"scale stable to {pods}", f"stable scaled to {pods}"),
        "route": (f"send traffic to {side}", f"Services send traffic to {side}"),
        "update-stable": (f"give Deployment {name} the new template", f"Deployment {name} has the new template"),
        "restore-stable": (f"give Deployment {name} its old template back", f"Deployment {name} has its old template back"),
        "keep-evidence": ("keep the candidate's last log lines", "candidate's last log lines kept"),
        "delete-candidate": (f"delete the candidate {twin}", f"candidate {twin} deleted"),
        "release-stable": (f"unpause Deployment {name}", f"Deployment {name} is no longer paused by the release"),
        "release-autoscaler": ("give the autoscaler its minimum back", "autoscaler has its minimum back"),
        "note-undo": (f"note on Deployment {name} how to undo this", f"Deployment {name} carries a note that undoes this release"),
        "set-share": (f"raise {flag} to {arg} % of users", f"{flag} is set to {arg} % of users"),
        "kill-flag": (f"serve the safe variant of {flag} to everyone", f"{flag} gives the treatment to nobody"),
        "restore-flag": (f"take back what this release wrote in {flag}", f"what this release wrote in {flag} is taken back"),
        "release-flag": (f"take deliver's marks off {flag}", f"{flag} has no marks of deliver any more"),
        "clear-undo": (f"take the note off Deployment {name}", f"the note is off Deployment {name}"),
        "open-preview": (f"let {preview} lead to the candidate", f"{preview} leads to the candidate, users do not get there"),
        "close-preview": (f"close {preview}", f"{preview} is {'deleted' if release.plan.preview_made else 'what it was'}"),
        "restore-route": ("give the Services their own selectors back", "Services have their own selectors back"),
    }
    return phrases.get(verb, (clean(intent.text), clean(intent.text)))


def _finishing(intent: Entry, release: Release) -> bool:
    """Whether the named Deployment, the "stable" side, had the new version when this was asked for."""
    for entry in reversed(release.journal):
        if entry.seq < intent.seq and entry.text.startswith(("rolling back", "restore-stable", "update-stable")):
            return entry.text.startswith("update-stable")
    return False


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


def _whom(arg: str) -> str:
    """`both 10 %` is told with the router's weight."""
    side, _, weight = arg.partition(" ")
    return f"{_SIDES.get(side, side)}, {weight} by weight" if weight else _SIDES.get(side, side)
