"""Worlds in which a release is judged by real samples: how they are scraped and shown, the users, and what the new version does."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from deliver.model.spec import Analysis, EvidenceMetric, LatencyMetric, Metric, PluginSpec, RatioMetric
from deliver.testing.flags import FLAG
from deliver_sandbox.images import Behaviour
from deliver_sandbox.scrapes import Scraping

PROVIDER = "judged"
OLD, FIRST, NEW = "registry/web:1.0.0", "registry/web:1.1.0", "registry/web:2.0.0"
BAD, ALL, DURATIONS = 'http_requests_total{code=~"5.."}', "http_requests_total", "http_request_duration_seconds"
BOUND = 0.25
SCRAPES, LAGS = (1.0, 2.0, 15.0, 30.0, 60.0), (0.0, 0.0, 15.0, 30.0, 90.0)
BAKES = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
WEIGHTS = ((10, 50), (20, 50), (50,), (25,), (5, 25, 50), (10, 50, 75))


@dataclass(frozen=True)
class Fault:
    """What is wrong with the new version. kind: "", errors or slow. share: of requests. when: start, middle, finish or hold.

    after: seconds of serving, for middle.
    """

    kind: str = ""
    share: float = 0.0
    when: str = "start"
    after: float = 0.0

    def __str__(self) -> str:
        if not self.kind:
            return "good"
        what = f"{100 * self.share:g} % errors" if self.kind == "errors" else "slow"
        return f"{what} from {f'{self.after:g} s' if self.when == 'middle' else f'the {self.when}'} on"

    def behaviour(self, sound: Behaviour) -> dict[str, float]:
        """What a version that has it does."""
        return {"errors": self.share} if self.kind == "errors" else {"latency": sound.latency * 20} if self.kind == "slow" else {}


@dataclass(frozen=True)
class Turn:
    """Something that happens. at: seconds after the release's start. rps: from then on. down: seconds for which Prometheus is.

    ill: how it is, of judged_play.AILMENTS. incident: share of errors on both sides, from then on.
    """

    at: float
    rps: float = -1.0
    down: float = 0.0
    incident: float = -1.0
    ill: str = ""

    def __str__(self) -> str:
        what = (
            f"{self.rps:.3g} rps"
            if self.rps >= 0
            else f"incident {self.incident:g}"
            if self.incident >= 0
            else f"{self.ill or 'down'} for {self.down:g} s"
        )
        return f", {what} at {self.at:g} s"


@dataclass(frozen=True)
class Story:
    """A world. lag: seconds before a sample shows; offset: VictoriaMetrics' latencyOffset. past: seconds of serving before the release.

    before: a good version is released right before. errors: share of the stable version. wanted: names of metrics: errors, limit, slo,
    times, slow. preview_metrics: the preview has a fifth as many users. stopped: seconds after which the driver is told to stop; another
    one goes on. consecutive, compare: of fixed limits. min_bake: when proof may end a bake. spoilt: share of errors in a minute of the
    past.
    """

    seed: int
    scraping: Scraping
    lag: float = 0.0
    offset: float = 0.0
    past: float = 600.0
    before: bool = False
    replicas: int = 4
    rps: float = 50.0
    fresh: float = 0.5
    errors: float = 0.0
    fault: Fault = Fault()
    strategy: str = "canary"
    weights: tuple[int, ...] = (10, 50)
    bake: float = 30.0
    hold: float = 60.0
    preview_metrics: bool = False
    wanted: tuple[str, ...] = ("errors",)
    min_samples: int = 50
    poll: float = 5.0
    prove: float = 3.0
    stale: float = 60.0
    on_blind: str = "hold"
    inconclusive: str = "hold"
    turns: tuple[Turn, ...] = ()
    stopped: float = 0.0
    consecutive: int = 1
    compare: bool = False
    min_bake: float = 0.0
    spoilt: float = 0.0

    def __str__(self) -> str:
        how = self.scraping
        store = (
            f"scrape {how.every:g} s"
            + (f", {self.lag:g} s late" if self.lag else "")
            + (f", offset {self.offset:g} s" if self.offset else "")
        )
        spec = f"{self.strategy} {'' if self.strategy == 'blue-green' else self.weights} bake {self.bake:g} s by {'+'.join(self.wanted)}"
        spec += "".join(
            f", {name}"
            for name in ("consecutive", "compare", "min_bake", "spoilt", "preview_metrics")
            if getattr(self, name) not in (0, 1, False)
        )
        more = (
            (", before" if self.before else "") + "".join(map(str, self.turns)) + (f", stopped {self.stopped:g} s" if self.stopped else "")
        )
        return f"judged {self.seed}: {self.fault}; {spec}; {store}; past {self.past:g} s, {self.rps:.3g} rps, {self.replicas} pods{more}"

    @property
    def stable(self) -> Behaviour:
        return Behaviour(errors=self.errors)

    @property
    def limit(self) -> float:
        return 0.01 if self.errors < 0.005 else 0.05

    def metrics(self) -> tuple[Metric, ...]:
        least, fixed = self.min_samples, {"consecutive": self.consecutive, "compare": self.compare, "min_samples": self.min_samples}
        known: Mapping[str, Metric] = {
            "errors": EvidenceMetric("errors", bad=BAD, total=ALL, min_samples=least),
            "limit": RatioMetric("limit", bad=BAD, total=ALL, max=self.limit, **fixed),
            "slo": EvidenceMetric("slo", bad=BAD, total=ALL, slo=self.limit, min_samples=least),
            "times": EvidenceMetric("times", histogram=DURATIONS, bound=BOUND, min_samples=least),
            "slow": LatencyMetric("slow", histogram=DURATIONS, bound=BOUND, max=0.05, **fixed),
        }
        return tuple(known[name] for name in self.wanted)

    def analysis(self) -> Analysis:
        return Analysis(
            provider=PluginSpec(PROVIDER),
            metrics=self.metrics(),
            poll=self.poll,
            max_staleness=self.stale,
            on_blind=self.on_blind,
            inconclusive=self.inconclusive,
            prove=self.prove,
            history=min(max(self.past, 60.0), 3600.0),
        )

    def options(self) -> dict[str, object]:
        if self.strategy == "blue-green":
            whole = {"preview_bake": min(self.bake, 20.0), "bake": self.bake, "hold": self.hold}
            return whole | {"preview_metrics": self.preview_metrics}
        steps = {"weight": list(self.weights), "bake": self.bake} | ({"min_bake": self.min_bake} if self.min_bake else {})
        return steps | ({"flag": FLAG, "backend": "memory"} if self.strategy == "flag" else {"max_overshoot": 60})


def story(seed: int) -> Story:
    """Everything drawn from the seed."""
    rng = random.Random(f"judged {seed}")
    every, bake = rng.choice(SCRAPES), rng.choice(BAKES)
    lag = rng.choice(LAGS)
    offset = lag if lag == 30 and rng.random() < 0.5 else 0.0
    lag -= offset
    more = random.Random(f"judged {seed} more")  # what came later: older seeds keep their worlds
    strategy = rng.choice(("canary", "canary", "blue-green", "flag"))
    errors = rng.choice((0.0, 0.0, 0.001, 0.01))
    rps = 10 ** rng.uniform(math.log10(0.2), math.log10(500))
    least = every + lag + offset
    found = Story(
        seed,
        _scraping(rng, every),
        lag,
        offset,
        past=10 ** rng.uniform(1, math.log10(3600)),
        before=rng.random() < 0.25,
        replicas=rng.choice((2, 4, 4, 8)),
        rps=rps,
        fresh=rng.choice((0.5, 0.5, 1.0, 0.1)),
        errors=errors,
        fault=_fault(rng, strategy, bake),
        strategy=strategy,
        weights=rng.choice(WEIGHTS),
        bake=bake,
        hold=rng.choice((0.0, 30.0, 120.0)),
        wanted=rng.choice((("errors",), ("errors",), ("limit",), ("errors", "times"), ("limit", "slow"), ("times",), ("errors", "limit"))),
        min_samples=rng.choice((20, 50, 50)),
        poll=rng.choice((5.0, 5.0, 2.0)),
        prove=rng.choice((3.0, 3.0, 0.0)),
        stale=max(60.0, 30.0 + 2 * least) if rng.random() < 0.7 else 60.0,
        on_blind=rng.choice(("hold", "rollback")),
        inconclusive=rng.choice(("hold", "promote")),
        turns=(*_turns(rng, rps, bake), *_incident(more, bake)),
        stopped=round(more.uniform(2.0, 3 * bake + 30.0), 1) if more.random() < 0.1 else 0.0,
    )
    wanted = ("slo",) if more.random() < 0.08 else found.wanted
    ill = more.choice(("slow", "hung", "partial", "empty"))
    return replace(
        found,
        wanted=wanted,
        turns=tuple(replace(turn, ill=ill) if turn.down and more.random() < 0.5 else turn for turn in found.turns),
        consecutive=more.choice((1, 1, 1, 3)),
        compare=more.random() < 0.2,
        min_bake=round(bake / 3, 1) if strategy != "blue-green" and more.random() < 0.2 else 0.0,
        spoilt=more.choice((0.02, 0.2)) if more.random() < 0.1 else 0.0,
        preview_metrics=strategy == "blue-green" and more.random() < 0.3,
    )


def _scraping(rng: random.Random, every: float) -> Scraping:
    """As targets of a real Prometheus have it, and one world in four on the beat."""
    apart = rng.random() < 0.75
    late = {NEW: rng.choice((0.0, every, 2 * every))} if rng.random() < 0.2 else {}
    return Scraping(
        every,
        apart=apart,
        jitter=rng.choice((0.0, 0.05, 0.3)),
        missed=rng.choice((0.0, 0.0, 0.05, 0.2)),
        discovery=rng.choice((0.0, 5.0, 5.0)),
        late=late,
        born=rng.random() < 0.5,
    )


def _fault(rng: random.Random, strategy: str, bake: float) -> Fault:
    kind = rng.choice(("", "errors", "errors", "errors", "slow"))
    if not kind:
        return Fault()
    when = rng.choice(("start", "start", "start", "middle", "finish", "hold" if strategy == "blue-green" else "start"))
    return Fault(kind, rng.choice((1.0, 0.2, 0.2, 0.05)), when, round(bake * rng.uniform(0.2, 2.5), 1) if when == "middle" else 0.0)


def _incident(rng: random.Random, bake: float) -> tuple[Turn, ...]:
    """A database that is ill for a while: both sides are."""
    if rng.random() > 0.08:
        return ()
    at = round(rng.uniform(0, 3 * bake + 20), 1)
    return Turn(at, incident=rng.choice((0.05, 0.3))), Turn(at + rng.choice((10.0, 40.0)), incident=0.0)


def _turns(rng: random.Random, rps: float, bake: float) -> tuple[Turn, ...]:
    """Bursts, quiet minutes, users who come late, a Prometheus that is away for a while."""
    kind = rng.choice(("", "", "burst", "quiet", "late", "down"))
    at = round(rng.uniform(0, 3 * bake + 20), 1)
    if kind == "burst":
        return Turn(at, rps * 5), Turn(at + rng.choice((5.0, 20.0)), rps)
    if kind == "quiet":
        return Turn(at, 0.0), Turn(at + rng.choice((20.0, 90.0)), rps)
    if kind == "late":
        return Turn(0.0, 0.0), Turn(at, rps)
    return (Turn(at, down=rng.choice((10.0, 45.0))),) if kind == "down" else ()
