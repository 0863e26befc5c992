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

from deliver.model.objects import Object
from deliver.model.observation import PodSeen, RouteSeen
from deliver.model.plan import Exposure, Plan
from deliver.model.release import Release, ServiceSnapshot
from deliver.model.series import Answer as Answer  # noqa: PLC0414  a plugin's author imports it from here
from deliver.model.series import Histogram as Histogram  # noqa: PLC0414  a plugin's author imports it from here
from deliver.model.series import Series as Series  # noqa: PLC0414  a plugin's author imports it from here
from deliver.model.spec import Facts, Target

if TYPE_CHECKING:
    from pydantic import BaseModel

    from deliver.cluster.port import Access, Watch


class Strategy(Protocol):
    """A pure planner: no I/O, no clock. name: the command and the key in deliver.yaml. summary: one line of help.

    A class attribute `exposes = "users"` is for one that moves a flag's users: see moves_users.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type["BaseModel"]]

    def plan(self, options: Any, facts: Facts) -> Plan:
        """options: an instance of Options. Raises InputError when the wanted steps cannot be had."""


def moves_users(strategy: Any) -> bool:
    """`exposes = "users"`: the strategy raises a flag's share of users and leaves pods, Services and image as they are."""
    return bool(getattr(strategy, "exposes", "pods") == "users")


class Reader(Protocol):
    """What stands in the target's namespace, from the watches the plugin asked for. Raises nothing; `get` is None for what is not there."""

    def get(self, kind: str, name: str) -> Object | None: ...

    def list(self, kind: str) -> list[Object]: ...


class Writer(Protocol):
    """Guarded writes: under the release's fence and on the object's resourceVersion."""

    def change(self, kind: str, name: str, build: Callable[[Object], Object | None], *, uid: str = "") -> Object:
        """Read the object, let `build` make a merge patch from it (None: nothing to do), write it under guard, again on conflict.

        Raises NotFound (it is gone, or not the one with that uid), Conflict (it keeps changing, or `build` says that it must not be
        written over), Unreachable (it may or may not have been written), Forbidden, Rejected, Superseded (another driver has taken over).
        """

    def confirm(self) -> None:
        """Asked right before a write to something outside the cluster, which no fence guards.

        Raises Superseded, or ClusterError, unless the target is still ours.
        """


@dataclass(frozen=True)
class Finding:
    """What a preflight rule has to say. level: which exit code it forbids a release with, or warn or info. hint: what to do about it."""

    rule: str
    level: Literal["input", "locked", "forbidden", "refuse", "already", "warn", "info"]
    message: str
    hint: str = ""


STAYING = "places"  # rule of the finding that names containers that stay on the old image; the run says it too
LEFT_ALONE = "left-alone"  # rule of the finding that names what leads to the application and is not moved; the run says it too


@dataclass(frozen=True)
class Abilities:
    """What a router is able to. weight_step: the smallest part of the requests that it can send to one side, in percent; 0: none, the
    traffic follows the ready endpoints.
    """

    weight_step: float = 0.0


@dataclass(frozen=True)
class Recovered:
    """What a router's objects tell of a release whose record is lost.

    note: the undo note that one of them carries for the target (deliver.model.undo), None without one. services: every Service that may
    have taken part, with the selector that it has without a release. fence: the highest that they carry.
    """

    note: Mapping[str, Any] | None
    services: tuple[ServiceSnapshot, ...]
    fence: int = 0


class Router(Protocol):
    """Moves exposure and proves that it moved.

    Who writes raises what the Writer raises: ClusterError (Unreachable: tried again; Forbidden, Rejected: told; Conflict: looked at anew),
    or Superseded, which ends the driver. NotFound of an object of the release is no error: the others must move all the same.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type["BaseModel"]]

    def can(self, look: Reader, target: Target) -> Abilities:
        """Asked before a release: what it cannot do is refused then, not at the third step. Raises InputError."""

    def watches(self, target: Target) -> Sequence["Watch"]:
        """What `read` needs to see, besides the target's Deployments and pods. Raises nothing."""

    def find(
        self, look: Reader, target: Target, labels: Mapping[str, str], others: Sequence[Object]
    ) -> tuple[tuple[ServiceSnapshot, ...], list[Finding]]:
        """Which Services take part, and what forbids it. labels: of the stable pods; others: the namespace's pods of other owners.

        Raises InputError.
        """

    def read(self, look: Reader, release: Release, stable: Sequence[PodSeen], candidate: Sequence[PodSeen]) -> RouteSeen:
        """Where traffic goes now, as read back. Raises nothing: what cannot be told is a RouteSeen without a side, with the reason."""

    def set_route(self, write: Writer, release: Release, exposure: Exposure) -> None:
        """Make it so; what is so already is not written. Every object that it changes carries `undo_note(release)` (deliver.model.undo).

        On the way forward it raises Conflict for what somebody else has edited, on the way back it writes over it. Raises ClusterError,
        Superseded.
        """

    def restore(self, write: Writer, release: Release) -> None:
        """Put back what stood before, byte for byte. Raises ClusterError, Superseded."""

    def planned_writes(self, release: Release, exposure: Exposure | None) -> Sequence[str]:
        """What `set_route` will write, for `plan`: one line an object. None: what the finish writes, to the new pods and then as before.

        Pure: a side's pods have no hash yet. Raises nothing.
        """

    @classmethod
    def recover(cls, look: Reader, target: Target) -> Recovered:
        """What is left of a release whose record is lost, and with it the options. Each question is one to the API.

        Raises ClusterError.
        """


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
    """A health check of a single pod. It raises nothing: what it cannot judge is a Probe whose `ok` is None."""

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type["BaseModel"]]

    def probe(self, namespace: str, pod: PodSeen, timeout: float) -> Probe: ...
