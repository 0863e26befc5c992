"""Plays a judged world: real engine, strategies, analyzer and samples, one process on the virtual clock, the referee beside it."""

import math
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from deliver.engine import commands
from deliver.engine.runtime.clock import Inline
from deliver.engine.runtime.flag_client import make_flag_client
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.errors import DeliverError
from deliver.model.names import RELEASE_LABEL, preview_name
from deliver.model.objects import Object
from deliver.model.release import Outcome, Release
from deliver.model.spec import Analysis, Limits, Metric, ReleaseSpec, Target
from deliver.plugins.flags import Mark
from deliver.plugins.interfaces import Answer
from deliver.testing.flags import MemoryFlags
from deliver_sandbox import fixtures
from deliver_sandbox.clock import EngineClock
from deliver_sandbox.images import HEALTHY
from deliver_sandbox.prometheus import Ailment
from deliver_sandbox.provider import provided
from deliver_sandbox.traffic import ON
from deliver_sandbox.world import World
from tests.hunt.judged_watch import SURE, Wait, Watch, ready
from tests.hunt.judged_worlds import BOUND, FIRST, NEW, OLD, PROVIDER, Story, Turn
from tests.hunt.judging_rules import OFF, Bench, Measure, Shown

TARGET = Target("shop", "web")
AGAIN, TRIES = 5.0, 60  # seconds between two tries to begin, and how many
AILMENTS = {
    "": Ailment(down="connection refused"),
    "slow": Ailment(slow=8.0),
    "hung": Ailment(slow=60.0),
    "partial": Ailment(warnings=("a store did not answer",)),
    "empty": Ailment(empty=True),
}


@dataclass(frozen=True)
class Result:
    """broken: each rule that was. outcome: of the release that is judged. against: rises while the data spoke against it."""

    story: Story
    broken: tuple[str, ...]
    outcome: Outcome | None
    reason: str = ""
    hours: float = 0.0
    waits: tuple[Wait, ...] = ()
    served: int = 0
    against: int = 0


@dataclass
class Play:
    """looked: when samples were asked for last. away: until then Prometheus does not answer. ill: an incident of both sides has begun.

    After that numbers of both sides that were not counted at the same moments, or at one weight, speak of nothing.
    """

    story: Story
    looked: float = 0.0
    away: float = 0.0
    tries: int = 0
    ill: bool = False

    def __post_init__(self) -> None:
        story, fault = self.story, self.story.fault
        bad = fault.behaviour(HEALTHY) if fault.when in ("start", "middle") else {}
        new = replace(story.stable, **bad, sound=fault.after if fault.when == "middle" else 0.0)  # type: ignore[arg-type]  # floats all
        images = {OLD: story.stable, FIRST: story.stable, NEW: new}
        self.world: World = fixtures.world(story.replicas, images, rps=story.rps, fresh=story.fresh, seed=story.seed, scrape=0.0)
        self.world.traffic.scrape(story.scraping)
        self.world.metrics.series.lag, self.world.metrics.latency_offset = story.lag, story.offset
        self.flags = Flags(world=self.world) if story.strategy == "flag" else None
        if self.flags is not None:
            self.world.traffic.vary(self.flags.share, replace(new, sound=0.0) if fault.when == "start" else story.stable)
        self.began = self.world.clock.now()

    def play(self) -> Result:
        self._lived()
        with provided(Asked(self), PROVIDER):
            if self.story.before:
                self._release(OLD, FIRST, self._spec(FIRST, quick=True))
            if self.flags is not None and self.story.fault.when == "middle":
                self.world.clock.after(self.story.fault.after, self._sours)
            for turn in self.story.turns:
                self.world.clock.after(turn.at, lambda turn=turn: self._turn(turn))  # type: ignore[misc]
            arms = (OFF, ON) if self.flags is not None else (FIRST if self.story.before else OLD, NEW)
            if self.story.preview_metrics:
                self.world.traffic.come(TARGET.namespace, preview_name(TARGET.deployment), self.story.rps / 5)
            watch, release = self._release(*arms, self._spec("" if self.flags is not None else NEW))
        self._ended(watch, release)
        hours = (self.world.clock.now() - self.began) / 3600
        return Result(
            self.story,
            tuple(watch.bench.broken),
            release.outcome,
            release.reason,
            hours,
            tuple(watch.waits),
            watch.bench.shown.served(watch.candidate),
            watch.against,
        )

    def _lived(self) -> None:
        """What was before: as long as the story says, and with a bad minute where it says so."""
        past, spoilt = self.story.past, self.story.spoilt
        if spoilt:
            self.world.clock.wait(past / 2)
            self.world.traffic.set(incident=spoilt)
            self.world.clock.wait(min(past / 4, 60.0))
            self.world.traffic.set(incident=0.0)
        self.world.clock.wait(self.began + past - self.world.clock.now())

    def _spec(self, image: str, *, quick: bool = False) -> ReleaseSpec:
        """quick: the release before, by its pods alone."""
        story = self.story
        options: dict[str, Any] = {"weight": [50], "bake": 5.0, "max_overshoot": 60} if quick else story.options()
        strategy, analysis = ("canary", Analysis()) if quick else (story.strategy, story.analysis())
        return ReleaseSpec(TARGET, image, strategy, options, analysis=analysis, limits=Limits(drain=5.0, total=4 * 3600.0))

    def _release(self, stable: str, candidate: str, spec: ReleaseSpec) -> tuple[Watch, Release]:
        world, clock, stop = self.world, EngineClock(self.world.clock), Stop()
        measures = tuple(measure(one) for one in spec.analysis.metrics)
        watch = Watch(self, stable, candidate, Bench(Shown(world, self.story.lag), stable, candidate, measures))
        stop.wakes(clock.wake)
        cluster, flag_clients = world.cluster.as_actor("judged"), self.flags.flag_client if self.flags is not None else make_flag_client
        tools = commands.Dependencies(cluster, watch, stop, clock, Inline(), identity="judged", flag_clients=flag_clients)
        deaf = world.store.listen(watch.hear)
        if self.story.stopped and spec.analysis.metrics:
            world.clock.after(self.story.stopped, lambda: stop.request(signal.SIGTERM))
        if self.flags is not None:
            self.flags.raised = watch.raised
        try:
            release = self._run(tools, spec, watch)
            if self.story.stopped and spec.analysis.metrics and release.outcome is Outcome.HELD and stop.is_set():
                release = self._resumed(tools, watch)
        finally:
            deaf()
        return watch, release

    def _run(self, tools: commands.Dependencies, spec: ReleaseSpec, watch: Watch) -> Release:
        """Tried again, as a person would, while a roll-out goes on or no sample has come yet."""
        while True:
            try:
                proposal = commands.propose(tools.cluster, spec, actor="judged", now=tools.clock.now(), flag_clients=tools.flag_clients)
                return commands.run(tools.cluster, proposal, reporter=watch, stop=tools.stop, within=tools)
            except DeliverError as error:
                text = f"{error.what} {error.why}"
                if not any(word in text for word in ("in progress", "no series")) or self.tries >= TRIES:
                    raise
                self.tries += 1
                self.world.clock.wait(AGAIN)

    def _resumed(self, tools: commands.Dependencies, watch: Watch) -> Release:
        """By another process, after a while."""
        self.world.clock.wait(AGAIN)
        clock, stop = EngineClock(self.world.clock), Stop()
        stop.wakes(clock.wake)
        after = replace(tools, cluster=self.world.cluster.as_actor("heir"), stop=stop, clock=clock, identity="heir")
        return commands.resume(after.cluster, TARGET, actor="heir", reason="", reporter=watch, stop=stop, within=after)

    def _turn(self, turn: Turn) -> None:
        if turn.rps >= 0:
            self.world.traffic.set(rps=turn.rps)
        if turn.incident >= 0:
            self.ill = True
            self.world.traffic.set(incident=turn.incident)
        if turn.down:
            self.away = self.world.clock.now() + turn.down
            self.world.metrics.sick = AILMENTS[turn.ill]
            self.world.clock.after(turn.down, lambda: setattr(self.world.metrics, "sick", Ailment()))

    def finishing(self, watch: Watch) -> None:
        """All steps have passed: what turns bad from here on does; what was bad all along should never have come here."""
        fault = self.story.fault
        if fault.when in ("finish", "hold") and watch.candidate in (NEW, ON):
            self.world.clock.after(self.story.hold / 3 if fault.when == "hold" else 0.0, self._sours)

    def _sours(self) -> None:
        """The new version turns bad."""
        what = self.story.fault.behaviour(HEALTHY)
        if self.flags is not None:
            self.world.traffic.vary(self.flags.share, replace(self.story.stable, **what))  # type: ignore[arg-type]  # floats all
        else:
            self.world.kubelet.turn(NEW, **what)

    def _ended(self, watch: Watch, release: Release) -> None:
        fault, now = self.story.fault, self.world.clock.now()
        if self.ill:
            return
        if release.outcome is Outcome.PROMOTED and fault.kind and fault.when == "start":
            for numbers in watch.bench.numbers(release.started, watch.finishing or now):
                if numbers.clear(chance=SURE):
                    watch.bench.say("c", f"promoted though bad from its first request on; the store showed before the finish {numbers}")
        if release.outcome is Outcome.HELD and self.flags is None and watch.given(self.service()) == 1 and self._warm(watch):
            since = max(watch.bakes.values(), default=release.started)
            for numbers in watch.bench.numbers(since, now):
                if numbers.clear():
                    watch.bench.say("e", f"held with everybody on {numbers}, the old side is warm: {release.reason}")

    def service(self) -> Object:
        found = self.world.store.get("services", "shop", "web")
        assert found is not None
        return found

    def _warm(self, watch: Watch) -> bool:
        pods = [pod for pod in self.world.store.every("pods", "shop") if ready(pod) and RELEASE_LABEL not in pod["metadata"]["labels"]]
        old = [pod for pod in pods if pod["spec"]["containers"][0]["image"] == watch.stable]
        return len(old) >= math.ceil(self.story.replicas / 2)


def measure(metric: Metric) -> Measure:
    slow = BOUND if getattr(metric, "histogram", "") else 0.0
    limit = getattr(metric, "max", 0.0) or getattr(metric, "slo", 0.0) or 0.0
    return Measure(metric.name, slow, limit, getattr(metric, "compare", False))


@dataclass
class Flags(MemoryFlags):
    """The users follow each write at once, and the referee hears of it."""

    world: World | None = None
    raised: Callable[[float | None, float], None] = lambda before, percent: None

    def share(self) -> float:
        return (self.percent or 0.0) / 100

    def _write(self, percent: float, mark: Mark | None, verb: str) -> str:
        assert self.world is not None
        self.world.traffic.settle()
        self.raised(self.percent, percent)
        return super()._write(percent, mark, verb)


@dataclass
class Asked:
    """The world's own Prometheus; the play knows when it was last asked for samples."""

    play: "Play"
    summary = "the world's own time series"

    def raw(self, selector: str, window: float, timeout: float) -> Answer:
        answer = self.play.world.metrics.raw(selector, window, timeout)
        self.play.looked = self.play.world.clock.now()
        return answer

    def value(self, query: str, timeout: float) -> Answer:
        return self.play.world.metrics.value(query, timeout)

    def now(self, timeout: float) -> float:
        return self.play.world.metrics.now(timeout)


def play(story: Story) -> Result:
    try:
        return Play(story).play()
    except DeliverError as error:
        return Result(story, (), None, f"{error.what}: {error.why}")
