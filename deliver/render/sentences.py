"""The sentences of the journal: the one place where an event, its action and its numbers become words."""

from collections.abc import Callable, Mapping

from deliver.formatting.durations import words
from deliver.formatting.formats import count, endpoints_text
from deliver.formatting.sanitize import clean
from deliver.model.action import Verb
from deliver.model.journal import Entry, Event, Result
from deliver.model.plan import Side
from deliver.model.release import Outcome, Release
from deliver.render import flag
from deliver.render.exposure import words_of
from deliver.render.words import in_places, places_of

GOING_ON = "going on without proof; what it shows can still take the release back"
_SIDES = {Side.STABLE: "the stable side only", Side.BOTH: "both sides", Side.CANDIDATE: "the candidate only"}


def sentence(entry: Entry, release: Release) -> str:
    """What this line of the release's journal says. As it is: with `clean` before it goes to a terminal."""
    return _SENTENCES[entry.event](entry, release)


def _intent(entry: Entry, release: Release) -> str:
    return f"{entry.action}: {entry.action.why}" if entry.action and entry.action.why else str(entry.action)


def _outcome(entry: Entry, release: Release) -> str:
    action = str(entry.action or "an action that the record does not name")
    return f"{action}: {entry.reason}" if entry.reason else action


def _started(entry: Entry, release: Release) -> str:
    if not release.reverts:
        return f"started by {entry.actor}: {release.snapshot.image} -> {release.spec.image}{in_places(places_of(release))}"
    return f"started by {entry.actor}: {words_of(release).reverted(release)}"


def _requested(entry: Entry, release: Release) -> str:
    return f"{entry.subject} asked by {entry.actor}{f': {entry.reason}' if entry.reason else ''}"


def _ended(outcome: Outcome) -> Callable[[Entry, Release], str]:
    return lambda entry, release: f"{outcome}: {entry.reason}" if entry.reason else str(outcome)


def _of_step(what: str) -> Callable[[Entry, Release], str]:
    """what: with {name} and {bake} of the step."""

    def made(entry: Entry, release: Release) -> str:
        steps = release.plan.steps
        step = steps[min(entry.step, len(steps) - 1)]
        return f"step {entry.step + 1}/{len(steps)}{what.format(name=step.name, bake=words(step.bake))}"

    return made


def _pods_awaited(entry: Entry, release: Release) -> str:
    """`waiting up to 5m for candidate pod web-candidate-x: cannot be scheduled: 0/1 nodes are available`."""
    return f"waiting up to {words(entry.numbers['seconds'])} for {entry.reason}"


def _shift_began(entry: Entry, release: Release) -> str:
    return _of_step(f": {words_of(release).shifting} {{name}}")(entry, release)


def _approval_awaited(entry: Entry, release: Release) -> str:
    return f"{release.plan.steps[min(entry.step, len(release.plan.steps) - 1)].name} waits for `deliver promote`"


def _steps_passed(entry: Entry, release: Release) -> str:
    hold = release.plan.hold
    return f"all steps passed: {f'the old side is kept warm for {words(hold)}' if hold else 'finishing'}"


def _finish_resumed(entry: Entry, release: Release) -> str:
    return "finishing again: the hold begins anew" if release.plan.hold else "finishing again"


def _proof_awaited(entry: Entry, release: Release) -> str:
    return f"the bake is over; waiting up to {words(entry.numbers['seconds'])} for proof that {entry.subject} is no worse"


def _ready(entry: Entry) -> str:
    """`3 of 4 pods ready`"""
    return f"{entry.numbers['ready']:.0f} of {entry.numbers['pods']:.0f} pods ready"


def _traffic_verified(entry: Entry, release: Release) -> str:
    weight = entry.numbers.get("weight")
    share = "" if weight is None else f", {weight:g} % of the requests on the candidate by weight,"
    where = f"both sides{share}" if entry.subject == Side.BOTH else f"the {entry.subject} side"
    return f"traffic on {where} is verified: {endpoints_text(entry.numbers)}"


def _takeover_verified(entry: Entry, release: Release) -> str:
    return f"traffic on the new pods of Deployment {release.spec.target.deployment} is verified: {endpoints_text(entry.numbers)}"


def _few_requests(entry: Entry, release: Release) -> str:
    """`errors: 31 requests in 1 m 20 s are too few to judge by (proof is asked for from about 1,000 on): going on without proof; ...`"""
    counted, needed, seconds = (int(entry.numbers[key]) for key in ("requests", "needed", "seconds"))
    owed = int(entry.numbers.get("owed", 0))  # records of before have none
    if counted >= (owed or needed) or not needed:
        return f"{entry.subject}: too few requests of stable to compare with: {GOING_ON}"
    are = "is" if counted == 1 else "are"
    enough = f"proof is asked for from about {_about(owed)} on" if owed else f"about {_about(needed)} are needed"
    few = f"{count(counted, 'request')} in {words(seconds)} {are} too few to judge by ({enough})"
    return f"{entry.subject}: {few}: {GOING_ON}"


def _about(number: int) -> str:
    """Two figures: it is an estimate."""
    size = 10 ** max(len(str(number)) - 2, 0)
    return f"{round(number / size) * size:,}"


_SENTENCES: Mapping[Event, Callable[[Entry, Release], str]] = {
    Event.INTENT: _intent,
    Event.OUTCOME: _outcome,
    Event.STARTED: _started,
    Event.TAKEN_UP: lambda entry, release: f"taken up by {entry.actor}",
    Event.REQUESTED: _requested,
    Event.PAUSED: lambda entry, release: f"paused by {entry.actor}",
    Event.HELD: lambda entry, release: f"held: {entry.reason}",
    Event.TURNED_BACK: lambda entry, release: f"rolling back: {entry.reason}",
    Event.ROLLBACK_RESUMED: lambda entry, release: "rolling back again",
    Event.PROMOTED: _ended(Outcome.PROMOTED),
    Event.ROLLED_BACK: _ended(Outcome.ROLLED_BACK),
    Event.ROLLBACK_FAILED: _ended(Outcome.ROLLBACK_FAILED),
    Event.STEP_BEGAN: _of_step(": preparing {name}"),
    Event.STEP_SKIPPED: _of_step(": {name} stands already"),
    Event.SHIFT_BEGAN: _shift_began,
    Event.READINESS_AWAITED: lambda entry, release: f"waiting again: {entry.reason}",
    Event.PODS_AWAITED: _pods_awaited,
    Event.BAKE_BEGAN: _of_step(": baking {name} for {bake}"),
    Event.BAKE_RESUMED: lambda entry, release: "baking again",
    Event.BAKE_OVER: lambda entry, release: f"the bake is over, and the step is not judged yet: {entry.reason}",
    Event.PROOF_AWAITED: _proof_awaited,
    Event.APPROVAL_AWAITED: _approval_awaited,
    Event.STEP_PASSED: _of_step(" {name}: PASS"),
    Event.STEPS_PASSED: _steps_passed,
    Event.FINISH_RESUMED: _finish_resumed,
    Event.CANDIDATE_READY: lambda entry, release: f"candidate {entry.subject}: {_ready(entry)}",
    Event.TRAFFIC_VERIFIED: _traffic_verified,
    Event.TAKEOVER_VERIFIED: _takeover_verified,
    Event.CANDIDATE_PROBED: lambda entry, release: f"probed: {entry.reason}",
    Event.STABLE_DRAINED: lambda entry, release: f"drained: {entry.reason}",
    Event.DRAIN_TIMED_OUT: lambda entry, release: f"drained {entry.reason}",
    Event.CONNECTIONS_HELD: lambda entry, release: entry.reason,
    Event.CONNECTIONS_CUT: lambda entry, release: f"connections still held on {entry.subject} end with these pods",
    Event.STABLE_UPDATED: lambda entry, release: f"Deployment {release.spec.target.deployment} runs the new version: {_ready(entry)}",
    Event.STABLE_AWAITED: lambda entry, release: f"the stable side has {_ready(entry)}: users are led to it as soon as it can take them",
    Event.OLD_SIDE_COLD: lambda entry, release: (
        f"the old side has {_ready(entry)}: until more of them are, a rollback cannot take the traffic back"
    ),
    Event.STABLE_SERVES: lambda entry, release: (
        f"the EndpointSlices lead to the stable side{f', besides {entry.reason}' if entry.reason else ''}"
    ),
    Event.TRAFFIC_OFF: lambda entry, release: words_of(release).traffic_off(entry.reason),
    Event.TRAFFIC_OFF_RETRACTED: lambda entry, release: f"traffic is not off the new version any more: {entry.reason}",
    Event.SERVICES_BESIDE: lambda entry, release: f"{entry.reason} to the new version: who comes by there gets it until its pods are gone",
    Event.STRANGERS: lambda entry, release: entry.reason,
    Event.UNSERVED: lambda entry, release: f"{entry.reason}: who came by there reaches nobody until it is made again",
    Event.PODS_REMAIN: lambda entry, release: (
        f"{entry.reason}: until they are gone the Services stay pinned to the stable pods; connections open on them end with them"
    ),
    Event.FLAG_SERVED: flag.served,
    Event.KILL_UNCONFIRMED: lambda entry, release: f"the safe variant is not seen to be served everywhere yet: {entry.reason}",
    Event.FEW_REQUESTS: _few_requests,
    Event.INCONCLUSIVE: lambda entry, release: f"inconclusive, promoted all the same (`inconclusive: promote`): {entry.reason}",
    Event.METRICS_FOUND: lambda entry, release: f"metrics found while the release runs: judged by {entry.subject} from now on",
    Event.PREVIEW_LEFT_OPEN: lambda entry, release: (
        f"preview Service {release.plan.preview} could not be closed: it stays as it is, and leads to no pod"
    ),
    Event.FLAG_LEFT: lambda entry, release: entry.reason,
    Event.RECOVERED: lambda entry, release: f"the record was lost or unreadable; put together from {words_of(release).undo_notes}",
    Event.OTHER: lambda entry, release: entry.reason,
}


def phrase(intent: Entry, release: Release) -> tuple[str, str]:
    """What an action is to do, and what is true when it is done."""
    action = intent.action
    if action is None:  # an outcome whose intent is not in the journal any more, or not as we wrote it
        return "carry out an action that the record does not name", "an action was carried out that the record does not name"
    name, twin = f"`{clean(release.spec.target.deployment)}`", f"`{clean(release.candidate)}`"
    own = flag.quoted(release)
    pods, share = count(action.pods, "pod"), f"{action.share:g} % of users"
    finishing = action.side is Side.STABLE and _finishing(intent, release)
    split = "" if action.weight is None else f", {action.weight:g} % by weight"
    side = f"the new pods of {name}" if finishing else f"{_SIDES[action.side or Side.BOTH]}{split}"
    preview = f"preview Service `{clean(release.plan.preview)}`"
    phrases = {
        Verb.HOLD_STABLE: (f"pause Deployment {name}", f"Deployment {name} is paused for the release"),
        Verb.HOLD_AUTOSCALER: (f"hold the autoscaler at {pods} or more", f"autoscaler holds {pods} or more"),
        Verb.CREATE_CANDIDATE: (f"create the candidate {twin} with {pods}", f"candidate {twin} created with {pods}"),
        Verb.SCALE_CANDIDATE: (f"scale the candidate to {pods}", f"candidate scaled to {pods}"),
        Verb.SCALE_STABLE: (f"scale stable to {pods}", f"stable scaled to {pods}"),
        Verb.ROUTE: (f"send traffic to {side}", f"Services send traffic to {side}"),
        Verb.UPDATE_STABLE: (f"give Deployment {name} the new template", f"Deployment {name} has the new template"),
        Verb.RESTORE_STABLE: (f"give Deployment {name} its old template back", f"Deployment {name} has its old template back"),
        Verb.KEEP_EVIDENCE: ("keep the candidate's last log lines", "candidate's last log lines kept"),
        Verb.DELETE_CANDIDATE: (f"delete the candidate {twin}", f"candidate {twin} deleted"),
        Verb.RELEASE_STABLE: (f"unpause Deployment {name}", f"Deployment {name} is no longer paused by the release"),
        Verb.RELEASE_AUTOSCALER: ("give the autoscaler its minimum back", "autoscaler has its minimum back"),
        Verb.NOTE_UNDO: (f"note on Deployment {name} how to undo this", f"Deployment {name} carries a note that undoes this release"),
        Verb.SET_SHARE: (f"raise {own} to {share}", f"{own} is set to {share}"),
        Verb.KILL_FLAG: (f"serve the safe variant of {own} to everyone", f"{own} gives the treatment to nobody"),
        Verb.RESTORE_FLAG: (f"take back what this release wrote in {own}", f"what this release wrote in {own} is taken back"),
        Verb.RELEASE_FLAG: (f"take deliver's marks off {own}", f"{own} has no marks of deliver any more"),
        Verb.CLEAR_UNDO: (f"take the note off Deployment {name}", f"the note is off Deployment {name}"),
        Verb.OPEN_PREVIEW: (f"let {preview} lead to the candidate", f"{preview} leads to the candidate, users do not get there"),
        Verb.CLOSE_PREVIEW: (f"close {preview}", f"{preview} is {'deleted' if release.plan.preview_made else 'what it was'}"),
        Verb.RESTORE_ROUTE: ("give the Services their own selectors back", "Services have their own selectors back"),
    }
    return phrases[action.verb]


def _finishing(intent: Entry, release: Release) -> bool:
    """Whether the named Deployment, the "stable" side, had the new version when this was asked for."""
    for entry in reversed(release.journal):
        verb = entry.action.verb if entry.action else None
        if entry.seq < intent.seq and (entry.event is Event.TURNED_BACK or verb in (Verb.RESTORE_STABLE, Verb.UPDATE_STABLE)):
            return verb is Verb.UPDATE_STABLE
    return False


def failure(outcome: Entry) -> str:
    """What an action met that was not carried out, "" for one that was."""
    return clean(outcome.reason) if outcome.result not in (None, Result.DONE) else ""
