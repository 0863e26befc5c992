"""Records of schema 1, which deliver 0.1.0 wrote: their journal is sentences. The one place that reads those.

A line that nobody knows becomes Event.OTHER and keeps its text. When no such release can be under way any more, this file can go.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deliver.model.action import Verb
from deliver.model.journal import Event

SCHEMA = "1"
Object = dict[str, Any]

_READY = r"(?P<ready>\d+) of (?P<pods>\d+) pods ready"
_ENDPOINTS = r"(?:no ready endpoint|(?P<candidate>\d+) of (?P<total>\d+) ready endpoints? runs? the new version.*)"
_NUMBER = r"\d+(?:\.\d+)?"
_BY_WEIGHT = rf"(?:, (?P<weight>{_NUMBER}) % of the requests on the candidate by weight,)?"
_SENTENCES: tuple[tuple[str, Event], ...] = (
    (r"started by .*", Event.STARTED),
    (r"taken up by .*", Event.TAKEN_UP),
    (r"(?P<subject>\S+) asked by (?:.*?)(?:: (?P<reason>.*))?", Event.REQUESTED),
    (r"paused by (?P<actor>.*)", Event.PAUSED),
    (r"held: (?P<reason>.*)", Event.HELD),
    (r"rolling back: (?P<reason>.*)", Event.TURNED_BACK),
    (r"RollingBack", Event.ROLLBACK_RESUMED),
    (r"PROMOTED(?:: (?P<reason>.*))?", Event.PROMOTED),
    (r"ROLLED_BACK(?:: (?P<reason>.*))?", Event.ROLLED_BACK),
    (r"ROLLBACK_FAILED(?:: (?P<reason>.*))?", Event.ROLLBACK_FAILED),
    (r"step \d+/\d+: preparing .*", Event.STEP_BEGAN),
    (r"step \d+/\d+: .* stands already", Event.STEP_SKIPPED),
    (r"step \d+/\d+: (?:shifting|raising) to .*", Event.SHIFT_BEGAN),
    (r"step \d+/\d+: baking .*", Event.BAKE_BEGAN),
    (r"step \d+/\d+ .*: PASS", Event.STEP_PASSED),
    (r"waiting again: (?P<reason>.*)", Event.READINESS_AWAITED),
    (r"baking again", Event.BAKE_RESUMED),
    (r"the bake is over, and the step is not judged yet: (?P<reason>.*)", Event.BAKE_OVER),
    (r"the bake is over; waiting up to (?P<seconds>.*) for proof that (?P<subject>.*) is no worse", Event.PROOF_AWAITED),
    (r".* waits for `deliver promote`", Event.APPROVAL_AWAITED),
    (r"all steps passed: .*", Event.STEPS_PASSED),
    (r"finishing again.*", Event.FINISH_RESUMED),
    (rf"candidate (?P<subject>\S+): {_READY}", Event.CANDIDATE_READY),
    (rf"traffic on (?:the )?(?P<subject>both|stable|candidate) sides?{_BY_WEIGHT} is verified: {_ENDPOINTS}", Event.TRAFFIC_VERIFIED),
    (rf"traffic on the new pods of Deployment \S+ is verified: {_ENDPOINTS}", Event.TAKEOVER_VERIFIED),
    (r"probed: (?P<reason>.*)", Event.CANDIDATE_PROBED),
    (r"drained: (?P<reason>.*)", Event.STABLE_DRAINED),
    (r"drained (?P<reason>by time .*)", Event.DRAIN_TIMED_OUT),
    (rf"(?P<reason>connections still held on (?P<subject>.*): (?P<rate>{_NUMBER}(?:e\+\d+)?) requests a second)", Event.CONNECTIONS_HELD),
    (r"connections still held on (?P<subject>.*) end with these pods", Event.CONNECTIONS_CUT),
    (rf"Deployment \S+ runs the new version: {_READY}", Event.STABLE_UPDATED),
    (rf"the old side has {_READY}: .*", Event.OLD_SIDE_COLD),
    (r"the EndpointSlices lead to the stable side", Event.STABLE_SERVES),
    (r"traffic is off the new version|no user gets the treatment any more", Event.TRAFFIC_OFF),
    (r"the flag gives nobody the treatment: (?P<reason>.*)", Event.TRAFFIC_OFF),
    (r"traffic is not off the new version any more: (?P<reason>.*)", Event.TRAFFIC_OFF_RETRACTED),
    (r"(?P<reason>(?P<pods>\d+|a) pods? of the new version .* still there): until they are gone .*", Event.PODS_REMAIN),
    (rf"flag \S+ serves (?P<percent>{_NUMBER}) %: (?P<reason>.*)", Event.FLAG_SERVED),
    (r"flag \S+ gives the treatment to nobody \((?P<subject>.*?)\): (?P<reason>.*)", Event.FLAG_SERVED),
    (r"the safe variant is not seen to be served everywhere yet: (?P<reason>.*)", Event.KILL_UNCONFIRMED),
    (
        r"(?P<subject>.*?): (?P<requests>\d+) requests? in (?P<seconds>.*?) \S+ too few to judge by \(about (?P<needed>[\d,]+) are .*",
        Event.FEW_REQUESTS,
    ),
    (r"(?P<subject>.*?): too few requests of stable to compare with: .*", Event.FEW_REQUESTS),
    (r"inconclusive, promoted all the same \(`inconclusive: promote`\): (?P<reason>.*)", Event.INCONCLUSIVE),
    (r"metrics found while the release runs: judged by (?P<subject>.*) from now on", Event.METRICS_FOUND),
    (r"preview Service \S+ could not be closed: .*", Event.PREVIEW_LEFT_OPEN),
    (r"the record was lost or unreadable; .*", Event.RECOVERED),
)
_KNOWN = tuple((re.compile(pattern, re.DOTALL), event) for pattern, event in _SENTENCES)
_NUMBERS = {
    Event.TRAFFIC_VERIFIED: {"candidate": 0.0, "total": 0.0},
    Event.TAKEOVER_VERIFIED: {"candidate": 0.0, "total": 0.0},
    Event.FEW_REQUESTS: {"requests": 0.0, "needed": 0.0, "seconds": 0.0},
}
_STEP = re.compile(r"step (\d+)/\d+")
_WAITS = re.compile(r"(.*) waits for `deliver promote`")
_ACTION = re.compile(r"(?P<verb>[a-z]+(?:-[a-z]+)*)(?: (?P<argument>[\w.+-]+(?: [\d.]+ %)?))?(?:: (?P<rest>.*))?", re.DOTALL)
_COUNTED = (Verb.CREATE_CANDIDATE, Verb.SCALE_CANDIDATE, Verb.SCALE_STABLE, Verb.HOLD_AUTOSCALER)


def upgraded(release: Object) -> Object:
    """The data of a release as the present schema has it. Raises what a record that fits no schema makes it raise."""
    kind = "revert" if release["spec"]["strategy"] == "rollback" else "rollout"
    return {**release, "kind": kind, "journal": list(_entries(release))}


def _entries(release: Object) -> Iterator[Object]:
    step, intents, names = 0, dict[int, Object](), [one["name"] for one in release["plan"]["steps"]]
    for old in release["journal"]:
        text = old["text"]
        if found := _STEP.match(text):
            step = int(found[1]) - 1
        elif (found := _WAITS.fullmatch(text)) and found[1] in names:
            step = names.index(found[1])
        same = {key: old[key] for key in ("seq", "at", "actor", "fence", "of", "checks") if key in old}
        entry = {
            **same,
            "result": old.get("result") or None,
            "step": step,
            **_said(old["kind"], text, release, intents.get(old.get("of", 0))),
        }
        if entry["event"] == Event.INTENT:
            intents[old["seq"]] = {"action": entry["action"], "text": text}
        yield entry


def _said(kind: str, text: str, release: Object, intent: Object | None) -> Object:
    if kind == "intent":
        action, _ = _action(text, release)
        return {"event": Event.INTENT, "action": action} if action else _other(text)
    if kind == "outcome":
        action, rest = _action(text, release)
        if intent and text.startswith(f"{intent['text']}: "):  # with the reason of its intent before its own
            rest = text.removeprefix(f"{intent['text']}: ")
        action = intent["action"] if intent else action
        return {"event": Event.OUTCOME, "action": action, "reason": rest} if action else _other(text)
    if kind == "note" and text in release.get("flag_left", ()):
        return {"event": Event.FLAG_LEFT, "reason": text}
    found = ((event, match.groupdict()) for pattern, event in _KNOWN if (match := pattern.fullmatch(text)))
    event, groups = next(found, (Event.OTHER, {"reason": text}))
    words = {key: groups.pop(key) for key in ("subject", "reason", "actor") if groups.get(key) is not None}
    numbers = {key: _number(value) for key, value in groups.items() if value is not None and key not in ("subject", "reason", "actor")}
    return {"event": event, **words, "numbers": {**_NUMBERS.get(event, {}), **numbers}}


def _other(text: str) -> Object:
    return {"event": Event.OTHER, "reason": text}


def _action(text: str, release: Object) -> tuple[Object | None, str]:
    """`route both: 50 %: 50 % by endpoints`: the action with its argument, and what stands behind it."""
    found = _ACTION.fullmatch(text)
    if found is None or found["verb"] not in list(Verb):
        return None, text
    verb, argument, rest = Verb(found["verb"]), found["argument"], found["rest"] or ""
    action: Object = {"verb": verb, "why": rest}
    if verb is Verb.ROUTE:
        side, _, weight = argument.partition(" ")
        action["exposure"] = {"side": side, "weight": float(weight.removesuffix(" %")) if weight else None}
    elif verb is Verb.SET_SHARE:
        action["share"] = _share(argument, release)
    elif verb in _COUNTED:
        action["pods"] = int(argument)
    return action, rest


def _share(told: str, release: Object) -> float:
    """Percent. A sentence has six digits of it, the plan has all."""
    weights: Iterator[float] = (step["weight"] for step in release["plan"]["steps"])
    return next((weight for weight in weights if f"{weight:g}" == told), float(told))


def _number(told: str) -> float:
    """`4`, `1,200`, `a`, or a time in words, `1 m 30 s`, in seconds."""
    units: Mapping[str, int] = {"h": 3600, "m": 60, "s": 1}
    parts = re.findall(rf"({_NUMBER}) ([hms])\b", told)
    if parts:
        return float(sum(float(amount) * units[unit] for amount, unit in parts))
    return 1.0 if told == "a" else float(told.replace(",", ""))
