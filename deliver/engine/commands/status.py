"""What stands: the live release, its driver, what is seen of it in the cluster, and the releases before."""

from contextlib import suppress
from dataclasses import dataclass

from deliver.cluster.port import Cluster
from deliver.engine.commands.deps import flag_of, router_of
from deliver.engine.preflight.deployment import find_deployment
from deliver.engine.runtime.clock import Clock, Inline, SystemClock
from deliver.engine.runtime.flag_client import FlagClientFactory, make_flag_client
from deliver.engine.runtime.lease import Lease, may_live
from deliver.engine.runtime.observer import observe_once, pods_selector
from deliver.engine.runtime.record_store import Record, Store
from deliver.model.errors import ClusterError, InputError
from deliver.model.frozen import replace
from deliver.model.observation import FlagSeen, Observation
from deliver.model.release import Release
from deliver.model.spec import Target
from deliver.plugins.checked_router import CheckedRouter, UnknownRouter
from deliver.plugins.registry import PluginError


@dataclass(frozen=True)
class LockStatus:
    """The lock as it stands. name: "" when nobody holds it. heard: unix seconds of its last sign of life. alive: it came in time."""

    name: str
    heard: float
    alive: bool


def current(cluster: Cluster, target: Target) -> tuple[Release | None, Observation | None]:
    """The newest release, and what stands now. Raises ClusterError."""
    record = recorded(cluster, target)
    require_readable(record, target)
    release = record.release
    if release is None:
        return None, None
    return release, observe_now(cluster, release, SystemClock())


def lock_status(cluster: Cluster, target: Target, now: float | None = None) -> LockStatus | None:
    """Who drives the live release; None when that may not be read. Never raises: `status` answers without it. now: unix seconds."""
    clock = SystemClock()
    now = clock.now() if now is None else now
    try:
        holder = Lease(cluster, target, "", clock).look()
    except ClusterError:
        return None
    heard = holder.renewed if holder.name else 0.0
    return LockStatus(holder.name, heard, bool(heard) and may_live(heard, now))


def history(cluster: Cluster, target: Target) -> tuple[Release, ...]:
    """Newest first: the live release, then the ended ones."""
    return recorded(cluster, target).releases


def recorded(cluster: Cluster, target: Target) -> Record:
    """All that is known of the target's releases. Raises InputError when there is no such target either, ClusterError."""
    record = Store(cluster, target).load()
    if not record.version:
        require_target(cluster, target)
    return record


def require_readable(record: Record, target: Target) -> None:
    """Raises InputError."""
    if record.problem:
        raise InputError(
            f"the record of {target} cannot be trusted: {record.problem}",
            hint=f"`deliver rollback {target.deployment} -n {target.namespace}` works from the cluster alone",
        )


def require_target(cluster: Cluster, target: Target) -> None:
    """For who found no record: a name that was mistyped says so. Raises InputError, with what there is instead."""
    with suppress(ClusterError):  # who may not read Deployments is told that there is no record
        find_deployment(cluster, target)


def observe_now(cluster: Cluster, release: Release, clock: Clock, flag_clients: FlagClientFactory = make_flag_client) -> Observation:
    """Everything read once. Raises ClusterError; a flag that cannot be read says so in what is seen of it."""
    try:
        router: CheckedRouter | UnknownRouter = router_of(release.spec)
    except PluginError as missing:  # who looks needs no plugin
        router = UnknownRouter(missing)
    seen = observe_once(cluster, release, router, pods_selector(release), clock)
    try:
        flag = flag_of(flag_clients, cluster, release, clock, Inline())
    except PluginError as missing:
        return replace(seen, flag=FlagSeen(error=missing.what))
    return replace(seen, flag=flag.look_now(release, seen))
