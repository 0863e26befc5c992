"""The hooks of each plugin family. A class that offers them, registered under the family's entry point group, is a plugin.

    group               class                  made by
    deliver.strategies  Strategy               Strategy()
    deliver.routers     Router                 Router(options)
    deliver.metrics     MetricProvider         MetricProvider(options, reach)
    deliver.checks      Check                  Check(options, reach)

`Options` is a pydantic model: its fields become command line options (strategies), keys of deliver.yaml, JSON Schema and help.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from deliver.model.observation import PodSeen, RouteSeen
from deliver.model.plan import Plan, Side
from deliver.model.release import Release, ServiceSnapshot
from deliver.model.spec import ClusterFacts, Target

if TYPE_CHECKING:
    from pydantic import BaseModel

    from deliver.cluster.port import Access, Watch

Object = dict[str, Any]


class Strategy(Protocol):
    """A pure planner: no I/O, no clock. name: the command and the key in deliver.yaml. summary: one line of help.

    A class attribute `exposes = "users"` is for one that moves a flag's users: see moves_users.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type["BaseModel"]]

    def plan(self, options: Any, facts: ClusterFacts) -> Plan:
        """options: an instance of Options. Raises InputError when the wanted steps cannot be had."""


def moves_users(strategy: Any) -> bool:
    """`exposes = "users"`: the strategy raises a flag's share of users and leaves pods, Services and image as they are."""
    return bool(getattr(strategy, "exposes", "pods") == "users")


class Reader(Protocol):
    """What stands in the target's namespace, from the watches the plugin asked for."""

    def get(self, kind: str, name: str) -> Object | None: ...

    def list(self, kind: str) -> list[Object]: ...


class Writer(Protocol):
    """Guarded writes: under the release's fence and on the object's resourceVersion."""

    def change(self, kind: str, name: str, build: Callable[[Object], Object | None], *, uid: str = "") -> Object:
        """Read the object, let `build` make a merge patch from it (None: nothing to do), write it under guard, again on conflict."""

    def confirm(self) -> None:
        """Raises unless the target is still ours: asked right before a write to something outside the cluster, which no fence guards."""


@dataclass(frozen=True)
class Finding:
    """What a preflight rule has to say. level: which exit code it forbids a release with, or warn or info. hint: what to do about it."""

    rule: str
    level: Literal["input", "locked", "forbidden", "refuse", "warn", "info"]
    message: str
    hint: str = ""


class Router(Protocol):
    """Moves exposure and proves that it moved."""

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type["BaseModel"]]

    def watches(self, target: Target) -> Sequence["Watch"]:
        """What `read` needs to see, besides the target's Deployments and pods."""

    def find(
        self, look: Reader, target: Target, labels: Mapping[str, str], others: Sequence[Object]
    ) -> tuple[tuple[ServiceSnapshot, ...], list[Finding]]:
        """Which Services take part, and what forbids it. labels: of the stable pods; others: the namespace's pods of other owners."""

    def read(self, look: Reader, release: Release, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]) -> RouteSeen:
        """Where traffic goes now, as read back."""

    def move(self, write: Writer, release: Release, side: Side, hash: str) -> None:
        """Make it go to that side (hash: the pods' template hash of that side, "" for both)."""

    def restore(self, write: Writer, release: Release) -> None:
        """Put back what stood before, byte for byte."""

    def preview(self, release: Release, side: Side, hash: str) -> list[str]:
        """The patches `move` would make, for `plan`: one line each."""


@dataclass(frozen=True)
class Histogram:
    """One sample of a native histogram. buckets: (low, high, how many in it alone), without the empty ones."""

    count: float
    buckets: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True)
class Series:
    """One time series: labels without __name__ filtered, points (unix seconds, value), oldest first.

    histograms: the samples that are native histograms, in the place of points.
    """

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]
    histograms: tuple[tuple[float, Histogram], ...] = ()


@dataclass(frozen=True)
class Answer:
    """A provider's answer. query: as sent. warnings: a partial answer names them; who judges treats it as BLIND."""

    query: str
    series: tuple[Series, ...] = ()
    warnings: tuple[str, ...] = ()


class MetricsError(Exception):
    """The provider could not answer. bad_query: it will never answer this one (syntax, unknown function)."""

    def __init__(self, message: str, *, bad_query: bool = False) -> None:
        super().__init__(message)
        self.bad_query = bad_query


@dataclass(frozen=True)
class Reach:
    """How a plugin gets at things without knowing Kubernetes: an HTTP access to a Service ("ns/name:port") or to a pod's port."""

    service: Callable[[str], "Access"]
    pod: Callable[[str, str, int, str], "Access"]  # namespace, pod, port, scheme
    environ: Mapping[str, str] = field(default_factory=dict)


class MetricProvider(Protocol):
    """Raw samples and single values. Every call ends within `timeout` seconds, with an Answer or a MetricsError."""

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type["BaseModel"]]

    def raw(self, selector: str, window: float, timeout: float) -> Answer:
        """All samples of the last `window` seconds of every series the selector matches."""

    def value(self, query: str, timeout: float) -> Answer:
        """The query's value now: series of one point each."""

    def now(self, timeout: float) -> float:
        """The provider's own clock, unix seconds."""


@dataclass(frozen=True)
class Probe:
    """One health probe of one pod. ok None: could not be judged."""

    ok: bool | None
    message: str
    query: str = ""
    took: float = 0.0


class Check(Protocol):
    """A health check of a single pod."""

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type["BaseModel"]]

    def probe(self, namespace: str, pod: PodSeen, timeout: float) -> Probe: ...
