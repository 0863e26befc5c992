"""The whole show: intro, scenarios, and what to type next."""

import contextlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deliver.demo.child import environment, program
from deliver.demo.halt import Halt
from deliver.demo.scenarios import Scenario
from deliver.demo.stage import Fact, Pace, Stage
from deliver.demo.teller import Teller
from deliver_sandbox.live import live

INTRO = """A small Kubernetes runs inside this process: API server, controllers, pods, a Prometheus, and users who send 100 requests a
second to the Service `web`, which four pods of version 1.0.0 answer. Nothing else is made up: each `deliver` below is the real command, in
a process of its own, and what you see is its own live view. It is configured by this deliver.yaml:"""


@dataclass(frozen=True)
class Result:
    """How a scenario went. seconds: that it took."""

    name: str
    facts: tuple[Fact, ...]
    seconds: float

    @property
    def good(self) -> bool:
        return all(fact.good for fact in self.facts)

    def view(self) -> dict[str, Any]:
        checks = [{"ok": fact.good, "message": fact.text} for fact in self.facts]
        return {"scenario": self.name, "asTold": self.good, "seconds": round(self.seconds, 1), "checks": checks}


def show(
    scenarios: Sequence[Scenario],
    teller: Teller,
    environ: Mapping[str, str],
    *,
    seed: int = 1,
    color: str = "auto",
    pace: Pace = Pace(),  # noqa: B008  (frozen)
    halt: Halt | None = None,
) -> list[Result]:
    """Play them, one after the other on one sandbox. Raises Halted when the visitor has seen enough."""
    halt = halt or Halt()
    begin = time.monotonic()
    with (
        live(seed=seed, scrape=pace.scrape, speed=pace.speed) as (world, door),
        tempfile.TemporaryDirectory(prefix="deliver-demo-") as name,
    ):
        folder = Path(name)
        (folder / "kubeconfig").write_text(door.kubeconfig())
        (folder / "deliver.yaml").write_text(pace.file())
        own = environment(environ, folder / "kubeconfig") | {"DELIVER_COLOR": color}
        teller.say(INTRO)
        teller.verbatim(pace.file())
        teller.pause(3.0)
        results = []
        for number, scenario in enumerate(scenarios, 1):
            halt.check()
            teller.head(f"{number}/{len(scenarios)} {scenario.name}: {scenario.title}")
            since = time.monotonic()
            with contextlib.closing(Stage(world, folder, own, teller, pace, halt)) as stage:
                scenario.play(stage)
            teller.gap()
            results.append(Result(scenario.name, tuple(stage.facts), time.monotonic() - since))
    _ending(teller, results, time.monotonic() - begin)
    return results


def _ending(teller: Teller, results: Sequence[Result], seconds: float) -> None:
    teller.head("What next")
    wrong = [result.name for result in results if not result.good]
    names = "not as told: " + ", ".join(wrong) + ". Please report this" if wrong else "everything went as told"
    teller.check(not wrong, f"{names} ({seconds:.0f} s)")
    teller.gap()
    this = program()
    teller.say("On your own cluster, with your kubeconfig; a Deployment and a Service are all it takes:")
    teller.commands(
        (f"{this} doctor -n shop", "what is there, and what may you do?"),
        (f"{this} plan web -n shop --image REPO:TAG --weight 10,50", "what would change? Changes nothing"),
        (f"{this} canary web -n shop --image REPO:TAG --weight 10,50", "do it"),
        (f"{this} rollback web -n shop", "back, at any time"),
    )
    teller.say("Without a cluster:")
    teller.commands((f"{this} demo --list", "more scenarios"), (f"{this} sandbox up", "keep this cluster, and type the commands yourself"))
