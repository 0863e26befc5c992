"""The hooks of a feature-flag back end: four verbs over one flag (read, set, kill, confirm), and what it takes to take our part back.

    group          class         made by
    deliver.flags  FlagBackend   FlagBackend(options, reach)

Every call ends within its timeout with a result or a ClusterError of deliver.model.errors, whatever the back end is: Unreachable,
Forbidden (a token without rights), NotFound (no such flag, project or environment), FlagGone (the flag alone is not there: it was removed
or archived), Conflict (somebody else wrote first), Rejected (it will never take this).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from deliver.model.errors import NotFound
from deliver.model.objects import Object
from deliver.model.observation import Ack, FlagState, PodSeen
from deliver.plugins.interfaces import Finding, Writer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from deliver.cluster.port import Access, Watch


@dataclass(frozen=True)
class Capabilities:
    """step: smallest share it can serve, in percent. conditional: a write fails when somebody else wrote first.

    monotone: who has the treatment at a share has it at every larger one. ack: how it is known that a change has arrived:
    `instance` (each consumer is asked), `server` (the server evaluates it, the consumers follow within `lag` seconds) or `none`.
    """

    step: float
    conditional: bool
    monotone: bool
    ack: str
    lag: float = 0.0


@dataclass(frozen=True)
class Mark:
    """What every write leaves in the flag where the back end has room for it, so that a write of ours is known as ours."""

    release: str
    step: int
    fence: int


@dataclass(frozen=True)
class FlagReach:
    """How a back end gets at things without knowing Kubernetes. All of the target's namespace.

    get: a live read of (kind, name), raises NotFound. list: (kind, label selector). pod, service: HTTP access by (pod, port)
    and by "ns/name:port". environ: where tokens come from; never in options, which stand in the record. clock: unix seconds.
    """

    namespace: str
    get: Callable[[str, str], Object]
    list: Callable[[str, str], list[Object]]
    pod: Callable[[str, int], "Access"]
    service: Callable[[str], "Access"]
    environ: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = lambda: 0.0


class FlagGone(NotFound):
    """The flag is not there (any more), and so the flag system gives the treatment to nobody. A person's removal stays."""


@dataclass(frozen=True)
class Undone:
    """revision: of the flag without anything of ours. left: what in it is not as it was before and was left, for it is somebody else's;
    a sentence each, such as "environment `production` was switched off by somebody: it stays off".
    """

    revision: str
    left: tuple[str, ...] = ()


class FlagBackend(Protocol):
    """One system that holds flags."""

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type["BaseModel"]]
    capabilities: ClassVar[Capabilities]

    def watches(self) -> Sequence["Watch"]:
        """Cluster objects whose change means that the flag may have changed; () for what can only be polled."""

    def check(self, flag: str, workload: Object, pods: Sequence[Object]) -> list[Finding]:
        """What forbids a release of the flag: not mounted, subPath, immutable, no rights to set or to kill. Reads only."""

    def read(self, flag: str) -> FlagState:
        """What stands. percent None: the flag has no such thing as a percentage, `why` says what it has instead."""

    def set(self, write: Writer, flag: str, percent: float, mark: Mark, *, if_revision: str) -> str:
        """Serve the treatment to that share of users, on condition of the revision; the new revision. 100: to everyone, for good.

        It switches nothing on: what is off was switched off by somebody.
        """

    def kill(self, write: Writer, flag: str, mark: Mark) -> str:
        """Serve the safe variant to everyone, written explicitly, whatever stands there and whoever wrote it; the new revision.

        What somebody else made of the flag is kept aside for `undo`, in the flag itself where there is room. What is off stays off.
        """

    def restore(self, write: Writer, flag: str, document: str, mark: Mark) -> str:
        """Put back what `read` gave as `document`, byte for byte; the new revision. Nothing of ours is left."""

    def undo(self, write: Writer, flag: str, document: str, mark: Mark) -> Undone:
        """Take back what releases of ours have written since `read` gave `document`, and nothing else (deliver.plugins.three_way_merge).

        Where nobody else has changed anything the flag is that document again, byte for byte; else their changes survive. Nobody keeps the
        treatment by a share, whoever set it last, and nothing that somebody has switched off or removed is made on again. Doing it
        twice does no harm. A back end without this hook is put back by `restore`, or left at the safe variant
        (deliver.engine.runtime.flag_undo).
        """

    def release(self, write: Writer, flag: str) -> None:
        """Take our own marks away from a flag that stays as it is: the end of a promoted release."""

    def confirm(self, flag: str, revision: str, percent: float, pods: Sequence[PodSeen]) -> Ack:
        """How far the revision has come, by evaluation where that is possible. `percent` is what it should serve."""


def undoes(backend: Any) -> bool:
    """It has an `undo` of its own, not merely the one that it inherits from the Protocol."""
    hook = getattr(type(backend), "undo", None)
    return hook is not None and hook is not FlagBackend.undo


def options_of(backend: Any, options: Mapping[str, Any]) -> Any:
    """The back end's options as its own model has them."""
    return backend.Options.model_validate(dict(options))
