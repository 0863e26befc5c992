"""The embedded cluster on a virtual clock, and the product's own driver on it: an hour of bake takes a moment.

Namespace `shop` has Deployment `web` on registry/web:1.0.0 behind Service `web`, all pods ready and under load.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from deliver.engine import commands
from deliver.engine.runtime.clock import Inline
from deliver.engine.runtime.flag_client import FlagClientFactory, make_flag_client
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.analysis_result import AnalysisResult
from deliver.model.observation import Observation, PodSeen
from deliver.model.release import Release
from deliver.model.spec import Analysis, Limits, PluginSpec, RatioMetric, ReleaseSpec, Target
from deliver.model.verdict import CheckResult, Verdict
from deliver_sandbox import fixtures
from deliver_sandbox.clock import EngineClock
from deliver_sandbox.world import World

TARGET = Target("shop", "web")
GOOD = "registry/web:1.1.0"
DRIVER = "driver@here"
METRIC = RatioMetric("errors", bad='http_requests_total{code=~"5.."}', total="http_requests_total", max=0.01)


@dataclass
class Judge:
    """What the metric says: a verdict, or a function of the time (unix seconds)."""

    now: Callable[[], float]
    verdict: Verdict | Callable[[float], Verdict] = Verdict.PASS

    def reset(self, at: float) -> None:
        """Nothing is kept."""

    def analyze(self, namespace: str, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], *, traffic: bool = True) -> AnalysisResult:
        verdict = self.verdict(self.now()) if callable(self.verdict) else self.verdict
        result = CheckResult("errors", "metric", verdict, f"errors say {verdict}", candidate=0.2, limit=1.0, unit="%", samples=100)
        return AnalysisResult((result,), 20.0, self.now())


@dataclass
class Quiet:
    notes: list[str] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)
    on_update: Callable[[Release, Observation | None], None] = lambda release, seen: None

    def update(self, release: Release, seen: Observation | None) -> None:
        if not self.phases or self.phases[-1] != release.phase.value:
            self.phases.append(release.phase.value)
        self.on_update(release, seen)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def end(self, release: Release, seen: Observation | None) -> None:
        self.phases.append("end")


@dataclass
class Stage:
    """world: `world.api`, `world.traffic`, `world.kubelet`, `world.clock` are there to make trouble with.

    flag_clients: makes the client of a flag. clock: one a driver; None: of the world, for one driver at a time.
    """

    world: World
    judge: Judge
    reporter: Quiet = field(default_factory=Quiet)
    stop: Stop = field(default_factory=Stop)
    flag_clients: FlagClientFactory = make_flag_client
    clock: Callable[[], EngineClock] | None = None

    @classmethod
    def make(cls, replicas: int = 4, **world: Any) -> Self:
        made = fixtures.world(replicas, **world)
        return cls(made, Judge(made.clock.now))

    def spec(self, strategy: str, options: Mapping[str, Any], router: PluginSpec | None = None) -> ReleaseSpec:
        return ReleaseSpec(
            TARGET,
            GOOD,
            strategy,
            dict(options),
            router=router or PluginSpec("service-selector"),
            analysis=Analysis(metrics=(METRIC,), poll=5.0),
            limits=Limits(drain=10.0),
        )

    def run(self, spec: ReleaseSpec) -> Release:
        """To its end, as `deliver NAME` would."""
        now = self.world.clock.now()
        proposal = commands.propose(self.world.cluster, spec, actor=DRIVER, now=now, flag_clients=self.flag_clients, checks=lambda *_: [])
        tools = self.tools(DRIVER)
        return commands.run(tools.cluster, proposal, reporter=self.reporter, stop=self.stop, within=tools)

    def resume(self) -> Release:
        """By another process."""
        tools = self.tools("other@there")
        return commands.resume(tools.cluster, TARGET, actor="other@there", reason="", reporter=self.reporter, stop=self.stop, within=tools)

    def rollback(self) -> Release:
        tools = self.tools("oncall@laptop")
        return commands.rollback(
            tools.cluster, TARGET, actor="oncall@laptop", reason="", reporter=self.reporter, stop=self.stop, within=tools
        )

    def held(self, spec: ReleaseSpec, step: int = 1) -> Release:
        """A release that its driver was made to let go of while it baked in that step."""

        def update(release: Release, seen: Observation | None) -> None:
            if release.step == step - 1 and release.bake_since:
                self.stop.request(signal.SIGTERM)

        self.reporter.on_update = update
        release = self.run(spec)
        self.reporter.on_update, self.stop = (lambda release, seen: None), Stop()
        return release

    def fails_after(self, seconds: float) -> None:
        """The metric is good until then."""
        start = self.world.clock.now()
        self.judge.verdict = lambda now: Verdict.FAIL if now - start > seconds else Verdict.PASS

    def tools(self, who: str = DRIVER) -> commands.Dependencies:
        clock = self.clock() if self.clock else EngineClock(self.world.clock)
        self.stop.wakes(clock.wake)
        cluster = self.world.cluster.as_actor(who)
        return commands.Dependencies(
            cluster, self.reporter, self.stop, clock, Inline(), lambda analysis: self.judge, identity=who, flag_clients=self.flag_clients
        )

    # ------------------------------------------------------------ what stands

    def stands(self) -> dict[str, Any]:
        """Specs, labels and annotations of the user's objects: what must be equal after a rollback."""
        kinds = ("deployments", "services", "horizontalpodautoscalers")
        return {f"{kind}/{one['metadata']['name']}": _lasting(one) for kind in kinds for one in self.world.cluster.list(kind, "shop")}

    def names(self, kind: str) -> set[str]:
        return {one["metadata"]["name"] for one in self.world.cluster.list(kind, "shop")}


def _lasting(obj: Mapping[str, Any]) -> dict[str, Any]:
    meta = obj["metadata"]
    annotations = {key: value for key, value in (meta.get("annotations") or {}).items() if key != "deployment.kubernetes.io/revision"}
    return {"spec": obj["spec"], "labels": meta.get("labels"), "annotations": annotations}
