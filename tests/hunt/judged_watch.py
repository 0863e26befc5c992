"""The referee of a judged release: hears each rise at the API server, each look of the driver, each verdict and each share that is told."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deliver.model.journal import Event
from deliver.model.objects import Object
from deliver.model.observation import Observation
from deliver.model.release import Direction, Release
from deliver.model.verdict import CheckResult, Verdict
from deliver.render.sentences import sentence
from deliver_sandbox.store import Change
from tests.hunt.judging_rules import Bench, Count, Measure, Numbers

if TYPE_CHECKING:
    from tests.hunt.judged_play import Play

SURE = 1e-6  # chance below which a version can be told "well before the end"
SHOWN = 1e-5  # chance of numbers beside which nobody is shown a PASS: there are a hundred looks in a world
ODDS = 3.0  # odds against the candidate beside which nobody reads PASS
GROSS = 0.15  # share of bad requests that nobody waits to be sure of
MANY = 25  # of them, that no single client can have made by trying again and again
WINDOW = 60.0  # seconds that a fixed limit looks back
SHARE = 8.0  # points by which a share that is told may be off, beside chance
REQUESTS = Measure("requests")


@dataclass(frozen=True)
class Wait:
    """A step that passed. extra: seconds of its bake beyond what was asked for. due: those that samples, requests and a look ask for.

    leant: the data did, then or when it was due. proof: everybody is to follow, and proof is asked for. asleep: nobody drove or answered.
    """

    extra: float
    due: float
    leant: bool
    proof: bool
    asleep: bool

    @property
    def late(self) -> float:
        """Seconds that only chance explains, or nothing."""
        return 0.0 if self.proof or self.asleep else max(self.extra - self.due, 0.0)


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
    looked: float = 0.0
    gross: float = 0.0
    tallies: list[tuple[float, int, int]] = field(default_factory=list)

    # ------------------------------------------------------------ what is told

    def update(self, release: Release, seen: Observation | None) -> None:
        before, self.release = self.release, release
        now = self.play.world.clock.now()
        if release.bake_since and release.course is Direction.PROGRESSING:
            self.bakes[release.step] = release.bake_since
        if before is not None and before.course is Direction.PROGRESSING and self._passed(before, release):
            self._waited(before, now)
        if release.course is Direction.PROMOTING and not self.finishing:
            self.finishing = now
            self.play.finishing(self)
        self._told(release)
        self._harm(release, now)
        if seen is not None and seen.candidate_percent is not None and release.course is not Direction.ROLLING_BACK:
            self._share(release, seen, now)

    def note(self, text: str) -> None:
        """Nothing is kept."""

    def end(self, release: Release, seen: Observation | None) -> None:
        """Told by whoever asked for the run."""

    def _harm(self, release: Release, now: float) -> None:
        """(h) gross harm that the store shows ends a release within two scrapes and a look, in every mode."""
        story, since = self.play.story, self.bakes.get(release.step)
        asleep = now < self.play.away + story.poll or now - self.looked > 3 * story.poll  # nobody drove, or nothing answered
        if since is None or now - self.looked < story.poll:
            return
        self.looked = now
        shown = self.bench.numbers(since, now) if release.course is not Direction.ROLLING_BACK and not asleep and not self.play.ill else []
        found = next(
            (
                one
                for one in shown
                if one.candidate.total >= 50 and one.candidate.bad >= MANY and one.candidate.share >= GROSS and one.clear(SURE)
            ),
            None,
        )
        if found is None:
            self.gross = 0.0
            return
        self.gross = self.gross or now
        scrapes = (1 + story.consecutive) * story.scraping.every * (1 + story.scraping.jitter)
        if now - self.gross > scrapes + 2 * story.poll + 5.0:
            self.bench.say("h", f"for {now - self.gross:.0f} s the store has shown {found}; the release is {release.phase}")

    def _passed(self, before: Release, release: Release) -> bool:
        return bool(before.bake_since) and (release.step > before.step or release.course is Direction.PROMOTING)

    def _waited(self, before: Release, now: float) -> None:
        """(d) how long a step was, and how long it had to be: its samples have to be there, and enough of them."""
        story, step, since = self.play.story, before.current, before.bake_since
        shown = since + step.bake + story.scraping.every * (1 + story.scraping.jitter) + story.lag + story.offset
        enough = self.bench.shown.reached(self.candidate, since, now, story.min_samples) if self.metrics(before.step) else since
        due = max(shown, enough) + story.poll + 2.0
        last = before.last_step or before.plan.steps[before.step + 1].endpoints >= 100 > step.endpoints > 0
        leant = any(one.leans for at in (min(due, now), now) for one in self.bench.numbers(since, at))
        asleep = now < self.play.away + story.poll or bool(story.stopped)
        self.waits.append(Wait(now - since - step.bake, due - since - step.bake, leant, bool(last and story.prove), asleep))

    def _told(self, release: Release) -> None:
        """(b) no PASS beside numbers that speak against it."""
        if release.checks is not self.checks:
            self.checks = release.checks
            self._beside(release.checks, "shown")
        for entry in release.journal[self.entries :]:
            if entry.event is Event.STEP_PASSED:
                self._beside(entry.checks, f"`{sentence(entry, release)}`")
        self.entries = len(release.journal)

    def _beside(self, checks: tuple[CheckResult, ...], where: str) -> None:
        for check in checks:
            numbers = check.evidence.numbers
            if self.play.ill or check.kind != "metric" or check.verdict is not Verdict.PASS or "candidate_total" not in numbers:
                continue
            if check.samples > (served := self.bench.shown.served(self.candidate)):
                self.bench.say("samples", f"{check.samples} requests are told, {served} there were; {where}: {check.why}")
            measure = next(one for one in self.bench.measures if one.name == check.name)
            found = self._numbers(measure, check)
            if found.clear(SHOWN if where == "shown" else 0.0):
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

    def _share(self, release: Release, seen: Observation, now: float) -> None:
        """What is told lies within what was so in some stretch of the time that a look can be about."""
        story, shown = self.play.story, self.bench.shown
        self.tallies.append((now, shown.served(self.candidate), shown.served(self.stable)))
        reach = now - (story.stale + 60.0 + story.lag + story.scraping.every)
        began = self.bakes.get(release.step, now)
        since = max(reach, began)
        known = [one for one in self.tallies if one[0] >= since]
        if seen.candidate_percent is None or now - began < story.lag + 2 * story.scraping.every + 2 * story.poll or len(known) < 2:
            return
        _, first, other = known[0]
        candidate, stable = known[-1][1] - first, known[-1][2] - other
        if candidate + stable < 400 or release.course is not Direction.PROGRESSING:
            return
        true = candidate / (candidate + stable)
        seconds = known[-1][0] - known[0][0]
        least = max((candidate + stable) / seconds * story.scraping.every * 0.5, 1.0)
        length = WINDOW if story.wanted[0] in ("limit", "slow") else math.inf
        scrapes = min(now - began - story.lag, length) / story.scraping.every
        told = [self._told_of(one, least, scrapes, seen.candidate_percent) for one in (true, *self._shown_share(since, now))]
        if all(told):
            self.bench.say("f", f"candidate has {seen.candidate_percent:.3g} % of requests is told, {told[0]}")

    def _shown_share(self, since: float, now: float) -> list[float]:
        """What the samples are about, and not the burst or the silence that came after them: up to a scrape and the store's delay ago."""
        candidate, stable = (self.bench.shown.count(arm, REQUESTS, since, now).total for arm in (self.candidate, self.stable))
        return [candidate / (candidate + stable)] if candidate + stable else []

    @staticmethod
    def _told_of(true: float, least: float, scrapes: float, share: float) -> str:
        """How a share that is told is off the true one, "" where it is not."""
        tolerance = SHARE + 100 * 5 * math.sqrt(max(true * (1 - true), 0.01) / least)
        low, high = _between(true, scrapes)
        if 100 * low - tolerance <= share <= 100 * high + tolerance:
            return ""
        return f"{100 * true:.3g} % it was; {100 * low:.3g} to {100 * high:.3g} % +- {tolerance:.2g} can be seen of it"

    # ------------------------------------------------------------ (a) rises

    def hear(self, change: Change) -> None:
        release = self.release
        if release is None or release.course is Direction.ROLLING_BACK or change.old is None or change.type != "MODIFIED":
            return
        name = change.obj["metadata"]["name"]
        if change.kind == "services" and name == "web":
            if self.given(change.obj) > self.given(change.old):
                self.rise(f"Service gives the candidate {100 * self.given(change.obj):.0f} %")
        elif change.kind == "deployments" and name == "web-candidate":
            more = change.obj["spec"]["replicas"] > change.old["spec"]["replicas"]
            if more and 0 < self.given(self.play.service()) < 1:
                self.rise(f"the candidate is scaled to {change.obj['spec']['replicas']}")
        elif change.kind == "deployments" and name == "web" and image_of(change.obj) == self.candidate != image_of(change.old):
            self.rise("the Deployment gets the new version")

    def given(self, service: Object) -> float:
        """The new version's share of the ready pods that a Service selects, whichever Deployment runs them."""
        selector = service["spec"].get("selector") or {}
        pods = [pod for pod in self.play.world.store.every("pods", "shop") if selector.items() <= pod["metadata"]["labels"].items()]
        serving = [pod for pod in pods if ready(pod)]
        new = [pod for pod in serving if pod["spec"]["containers"][0]["image"] == self.candidate]
        return len(new) / len(serving) if serving else 0.0

    def raised(self, before: float | None, percent: float) -> None:
        """The flag was written."""
        if percent > (before or 0.0) and (self.release is None or self.release.course is not Direction.ROLLING_BACK):
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
        found = [numbers for numbers in self.bench.numbers(self.bakes[step], at) if numbers.clear() and not self.play.ill]
        self.against += bool(found)
        for numbers in found:
            self.bench.say("a", f"{what} while the store shows, since step {step + 1} began, {numbers}")


def _between(share: float, scrapes: float) -> tuple[float, float]:
    """What a share may look like where each side's samples begin and end up to a scrape earlier or later than the other's."""
    if share >= 1.0 or scrapes <= 2.0:
        return share if scrapes > 2.0 else 0.0, 1.0 if scrapes <= 2.0 else share
    odds, more = share / (1 - share), (scrapes + 1) / (scrapes - 1)
    return odds / more / (1 + odds / more), odds * more / (1 + odds * more)


def ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return not pod["metadata"].get("deletionTimestamp") and any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def image_of(deployment: Object) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])
