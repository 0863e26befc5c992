"""Typical releases, as the engine leaves them, and golden files (UPDATE_GOLDEN=1 writes them anew)."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deliver.engine.core.decision import ENDS
from deliver.model.journal import Event
from deliver.model.observation import Ack, ArmSeen, FlagSeen, FlagState, Observation, OperatorRequest, PodSeen, Problem, RouteSeen
from deliver.model.plan import FlagPlan, Plan, Side, Step
from deliver.model.release import Direction, Outcome, Phase, Release, RouteChange, ServiceSnapshot, Snapshot
from deliver.model.spec import PluginSpec, ReleaseSpec, Target
from deliver.model.verdict import CheckResult, Evidence, Verdict
from tests.journalled import carried_out

T0 = 1795567800.0  # 2026-11-25 00:50:00 UTC
OLD, NEW = "registry.example/shop/web:1.0.0", "registry.example/shop/web:1.1.0"
QUERY = 'http_requests_total{code=~"5..",namespace="shop",pod=~"web-candidate-6d9f-.*"}'


@dataclass(frozen=True)
class Scene:
    """A release, what was read back of the cluster, and the time it is."""

    release: Release
    seen: Observation | None
    now: float


def begun() -> Release:
    """Just made: nothing is in the journal."""
    steps = (
        Step("10 %", 10, Side.BOTH, candidate_pods=1, stable_pods=4, bake=300),
        Step("50 %", 50, Side.BOTH, candidate_pods=4, stable_pods=4, bake=300, approval=True),
        Step("100 %", 100, Side.CANDIDATE, candidate_pods=4, stable_pods=4, bake=300),
    )
    return Release(
        id="web-20261124-1",
        number=7,
        spec=ReleaseSpec(target=Target("shop", "web"), image=NEW, strategy="canary"),
        plan=Plan("canary", steps, notes=("weight 10 becomes 20.0 %: 1 of 5 pods",)),
        snapshot=Snapshot(
            uid="u1",
            replicas=4,
            template={},
            digest="d1",
            hash="5c4d",
            image=OLD,
            container="web",
            services=(ServiceSnapshot("web", "s1", {"app": "web"}), ServiceSnapshot("web-internal", "s2", {"app": "web"})),
        ),
        candidate="web-candidate",
        actor="mira@laptop",
        started=T0,
        fence=3,
    )


def errors(verdict: Verdict, value: float, stable: float, samples: int, why: str = "") -> CheckResult:
    numbers = {"candidate_bad": value * samples / 100, "candidate_total": float(samples)}
    evidence = Evidence(query=QUERY, at=T0 + 80, numbers=numbers, samples=("web-candidate-6d9f-x1 15 -> 78 in 60 s",))
    return CheckResult("errors", "metric", verdict, why, value, stable, 1.0, "%", samples, evidence)


def pods(verdict: Verdict = Verdict.PASS, ready: int = 1, wanted: int = 1, why: str = "") -> CheckResult:
    why = why or f"{ready} of {wanted} candidate pods ready, 0 restarts"
    return CheckResult("pods", "pods", verdict, why, float(ready), 4.0, float(wanted), "", ready)


def arm(name: str, hash: str, image: str, ready: int, desired: int, problem: Problem | None = None, restarts: int = 0) -> ArmSeen:
    made = [PodSeen(f"{name}-{hash}-x{i}", f"{name}{i}", ready=i <= ready, hash=hash, since=T0 + 3) for i in range(1, desired + 1)]
    if problem and made:
        made[-1] = replace(made[-1], problem=problem, restarts=restarts)
    return ArmSeen(name, f"uid-{name}", image=image, hash=hash, desired=desired, pods=tuple(made))


def look(at: float, side: Side, ready: int, desired: int, share: float | None = None, problem: Problem | None = None) -> Observation:
    """stable is full; the candidate has `ready` of `desired` pods (desired 0: it is not there)."""
    candidate = arm("web-candidate", "6d9f", NEW, ready, desired, problem, restarts=3 if problem else 0) if desired else None
    route = RouteSeen(
        side=side,
        pinned="5c4d" if side is Side.STABLE else "",
        agreed=True,
        stable=0 if side is Side.CANDIDATE else 4,
        candidate=0 if side is Side.STABLE else ready,
    )
    return Observation(at=at, stable=arm("web", "5c4d", OLD, 4, 4), candidate=candidate, route=route, candidate_percent=share)


def shifted(release: Release) -> Release:
    """To the first step's traffic, with the journal the engine writes on the way."""
    release = carried_out(release, T0 + 1, T0 + 1.2, "hold-stable")
    release = carried_out(release, T0 + 2, T0 + 2.3, "create-candidate 1")
    release = release.noted(T0 + 9, Event.CANDIDATE_READY, subject="6d9f", numbers={"ready": 1, "pods": 1})
    release = carried_out(release.noted(T0 + 9, Event.SHIFT_BEGAN), T0 + 9, T0 + 11, "route both")
    release = release.noted(T0 + 12, Event.TRAFFIC_VERIFIED, subject="both", numbers={"candidate": 1, "total": 5})
    release = release.noted(T0 + 12, Event.BAKE_BEGAN)
    shift = RouteChange(Side.BOTH, "", T0 + 11, T0 + 11, T0 + 12)
    return replace(release, phase=Phase.BAKING, bake_since=T0 + 12, since=T0 + 12, candidate_hash="6d9f", shift=shift, exposed=True)


def mid_bake() -> Scene:
    checks = (pods(), errors(Verdict.PASS, 0.12, 0.1, 812))
    release = replace(shifted(begun()), checks=checks, observed=18.3)
    return Scene(release, replace(look(T0 + 87, Side.BOTH, 1, 1, 18.3), checks=checks[1:]), T0 + 87)


def weighed() -> Scene:
    """Judged by evidence: one metric that is on its way to a rollback, and one that has been shown to be no worse."""
    numbers = {"candidate_bad": 7.0, "candidate_total": 812.0, "odds_worse": 9.4, "odds_needed": 20.0, "odds_no_worse": 0.02}
    numbers |= {"ratio_low": 1.39, "ratio_high": 14.0, "margin": 1.2, "dispersion": 1.18}
    why = "7 of 812 requests bad (0.862 %), stable 8 of 3391 (0.236 %); evidence 9.4 : 1 that it is more than 1.2 times as bad as stable"
    doubtful = CheckResult(
        "errors", "metric", Verdict.PASS, why, 0.86, 0.24, None, "%", 812, Evidence(QUERY, T0 + 80, numbers), proved=False
    )
    fine = {**numbers, "odds_worse": 0.31, "odds_no_worse": 44.0, "ratio_low": 0.7, "ratio_high": 1.4}
    quick = CheckResult("latency", "metric", Verdict.PASS, "", 4.1, 4.3, None, "%", 812, Evidence(QUERY, T0 + 80, fine), proved=True)
    checks = (pods(), doubtful, quick)
    release = replace(shifted(begun()), checks=checks, observed=18.3)
    return Scene(release, replace(look(T0 + 87, Side.BOTH, 1, 1, 18.3), checks=checks[1:]), T0 + 87)


def promoted() -> Scene:
    checks = (pods(), errors(Verdict.PASS, 0.12, 0.1, 4120))
    release = shifted(begun()).noted(T0 + 312, Event.STEP_PASSED, checks=checks)
    release = release.noted(T0 + 913, Event.STEPS_PASSED).noted(T0 + 960, Event.PROMOTED)
    release = replace(
        release,
        course=Direction.PROMOTING,
        phase=Phase.ENDED,
        outcome=Outcome.PROMOTED,
        step=2,
        ended=T0 + 960,
        new_hash="77aa",
        checks=checks,
    )
    stable = arm("web", "77aa", NEW, 4, 4)
    return Scene(release, Observation(at=T0 + 961, stable=stable, route=RouteSeen(side=Side.BOTH, agreed=True, candidate=4)), T0 + 961)


def back(reason: str, checks: tuple[CheckResult, ...], release: Release, at: float) -> Release:
    release = replace(
        release, course=Direction.ROLLING_BACK, phase=Phase.ROLLING_BACK, reason=reason, checks=checks, since=at, bake_since=0.0
    )
    release = release.noted(at, Event.TURNED_BACK, reason=reason, checks=checks)
    release = carried_out(release, at, at + 0.2, "route stable")
    return replace(release, shift=RouteChange(Side.STABLE, "5c4d", at + 0.2, at + 0.4, 0.0))


def ended(release: Release, outcome: Outcome, at: float, **more: object) -> Release:
    release = replace(release, outcome=outcome, phase=Phase.ENDED, ended=at, **more)  # type: ignore[arg-type]
    return release.noted(at, ENDS[outcome], reason=release.reason)


def rolled_back() -> Scene:
    why = "12.4 % of requests failed, above 1 %"
    release = back(f"errors: {why}", (pods(), errors(Verdict.FAIL, 12.4, 0.1, 512, why)), shifted(begun()), T0 + 80)
    release = release.noted(T0 + 81, Event.TRAFFIC_OFF)
    release = ended(release, Outcome.ROLLED_BACK, T0 + 104, traffic_off=T0 + 81, checks=(pods(Verdict.BLIND, 0),))
    return Scene(release, look(T0 + 105, Side.BOTH, 0, 0), T0 + 105)


def crashed() -> Scene:
    """The candidate never had traffic."""
    problem = Problem("crash-loop", "container web exits with code 3 (3 restarts)")
    reason = f"candidate pod web-candidate-6d9f-x1: {problem.message}"
    release = carried_out(begun(), T0 + 2, T0 + 2.3, "create-candidate 1")
    release = replace(release, candidate_hash="6d9f")
    release = back(reason, (pods(Verdict.FAIL, 0, 1, reason),), release, T0 + 31)
    logs = ("config: DATABASE_URL is not set", "Traceback (most recent call last):", "  ::error::not a \x1b[31mcommand\x1b[0m", "exit 3")
    release = ended(release, Outcome.ROLLED_BACK, T0 + 44, traffic_off=T0 + 31, evidence=logs)
    return Scene(release, look(T0 + 45, Side.BOTH, 0, 0), T0 + 45)


def held_blind() -> Scene:
    blind = errors(Verdict.BLIND, float("nan"), 0.1, 0, "Prometheus does not answer: connection refused")
    reason = "could not be judged for 300 s (errors: Prometheus does not answer: connection refused)"
    release = replace(shifted(begun()), checks=(pods(), blind), reason=reason, blind_since=T0 + 60)
    release = replace(release, outcome=Outcome.HELD, phase=Phase.ENDED, ended=T0 + 360).noted(
        T0 + 360, Event.HELD, reason=reason, checks=release.checks
    )
    return Scene(release, look(T0 + 361, Side.BOTH, 1, 1), T0 + 361)


def rollback_failed() -> Scene:
    release = back("aborted by sam: graphs look wrong", (pods(),), replace(shifted(begun()), ended_by="sam"), T0 + 80)
    why = "not done within 1800 s: the selector of Service web was changed by kubectl-edit at 2026-11-24T23:31:00Z: app=other"
    release = ended(release, Outcome.ROLLBACK_FAILED, T0 + 1880, reason=f"{why} (rolling back because {release.reason})")
    seen = look(T0 + 1881, Side.BOTH, 1, 1, problem=Problem("oom-kill", "container web was killed for its memory"))
    foreign = "the selector of Service web was changed by kubectl-edit at 2026-11-24T23:31:00Z: app=other"
    return Scene(release, replace(seen, route=replace(seen.route, side=None, agreed=False, foreign=foreign)), T0 + 1881)


def paused() -> Scene:
    release = replace(
        shifted(begun()), phase=Phase.PAUSED, paused=OperatorRequest("r1", "pause", "sam", "lunch", T0 + 60), checks=(pods(),)
    )
    release = release.noted(T0 + 60, Event.REQUESTED, subject="pause", reason="lunch", actor="sam").noted(
        T0 + 60, Event.PAUSED, actor="sam"
    )
    return Scene(release, look(T0 + 61, Side.BOTH, 1, 1), T0 + 61)


def flag_baking() -> Scene:
    """25 % of the users, one instance behind."""
    steps = tuple(Step(f"{share} %", share, Side.BOTH, candidate_pods=0, stable_pods=0, bake=300) for share in (5, 25, 100))
    plan = Plan("flag", steps, flag=FlagPlan("new-checkout", PluginSpec("flagd", {"configmap": "web-flags"}), "variant"))
    checks = (errors(Verdict.PASS, 0.12, 0.1, 812),)
    release = replace(begun(), plan=plan, step=1, exposed=True, observed=24.1, checks=checks, phase=Phase.BAKING, bake_since=T0 + 120)
    release = replace(
        release, spec=replace(release.spec, strategy="flag", image=OLD), shift=RouteChange(Side.BOTH, "7", T0 + 100, T0 + 101)
    )
    release = carried_out(release, T0 + 100, T0 + 100.3, "set-share 25: 25 % of users get the treatment")
    how = "confirmed by 4 of 4, 24.8 % of made-up users get it"
    release = release.noted(T0 + 102, Event.FLAG_SERVED, numbers={"percent": 25.0}, reason=how)
    ack = Ack(3, 4, percent=24.8, missing=("web-5c4d-x4",), how="OFREP")
    seen = FlagSeen(FlagState(25.0, "7", "{}", treatment="on", safe="off"), T0 + 140, ack, "7")
    return Scene(release, replace(look(T0 + 141, Side.BOTH, 0, 0, 24.1), flag=seen, checks=checks), T0 + 141)


def flag_left() -> Scene:
    """Taken back after a person has switched the environment off."""
    before = FlagState(0.0, "1", '{"enabled": true}')
    release = flag_baking().release
    release = replace(release, snapshot=replace(release.snapshot, flag=before), course=Direction.ROLLING_BACK, traffic_off=T0 + 170)
    release = replace(release, flag_undone="9", flag_left=("environment `production` was switched off by somebody: it stays off",))
    release = release.noted(T0 + 171, Event.FLAG_LEFT, reason=release.flag_left[0])
    release = ended(replace(release, reason="rolled back by ada@acme"), Outcome.ROLLED_BACK, T0 + 172)
    now = FlagState(0.0, "9", '{"enabled": false}', off="it is off in environment `production`")
    seen = FlagSeen(now, T0 + 172, Ack(1, 1, "the server gives it to 0.0 % of 20 made-up users", 0.0), "9")
    return Scene(release, replace(look(T0 + 172, Side.BOTH, 0, 0), flag=seen), T0 + 172)


SCENES: dict[str, Callable[[], Scene]] = {
    "mid-bake": mid_bake,
    "weighed": weighed,
    "promoted": promoted,
    "rolled-back": rolled_back,
    "crashed": crashed,
    "held-blind": held_blind,
    "rollback-failed": rollback_failed,
    "paused": paused,
    "flag": flag_baking,
    "flag-left": flag_left,
}


@pytest.fixture
def scene() -> Callable[[str], Scene]:
    return lambda name: SCENES[name]()


@pytest.fixture(params=sorted(SCENES))
def named_scene(request: pytest.FixtureRequest) -> tuple[str, Scene]:
    return request.param, SCENES[request.param]()


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares with the file of that name in tests/render/golden."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if os.environ.get("UPDATE_GOLDEN") == "1":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text + "\n", f"{name} differs; UPDATE_GOLDEN=1 writes it anew"

    return compare
