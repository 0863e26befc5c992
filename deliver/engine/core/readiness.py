"""What pods are waited for: what keeps them, since when, how long. As long as more of them get ready, patience begins anew."""

from collections.abc import Iterator, Sequence

from deliver.engine.core.crashes import judged_problem
from deliver.model import journal
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import ArmSeen, Observation, PodSeen, Problem
from deliver.model.plan import Side
from deliver.model.release import READINESS_GATE, Direction, Progress, Release, Trouble

LONGEST = 600  # characters of a cause's words that are kept


def followed(release: Release, seen: Observation) -> Release:
    """With the troubles of this look, each since it was first seen, and with the progress that the pods make."""
    troubles = tuple(_troubles(release, seen))
    release = _with_progress(release, seen)
    if troubles == release.troubles:
        return release
    known = {(one.arm, one.cause) for one in release.troubles}
    for one in troubles:
        if (one.arm, one.cause) not in known and not journal.happened(release.journal, Event.PODS_AWAITED, release.since, _subject(one)):
            numbers = {"pods": one.pods, "seconds": one.patience or release.spec.limits.ready}
            release = release.noted(seen.at, Event.PODS_AWAITED, subject=_subject(one), numbers=numbers, reason=str(one))
    return replace(release, troubles=troubles)


def _subject(trouble: Trouble) -> str:
    return f"{trouble.arm} {trouble.cause}"


def _troubles(release: Release, seen: Observation) -> Iterator[Trouble]:
    for name, arm in (("stable", seen.stable), ("candidate", seen.candidate)):
        if arm is None:
            continue
        found: dict[str, list[tuple[str, Problem]]] = {}
        for who, problem in _waiting(release, seen, arm, name):
            found.setdefault(problem.cause, []).append((who, problem))
        for cause, those in found.items():
            yield _trouble(release, seen, name, cause, those)


def _waiting(release: Release, seen: Observation, arm: ArmSeen, name: str) -> Iterator[tuple[str, Problem]]:
    """Who waits, and what for."""
    if arm.problem and not arm.problem.certain and arm.problem.cause != "progress-deadline":
        yield f"Deployment {arm.deployment}", replace(arm.problem, message=f"cannot make a pod: {arm.problem.message}")
    new = name == "stable" and release.course is Direction.PROMOTING  # they run the new version
    for pod in arm.living:
        who = f"pod {pod.name}" if new else f"{name} pod {pod.name}"
        if pod.gates:
            yield who, Problem(READINESS_GATE, gates_text(pod), certain=False)
        problem = None if pod.ready else judged_problem(release, seen, pod) if name == "candidate" else pod.problem
        if problem and (name == "stable" or not problem.certain):  # a candidate's that is certain ends it
            yield who, problem


def gates_text(pod: PodSeen) -> str:
    many = len(pod.gates) > 1
    return f"its containers are ready, readiness gate{'s' if many else ''} {', '.join(pod.gates)} {'are' if many else 'is'} not set"


def _trouble(release: Release, seen: Observation, arm: str, cause: str, those: Sequence[tuple[str, Problem]]) -> Trouble:
    before = next((one for one in release.troubles if (one.arm, one.cause) == (arm, cause)), None)
    who, problem = next((one for one in those if not one[1].vague), those[0])
    text = before.message if before and problem.vague else _bounded(problem.message)
    since = before.since if before else seen.at
    patience = max(one.patience for _, one in those) if all(one.patience for _, one in those) else 0.0
    return Trouble(arm, cause, who, text, since, len(those), patience)


def _bounded(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _with_progress(release: Release, seen: Observation) -> Release:
    of, ready = _measured(release, seen)
    known = release.progress
    if known.of == of and ready <= known.ready:
        return release
    return replace(release, progress=Progress(of, ready, seen.at if known.of == of else 0.0))


def _measured(release: Release, seen: Observation) -> tuple[str, int]:
    """What is waited for, and how many of its pods are ready."""
    stable, candidate, home = seen.stable, seen.candidate, release.snapshot.hash
    old = stable.ready_of(home) if stable else 0
    match release.course:
        case Direction.ROLLING_BACK:
            return "back", old
        case Direction.PROMOTING:
            return f"finish {stable.hash if stable else ''}", stable.ready if stable else 0
    return f"step {release.step}", old + (candidate.able if candidate else 0)


def begun(release: Release, since: float) -> float:
    """Since when patience counts of what is waited for since then: each pod that got ready, and each new cause, renews it."""
    return max([since, release.resumed, release.progress.at, *(one.since for one in release.troubles if one.cause != READINESS_GATE)])


def given_up(release: Release, now: float) -> Trouble | None:
    """What the candidate's pods have waited for in vain. Gates are set once users are led to them: until then it is not waited for."""
    for one in release.troubles:
        patience = one.patience or release.spec.limits.ready
        since = max(one.since, release.resumed) if one.patience else max(one.since, release.resumed, release.progress.at)
        if one.arm == "candidate" and one.cause != READINESS_GATE and now - since >= patience:
            return one
    return None


def why_text(release: Release) -> str:
    """`; candidate pod x cannot be scheduled: ...`, "" where nothing is known."""
    return "".join(f"; {one}" for one in release.troubles)


def ready_as_led(arm: ArmSeen, hash: str, seen: Observation, side: Side) -> int:
    """Ready pods of a side. Kept out of the Services it cannot have gates that are set for pods found in them: its containers count."""
    return arm.ready_of(hash) if seen.route.side in (side, Side.BOTH) else arm.able_of(hash)


def waits_for_gates(arm: ArmSeen | None, hash: str) -> bool:
    """More pods of that version could serve, were they in the Services."""
    return arm is not None and arm.able_of(hash) > arm.ready_of(hash)
