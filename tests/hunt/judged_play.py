"""Plays a judged world: real engine, strategies, examiner and samples, one process on the virtual clock, the referee beside it."""

import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from pydantic import BaseModel

from deliver.engine import service
from deliver.engine.clock import Inline
from deliver.engine.stop import Stop
from deliver.engine.users.hand import hand_on
from deliver.model.errors import DeliverError
from deliver.model.names import RELEASE_LABEL
from deliver.model.release import Course, Outcome, Release
from deliver.model.seen import Seen
from deliver.model.spec import Analysis, Limits, Metric, ReleaseSpec, Target
from deliver.model.verdict import CheckResult, Verdict
from deliver.plugins import registry
from deliver.plugins.flags import Mark
from deliver.plugins.interfaces import Answer, Reach
from deliver.sandbox import fixtures
from deliver.sandbox.clock import EngineClock
from deliver.sandbox.images import HEALTHY
from deliver.sandbox.prometheus import Ailment
from deliver.sandbox.store import Change, Object
from deliver.sandbox.traffic import ON
from deliver.sandbox.world import World
from deliver.testing.flags import MemoryFlags
from tests.hunt.judged_worlds import BOUND, FIRST, NEW, OLD, PROVIDER, Story, Turn
from tests.hunt.judging_rules import OFF, Bench, Count, Measure, Numbers, Shown

TARGET = Target("shop", "web")
SURE = 1e-6  # chance below which a version can be told "well before the end"
ODDS = 3.0  # odds against the candidate beside which nobody reads PASS
AGAIN, TRIES = 5.0, 60  # seconds between two tries to begin, and how many
AILMENTS = {
    "": Ailment(down="connection refused"),
    "slow": Ailment(slow=8.0),
    "hung": Ailment(slow=60.0),
    "partial": Ailment(warnings=("a store did not answer",)),
    "empty": Ailment(empty=True),
}
SHARE = 8.0  # points by which a share that is told may be off, beside chance


@dataclass(frozen=True)
class Wait:
    """A step that passed. extra: seconds of its bake beyond what was asked for. due: those that scrape, lag and a look ask for.

    leant: the data did. proof: everybody is to follow, and proof is asked for. thin: too few requests to judge by, or nobody to ask.
    """

    extra: float
    due: float
    leant: bool
    proof: bool
    thin: bool

    @property
    def late(self) -> float:
        """Seconds that nothing explains."""
        return 0.0 if self.leant or self.proof or self.thin else max(self.extra - self.due, 0.0)


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
class Watch:
    """The reporter of one release, and the ear on the API server: hands the referee each rise, each verdict and each share."""

    play: "Play"
    stable: str
    candidate: str
    bench: Bench
    bakes: dict[int, float] = field(default_factory=dict)
    release: Release | None = None
    checks: tuple[CheckResult, ...] | None = None
    entries: int = 0
    finishing: float = 0.0
    waits: list[Wait] = field(default_factory=list)
    against: int = 0
    tallies: list[tuple[float, int, int]] = field(default_factory=list)

    # ------------------------------------------------------------ what is told

    def update(self, release: Release, seen: Seen | None) -> None:
        before, self.release = self.release, release
        now = self.play.world.clock.now()
        if release.bake_since and release.course is Course.FORWARD:
            self.bakes[release.step] = release.bake_since
        if before is not None and before.course is Course.FORWARD and self._passed(before, release):
            self._waited(before, now)
        if release.course is Course.FINISH and not self.finishing:
            self.finishing = now
            self.play.finishing(self)
        self._told(release)
        if seen is not None and seen.share is not None and release.course is not Course.BACK:
            self._share(release, seen, now)

    def note(self, text: str) -> None:
        """Nothing is kept."""

    def end(self, release: Release, seen: Seen | None) -> None:
        """Told by whoever asked for the run."""

    def _passed(self, before: Release, release: Release) -> bool:
        return bool(before.bake_since) and (release.step > before.step or release.course is Course.FINISH)

    def _waited(self, before: Release, now: float) -> None:
        story, step = self.play.story, before.current
        due = story.scraping.every * 1.3 + story.lag + story.offset + story.poll + 1.0
        last = before.last_step or before.plan.steps[before.step + 1].endpoints >= 100 > step.endpoints > 0
        shown = self.bench.numbers(before.bake_since, now)
        leant, proof = any(one.leans for one in shown), bool(last and story.prove)
        asleep = self.play.world.clock.now() < self.play.away + story.poll
        thin = asleep or any(one.candidate.total < 2 * story.min_samples for one in self.bench.numbers(before.bake_since, now - due))
        self.waits.append(Wait(now - before.bake_since - step.bake, due, leant, proof, thin))

    def _told(self, release: Release) -> None:
        """(b) no PASS beside numbers that speak against it."""
        if release.checks is not self.checks:
            self.checks = release.checks
            self._beside(release.checks, "shown")
        for entry in release.journal[self.entries :]:
            if entry.kind == "verdict" and entry.text.endswith("PASS"):
                self._beside(entry.checks, f"`{entry.text}`")
        self.entries = len(release.journal)

    def _beside(self, checks: tuple[CheckResult, ...], where: str) -> None:
        for check in checks:
            numbers = check.evidence.numbers
            if check.kind != "metric" or check.verdict is not Verdict.PASS or "candidate_total" not in numbers:
                continue
            if check.samples > (served := self.bench.shown.served(self.candidate)):
                self.bench.say("samples", f"{check.samples} requests are told, {served} there were; {where}: {check.why}")
            measure = next(one for one in self.bench.measures if one.name == check.name)
            found = self._numbers(measure, check)
            if found.clear():
                self.bench.say("b", f"PASS beside {found}; {where}: {check.why}")
            elif numbers.get("odds_worse", 0.0) >= ODDS and numbers["candidate_bad"] >= 3:
                self.bench.say("b odds", f"PASS beside odds of {numbers['odds_worse']:.3g} : 1 against; {where}: {check.why}")

    def _numbers(self, measure: Measure, check: CheckResult) -> Numbers:
        numbers = check.evidence.numbers
        candidate = Count(int(numbers["candidate_bad"]), int(numbers["candidate_total"]))
        stable = Count(int(numbers["stable_bad"]), int(numbers["stable_total"]))
        if stable.total < 50:
            stable = self.bench.compared(measure, self.play.world.clock.now(), self.play.world.clock.now())
        return Numbers(measure, candidate, stable)

    # ------------------------------------------------------------ (f) shares

    def _share(self, release: Release, seen: Seen, now: float) -> None:
        """What is told lies within what was so in some stretch of the time that a look can be about."""
        story, shown = self.play.story, self.bench.shown
        self.tallies.append((now, shown.served(self.candidate), shown.served(self.stable)))
        reach = now - (story.stale + 60.0 + story.lag + story.scraping.every)
        began = self.bakes.get(release.step, now)
        known = [one for one in self.tallies if one[0] >= max(reach, began)]
        if seen.share is None or now - began < story.lag + 2 * story.scraping.every + 2 * story.poll or len(known) < 2:
            return
        _, first, other = known[0]
        candidate, stable = known[-1][1] - first, known[-1][2] - other
        if candidate + stable < 400 or release.course is not Course.FORWARD:
            return
        true = candidate / (candidate + stable)
        seconds = known[-1][0] - known[0][0]
        least = max((candidate + stable) / seconds * story.scraping.every * 0.5, 1.0)
        tolerance = SHARE + 100 * 5 * math.sqrt(max(true * (1 - true), 0.01) / least)
        if abs(seen.share - 100 * true) > tolerance:
            self.bench.say("f", f"candidate has {seen.share:.3g} % of requests is told, {100 * true:.3g} % it was (+- {tolerance:.2g})")

    # ------------------------------------------------------------ (a) rises

    def hear(self, change: Change) -> None:
        release = self.release
        if release is None or release.course is Course.BACK or change.old is None or change.type != "MODIFIED":
            return
        name = change.obj["metadata"]["name"]
        if change.kind == "services" and name == "web":
            if self._given(change.obj) > self._given(change.old):
                self.rise(f"Service gives the candidate {100 * self._given(change.obj):.0f} %")
        elif change.kind == "deployments" and name == "web-candidate":
            more = change.obj["spec"]["replicas"] > change.old["spec"]["replicas"]
            if more and 0 < self._given(self.play.service()) < 1:
                self.rise(f"the candidate is scaled to {change.obj['spec']['replicas']}")
        elif change.kind == "deployments" and name == "web" and _image(change.obj) == self.candidate != _image(change.old):
            self.rise("the Deployment gets the new version")

    def _given(self, service: Object) -> float:
        """The new version's share of the ready pods that a Service selects, whoever made them."""
        selector = service["spec"].get("selector") or {}
        pods = [pod for pod in self.play.world.store.every("pods", "shop") if selector.items() <= pod["metadata"]["labels"].items()]
        ready = [pod for pod in pods if _ready(pod)]
        return sum(pod["spec"]["containers"][0]["image"] == self.candidate for pod in ready) / len(ready) if ready else 0.0

    def raised(self, before: float | None, percent: float) -> None:
        """The flag was written."""
        if percent > (before or 0.0) and (self.release is None or self.release.course is not Course.BACK):
            self.rise(f"the flag goes to {percent:g} %")

    def metrics(self, step: int) -> bool:
        """That step is judged by them."""
        assert self.release is not None
        return bool(self.bench.measures) and self.release.plan.steps[step].metrics

    def rise(self, what: str) -> None:
        """What was shown at the last look speaks; one that is older than a poll is no excuse."""
        if not self.bakes:
            return
        now, step = self.play.world.clock.now(), max(self.bakes)
        at = max(self.play.looked, now - self.play.story.poll - 1.0)
        shown, least = self.bench.shown.requests(self.candidate, self.bakes[step], at), self.play.story.min_samples
        if self.metrics(step) and shown < least:
            self.bench.say("g", f"{what} on {shown} requests since step {step + 1} began, {least} are asked for")
        found = [numbers for numbers in self.bench.numbers(self.bakes[step], at) if numbers.clear()]
        self.against += bool(found)
        for numbers in found:
            self.bench.say("a", f"{what} while the store shows, since step {step + 1} began, {numbers}")


@dataclass
class Play:
    story: Story
    looked: float = 0.0
    away: float = 0.0
    tries: int = 0

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
        with provided(self):
            if self.story.before:
                self._release(OLD, FIRST, self._spec(FIRST, quick=True))
            if self.flags is not None and self.story.fault.when == "middle":
                self.world.clock.after(self.story.fault.after, self._sours)
            for turn in self.story.turns:
                self.world.clock.after(turn.at, lambda turn=turn: self._turn(turn))  # type: ignore[misc]
            arms = (OFF, ON) if self.flags is not None else (FIRST if self.story.before else OLD, NEW)
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
        cluster, hands = world.cluster.as_actor("judged"), self.flags.hand if self.flags is not None else hand_on
        tools = service.World(cluster, watch, stop, clock, Inline(), identity="judged", hands=hands)
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

    def _run(self, tools: service.World, spec: ReleaseSpec, watch: Watch) -> Release:
        """Tried again, as a person would, while a roll-out goes on or no sample has come yet."""
        while True:
            try:
                proposal = service.propose(tools.cluster, spec, actor="judged", now=tools.clock.now(), hands=tools.hands)
                return service.run(tools.cluster, proposal, reporter=watch, stop=tools.stop, within=tools)
            except DeliverError as error:
                text = f"{error.what} {error.why}"
                if not any(word in text for word in ("in progress", "no series")) or self.tries >= TRIES:
                    raise
                self.tries += 1
                self.world.clock.wait(AGAIN)

    def _resumed(self, tools: service.World, watch: Watch) -> Release:
        """By another process, after a while."""
        self.world.clock.wait(AGAIN)
        clock, stop = EngineClock(self.world.clock), Stop()
        stop.wakes(clock.wake)
        after = replace(tools, cluster=self.world.cluster.as_actor("heir"), stop=stop, clock=clock, identity="heir")
        return service.resume(after.cluster, TARGET, actor="heir", reason="", reporter=watch, stop=stop, within=after)

    def _turn(self, turn: Turn) -> None:
        if turn.rps >= 0:
            self.world.traffic.set(rps=turn.rps)
        if turn.incident >= 0:
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
        if release.outcome is Outcome.PROMOTED and fault.kind and fault.when == "start":
            for numbers in watch.bench.numbers(release.started, watch.finishing or now):
                if numbers.clear(chance=SURE):
                    watch.bench.say("c", f"promoted though bad from its first request on; the store showed before the finish {numbers}")
        if release.outcome is Outcome.HELD and self.flags is None and watch._given(self.service()) == 1 and self._warm(watch):
            since = max(watch.bakes.values(), default=release.started)
            for numbers in watch.bench.numbers(since, now):
                if numbers.clear():
                    watch.bench.say("e", f"held with everybody on {numbers}, the old side is warm: {release.reason}")

    def service(self) -> Object:
        found = self.world.store.get("services", "shop", "web")
        assert found is not None
        return found

    def _warm(self, watch: Watch) -> bool:
        pods = [pod for pod in self.world.store.every("pods", "shop") if _ready(pod) and RELEASE_LABEL not in pod["metadata"]["labels"]]
        old = [pod for pod in pods if pod["spec"]["containers"][0]["image"] == watch.stable]
        return len(old) >= math.ceil(self.story.replicas / 2)


def measure(metric: Metric) -> Measure:
    slow = BOUND if getattr(metric, "histogram", "") else 0.0
    limit = getattr(metric, "max", 0.0) or getattr(metric, "slo", 0.0) or 0.0
    return Measure(metric.name, slow, limit, getattr(metric, "compare", False))


def _ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return not pod["metadata"].get("deletionTimestamp") and any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _image(deployment: Object) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


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


class NoOptions(BaseModel):
    """None."""


@contextmanager
def provided(play: Play) -> Iterator[None]:
    """The world's own Prometheus as a provider that a spec can name; the play knows when it was last asked for samples."""
    metrics = play.world.metrics

    class Judged:
        name: ClassVar[str] = PROVIDER
        summary: ClassVar[str] = "the world's own time series"
        Options: ClassVar[type[BaseModel]] = NoOptions

        def __init__(self, options: BaseModel, reach: Reach) -> None:
            """Nothing has to be reached."""

        def raw(self, selector: str, window: float, timeout: float) -> Answer:
            answer = metrics.raw(selector, window, timeout)
            play.looked = play.world.clock.now()
            return answer

        def value(self, query: str, timeout: float) -> Answer:
            return metrics.value(query, timeout)

        def now(self, timeout: float) -> float:
            return metrics.now(timeout)

    with registry.lent("deliver.metrics", Judged):
        yield


def play(story: Story) -> Result:
    try:
        return Play(story).play()
    except DeliverError as error:
        return Result(story, (), None, f"{error.what}: {error.why}")
