"""A driver on the embedded cluster: hours of bake in milliseconds, every step of it the product's own code."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from deliver.engine import service
from deliver.engine.clock import Inline
from deliver.engine.preflight import Proposal
from deliver.engine.record import Store, parse
from deliver.engine.service import World as Tools
from deliver.engine.stop import Stop
from deliver.model.release import Release
from deliver.model.seen import PodSeen, Request, Seen, SwitchSeen
from deliver.model.spec import Analysis, Limits, RatioMetric, ReleaseSpec, Target
from deliver.model.verdict import CheckResult, Verdict
from deliver.sandbox import fixtures
from deliver.sandbox.api import MERGE, STRATEGIC, Write
from deliver.sandbox.clock import EngineClock
from deliver.sandbox.world import World

TARGET = Target("shop", "web")
GOOD = "registry/web:1.1.0"
METRIC = RatioMetric("errors", bad='http_requests_total{code=~"5.."}', total="http_requests_total", max=0.01)


@dataclass
class Quiet:
    """A reporter that remembers."""

    notes: list[str] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    on_update: Callable[[Release, Seen | None], None] = lambda release, seen: None

    def update(self, release: Release, seen: Seen | None) -> None:
        if not self.phases or self.phases[-1] != release.phase.value:
            self.phases.append(release.phase.value)
        self.on_update(release, seen)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def end(self, release: Release, seen: Seen | None) -> None:
        self.phases.append("end")


@dataclass
class Judge:
    """An examiner whose verdict a test sets: `verdict` at this moment, or a function of the time."""

    now: Callable[[], float]
    verdict: Verdict | Callable[[float], Verdict] = Verdict.PASS

    def reset(self, at: float) -> None:
        """Nothing is kept."""

    def examine(self, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], *, traffic: bool = True) -> "Judge.Result":
        verdict = self.verdict(self.now()) if callable(self.verdict) else self.verdict
        return Judge.Result(
            (CheckResult("errors", "metric", verdict, f"errors say {verdict}", candidate=0.2, limit=1.0, unit="%", samples=100),),
            20.0,
            self.now(),
        )

    @dataclass(frozen=True)
    class Result:
        results: tuple[CheckResult, ...]
        share: float | None
        at: float
        switch: SwitchSeen | None = None


@dataclass
class Rig:
    world: World
    judge: Judge
    reporter: Quiet = field(default_factory=Quiet)
    stop: Stop = field(default_factory=Stop)
    actor: str = "test@here"
    clock: Callable[[], EngineClock] | None = None  # one a driver; None: of the world, for one driver at a time

    @classmethod
    def make(cls, **world: Any) -> "Rig":
        made = fixtures.world(**world)
        return cls(made, Judge(made.clock.now))

    def tools(self, actor: str | None = None) -> Tools:
        who = actor or self.actor
        clock = self.clock() if self.clock else EngineClock(self.world.clock)
        self.stop.wakes(clock.wake)
        cluster = self.world.cluster.as_actor(who)
        return Tools(cluster, self.reporter, self.stop, clock, Inline(), lambda analysis: self.judge, identity=who)

    def spec(self, image: str = GOOD, weights: Sequence[float] = (10, 50), bake: str = "60s", **more: Any) -> ReleaseSpec:
        options = {"weight": list(weights), "bake": bake} | more.pop("options", {})
        analysis = Analysis(metrics=(METRIC,), poll=5.0, max_blind=more.pop("max_blind", 300.0), on_blind=more.pop("on_blind", "hold"))
        return ReleaseSpec(TARGET, image, "canary", options, analysis=analysis, limits=more.pop("limits", Limits(drain=10.0)), **more)

    def propose(self, spec: ReleaseSpec | None = None) -> Proposal:
        return service.propose(self.world.cluster, spec or self.spec(), actor=self.actor, now=self.world.clock.now())

    def run(self, spec: ReleaseSpec | None = None, actor: str | None = None) -> Release:
        tools = self.tools(actor)
        return service.run(tools.cluster, self.propose(spec), reporter=self.reporter, stop=self.stop, within=tools)

    def verb(self, name: str, actor: str = "oncall@laptop", **more: Any) -> Release:
        """resume, rollback, or (through ask) pause, promote, abort; by another person's process."""
        tools = self.tools(actor)
        common = {"actor": actor, "reason": more.pop("reason", ""), "reporter": self.reporter, "stop": self.stop, "within": tools} | more
        if name in ("resume", "rollback"):
            call: Callable[..., Release] = getattr(service, name)
            return call(tools.cluster, TARGET, **common)
        return service.ask(tools.cluster, TARGET, name, **common)

    # ------------------------------------------------------------ what stands

    def get(self, kind: str, name: str) -> dict[str, Any]:
        return self.world.cluster.get(kind, "shop", name)

    def edit(self, kind: str, name: str, body: dict[str, Any], manager: str = "kubectl-edit") -> None:
        """A stranger's merge patch."""
        self.world.api.patch(kind, "shop", name, body, MERGE, "", Write(manager=manager))

    def remove(self, kind: str, name: str) -> None:
        self.world.api.delete(kind, "shop", name, {"propagationPolicy": "Background"})

    def set_image(self, name: str, image: str) -> None:
        """`kubectl set image deployment/NAME web=IMAGE`."""
        body = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}}
        self.world.api.patch("deployments", "shop", name, body, STRATEGIC, "", Write(manager="kubectl-set"))

    def record(self) -> Release:
        """The live record, as it stands in the cluster."""
        found = parse(self.world.api.get("configmaps", "shop", "deliver-web")).release
        assert found is not None
        return found

    def ask(self, verb: str, actor: str = "ops@desk", reason: str = "") -> None:
        """What an operator's process puts before a live driver."""
        store = Store(self.world.cluster, TARGET)
        store.load()
        store.ask(Request(f"{verb}-{self.world.clock.now()}", verb, actor, reason, self.world.clock.now()))

    def when(self, condition: Callable[[Release], bool], call: Callable[[], object]) -> list[float]:
        """Call once, in between two looks of the driver, when the release is first like that; the list gets the time."""
        done: list[float] = []
        others = self.reporter.on_update

        def update(release: Release, seen: Seen | None) -> None:
            others(release, seen)
            if not done and condition(release):
                done.append(self.world.clock.now())
                call()

        self.reporter.on_update = update
        return done

    def names(self, kind: str) -> set[str]:
        return {obj["metadata"]["name"] for obj in self.world.cluster.list(kind, "shop")}

    def before(self) -> dict[str, Any]:
        """What must be equal after a rollback: specs, labels and annotations of the user's objects."""
        kinds = ("deployments", "services", "horizontalpodautoscalers")
        return {
            f"{kind}/{obj['metadata']['name']}": {
                "spec": obj["spec"],
                "labels": obj["metadata"].get("labels"),
                "annotations": {
                    k: v for k, v in (obj["metadata"].get("annotations") or {}).items() if k != "deployment.kubernetes.io/revision"
                },
            }
            for kind in kinds
            for obj in self.world.cluster.list(kind, "shop")
        }


def in_step(number: int, phase: str = "Baking") -> Callable[[Release], bool]:
    """The release is in that step (from 1) and phase."""
    return lambda release: release.step == number - 1 and release.phase == phase and release.course == "forward"


def steps(release: Release) -> list[str]:
    """The actions in the order in which they were asked for: `route both`, `scale-candidate 1`, ..."""
    return [entry.text.partition(":")[0] for entry in release.journal if entry.kind == "intent"]
