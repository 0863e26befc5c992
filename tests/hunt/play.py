"""Plays a story: the product's own verbs as processes on the embedded cluster, the strangers and faults of the story around them."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from deliver.engine import commands
from deliver.engine.commands.deps import Dependencies as Tools
from deliver.engine.runtime.record_store import parse
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.analysis_result import AnalysisResult
from deliver.model.errors import DeliverError, InputError
from deliver.model.release import Outcome, Release
from deliver.model.spec import Analysis, Limits, ReleaseSpec
from deliver.model.verdict import CheckResult, Verdict
from deliver.testing.flags import FLAG
from deliver_sandbox import fixtures
from deliver_sandbox.api import MERGE
from deliver_sandbox.controllers.kubelet import Node
from deliver_sandbox.faults import WRITES, Killed
from deliver_sandbox.images import Behaviour
from tests.engine.invariants import journal_faults, unplanned
from tests.engine.rig import METRIC, TARGET, Judge, Quiet, Rig
from tests.hunt.flag_rules import FlagRules
from tests.hunt.flags import HuntFlags
from tests.hunt.process_cluster import Author, HuntScript, Kill, ProcessCluster
from tests.hunt.referee import USER_KINDS, Answer, Referee
from tests.hunt.stage import Process, Stage
from tests.hunt.users import image_of
from tests.hunt.worlds import IMAGES, Start, Story

OLD, NEW, OTHER = "registry/web:1.0.0", "registry/web:new", "registry/web:other"
SECRET = "hunt-s3cr3t-9f2c"
LONGEST = 6 * 3600.0
TROUBLE = {"fault", "freeze", "lag", "sleep", "flag down", "flag slow", "flag lost"}
QUICK = 5.0
BUSY = "unexpected status from HEAD request: 429 Too Many Requests"


@dataclass(frozen=True)
class Result:
    """hours: simulated. ended: how the last process said that it ended."""

    story: Story
    broken: tuple[str, ...]
    hours: float
    events: int
    calls: int
    ended: str


@dataclass
class PlayedAnalyzer:
    """Answers with the verdict that the story has for the moment of the question, when its delay is over; also the engine's Background."""

    play: "Play"
    process: Process
    asked: float = 0.0
    reply: str = "PASS"

    def run(self, work: Callable[[], None]) -> None:
        if work.__qualname__.startswith(("FlagPoller", "PodEvents")):  # the story tells of the checks' answers, not of the flag system's
            work()
            return
        self.asked, (self.reply, delay) = self.play.clock.now(), self.play.verdict()
        if self.reply == "none":  # an answer that never comes
            return
        if delay:
            self.play.clock.after(delay, work)
        else:
            work()

    def keep(self, work: Callable[[], None]) -> None:
        """There is one thread: the driver renews its lock at each tick."""

    def reset(self, at: float) -> None:
        """Nothing is kept."""

    def analyze(self, namespace: str, stable: Any, candidate: Any, *, traffic: bool = True) -> AnalysisResult:
        verdict = Verdict(self.reply)
        self.play.referee.answers.append(Answer(self.process.name, self.asked, self.play.clock.now(), self.reply))
        check = CheckResult("errors", "metric", verdict, f"errors say {verdict}", samples=100)
        return AnalysisResult((check,), None, self.asked + self.process.skew)


def _starting(start: Start, image: str, made: Behaviour) -> Behaviour:
    """An image as it starts in this world: what is slow is so for every version, the registry is busy for the new one alone."""
    made = replace(made, start=made.start + start.ready_after)
    if start.crashes and not made.crash:
        made = replace(made, crash=0.2, crashes=start.crashes)
    return replace(made, unpulled=start.unpulled, why=BUSY) if image == NEW and not made.missing else made


@dataclass
class Play:
    story: Story
    count: int = 0
    verdicts: list[tuple[float, float, str, float]] = field(default_factory=list)
    drivers: list[Process] = field(default_factory=list)
    wall: float = 0.0  # by how much the machine's clock was set so far
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        start = self.story.start
        ours = {OLD: IMAGES["good"], NEW: IMAGES[start.image], OTHER: IMAGES["good"]}
        images = {image: _starting(start, image, one) for image, one in ours.items()}
        env = {"PASSWORD": SECRET} if start.secret else None
        self.world = fixtures.world(start.replicas, images, start.services, start.rps, start.hpa, self.story.seed, env=env)
        if start.secret:
            self.world.api.create("secrets", "shop", {"metadata": {"name": "web"}, "stringData": {"password": SECRET}})
        self.world.kubelet.nodes.append(Node("node-2", "198.51.100.3"))
        self.world.api.create("nodes", "", {"metadata": {"name": "node-2"}, "spec": {}})
        self.clock = self.world.clock
        self.random = random.Random(f"play {self.story.seed}")
        self.rig = Rig(self.world, Judge(self.clock.now))
        self.author = Author()
        self.stage = Stage(self.clock)  # type: ignore[arg-type]  # a world of fixtures.world has a VirtualClock
        self.script = HuntScript(self.stage, self.random, start.switch, on_death=self._died, on_runaway=self._ran_away)
        self.cluster = ProcessCluster(self.world.api, self.world.kubelet, script=self.script)
        self.cluster.author = self.author
        self.clusters: list[ProcessCluster] = []
        if start.min_ready:
            self.world.api.patch("deployments", "shop", "web", {"spec": {"minReadySeconds": start.min_ready}}, MERGE)
            self.clock.wait(start.min_ready + 5.0)
        self.before = self.rig.before()
        steps = len(start.weights) + 1
        self.flags = HuntFlags(play=self)
        self.persons = FlagRules(self)
        self.flag_before = self.flags.flag_client().read().document
        self.referee = Referee(
            self.world, self.author, self.stage, 5.0, (start.bake,) * steps, start.drain, start.replicas, start.hpa,
            {name: {"app": "web"} for name in start.services}, OLD, hold=start.hold, preview_metrics=start.preview_metrics,
        )  # fmt: skip
        self.referee.faulty = any(event.kind == "fault" for event in self.story.events)
        self.world.store.listen(self.referee.hear)
        self.referee.secret.text = SECRET if start.secret else ""
        self.next_hand: dict[str, tuple[Any, ...]] = {}
        self.began = self.clock.now()

    # ------------------------------------------------------------ verdicts

    def verdict(self) -> tuple[str, float]:
        now = self.clock.now()
        if self.story.start.image == "errors":
            return "FAIL", 0.0
        found = [(verdict, delay) for since, until, verdict, delay in self.verdicts if since <= now < until]
        return found[-1] if found else ("PASS", 0.0)

    # ------------------------------------------------------------ processes

    def process(self, verb: str, after: float = 0.0, skew: float = 0.0, image: str = NEW, *, driver: bool = True) -> Process:
        self.count += 1
        made = self.stage.enter(f"{verb}-{self.count}", lambda me: self._call(me, verb, image), after, skew + self.wall)
        if verb == "promote":
            self.referee.eased = True
        if driver:
            self.drivers.append(made)
        return made

    def _call(self, me: Process, verb: str, image: str) -> Release:
        cluster, stop, analyzer = self.cluster.as_actor(me.name), Stop(), PlayedAnalyzer(self, me)
        reporter = Quiet(
            self.said, on_update=lambda release, seen: self.referee.users.shown(release, seen, seen.at - me.skew if seen else 0.0)
        )
        self.clusters.append(cluster)
        stop.wakes(me.wake)
        tools = Tools(
            cluster, reporter, stop, me, analyzer, lambda analysis: analyzer, identity=me.name, flag_clients=self.flags.flag_client
        )
        common: dict[str, Any] = {"reporter": reporter, "stop": stop, "within": tools}
        if verb == "run":
            proposal = commands.propose(cluster, self.spec(image), actor=me.name, now=me.now(), flag_clients=self.flags.flag_client)
            return commands.run(cluster, proposal, **common)
        common |= {"actor": me.name, "reason": "hunt"}
        if verb == "rollback":
            self.clock.after(QUICK, lambda: self._taken_back(me))
            return commands.rollback(cluster, TARGET, **common)
        if verb in ("resume", "takeover"):
            return commands.resume(cluster, TARGET, takeover=verb == "takeover", **common)
        return commands.ask(cluster, TARGET, verb, **common)

    def _taken_back(self, me: Process) -> None:
        """Rule 3: with an API server that answers and pods that can take it, traffic is off the candidate in seconds."""
        excused = me.dead or me.frozen or isinstance(me.error, InputError)  # it found nothing to roll back
        if excused or self.story.foreign or TROUBLE & {event.kind for event in self.story.events}:
            return
        if self.story.start.strategy == "flag" and self.flags.percent and self.referee.record.get("outcome") is None:
            self.referee.say(3, f"{me.name} has not killed the flag after {QUICK:g} s")
        pods = self.referee.ready({"app": "web"}, settled=True)
        stable = sum(image_of(pod) == OLD for pod in pods)
        if self.referee.exposed() and self.referee.record.get("outcome") is None and stable >= self.story.start.replicas:
            self.referee.say(3, f"{me.name} has not moved the traffic after {QUICK:g} s")

    def spec(self, image: str) -> ReleaseSpec:
        start = self.story.start
        analysis = Analysis(metrics=(METRIC,), poll=5.0, max_blind=120.0, on_blind=start.on_blind)
        limits = Limits(ready=60.0, shift=60.0, drain=start.drain, pause=120.0, total=4 * 3600.0)
        image = "" if start.strategy == "flag" else image
        return ReleaseSpec(TARGET, image, start.strategy, self._options(), analysis=analysis, limits=limits)

    def _options(self) -> dict[str, Any]:
        start = self.story.start
        if start.strategy == "blue-green":
            whole = {"preview_bake": start.bake, "bake": start.bake, "hold": start.hold}
            return whole | {"approve": start.approval, "preview_metrics": start.preview_metrics}
        steps = [{"weight": weight, "bake": start.bake, "approval": start.approval and n == 0} for n, weight in enumerate(start.weights)]
        if start.strategy == "flag":
            return {"flag": FLAG, "backend": "memory", "steps": steps, "bake": start.bake}
        whole = {"steps": steps, "bake": start.bake}
        return whole if start.surge is None else whole | {"max_overshoot": 60, "surge": start.surge}

    def _died(self, name: str) -> None:
        verb, after, skew = self.next_hand.pop(name, ("resume", 20.0, 0.0))
        self.process(verb, after, skew)

    def _ran_away(self, name: str) -> None:
        self.referee.say(5, f"{name} calls without end")

    def live(self) -> Process | None:
        return next((one for one in self.drivers if not one.done and not one.dead and one.due <= self.clock.now() + 60), None)

    def kill(self, calls: int, after: bool, verb: str, delay: float, skew: float) -> None:
        if victim := self.live():
            self.next_hand[victim.name] = (verb, delay, skew)
            self.script.kills.append(Kill(victim.name, victim.calls + calls, after))

    # ------------------------------------------------------------ the whole

    def play(self) -> Result:
        from tests.hunt.events import happen

        self.process("run")
        for event in self.story.events:
            self.clock.after(event.at, lambda event=event: happen(self, event))  # type: ignore[misc]
        self.stage.enter("story", lambda me: me.pause(max((event.at for event in self.story.events), default=0.0)))
        try:
            self.stage.run(self.began + LONGEST)
            late = [one.name for one in self.stage.processes if not one.done]
            if late:
                self.referee.say(5, f"{', '.join(late)} did not end within {LONGEST:g} s")
            else:
                self._settle()
        finally:
            self.stage.end()
        self._errors()
        self._secrets()
        broken = tuple(dict.fromkeys(self.referee.broken))
        hours = (self.clock.now() - self.began) / 3600
        return Result(self.story, broken, hours, self.referee.events, len(self.cluster.calls), str(self.referee.record.get("outcome")))

    def _settle(self) -> None:
        """The storm is over: what is not ended is ended by a person, and must then be whole."""
        self.clock.wait(400.0)
        self.script.clear()
        self.script.kills.clear()
        self.verdicts.clear()
        outcome = self.referee.record.get("outcome")
        for verb in (self.story.start.last, "rollback"):
            if outcome in ("PROMOTED", "ROLLED_BACK") or not self.referee.record:
                break
            last = self.process(verb)
            self.stage.run(self.clock.now() + LONGEST)
            if not last.done:
                self.referee.say(5, f"{last.name} did not end within {LONGEST:g} s")
                return
            outcome = self.referee.record.get("outcome")
        self.clock.wait(60.0)
        self._final(outcome)

    def _final(self, outcome: str | None) -> None:
        say, gentle = self.referee.say, not self.story.foreign
        if self.referee.record and outcome not in ("PROMOTED", "ROLLED_BACK") and gentle:
            say(5, f"it ends {outcome}: {self.referee.record.get('reason')}")
        if outcome in ("PROMOTED", "ROLLED_BACK"):
            self._clean(outcome)
        if self.story.patient and not self._taken_by_hand() and self.referee.record and outcome != "PROMOTED":
            say(5, f"a good version ends {outcome}: {self.referee.record.get('reason')}")
        if gentle and outcome == "ROLLED_BACK" and "second" not in {event.kind for event in self.story.events}:
            now = self.rig.before()
            for key, was in self.before.items():
                if self._stripped(key, was) != self._stripped(key, now.get(key)):
                    say(6, f"{key} is not as it was: {was['spec']} -> {(now.get(key) or {}).get('spec')}")
        size = self.world.store.get("deployments", "shop", "web")["spec"]["replicas"] if gentle else 0
        if gentle and outcome == "PROMOTED" and not self.story.start.hpa and size != self.story.start.replicas:
            say(6, f"the Deployment has {size} replicas after {outcome}, it had {self.story.start.replicas}")
        if self.story.start.strategy == "flag":
            self.persons.final(outcome)
        if gentle and self.story.start.strategy == "flag":
            self._flag(outcome)
        if self.story.gentle and self.world.traffic.tally.lost():
            say(1, f"{self.world.traffic.tally.lost()} requests were lost")
        self._books(outcome)

    def _flag(self, outcome: str | None) -> None:
        """A flag that was rolled back is as it stood before; a promoted one serves everyone; our marks are gone from both."""
        say, flags = self.referee.say, self.flags
        document = flags.flag_client().read().document
        if outcome == "ROLLED_BACK" and document != self.flag_before:
            say(6, f"the flag is not as it was: {document}")
        if outcome == "PROMOTED" and flags.percent != 100.0:
            say(6, f"the flag serves {flags.percent} after {outcome}")
        if outcome in ("PROMOTED", "ROLLED_BACK") and flags.mark is not None:
            say(6, f"the flag carries a mark of ours after {outcome}")

    def _stripped(self, key: str, found: Any) -> Any:
        if self.story.start.hpa and key == "deployments/web" and found:
            return {**found, "spec": {k: v for k, v in found["spec"].items() if k != "replicas"}}
        return found

    def _taken_by_hand(self) -> bool:
        """By somebody who came between (tests/hunt/writers.py), no event of the story."""
        return any(one.name.startswith(("rollback", "abort", "takeover")) for one in self.stage.processes)

    def _clean(self, outcome: str) -> None:
        say, store = self.referee.say, self.world.store
        for kind in USER_KINDS:
            for obj in store.every(kind, "shop"):
                marks = [key for key in obj["metadata"].get("annotations") or {} if key.startswith("deliver.dev/")]
                if marks or obj["metadata"]["name"] in ("web-candidate", "web-preview"):
                    say(6, f"{kind} {obj['metadata']['name']} is left after {outcome} {marks}")
        if any("deliver.dev/release" in pod["metadata"]["labels"] for pod in self.referee.pods()):
            say(6, f"a candidate pod is left after {outcome}")
        deployment = store.get("deployments", "shop", "web")
        if deployment and deployment["spec"].get("paused") and not self.story.foreign:
            say(6, f"the Deployment is left paused after {outcome}")

    def _books(self, outcome: str | None) -> None:
        for call in self.cluster.calls:
            if call.verb in WRITES and (extra := unplanned(call)):
                self.referee.say(9, f"{call.verb} {call.kind} {call.name}: {', '.join(sorted(extra))}")
        release = parse(self.world.store.get("configmaps", "shop", "deliver-web")).release
        if release is not None and release.outcome in (Outcome.PROMOTED, Outcome.ROLLED_BACK):
            self.referee.broken += [fault for fault in journal_faults(release) if "time goes back" not in fault or not self._skewed()]

    def _secrets(self) -> None:
        """Rule 11, for what is said rather than written."""
        errors = [f"{one.error} {vars(one.error)}" for one in self.stage.processes if isinstance(one.error, DeliverError)]
        if self.story.start.secret:
            for text in (*self.said, *errors):
                if SECRET in text:
                    self.referee.say(11, f"a secret is told: {text.replace(SECRET, '***')}")

    def _skewed(self) -> bool:
        return any(process.skew for process in self.stage.processes)

    def _errors(self) -> None:
        """Rule 5: a process ends with an outcome, an error that says what to do, or by a kill; never by a bug."""
        for process in self.stage.processes:
            error = process.error
            if error is None or isinstance(error, Killed):
                continue
            if not isinstance(error, DeliverError):
                self.referee.say(5, f"{process.name} ended by {type(error).__name__}: {error}")
            elif process.name.startswith(("run-1", "rollback")) and not self._excused(process, error):
                self.referee.say(5, f"{process.name} ended by {type(error).__name__}: {error.what}")

    def _excused(self, process: Process, error: DeliverError) -> bool:
        """API faults may keep a verb from beginning; a rollback of what is rolled back already is bad input."""
        kinds = {event.kind for event in self.story.events}
        names = type(error).__name__
        return (
            bool({"fault", "flag down", "flag lost"} & kinds)
            or names in ("InputError", "GateRefused", "AlreadySo")
            or self._others(process, names)
        )

    def _others(self, process: Process, error: str) -> bool:
        """Another process took the release over, or held the lock first."""
        rivals = [one for one in self.drivers if one is not process and not one.name.startswith(("resume", "run", "promote", "pause"))]
        return error in ("Locked", "Superseded") and (bool(rivals) if process.name.startswith("rollback") else len(self.drivers) > 1)


def play(story: Story) -> Result:
    return Play(story).play()
