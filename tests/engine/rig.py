"""A driver on the embedded cluster: hours of bake in milliseconds, every step of it the product's own code."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deliver.engine import commands
from deliver.engine.commands.deps import Dependencies as Tools
from deliver.engine.preflight.deployment import Proposal
from deliver.engine.runtime.record_store import Store, parse
from deliver.model.errors import InputError
from deliver.model.journal import Event
from deliver.model.observation import Observation, OperatorRequest
from deliver.model.release import Release
from deliver.model.spec import Analysis, Limits, ReleaseSpec
from deliver.testing.stage import GOOD, METRIC, TARGET, Judge, Quiet, Stage
from deliver_sandbox.api import MERGE, STRATEGIC, Write
from deliver_sandbox.faults import Killed

__all__ = ["GOOD", "METRIC", "TARGET", "Judge", "Quiet", "Rig", "in_step", "lose", "steps", "taken_over"]


@dataclass
class Rig(Stage):
    """The public stage, with short words for what the engine's own tests do."""

    actor: str = "test@here"

    def tools(self, who: str | None = None) -> Tools:
        return super().tools(who or self.actor)

    def spec(self, image: str = GOOD, weights: Sequence[float] = (10, 50), bake: str = "60s", **more: Any) -> ReleaseSpec:
        options = {"weight": list(weights), "bake": bake} | more.pop("options", {})
        analysis = Analysis(metrics=(METRIC,), poll=5.0, max_blind=more.pop("max_blind", 300.0), on_blind=more.pop("on_blind", "hold"))
        return ReleaseSpec(TARGET, image, "canary", options, analysis=analysis, limits=more.pop("limits", Limits(drain=10.0)), **more)

    def propose(self, spec: ReleaseSpec | None = None) -> Proposal:
        return commands.propose(
            self.world.cluster,
            spec or self.spec(),
            actor=self.actor,
            now=self.world.clock.now(),
            flag_clients=self.flag_clients,
            checks=lambda *_: [],  # made-up pods have no ports
        )

    def run(self, spec: ReleaseSpec | None = None, actor: str | None = None) -> Release:
        tools = self.tools(actor)
        return commands.run(tools.cluster, self.propose(spec), reporter=self.reporter, stop=self.stop, within=tools)

    def verb(self, name: str, actor: str = "oncall@laptop", **more: Any) -> Release:
        """resume, rollback, or (through ask) pause, promote, abort; by another person's process."""
        tools = self.tools(actor)
        common = {"actor": actor, "reason": more.pop("reason", ""), "reporter": self.reporter, "stop": self.stop, "within": tools} | more
        if name in ("resume", "rollback"):
            call: Callable[..., Release] = getattr(commands, name)
            return call(tools.cluster, TARGET, **common)
        return commands.ask(tools.cluster, TARGET, name, **common)

    def outlived(self, spec: ReleaseSpec) -> Release | None:
        """Run it; when its driver is killed, another goes on. None: it died before the release had begun."""
        try:
            return self.run(spec)
        except Killed:
            try:
                return self.verb("resume")
            except InputError:  # there is none, or it had ended
                return self.record() if self.names("configmaps") else None

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
        store.ask(OperatorRequest(f"{verb}-{self.world.clock.now()}", verb, actor, reason, self.world.clock.now()))

    def when(self, condition: Callable[[Release], bool], call: Callable[[], object]) -> list[float]:
        """Call once, in between two looks of the driver, when the release is first like that; the list gets the time."""
        done: list[float] = []
        others = self.reporter.on_update

        def update(release: Release, seen: Observation | None) -> None:
            others(release, seen)
            if not done and condition(release):
                done.append(self.world.clock.now())
                call()

        self.reporter.on_update = update
        return done

    def before(self) -> dict[str, Any]:
        """What must be equal after a rollback: specs, labels and annotations of the user's objects."""
        return self.stands()


def in_step(number: int, phase: str = "Baking") -> Callable[[Release], bool]:
    """The release is in that step (from 1) and phase."""
    return lambda release: release.step == number - 1 and release.phase == phase and release.course == "forward"


def steps(release: Release) -> list[str]:
    """The actions in the order in which they were asked for: `route both`, `scale-candidate 1`, ..."""
    return [str(entry.action) for entry in release.journal if entry.event is Event.INTENT]


def taken_over(release: Release) -> bool:
    """The Deployment's new pods have the traffic, and the candidate drains."""
    shift = release.shift
    return bool(release.new_hash) and shift is not None and shift.hash == release.new_hash and shift.verified > 0


def lose(rig: Rig, seconds: float) -> None:
    """The Deployment's own pods are unready for so long."""
    for pod in rig.world.cluster.list("pods", "shop"):
        name = pod["metadata"]["name"]
        if "deliver.dev/release" not in pod["metadata"]["labels"] and not pod["metadata"].get("deletionTimestamp"):
            rig.world.kubelet.change(name, ready=False)
            rig.world.clock.after(seconds, lambda name=name: rig.world.kubelet.change(name, ready=True))
