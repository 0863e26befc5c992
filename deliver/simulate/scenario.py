"""What is made up, and what of the user's spec can be played with it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from deliver.config.build import moves_pods
from deliver.model.errors import InputError
from deliver.model.frozen import replace
from deliver.model.spec import EvidenceMetric, LatencyMetric, Metric, PluginSpec, QueryMetric, ReleaseSpec, Target
from deliver_sandbox.counters import BOUNDS

OLD, NEW = "registry/web:1.0.0", "registry/web:2.0.0"
TARGET = Target("shop", "web")
PROVIDER = "simulated"
BAD, ALL, DURATIONS = 'http_requests_total{code=~"5.."}', "http_requests_total", "http_request_duration_seconds"


@dataclass(frozen=True)
class Setting:
    """rps: requests a second to all pods. errors: share of bad requests of the old version. latency: its median, seconds.

    past: seconds for which the old version has served. scrape: seconds between two scrapes.
    """

    rps: float = 20.0
    replicas: int = 4
    errors: float = 0.001
    latency: float = 0.06
    past: float = 3600.0
    scrape: float = 15.0


@dataclass(frozen=True)
class Regression:
    """errors: times the old version's share of bad requests. slower: times its latency. Both 1: the version is as good as the old one."""

    errors: float = 1.0
    slower: float = 1.0

    def __str__(self) -> str:
        slow = f"{self.slower:g}x slower" if self.slower != 1 else ""
        return ", ".join(part for part in (f"{self.errors:g}x errors" if self.errors != 1 or not slow else "", slow) if part)


@dataclass(frozen=True)
class Played:
    """The spec as it is played. left: what of it has no part in a simulation, each with the reason."""

    spec: ReleaseSpec
    left: tuple[str, ...]


def played(spec: ReleaseSpec, setting: Setting) -> Played:
    """The user's spec with the made-up workload's names, and its metrics on the made-up counters. Raises InputError."""
    if not moves_pods(spec.strategy):
        raise InputError(
            "a release of a feature flag cannot be simulated", why="the made-up users have no flag", hint="try it with a canary"
        )
    left = list(_told(spec))
    metrics, reasons = _metrics(spec.analysis.metrics)
    left += reasons
    options = {key: value for key, value in spec.options.items() if not key.startswith("load") and key != "preview_service"}
    if any(key.startswith("load") for key in spec.options):
        left.append("load: no requests of our own are sent")
    if spec.options.get("preview_service"):
        left.append("preview_service: a Service is made, as without it")
    history = min(spec.analysis.history, setting.past)
    provider = PluginSpec(PROVIDER) if metrics else None
    analysis = replace(spec.analysis, provider=provider, metrics=metrics, health=(), history=history)
    return Played(
        replace(
            spec,
            target=TARGET,
            image=NEW,
            container="",
            options=options,
            analysis=analysis,
            notify=(),
            router=PluginSpec("service-selector"),
        ),
        tuple(left),
    )


def _told(spec: ReleaseSpec) -> Iterable[str]:
    if spec.analysis.health:
        kinds = ", ".join(check.kind for check in spec.analysis.health)
        yield f"health checks ({kinds}): made-up pods have no ports; they count as healthy"
    if spec.options.get("approve") or any(step.get("approval") for step in spec.options.get("steps") or () if isinstance(step, Mapping)):
        yield "approvals: somebody lets each step pass at once"
    if spec.notify:
        yield "notify: nobody is told"
    if spec.router.kind != "service-selector":
        yield f"router {spec.router.kind}: traffic follows pods on a plain Service"


def _metrics(metrics: Iterable[Metric]) -> tuple[tuple[Metric, ...], list[str]]:
    """Bad requests are made up once: of several metrics about them the first is played."""
    found: list[Metric] = []
    left: list[str] = []
    for metric in metrics:
        if isinstance(metric, QueryMetric):
            left.append(f"metric {metric.name}: a free query is about series that nobody makes up")
        elif isinstance(metric, LatencyMetric) or (isinstance(metric, EvidenceMetric) and metric.histogram):
            bound = _nearest(metric.bound)
            if bound != metric.bound:
                left.append(f"metric {metric.name}: its bound of {metric.bound:g} s; the made-up histogram's nearest is {bound:g} s")
            found.append(replace(metric, histogram=DURATIONS, bound=bound))
        elif any(getattr(one, "bad", "") for one in found):
            left.append(f"metric {metric.name}: bad requests are made up once, and another metric counts them")
        else:
            found.append(replace(metric, bad=BAD, total=ALL))
    return tuple(found), left


def sees(metrics: Iterable[Metric]) -> tuple[bool, bool]:
    """Whether some metric counts bad requests, and whether one counts slow ones."""
    slow = [isinstance(metric, LatencyMetric) or (isinstance(metric, EvidenceMetric) and bool(metric.histogram)) for metric in metrics]
    return not all(slow), any(slow)


def usual(metrics: Iterable[Metric]) -> list[Regression]:
    """A good version, and a bad one for each thing that the spec looks at."""
    bad, slow = sees(metrics)
    return [Regression(), *([Regression(errors=5.0)] if bad or not slow else []), *([Regression(slower=2.0)] if slow else [])]


def unseen(metrics: Iterable[Metric], regressions: Iterable[Regression]) -> Iterator[str]:
    """What is made worse, and no metric of the spec could show."""
    (bad, slow), regressions = sees(metrics), list(regressions)
    if not bad and any(one.errors > 1 for one in regressions):
        yield "no metric of the spec counts bad requests: more errors cannot be found"
    if not slow and any(one.slower > 1 for one in regressions):
        yield "no metric of the spec counts slow requests: a slower version cannot be found"


def _nearest(bound: float) -> float:
    """0, every useful bound, stays 0."""
    return min(BOUNDS, key=lambda one: abs(one - bound)) if bound else 0.0
