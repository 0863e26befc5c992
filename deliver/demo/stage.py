"""Where a scenario plays: the sandbox, the commands typed on it, and the facts that it is checked by."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deliver.demo.child import Child
from deliver.demo.halt import Halt
from deliver.demo.teller import Teller
from deliver.engine import commands
from deliver.model.exitcodes import MEANING, ExitCode
from deliver.model.objects import Object
from deliver.model.release import Outcome, Phase, Release
from deliver.model.spec import Target
from deliver_sandbox.api import Write
from deliver_sandbox.traffic import Tally
from deliver_sandbox.world import World

TARGET = Target("shop", "web")


@dataclass(frozen=True)
class Pace:
    """bake, drain: real seconds. speed: of the sandbox's pods and users. scrape: seconds between two scrapes."""

    bake: float = 4.0
    drain: float = 2.0
    speed: float = 1.0
    scrape: float = 1.0

    @classmethod
    def scraped(cls, every: float) -> "Pace":
        """A bake has at least two scrapes of each pod."""
        return cls(bake=max(cls.bake, 2 * every), scrape=every)

    def file(self) -> str:
        """deliver.yaml of the demo's application."""
        bake, window = f"{self.bake:g}s", f", window: {3 * self.scrape:g}s" if self.scrape > 20 else ""
        return f"""\
target: {{deployment: web, namespace: shop}}
strategy:
  canary:
    steps: [{{weight: 20, bake: {bake}}}, {{weight: 50, bake: {bake}}}]  # in life: 5m
analysis:
  prometheus: {{service: monitoring/prometheus:9090}}
  poll: 1s
  metrics:
    - {{name: errors, bad: 'http_requests_total{{code=~"5.."}}',
       total: http_requests_total, max: 1%, min_samples: 30{window}}}
    - {{name: latency, histogram: http_request_duration_seconds,
       slower_than: 250ms, max: 5%, min_samples: 30{window}}}
limits: {{drain: {self.drain:g}s}}
"""


@dataclass(frozen=True)
class Fact:
    """One thing that had to be so, and what was seen."""

    good: bool
    text: str


@dataclass
class Stage:
    """One scenario's. before: what stood when it began. stable: the version that serves. good: the tag of another one that is fine."""

    world: World
    folder: Path
    environ: Mapping[str, str]
    teller: Teller
    pace: Pace
    halt: Halt = field(default_factory=Halt)
    facts: list[Fact] = field(default_factory=list)
    _children: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.before, self.deployment, self.service = self.tally(), self._spec("deployments"), self._spec("services")
        self.stable = _tag(str(self.deployment["template"]["spec"]["containers"][0]["image"]))
        self.good = "1.1.0" if self.stable != "1.1.0" else "1.2.0"

    def close(self) -> None:
        """No process of ours outlives its scenario, however that ends."""
        self.prometheus("")
        for child in self._children:
            child.close()

    # -- what happens

    def say(self, text: str) -> None:
        """And time to read it, before the live view takes the screen."""
        self.teller.say(text)
        self.teller.pause(2.5)

    def wait(self, seconds: float) -> None:
        self.halt.sleep(seconds)

    def start(self, command: str, *, actor: str = "", quiet: bool = False) -> Child:
        """Type `deliver COMMAND`. quiet: its output is kept for later."""
        if not quiet:
            self.teller.command(f"deliver {command}")
        environ = dict(self.environ) | ({"DELIVER_ACTOR": actor} if actor else {})
        child = Child(shlex.split(command), environ, self.folder, None if quiet else self.teller.stream, self.halt)
        self._children.append(child)
        return child

    def ends(self, child: Child, wanted: int, means: str = "done") -> None:
        """Wait for its end, and check the exit code. means: what a 0 says here."""
        code = child.end()
        self.teller.gap()
        self.exited(code, wanted, means)

    def types(self, command: str, wanted: int, *, actor: str = "", means: str = "done") -> None:
        self.ends(self.start(command, actor=actor), wanted, means)

    def kubectl_set_image(self, image: str) -> None:
        """As `kubectl set image deployment/web web=IMAGE` does it."""
        containers = [{"name": "web", "image": image}]
        body = {"spec": {"template": {"spec": {"containers": containers}}}}
        with self.world.clock.lock:
            how = "application/strategic-merge-patch+json"
            self.world.api.patch("deployments", TARGET.namespace, TARGET.deployment, body, how, "", Write(manager="kubectl-set"))

    def prometheus(self, down: str) -> None:
        """down: what the API server's proxy says of it from now on; "" when it is back."""
        self.world.metrics.sick.down = down

    # -- what is seen

    def release(self) -> Release | None:
        found = commands.history(self.world.cluster, TARGET)
        return found[0] if found else None

    def baking(self, step: int) -> Callable[[], bool]:
        """Whether the release bakes that step, counted from 1."""

        def holds() -> bool:
            release = self.release()
            return release is not None and release.outcome is None and release.phase is Phase.BAKING and release.step == step - 1

        return holds

    def tally(self) -> Tally:
        with self.world.clock.lock:
            return self.world.traffic.tally.copy()

    def _spec(self, kind: str) -> Object:
        with self.world.clock.lock:
            spec: Object = self.world.api.get(kind, TARGET.namespace, TARGET.deployment)["spec"]
            return spec

    # -- what is checked

    def exited(self, code: int, wanted: int, means: str = "done") -> None:
        meaning = means if wanted == ExitCode.PROMOTED else MEANING.get(ExitCode(wanted)) if wanted > 0 else ""
        told = f"exit code {int(wanted)}: {meaning}" if meaning else "killed by SIGKILL"
        self.fact(code == wanted, told, f"exit code {code}, not {int(wanted)}")

    def fact(self, good: bool, told: str, instead: str) -> None:
        """told: when it is so. instead: when it is not."""
        found = Fact(good, told if good else instead)
        self.facts.append(found)
        self.teller.check(found.good, found.text)

    def outcome(self, wanted: Outcome) -> None:
        release = self.release()
        seen = release.outcome if release else None
        self.fact(seen is wanted, f"the record in the cluster says {wanted}", f"the record says {seen}, not {wanted}")

    def nothing_lost(self) -> None:
        """Of all the requests of this scenario."""
        now, was = self.tally(), self.before
        count, lost = now.requests - was.requests, now.lost() - was.lost()
        failed = {_tag(image): bad for image, bad in (now.errors_by_image - was.errors_by_image).items()}
        errors = "; " + ", ".join(f"{bad:,} answered with a 500 by {tag}" for tag, bad in failed.items()) if failed else ""
        self.fact(
            lost == 0, f"{count:,} requests by users, 0 lost{errors}", f"{lost:,} of {count:,} requests lost: {now.failed - was.failed}"
        )

    def served_by(self, wanted: str) -> None:
        """From now on, for a second."""
        was = self.tally()
        self.wait(1.0)
        now = self.tally()
        seen = {_tag(image): count for image, count in (now.by_image - was.by_image).items()}
        text = ", ".join(f"{tag} answers {count}" for tag, count in seen.items())
        self.fact(
            set(seen) == {wanted}, f"all traffic is on {wanted} now: it answers {seen.get(wanted, 0)} requests a second", f"now {text}"
        )

    def never_served(self, tag: str) -> None:
        now = self.tally()
        served = sum(count for image, count in (now.by_image - self.before.by_image).items() if _tag(image) == tag)
        self.fact(served == 0, f"{tag} was given no request at all", f"{tag} was given {served} requests")

    def promoted(self, new: str) -> None:
        self.outcome(Outcome.PROMOTED)
        self.nothing_lost()
        self.served_by(new)

    def taken_back(self) -> None:
        self.outcome(Outcome.ROLLED_BACK)
        self.nothing_lost()
        self.served_by(self.stable)
        self.as_before()

    def as_before(self) -> None:
        same = (self._spec("deployments"), self._spec("services")) == (self.deployment, self.service)
        leftover = any(item["metadata"]["name"] == "web-candidate" for item in self.world.api.list("deployments", TARGET.namespace))
        told = "Deployment and Service are what they were before, field by field, and the candidate is gone"
        self.fact(same and not leftover, told, "Deployment or Service are not what they were before, or the candidate is still there")


def _tag(image: str) -> str:
    return image.partition("@")[0].rpartition(":")[2]
