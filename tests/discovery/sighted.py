"""`deliver canary web --image ...` on the sandbox without a query: discovery, proposal and driver on the world's own Prometheus."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import Any, Self

from deliver.discovery.metric_choice import MetricChoice, choose_metrics, last_judged_release, refuse_recorded_metrics, search_again
from deliver.engine import commands
from deliver.engine.preflight.deployment import Proposal
from deliver.engine.runtime.record_store import Store
from deliver.model.errors import InputError
from deliver.model.frozen import replace
from deliver.model.release import Release
from deliver.model.spec import Analysis, ReleaseSpec
from deliver_sandbox import fixtures
from tests.engine.rig import TARGET, Rig

BAD = "registry/web:2.0.0-errors"
NEXT = "registry/web:1.1.0"


@dataclass
class Sighted(Rig):
    """seeks: metrics that were not there at the start are looked for while it runs. judged: how the last one was."""

    seeks: bool = True
    judged: MetricChoice = field(default_factory=MetricChoice)

    @classmethod
    def make(cls, replicas: int = 4, **world: Any) -> Self:
        made = super().make(replicas, **world)
        fixtures.with_prometheus(made.world)
        return made

    def replaced(self, seconds: float = 4.0) -> None:
        """All pods are new: evicted, or restarted."""
        for pod in self.world.cluster.list("pods", "shop"):
            self.remove("pods", pod["metadata"]["name"])
        self.world.clock.wait(seconds)

    def tools(self, who: str | None = None) -> commands.Dependencies:
        now = self.world.clock.now
        seek = (lambda release: search_again(self.world.cluster, release, now())) if self.seeks else None
        return changed(super().tools(who), analyzer=None, seek=seek)

    def look(self, **more: Any) -> MetricChoice:
        """As `plan` has it."""
        last = last_judged_release(Store(self.world.cluster, TARGET).load())
        spec = ReleaseSpec(TARGET, NEXT, "canary")
        self.judged = choose_metrics(self.world.cluster, spec, _unasked, self.world.clock.now(), last=last, **more)
        return self.judged

    def proposed(self, spec: ReleaseSpec) -> Proposal:
        found = self.propose(spec)
        return changed(found, findings=refuse_recorded_metrics(found.findings, self.judged, "web"))

    def canary(
        self, image: str, weights: Sequence[float] = (25, 50), bake: str = "15s", strategy: str = "canary", **analysis: Any
    ) -> Release:
        options: dict[str, Any] = {"weight": list(weights), "bake": bake} if strategy == "canary" else {"bake": bake}
        asked = self.look().over(Analysis(**analysis))
        spec = replace(self.spec(image), strategy=strategy, options=options, analysis=asked)
        tools = self.tools()
        return commands.run(tools.cluster, self.proposed(spec), reporter=self.reporter, stop=self.stop, within=tools)


def _unasked(question: Any) -> Any:
    raise InputError(f"not clear: {question.what}")
