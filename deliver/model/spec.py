"""What the user asked for, normalised: shares are 0..1, times are seconds, names are resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deliver.model import defaults


@dataclass(frozen=True)
class Target:
    """A Deployment and the Services that lead to it. services empty = every Service that selects its pods."""

    namespace: str
    deployment: str
    services: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.namespace}/{self.deployment}"


@dataclass(frozen=True)
class RatioMetric:
    """bad/total over the trailing window; FAIL when above `max` in `consecutive` polls in a row.

    bad, total: PromQL instant-vector selectors of counters, without pod matchers. max: share 0..1.
    min_samples: candidate requests in the window below which the metric is BLIND. window: seconds.
    compare: FAIL needs the candidate above the stable side too; both above `max` is the environment's problem (BLIND).
    """

    name: str
    bad: str
    total: str
    max: float
    min_samples: int = defaults.MIN_SAMPLES
    window: float = defaults.WINDOW
    consecutive: int = defaults.CONSECUTIVE
    compare: bool = False


@dataclass(frozen=True)
class LatencyMetric:
    """Share of requests slower than `bound` seconds, from a classic histogram's counters.

    histogram: selector of the histogram's base name, e.g. http_request_duration_seconds{route="/"}. bound: one of its `le` values.
    """

    name: str
    histogram: str
    bound: float
    max: float
    min_samples: int = defaults.MIN_SAMPLES
    window: float = defaults.WINDOW
    consecutive: int = defaults.CONSECUTIVE
    compare: bool = False


@dataclass(frozen=True)
class QueryMetric:
    """Free PromQL that gives one number; `{candidate}` and `{stable}` become matchers of that arm's pods."""

    name: str
    query: str
    max: float | None = None
    min: float | None = None
    consecutive: int = defaults.CONSECUTIVE


@dataclass(frozen=True)
class EvidenceMetric:
    """Bad requests, or slow ones, judged by evidence that holds at every look (analysis/sequential_test.py); needs no limit.

    bad, total: as RatioMetric; or histogram, and bound: one of its bounds, 0 = every useful one. margin: times stable's odds of a bad
    request that are tolerated. slo: share 0..1 that the candidate is held against instead, 0 = none. weight: its part in the release's
    evidence. min_samples: candidate requests of the step below which it is BLIND. window: seconds of samples that one look asks for.
    duty: False for a metric that nobody named: too few requests to judge by it hold nothing up; what it shows counts all the same.
    """

    name: str
    bad: str = ""
    total: str = ""
    histogram: str = ""
    bound: float = 0.0
    margin: float = defaults.MARGIN
    slo: float = 0.0
    weight: float = defaults.WEIGHT
    min_samples: int = defaults.MIN_SAMPLES
    window: float = defaults.WINDOW
    duty: bool = True


Metric = RatioMetric | LatencyMetric | QueryMetric | EvidenceMetric


@dataclass(frozen=True)
class PluginSpec:
    """A plugin by name with its options as plain data (metric provider, check, router)."""

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Analysis:
    """How the release is judged. poll, max_blind, max_staleness, warmup: seconds. on_blind: "hold" or "rollback".

    For metrics that are judged by evidence: alpha: highest chance that a release which is no worse is taken back, over its whole time.
    prove: before everybody gets the candidate it is shown not to be that many times worse, 0 = nothing is asked for; or acceptable:
    shown to have a share of bad requests below this. inconclusive: what becomes of a release that shows neither within `max_bake`:
    "hold", "promote" or "rollback". history: seconds of the stable side's past that the dispersion is learnt from.
    seeking: nobody named a metric and none was found yet: it is looked for while the release runs.
    """

    provider: PluginSpec | None = None
    metrics: tuple[Metric, ...] = ()
    health: tuple[PluginSpec, ...] = ()
    poll: float = defaults.POLL
    warmup: float = defaults.WARMUP
    max_staleness: float = defaults.MAX_STALENESS
    max_blind: float = defaults.MAX_BLIND
    on_blind: str = defaults.ON_BLIND
    alpha: float = defaults.FALSE_ALARMS
    prove: float = defaults.PROVE
    acceptable: float = defaults.ACCEPTABLE
    inconclusive: str = defaults.INCONCLUSIVE
    history: float = defaults.HISTORY
    seeking: bool = False


@dataclass(frozen=True)
class Limits:
    """Bounds of the run, in seconds; every wait has one.

    ready: pods of a step to become ready. shift: a route change to be verified. total: the whole forward run.
    pause: a pause or an approval before the release is HELD. drain: between traffic leaving a side and that side shrinking.
    """

    ready: float = defaults.READY
    shift: float = defaults.SHIFT
    total: float = defaults.TOTAL
    pause: float = defaults.PAUSE
    drain: float = defaults.DRAIN


@dataclass(frozen=True)
class NotifySpec:
    """Who is told. events: which turns of the release, () = all."""

    notifier: PluginSpec
    events: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReleaseSpec:
    """One release, as asked. options: the strategy's own options as plain data, validated by its Options model."""

    target: Target
    image: str
    strategy: str
    options: Mapping[str, Any] = field(default_factory=dict)
    container: str = ""
    router: PluginSpec = PluginSpec(defaults.ROUTER)
    analysis: Analysis = Analysis()
    limits: Limits = Limits()
    allow_affinity: bool = False
    allow_twice: bool = False
    history: int = defaults.KEPT_RELEASES
    notify: tuple[NotifySpec, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What a planner may know of the cluster: live numbers, never the manifest's.

    stable_pods: pods the Deployment wants now. autoscaled: an HPA owns that number. weights: the router can send a share of the
    requests to the candidate, however many pods there are (`Step.by_weight`). most_pods: the HPA's maximum, 0 = there is none.
    room: pods that the namespace's quotas leave room for, beside those of now; None: they set no limit.
    """

    target: Target
    stable_pods: int
    autoscaled: bool = False
    weights: bool = False
    most_pods: int = 0
    room: int | None = None
