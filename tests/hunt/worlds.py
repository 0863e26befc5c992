"""A seeded world: how it starts, and what happens in it when. Data only, so that a failing one can be cut down and written out."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from deliver_sandbox.images import HEALTHY, Behaviour

IMAGES: dict[str, Behaviour] = {
    "good": HEALTHY,
    "errors": Behaviour(errors=0.2),
    "slow": Behaviour(pull=8.0, start=6.0),
    "crash": Behaviour(crash=0.05, log=("broken release",)),
    "late crash": Behaviour(crash=70.0),
    "unready": Behaviour(ready=False),
    "missing": Behaviour(missing=True),
}
FOREIGN = (
    "set image",
    "scale",
    "unpause",
    "edit selector",
    "revert selector",
    "revert template",
    "delete service",
    "delete candidate",
    "restart",
)
PERSON = ("flag edit", "flag switch", "flag rule", "flag note", "flag removed")
"""What a person does to a flag while its release runs."""


@dataclass(frozen=True)
class Event:
    """at: seconds after the first driver started."""

    at: float
    kind: str
    args: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Start:
    replicas: int = 4
    services: tuple[str, ...] = ("web",)
    hpa: bool = False
    weights: tuple[float, ...] = (20, 50)
    bake: float = 60.0
    drain: float = 10.0
    image: str = "good"
    on_blind: str = "hold"
    approval: bool = False
    surge: int | None = 0  # None: what a weight needs comes unasked, as by the README's command
    rps: float = 0.0
    switch: float = 0.0
    nodes: int = 2
    last: str = "rollback"
    secret: bool = False  # the world has a made-up secret in it, which must come out nowhere
    strategy: str = "canary"
    hold: float = 0.0  # of blue-green, and whether the metrics judge its preview too
    preview_metrics: bool = False
    crashes: int = 0  # times that a pod of any version exits while it starts
    unpulled: int = 0  # tries to pull the new image that meet a registry which is busy
    min_ready: int = 0  # the Deployment's minReadySeconds
    ready_after: float = 0.0  # seconds that a pod of any version takes until it is ready, beside its image's own


@dataclass(frozen=True)
class Story:
    seed: int
    start: Start = Start()
    events: tuple[Event, ...] = ()

    @property
    def foreign(self) -> bool:
        """A stranger's hand is in it: then the end is not told beforehand."""
        return any(event.kind in (*FOREIGN, *PERSON) for event in self.events)

    @property
    def gentle(self) -> bool:
        """Nothing takes pods away, so that no request need ever be lost."""
        rough = (*FOREIGN, "evict", "drain", "pod crash", "pod unready", "load")
        return self.start.image in ("good", "slow", "errors", "missing", "unready") and not any(
            event.kind in rough for event in self.events
        )

    @property
    def patient(self) -> bool:
        """Nothing is wrong with the version, and all that is with its world passes within `limits.ready`, a minute."""
        start, alone = self.start, {event.kind for event in self.events} <= {"no room", "no quota"}
        backoff = sum(10.0 * 2**n for n in range(start.unpulled)) + sum(10.0 * 2**n for n in range(start.crashes))
        # a ReplicaSet tries again after twice the time that it has waited: a quota that is back may be found that much later
        waits = [event.args[0] * (2 if event.kind == "no quota" else 1) for event in self.events] if alone else []
        return alone and start.image == "good" and not start.approval and start.ready_after + start.min_ready + backoff + sum(waits) < 55.0

    def without(self, number: int) -> "Story":
        return replace(self, events=self.events[:number] + self.events[number + 1 :])


@dataclass
class Maker:
    """Draws a story from its seed."""

    seed: int
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(f"hunt {self.seed}")

    def story(self) -> Story:
        start = self._start()
        span = 40.0 + (len(start.weights) + 1) * start.bake + 4 * start.drain
        count = self.random.choice((0, 1, 1, 2, 2, 3, 3, 4, 6))
        events = [self._event(self.random.uniform(0.0, span)) for _ in range(count)]
        return Story(self.seed, start, tuple(sorted(events, key=lambda event: event.at)))

    def _start(self) -> Start:
        r = self.random
        replicas = r.choice((1, 2, 3, 4, 4, 5, 8, 12))
        steps = r.choice((1, 1, 2, 3))
        return Start(
            replicas=replicas,
            services=("web", "web-internal") if r.random() < 0.25 else ("web",),
            hpa=r.random() < 0.25,
            weights=tuple(sorted(r.sample((20, 35, 50, 60, 80), steps))) if replicas > 1 else (50,),
            bake=r.choice((5.0, 20.0, 60.0, 300.0)),
            drain=r.choice((0.0, 2.0, 10.0, 30.0)),
            image=r.choice(("good",) * 10 + tuple(IMAGES)),
            on_blind=r.choice(("hold", "rollback")),
            approval=r.random() < 0.1,
            surge=r.choice((1, 3)) if r.random() < 0.1 else 0,
            rps=50.0 if r.random() < 0.3 else 5.0,
            switch=0.1 if r.random() < 0.5 else 0.0,
            last=r.choice(("rollback", "resume", "resume")),
        )

    def _event(self, at: float) -> Event:
        r = self.random
        kinds = {
            "kill": 6, "verdict": 4, "operator": 5, "fault": 5, "freeze": 1, "lag": 1, "evict": 2, "drain": 1, "pod crash": 1,
            "pod unready": 1, "load": 2, "second": 2, **dict.fromkeys(FOREIGN, 0.6),
        }  # fmt: skip
        kind = r.choices(list(kinds), list(kinds.values()))[0]
        return Event(round(at, 2), kind, self._args(kind))

    def _args(self, kind: str) -> tuple[Any, ...]:
        r = self.random
        skew = r.choice((0.0, 0.0, 0.0, -600.0, 600.0))
        match kind:
            case "kill":  # after how many more calls, before or after the effect, who comes next and when
                heir = r.choice(("resume", "resume", "takeover", "rollback", "promote", "abort"))
                return (r.randrange(1, 30), r.random() < 0.5, heir, r.choice((0.5, 5.0, 20.0, 60.0)), skew)
            case "verdict":  # what the checks say, for how long, and after which delay
                return (r.choice(("FAIL", "BLIND", "BLIND", "none")), r.choice((3.0, 30.0, 200.0, 900.0)), r.choice((0.0, 0.0, 4.0, 20.0)))
            case "operator":
                return (r.choice(("pause", "resume", "promote", "abort", "rollback", "rollback", "takeover")), skew)
            case "fault":  # what, on which calls, how likely, for how long
                what = r.choice(("unreachable", "lost answer", "busy", "conflict", "forbidden"))
                verb, kind = (
                    r.choice(("write", "write", "*", "get")),
                    r.choice(("*", "*", "services", "deployments", "configmaps", "leases")),
                )
                return (what, verb, kind, r.choice((0.2, 0.6, 1.0)), r.choice((2.0, 10.0, 40.0)), r.choice((0.0, 0.0, 3.0)))
            case "freeze" | "lag":
                return (r.choice((2.0, 10.0, 25.0)),)
            case "evict":
                return (r.randrange(100), r.choice((1, 1, 2)))
            case "drain":
                return (r.randrange(2), r.choice((20.0, 200.0)))
            case "pod crash" | "pod unready":
                return (r.randrange(100), r.choice((5.0, 60.0)))
            case "load":
                return (r.choice((0.3, 0.5, 2.0, 1.5)),)
            case "second":
                return (r.choice(("good2", "good")), r.choice((0.0, 30.0)))
            case "set image" | "scale":
                return (r.choice(("good2", "old")) if kind == "set image" else r.choice((0, 1, 2, 6)),)
            case "revert selector" | "revert template":  # how often, for how long
                return (r.choice((1.0, 5.0, 20.0)), r.choice((1.0, 20.0, 120.0)))
        return ()


def story_of(seed: int) -> Story:
    return Maker(seed).story()


def wild(seed: int) -> Story:
    """The same with a secret in it, and at times a wall clock that jumps or a driver that sleeps (a laptop's lid, SIGSTOP)."""
    story, random = story_of(seed), Random(f"wild {seed}")
    span = max([40.0 + 2 * story.start.bake, *(event.at for event in story.events)])
    more = []
    if random.random() < 0.3:
        more.append(Event(round(random.uniform(0.0, span), 2), "jump", (random.choice((-86400.0, -600.0, -5.0, 5.0, 600.0, 86400.0)),)))
    if random.random() < 0.2:
        more.append(Event(round(random.uniform(5.0, span), 2), "sleep", (random.choice((3.0, 14.0, 20.0, 90.0)),)))
    events = sorted((*story.events, *more), key=lambda event: event.at)
    return replace(story, start=replace(story.start, secret=True), events=tuple(events))


def green(seed: int) -> Story:
    """The same as blue-green: all users at once, and the old side kept warm for a while."""
    story, random = wild(seed), Random(f"green {seed}")
    start = replace(story.start, strategy="blue-green", hold=random.choice((0.0, 10.0, 60.0, 300.0)), surge=0, weights=(100,))
    return replace(story, start=replace(start, preview_metrics=random.random() < 0.5))


def flag(seed: int) -> Story:
    """The same as a flag's release: its own system has its troubles beside those of the cluster."""
    story, random = wild(seed), Random(f"flag {seed}")
    image = "errors" if story.start.image == "errors" else "good"
    start = replace(story.start, strategy="flag", image=image, surge=0)
    span = max([40.0 + 2 * start.bake, *(event.at for event in story.events)])
    more = [_of_the_flag(random, round(random.uniform(0.0, span), 2)) for _ in range(random.choice((0, 0, 1, 1, 2)))]
    return replace(story, start=start, events=tuple(sorted((*story.events, *more), key=lambda event: event.at)))


def late(seed: int) -> Story:
    """The same with users, pods that take their time to be ready, and somebody who takes the release back in its finish."""
    random = Random(f"late {seed}")
    story = green(seed) if random.random() < 0.3 else wild(seed)
    begun = Event(
        0.0, "in finish", (random.choice(("rollback", "rollback", "abort", "kill")), random.choice((0.5, 3.0, 12.0, 25.0, 40.0, 70.0)))
    )
    start = replace(
        story.start,
        image=random.choice(("good", "good", "slow")),
        bake=random.choice((5.0, 20.0)),
        hold=min(story.start.hold, 10.0),
        rps=random.choice((2.0, 20.0, 50.0)),
        ready_after=random.choice((0.0, 5.0, 20.0, 20.0)),
    )
    events = story.events if random.random() < 0.5 else ()
    return replace(story, start=start, events=(begun, *events))


def outside(seed: int) -> Story:
    """What clusters do to pods that start: no node or no quota for a while, a busy registry, exits at the start on both sides.

    At times with the usual troubles of `late` or `green` as well.
    """
    random = Random(f"outside {seed}")
    story = random.choice((late, green, wild))(seed)
    start = replace(
        story.start,
        image=random.choice(("good", "good", "good", "crash", "missing")),
        approval=False,
        rps=random.choice((2.0, 20.0)),
        crashes=random.choice((0, 0, 1, 2)),
        unpulled=random.choice((0, 0, 1, 2)),
        min_ready=random.choice((0, 0, 10, 40)),
        ready_after=random.choice((0.0, 0.0, 5.0)),
    )
    span = 60.0 + 2 * start.bake
    kinds = [random.choice(("no room", "no quota", "evict")) for _ in range(random.choice((0, 1, 1, 2)))]
    args = {"evict": (random.randrange(100), 1)}
    events = [Event(round(random.uniform(0.0, span), 2), kind, args.get(kind, (random.choice((5.0, 20.0, 40.0)),))) for kind in kinds]
    events += story.events if random.random() < 0.4 else ()
    return replace(story, start=start, events=tuple(sorted(events, key=lambda event: event.at)))


def small(seed: int) -> Story:
    """A Deployment of one to three pods as people have them: the stable side gets temporary pods unasked, often in the way of the rest."""
    random = Random(f"small {seed}")
    story = random.choice((wild, late, outside))(seed)
    weights = random.choice(((10.0,), (10.0, 50.0), (20.0, 50.0), (25.0,), (5.0, 25.0), (10.0, 25.0, 50.0)))
    as_canary = replace(story.start, strategy="canary", hold=0.0, preview_metrics=False)  # some of these are blue-green
    start = replace(as_canary, replicas=random.choice((1, 1, 2, 2, 3)), weights=weights, surge=None)
    return replace(story, start=start)


def _of_the_flag(random: Random, at: float) -> Event:
    match random.choice(("flag down", "flag down", "flag slow", "flag lost", "flag edit")):
        case "flag down":
            return Event(at, "flag down", (random.choice((2.0, 20.0, 90.0)),))
        case "flag slow":
            return Event(at, "flag slow", (random.choice((5.0, 30.0, 200.0)),))
        case "flag edit":
            return Event(at, "flag edit", (random.choice((0.0, 10.0, 100.0, None)),))
    return Event(at, "flag lost")


def person(seed: int) -> Story:
    """The same with a person who changes the flag as well: switches it off, at times on again, gives it to their own people, removes it."""
    story, random = flag(seed), Random(f"person {seed}")
    span = max([60.0 + 2 * story.start.bake, *(event.at for event in story.events)])
    more = []
    for _ in range(random.choice((1, 1, 2, 3))):
        at = round(random.uniform(0.0, span), 2)
        kind, *args = random.choice(
            (
                ("flag switch", False), ("flag switch", False), ("flag switch", True), ("flag rule", "staff"), ("flag rule", ""),
                ("flag note", "theirs"), ("flag removed",), ("flag edit", 0.0), ("flag edit", 100.0), ("flag edit", None),
            )
        )  # fmt: skip
        more.append(Event(at, kind, tuple(args)))
    if random.random() < 0.5:  # a rollback near to it, so that the person is in the middle of one
        at = max(0.0, random.choice(more).at + random.choice((-30.0, -5.0, -1.0, 0.5, 10.0)))
        more.append(Event(round(at, 2), "operator", ("rollback", 0.0)))
    return replace(story, events=tuple(sorted((*story.events, *more), key=lambda event: event.at)))


MAKERS = {"world": story_of, "wild": wild, "green": green, "flag": flag, "person": person, "late": late, "outside": outside, "small": small}
