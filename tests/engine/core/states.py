"""Releases and observations of them, without a cluster: what the tests of one look, `decide(release, seen, now)`, begin with."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from deliver.engine.core.decide import decide as decided
from deliver.engine.core.decision import MAX_SLEEP, Decision
from deliver.model.observation import ArmSeen, Observation, OperatorRequest, PodSeen, RouteSeen
from deliver.model.plan import Side
from deliver.model.release import Direction, Outcome, Phase, Release, RouteChange
from deliver.model.spec import Limits
from deliver.model.verdict import CheckResult, Verdict
from tests.engine.rig import GOOD, Rig
from tests.journalled import outcome

BEGUN: Release = Rig.make().propose().release
HOME, CANDIDATE, NEW = BEGUN.snapshot.hash, "candhash", "newhash"
NOW = 10_000.0
PASSED = CheckResult("errors", "metric", Verdict.PASS, "0 of 100")
PAUSE = OperatorRequest("r", "pause", "ops@desk", at=NOW - 20)


def decide(release: Release, look: Observation, now: float) -> Decision:
    """The product's own; whatever it decides, there is another look within a few seconds, and the journal says it in its own terms."""
    decision = decided(release, look, now)
    assert now <= decision.wake_at <= now + MAX_SLEEP
    for entry in decision.release.journal[len(release.journal) :]:
        assert (entry.at, entry.kind in ("state", "verdict", "request", "note")) == (now, True)
    return decision


def pods(many: int, hash: str, **more: Any) -> tuple[PodSeen, ...]:
    return tuple(PodSeen(f"{hash}-{n}", f"uid-{hash}-{n}", hash=hash, **{"ready": True, **more}) for n in range(many))


def stable(**more: Any) -> ArmSeen:
    """Deployment web as the release left it: held, whole, of the template of before."""
    arm = ArmSeen("web", BEGUN.snapshot.uid, "registry/web:1.0.0", HOME, BEGUN.snapshot.digest, 4, paused=True, pods=pods(4, HOME))
    return replace(arm, **more)


def candidate(many: int = 4, **more: Any) -> ArmSeen:
    return replace(ArmSeen("web-candidate", "c", GOOD, CANDIDATE, "new", many, pods=pods(many, CANDIDATE)), **more)


def route(side: Side | None, **more: Any) -> RouteSeen:
    pinned = {Side.STABLE: HOME, Side.CANDIDATE: CANDIDATE}.get(side, "") if side else ""
    old, new = {Side.STABLE: (4, 0), Side.CANDIDATE: (0, 4)}.get(side, (4, 4)) if side else (4, 4)
    return replace(RouteSeen(side, pinned, agreed=True, stable=old, candidate=new, marked=True), **more)


def seen(side: Side | None = Side.BOTH, **more: Any) -> Observation:
    """All is well: both arms whole, the Services where they should be, judged PASS a moment ago."""
    look = Observation(NOW, stable(), candidate(), route(side), checks=(PASSED,), checked_at=NOW - 1)
    return replace(look, **more)


def baking(**more: Any) -> Release:
    """Step 2 of 3, both sides under traffic, for 30 of its 60 s."""
    began = NOW - 30
    release = replace(
        BEGUN,
        phase=Phase.BAKING,
        step=1,
        started=NOW - 600,
        since=began,
        bake_since=began,
        candidate_hash=CANDIDATE,
        shift=RouteChange(Side.BOTH, "", began - 2, began - 2, began - 1),
        exposed=True,
        checks=(PASSED,),
    )
    return replace(release, **more)


def finishing(**more: Any) -> Release:
    """All steps passed; the candidate has the traffic, and the Deployment is to follow."""
    began = NOW - 30
    shift = RouteChange(Side.CANDIDATE, CANDIDATE, began - 70, began - 70, began - 69)
    release = baking(course=Direction.PROMOTING, phase=Phase.FINISHING, step=2, since=began, bake_since=0.0, shift=shift)
    return replace(release, **more)


def going_back(**more: Any) -> Release:
    """Turned back 5 s ago, and nothing done yet."""
    release = baking(course=Direction.ROLLING_BACK, phase=Phase.ROLLING_BACK, since=NOW - 5, shift=None, reason="errors: 9 of 100")
    return replace(release, **more)


def with_steps(release: Release, **more: Any) -> Release:
    """All of its steps changed like that."""
    return replace(release, plan=replace(release.plan, steps=tuple(replace(one, **more) for one in release.plan.steps)))


def limited(release: Release, **limits: float) -> Release:
    return replace(release, spec=replace(release.spec, limits=Limits(**limits)))


def done(release: Release, action: str, at: Sequence[float], result: str = "done") -> Release:
    """With that in the journal, carried out at those times."""
    for when in at:
        release = outcome(release, when, action, result)
    return release


def waits(decision: Decision, until: float = NOW + MAX_SLEEP) -> bool:
    return decision.action is None and decision.release.outcome is None and decision.wake_at == until


def turned(decision: Decision) -> str:
    """Why it goes back."""
    assert (decision.release.course, decision.wake_at) == (Direction.ROLLING_BACK, NOW)
    return decision.release.reason


def held(decision: Decision) -> str:
    assert (decision.action, decision.release.outcome, decision.wake_at) == (None, Outcome.HELD, NOW)
    return decision.release.reason
