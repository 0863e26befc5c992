"""One release, played from its first write to its end."""

from dataclasses import dataclass

from deliver.engine import commands
from deliver.engine.preflight.deployment import Proposal
from deliver.engine.runtime.clock import Inline
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import Observation
from deliver.model.release import Outcome, Release
from deliver.model.spec import ReleaseSpec
from deliver.simulate.scenario import NEW, OLD, PROVIDER, Regression, Setting
from deliver_sandbox import fixtures
from deliver_sandbox.clock import EngineClock
from deliver_sandbox.images import Behaviour
from deliver_sandbox.provider import provided
from deliver_sandbox.scrapes import Scraping
from deliver_sandbox.world import World

ACTOR = "simulate"


@dataclass(frozen=True)
class Run:
    """exposed: seconds for which the new version had users. served: requests that it answered, failed: those it answered badly.

    lost: requests of anybody that nobody answered.
    """

    seed: int
    release: Release
    exposed: float
    served: int
    failed: int
    lost: int

    @property
    def outcome(self) -> Outcome | None:
        return self.release.outcome


@dataclass
class Silent:
    """A reporter that only knows when users first had the new version."""

    first: float = 0.0

    def update(self, release: Release, seen: Observation | None) -> None:
        if release.exposed and not self.first:
            self.first = next((entry.at for entry in reversed(release.journal) if entry.event is Event.INTENT), release.since)

    def note(self, text: str) -> None:
        """Nobody reads it."""

    def end(self, release: Release, seen: Observation | None) -> None:
        """Told by whoever asked for the run."""


def play(spec: ReleaseSpec, setting: Setting, regression: Regression, seed: int, stop: Stop) -> Run:
    """Raises what a real release would raise before its first write, e.g. for weights that the pods cannot have."""
    world = made(setting, regression, seed)
    clock, reporter = EngineClock(world.clock), Silent()
    stop.wakes(clock.wake)
    with provided(world.metrics, PROVIDER):
        tools = commands.Dependencies(world.cluster.as_actor(ACTOR), reporter, stop, clock, Inline(), identity=ACTOR)
        proposal = attended(commands.propose(tools.cluster, spec, actor=ACTOR, now=clock.now()))
        release = commands.run(tools.cluster, proposal, reporter=reporter, stop=stop, within=tools)
    tally = world.traffic.tally
    over = release.traffic_off or release.ended or clock.now()
    exposed = max(over - reporter.first, 0.0) if reporter.first else 0.0
    return Run(seed, release, exposed, tally.by_image[NEW], tally.errors_by_image[NEW], tally.lost())


def attended(proposal: Proposal) -> Proposal:
    """Somebody is there who lets each step pass at once that waits for it."""
    release = proposal.release
    steps = tuple(replace(step, approval=False) for step in release.plan.steps)
    return replace(proposal, release=replace(release, plan=replace(release.plan, steps=steps)))


def made(setting: Setting, regression: Regression, seed: int) -> World:
    """The old version has served for a while, so that there is a past to learn from."""
    old = Behaviour(errors=setting.errors, latency=setting.latency)
    new = Behaviour(errors=min(setting.errors * regression.errors, 1.0), latency=setting.latency * regression.slower)
    images = {OLD: old, NEW: new}
    world = fixtures.world(setting.replicas, images=images, rps=setting.rps, seed=seed, scrape=setting.scrape)
    world.traffic.scrape(Scraping(setting.scrape, apart=True))
    world.clock.wait(setting.past)
    return world
