"""One plain object of a release: the stable JSON of `-o json`, and what every other renderer draws from. Additive only.

Percentages and pods are what was read back (Observation); null where nothing was. Text is already clean of control characters.
"""

from typing import TYPE_CHECKING, Any

from deliver.formatting.formats import finite, rfc3339
from deliver.formatting.sanitize import clean_data
from deliver.model.codec import encode
from deliver.model.journal import Entry, EntryKind
from deliver.model.observation import ArmSeen, Observation, Problem, RouteSeen
from deliver.model.plan import Step
from deliver.model.release import READINESS_GATE, SILENT, Direction, Outcome, Phase, Release
from deliver.model.verdict import CheckResult
from deliver.render import flag
from deliver.render.exposure import words_of
from deliver.render.odds import odds_view
from deliver.render.words import image_of, places_of

if TYPE_CHECKING:
    from deliver.engine.commands.status import LockStatus

API_VERSION = "deliver.dev/v1alpha1"
View = dict[str, Any]


def release_view(release: Release, seen: Observation | None, now: float) -> View:
    """kind Release. now: unix seconds, for what is still running (`bake.elapsed`, `duration`)."""
    spec = release.spec
    view = {
        "apiVersion": API_VERSION,
        "kind": "Release",
        "id": release.id,
        "number": release.number,
        "target": {
            "namespace": spec.target.namespace,
            "deployment": spec.target.deployment,
            "services": [service.name for service in release.snapshot.services] or list(spec.target.services),
        },
        "strategy": spec.strategy,
        "phase": str(release.phase),
        "course": str(release.course),
        "outcome": str(release.outcome) if release.outcome else None,
        "reason": release.reason,
        "exposure": exposure(release, seen),
        "stable": _stable(release, seen),
        "candidate": _candidate(release, seen),
        "image": image_of(release),
        "places": [] if release.plan.flag else places_of(release),
        "flag": flag.flag_view(release, seen),
        "route": _route(release, seen),
        "preview": _preview(release, seen),
        "switch": _switch(release),
        "hold": _hold(release, seen),
        "step": release.step,
        "steps": [_step(release, index, step, now) for index, step in enumerate(release.plan.steps)],
        "checks": [check_view(check) for check in newest_checks(release, seen)],
        "judged_by": judged_by(release),
        "problems": problems(release, seen),
        "paused": {"by": release.paused.actor, "reason": release.paused.reason} if release.paused else None,
        "actor": release.actor,
        "started": rfc3339(release.started),
        "ended": rfc3339(release.ended),
        "ended_by": release.ended_by or None,
        "duration": round(max((release.ended or now) - release.started, 0.0), 3),
        "traffic_off": rfc3339(release.traffic_off),
        "evidence": list(release.evidence),
        "next": next_commands(release),
    }
    return dict(clean_data(view))


def event_view(
    release: Release, seen: Observation | None, now: float, *, seq: int | None, at: float, kind: str, text: str, **more: Any
) -> View:
    """kind ReleaseEvent: one transition with the release's key fields, for `-o jsonl`."""
    whole = release_view(release, seen, now)
    keys = ("id", "target", "strategy", "phase", "outcome", "reason", "exposure", "step")
    extra = {key: clean_data(value) for key, value in more.items() if value}
    event = {"seq": seq, "at": rfc3339(at), "type": kind, "event": clean_data(text)}
    return {"apiVersion": API_VERSION, "kind": "ReleaseEvent", **event, **extra, **{key: whole[key] for key in keys}}


def facts(entry: Entry) -> View:
    """What a journal line says as data. code: one of model.journal.Event, which tells what `subject` and `numbers` are."""
    more = {"action": encode(entry.action), "subject": entry.subject, "numbers": dict(entry.numbers)}
    return {"code": str(entry.event), **{key: value for key, value in more.items() if value}}


def exposure(release: Release, seen: Observation | None) -> View:
    """Percent. window: the trailing seconds that `observed` is about, null without it."""
    share = observed(release, seen)
    window = max((getattr(metric, "window", 0.0) for metric in release.spec.analysis.metrics), default=0.0)
    return {
        "wanted": wanted(release),
        "endpoints": words_of(release).share(release, seen) if seen else None,
        "observed": share,
        "window": window if share is not None and window else None,
    }


def wanted(release: Release) -> float:
    """The exposure that deliver means to have now."""
    if release.course is Direction.ROLLING_BACK or release.outcome in (Outcome.ROLLED_BACK, Outcome.ROLLBACK_FAILED):
        return 0.0
    return 100.0 if release.course is Direction.PROMOTING else float(release.current.weight)


def observed(release: Release, seen: Observation | None) -> float | None:
    """The candidate's share of requests, percent, by metrics over the last window. None without metrics, or when that is past."""
    preview = release.course is Direction.PROGRESSING and release.current.preview  # its requests are no users'
    if seen is None or preview or release.course is Direction.ROLLING_BACK or release.outcome in (Outcome.PROMOTED, Outcome.ROLLED_BACK):
        return None
    return finite(release.observed if seen.candidate_percent is None else seen.candidate_percent)


def newest_checks(release: Release, seen: Observation | None) -> tuple[CheckResult, ...]:
    """The newest verdicts on the way forward; on the way back, and after it, those that turned the release."""
    if release.course is Direction.ROLLING_BACK:
        verdicts = (entry.checks for entry in reversed(release.journal) if entry.kind is EntryKind.VERDICT and entry.checks)
        return next(verdicts, release.checks)
    return release.checks or (seen.checks if seen else ())


def judged_by(release: Release) -> View:
    """By its pods, and by these. too_few: metrics with too few requests to show anything in the newest step that passed."""
    analysis = release.spec.analysis
    metrics = [*(metric.name for metric in analysis.metrics), *(check.name for check in release.checks if check.kind == "metric")]
    steps = (check.kind for step in release.plan.steps for check in step.checks)
    return {
        "metrics": list(dict.fromkeys(metrics)),
        "health": sorted({*(f"{spec.kind} check" for spec in analysis.health), *(f"{kind} check" for kind in steps)}),
        "too_few": list(release.unproved),
    }


def check_view(check: CheckResult) -> View:
    return {
        "name": check.name,
        "kind": check.kind,
        "verdict": str(check.verdict),
        "why": check.why,
        "candidate": finite(check.candidate),
        "stable": finite(check.stable),
        "limit": finite(check.limit),
        "unit": check.unit,
        "samples": check.samples,
        "odds": odds_view(check),
    }


def _arm(arm: ArmSeen | None, image: str, hash: str) -> View:
    """Pods of the hash that counts. An arm that was not read, or is not there, has null for numbers."""
    counted = (arm.hash or hash) if arm else hash
    return {
        "deployment": arm.deployment if arm else None,
        "image": (arm.image if arm else "") or image,
        "hash": counted or None,
        "desired": arm.desired if arm else None,
        "ready": arm.ready_of(counted) if arm else None,
        "restarts": arm.restarts if arm else None,
    }


def _stable(release: Release, seen: Observation | None) -> View:
    return _arm(seen.stable if seen else None, release.snapshot.image, release.snapshot.hash)


def _candidate(release: Release, seen: Observation | None) -> View:
    view = _arm(seen.candidate if seen else None, release.spec.image, release.candidate_hash)
    if seen is not None and seen.candidate is None:  # looked for and not there
        view |= {"desired": 0, "ready": 0, "restarts": 0}
    return view


def _route(release: Release, seen: Observation | None) -> View | None:
    if seen is None:
        return None
    route: RouteSeen = seen.route
    return {
        "side": str(route.side) if route.side else None,
        "pinned": route.pinned or None,
        **({"weight": finite(route.weight)} if route.weight is not None else {}),
        "agreed": route.agreed,
        "verified": rfc3339(release.shift.verified) if release.shift else None,
        "endpoints": {"stable": route.stable, "candidate": route.candidate, "other": route.other},
        "foreign": route.foreign or None,
        "detail": route.detail or None,
        "strangers": [{"pod": one.pod, "owner": one.owner or None, "service": one.service} for one in route.strangers],
    }


def _preview(release: Release, seen: Observation | None) -> View | None:
    """The Service that leads to the candidate alone; null without one. open, ready: null when not read."""
    if not release.plan.preview:
        return None
    found = seen.preview if seen else None
    return {
        "service": release.plan.preview,
        "made": release.plan.preview_made,
        "open": found.open if found else None,
        "ready": found.ready if found else None,
        "foreign": (found.foreign if found else "") or None,
    }


def _switch(release: Release) -> View | None:
    """All users moved at once: when that was switched, probed and drained (null = not yet), who clings to the old side, and why we know."""
    switch = release.switch
    if switch is None:
        return None
    facts = {fact: rfc3339(getattr(switch, fact)) for fact in ("switched", "probed", "drained")}
    return {**facts, "clinging": list(switch.clinging), "how": dict(switch.how)}


def _hold(release: Release, seen: Observation | None) -> View | None:
    """How long the old side is kept warm after the last step, seconds; until: null when it has not begun, or is over.

    warm: it has the pods to take the traffic back, as far as was seen.
    """
    running = release.held_until if release.outcome is None and release.exposed and not release.new_hash else 0.0
    return {"seconds": release.plan.hold, "until": rfc3339(running), "warm": warm(release, seen)} if release.plan.hold else None


def warm(release: Release, seen: Observation | None) -> bool:
    return seen is None or seen.stable is None or release.is_enough_for(seen.stable.ready_of(release.snapshot.hash))


def _step(release: Release, index: int, step: Step, now: float) -> View:
    return {
        "name": step.name,
        "weight": step.weight,
        "endpoints": finite(step.endpoints),
        "side": str(step.side),
        "candidate_pods": step.candidate_pods,
        "stable_pods": step.stable_pods,
        "bake": step.bake,
        "elapsed": baked(release, now) if index == release.step else None,
        "approval": step.approval,
        "preview": step.preview,
        "state": step_state(release, index),
    }


def step_state(release: Release, index: int) -> str:
    """done, running, waiting (for a person), pending, held, failed (rolled back from here), skipped (never reached)."""
    back = release.course is Direction.ROLLING_BACK or release.outcome in (Outcome.ROLLED_BACK, Outcome.ROLLBACK_FAILED)
    if release.reverts:
        return {None: "running", Outcome.ROLLED_BACK: "done"}.get(release.outcome, "failed")
    if release.outcome is Outcome.PROMOTED or release.course is Direction.PROMOTING or index < release.step:
        return "done"
    if index > release.step:
        return "skipped" if back else "pending"
    if back:
        return "failed"
    if release.outcome is Outcome.HELD:
        return "held"
    return "waiting" if release.phase in (Phase.WAITING, Phase.PAUSED) else "running"


def baked(release: Release, now: float) -> float | None:
    """Seconds of the current step's bake so far; None when it does not bake."""
    if not release.bake_since or release.course is not Direction.PROGRESSING:
        return None
    return round(min(max((release.ended or now) - release.bake_since, 0.0), release.current.bake), 3)


def problems(release: Release, seen: Observation | None) -> list[View]:
    """What is wrong with pods and Deployments, as the API server says. since: of what may mend itself and is waited for."""
    known = {(one.arm, one.cause): one for one in release.troubles}
    found: list[View] = []
    for name, arm in (("stable", seen.stable), ("candidate", seen.candidate)) if seen else ():
        those: list[tuple[str | None, Problem]] = [(None, arm.problem)] if arm and arm.problem else []
        those += [(pod.name, pod.problem) for pod in arm.pods if pod.problem] if arm else []
        for pod, problem in those:
            waited = known.pop((name, problem.cause), None)
            since = {"since": rfc3339(waited.since)} if waited else {}
            found.append({"arm": name, "pod": pod, "cause": problem.cause, "message": problem.message, **since})
    if seen:  # what a pod's status alone does not tell
        more = [one for one in known.values() if one.cause in (READINESS_GATE, SILENT)]
        found += [
            {"arm": one.arm, "pod": one.who.rpartition(" ")[2], "cause": one.cause, "message": one.message, "since": rfc3339(one.since)}
            for one in more
        ]
    return found


def driver_view(driver: "LockStatus | None") -> View | None:
    """Who drives a live release: null when it has ended, or when the lock may not be read."""
    if driver is None:
        return None
    return dict(clean_data({"name": driver.name or None, "heard": rfc3339(driver.heard), "alive": driver.alive}))


def typed(view: View) -> str:
    """The target as commands take it: `web -n shop`."""
    return f"{view['target']['deployment']} -n {view['target']['namespace']}"


def next_commands(release: Release) -> list[str]:
    """What a person may want to type now, the likeliest first."""
    target = release.spec.target
    where = f"{target.deployment} -n {target.namespace}"
    match release.outcome:
        case Outcome.PROMOTED:
            verbs = ["rollback"]
        case Outcome.ROLLED_BACK:
            verbs = ["explain", "history"] if release.reverts else ["explain"]
        case Outcome.HELD:
            verbs = ["resume", "rollback", "explain"]
        case Outcome.ROLLBACK_FAILED:
            verbs = ["rollback", "status", "explain"]
        case _ if release.course is Direction.ROLLING_BACK:
            verbs = ["status", "explain"]
        case _ if release.phase is Phase.WAITING or (release.held_until and not release.new_hash):
            verbs = ["promote", "rollback", "explain"]
        case _ if release.phase is Phase.PAUSED:
            verbs = ["resume", "rollback", "explain"]
        case _:
            verbs = ["pause", "rollback", "explain"]
    return [f"deliver {verb} {where}" for verb in verbs]
