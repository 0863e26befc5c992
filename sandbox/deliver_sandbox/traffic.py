"""Users: requests at a given rate over the pods that the node's proxy knows, counted one by one.

Half of them open a connection for each request, half take turns on connections that stay open until their pod goes. Numbers are
drawn at each moment at which something changes or is looked at, not for each request, so that an hour is cheap.
"""

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace

from deliver_sandbox.api import Api
from deliver_sandbox.chance import binomial, spread
from deliver_sandbox.controllers.kubelet import Kubelet, Run
from deliver_sandbox.counters import Counters, Row
from deliver_sandbox.crowd import NO_ENDPOINT, REFUSED, RESET, Crowd
from deliver_sandbox.images import HEALTHY, Behaviour
from deliver_sandbox.proxy import Proxy
from deliver_sandbox.scrapes import Marks, Scrapes, Scraping, Stretch, Timetable

ON = "/on"
"""Behind a pod's uid: its counters of users who have a flag's treatment."""


@dataclass
class Tally:
    """All requests so far. failed: without any answer, by cause. errors: answered 500. by_image, by_pod: answered, whatever the code.

    fresh_at, kept_at: image -> unix seconds of the last time that it answered a new connection, and one that was kept open.
    """

    requests: int = 0
    answered: int = 0
    errors: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    by_image: Counter[str] = field(default_factory=Counter)
    by_pod: Counter[str] = field(default_factory=Counter)
    errors_by_image: Counter[str] = field(default_factory=Counter)
    fresh_at: dict[str, float] = field(default_factory=dict)
    kept_at: dict[str, float] = field(default_factory=dict)

    def lost(self) -> int:
        return sum(self.failed.values())

    def copy(self) -> "Tally":
        return deepcopy(self)


class Traffic:
    """rps: requests a second over all services. fresh: share on new connections. connections: kept open for each service.

    incident: a share of errors and slowdown: a factor on latency, that hit all pods alike (a database that is ill, say).
    heard: called with (unix seconds, image, on a new connection) after answers of that image up to that moment.
    """

    def __init__(
        self, api: Api, kubelet: Kubelet, seed: int, namespace: str, services: tuple[str, ...], rps: float, fresh: float = 0.5
    ) -> None:
        self.api, self.kubelet, self.namespace, self.services = api, kubelet, namespace, services
        self._rps, self.fresh, self.connections = rps, fresh, 8
        self._incident, self._slowdown = 0.0, 1.0
        self.random = random.Random(f"traffic {seed}")
        self.proxy = Proxy(api, seed, self.settle)
        self._tally = Tally()
        self.heard: list[Callable[[float, str, bool], None]] = []
        self.crowds: list[Crowd] = []
        self.counters: dict[str, Counters] = {}
        self._kept: dict[str, list[str]] = {service: [""] * self.connections for service in services}
        self._carry: dict[tuple[str, bool], float] = {}
        self._last = api.clock.now()
        self._timetable, self._scrapes = Timetable(seed), Scrapes(seed)
        self.pods: dict[str, Run] = {}
        self._alive: dict[str, bool] = {}
        self._served: dict[str, float] = {}
        self._life: dict[str, int] = {}
        self._behave: dict[str, Behaviour] = {}
        self._treated: Callable[[], float] | None = None
        self._treatment = HEALTHY
        kubelet.changed.append(self._changed)

    # -- what tests turn and read

    @property
    def tally(self) -> Tally:
        """Up to now."""
        self.settle()
        return self._tally

    @property
    def rows(self) -> dict[str, list[Row]]:
        """Uid -> what was scraped of that pod, oldest first."""
        self.settle()
        return self._scrapes.rows()

    def set(self, *, rps: float | None = None, incident: float | None = None, slowdown: float | None = None) -> None:
        self.settle()
        self._rps = self._rps if rps is None else rps
        self._incident = self._incident if incident is None else incident
        self._slowdown = self._slowdown if slowdown is None else slowdown

    def vary(self, share: Callable[[], float], treatment: Behaviour) -> None:
        """That share (0..1) of each pod's users gets a flag's treatment from now on; both kinds are counted apart, by a label `variant`."""
        self.settle()
        self._treated, self._treatment = share, treatment

    @property
    def varied(self) -> bool:
        return self._treated is not None

    def come(self, namespace: str, service: str, rps: float, kept: int = 0, *, even: bool = False) -> Crowd:
        """Users beside those of the tally, counted by themselves, from now until `go`."""
        self.settle()
        crowd = Crowd(self, namespace, service, rps, kept, even=even)
        self.crowds.append(crowd)
        return crowd

    def go(self, crowd: Crowd) -> None:
        self.settle()
        self.crowds.remove(crowd)

    @property
    def scraping(self) -> Scraping:
        return self._timetable.scraping

    def scrape(self, scraping: Scraping) -> None:
        """Keep rows of the pods' counters like that, from now on."""
        self.settle()
        self._timetable.begin(scraping, self.api.clock.now())

    def scrape_every(self, seconds: float) -> None:
        """The same, as it was but for the interval."""
        self.scrape(replace(self.scraping, every=seconds))

    def forget(self, before: float) -> None:
        """Drop scrapes that are older, and pods that are gone and have none left: a sandbox may run for days."""
        for uid, rows in list(self.rows.items()):
            del rows[: bisect_left(rows, before, key=lambda row: row.at)]
            run = self.pods.get(uid.removesuffix(ON))
            if not rows and (run is None or run.ended):
                self._scrapes.drop(uid)
                self._timetable.drop(uid)
                for known in (self.pods, self.counters, self._alive, self._served, self._life, self._behave):
                    known.pop(uid, None)

    # -- time

    def settle(self) -> None:
        """Account for all requests and scrapes up to now, with things as they have been since the last time."""
        now, since = self.api.clock.now(), self._last
        live, down = self._targets(since, now) if self.scraping.every else ({}, {})
        before = {uid: self.counters[uid].copy() for uid in live}
        self._flow(now)
        if live or down:
            counted = {uid: (before[uid], self.counters[uid].copy(), marks) for uid, marks in live.items()}
            self._scrapes.add(Stretch(since, now, counted, down))

    def _targets(self, since: float, now: float) -> tuple[dict[str, Marks], dict[str, Marks]]:
        """Scrapes between two moments: of pods that answer, and of those that are scraped and do not."""
        live: dict[str, Marks] = {}
        down: dict[str, Marks] = {}
        for uid, alive in self._alive.items():
            if self._timetable.waits(uid, now):
                continue
            target = alive or self.pods[uid].running or (uid in self._scrapes.known and not self.pods[uid].ended)
            if target and (marks := self._timetable.marks(uid, self.pods[uid].name, self._known(uid, since), since, now)):
                (live if alive else down)[uid] = marks
        if self.varied:
            for uid, marks in list(live.items()):
                self.counters.setdefault(uid + ON, Counters())
                live[uid + ON] = marks
        return live, down

    def _known(self, uid: str, since: float) -> float:
        """Since when a pod has been a target."""
        how = self.scraping
        return self._served.get(uid, since) + how.discovery + how.late.get(self.pods[uid].image, 0.0)

    def _changed(self, run: Run) -> None:
        """Called after the run has changed: what was before it, `_flow` still knows from `_alive`."""
        self.settle()
        alive = run.serving and not run.ended
        if run.uid not in self.pods or self._life.get(run.uid) != run.life:
            self.counters[run.uid] = Counters()
            self.counters.pop(run.uid + ON, None)
        self.pods[run.uid] = run
        self._life[run.uid] = run.life
        if self._alive.get(run.uid) and not alive and not run.ended:
            self._cut(run)
        if alive and not self._alive.get(run.uid):
            self._served[run.uid] = self._last
            if run.behaviour.sound:
                self.api.clock.after(run.behaviour.sound, lambda: self._changed(run))
        self._alive[run.uid] = alive
        self._behave[run.uid] = self._behaviour(run)

    def _behaviour(self, run: Run) -> Behaviour:
        """As it answers by now: some turn bad after they have served for a while."""
        found = run.behaviour
        if not found.sound or self._last - self._served.get(run.uid, self._last) >= found.sound - 1e-6:
            return found
        return replace(found, errors=HEALTHY.errors, latency=HEALTHY.latency, spread=HEALTHY.spread)

    def _flow(self, to: float) -> None:
        since, self._last = self._last, max(self._last, to)
        span = to - since
        if span <= 0:
            return
        for crowd in self.crowds:
            crowd.flow(since, to)
        for service in self.services:
            rate = self._rps / len(self.services)
            view = self.proxy.view(self.namespace, service)
            self._fresh(view, self._whole((service, True), rate * self.fresh * span), to)
            self._keep_alive(service, view, self._whole((service, False), rate * (1 - self.fresh) * span), to)

    def _whole(self, key: tuple[str, bool], amount: float) -> int:
        total = self._carry.get(key, 0.0) + amount
        whole = int(total + 1e-9)
        self._carry[key] = total - whole
        return whole

    # -- requests

    def _fresh(self, view: tuple[str, ...], n: int, at: float) -> None:
        if not n:
            return
        self._tally.requests += n
        if not view:
            self._tally.failed[NO_ENDPOINT] += n
            return
        for uid, count in zip(view, spread(self.random, n, [1.0] * len(view)), strict=True):
            if count:
                self._serve(uid, count, at, fresh=True)

    def _keep_alive(self, service: str, view: tuple[str, ...], n: int, moment: float) -> None:
        """Each kept connection sends its share; one whose pod has gone dials anew, and fails when nobody answers there."""
        if not n:
            return
        self._tally.requests += n
        kept = self._kept[service]
        each, rest = divmod(n, len(kept))
        for at, uid in enumerate(kept):
            count = each + (at < rest)
            if not count:
                continue
            if not self._alive.get(uid):
                uid = self.random.choice(view) if view else ""
                kept[at] = uid
            if not uid:
                self._tally.failed[NO_ENDPOINT] += count
            else:
                self._serve(uid, count, moment, fresh=False)

    def _serve(self, uid: str, n: int, at: float, *, fresh: bool) -> None:
        if not self._alive.get(uid):
            self._tally.failed[REFUSED] += n
            return
        run = self.pods[uid]
        bad = self.serve(uid, n, self.random) or 0
        tally = self._tally
        tally.answered += n
        tally.errors += bad
        tally.by_image[run.image] += n
        tally.by_pod[run.name] += n
        if bad:
            tally.errors_by_image[run.image] += bad
        (tally.fresh_at if fresh else tally.kept_at)[run.image] = at
        for call in self.heard:
            call(at, run.image, fresh)

    def alive(self, uid: str) -> bool:
        return self._alive.get(uid, False)

    def serve(self, uid: str, n: int, rng: random.Random | None) -> int | None:
        """n requests to that pod: how many it answered 500. None: nobody answers there. rng None: there is no chance in it."""
        if not self._alive.get(uid):
            return None
        treated, bad = 0, 0
        if self._treated is not None:
            apart = self.counters.setdefault(uid + ON, Counters())
            treated = apart.part(rng, n, self._treated())
            bad = apart.serve(rng, treated, self._treatment, self._incident, self._slowdown)
        return bad + self.counters[uid].serve(rng, n - treated, self._behave[uid], self._incident, self._slowdown)

    def _cut(self, run: Run) -> None:
        """A crash takes the requests that were under way with it, and its connections."""
        for crowd in self.crowds:
            crowd.cut(run.uid, self._behave[run.uid].latency, self._last)
        share = sum(uid == run.uid for kept in self._kept.values() for uid in kept) / max(1, self.connections * len(self.services))
        rate = self._rps * (1 - self.fresh) * share
        for service in self.services:
            view = self.proxy.view(self.namespace, service)
            rate += self._rps / len(self.services) * self.fresh * (view.count(run.uid) / len(view) if view else 0.0)
        under_way = rate * self._behave[run.uid].latency
        count = int(under_way) + binomial(self.random, 1, under_way - int(under_way))
        self._tally.requests += count
        self._tally.failed[RESET] += count
        for kept in self._kept.values():
            kept[:] = ["" if uid == run.uid else uid for uid in kept]
