"""What every command works with: the cluster, the clock, how a router, a lock and a flag's client are made."""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from deliver.cluster.port import Cluster
from deliver.engine.runtime.analysis_poller import Analyzer
from deliver.engine.runtime.clock import Background, Clock, SystemClock, Threads
from deliver.engine.runtime.flag_client import FlagClientFactory, make_flag_client
from deliver.engine.runtime.flag_poller import FlagPoller, ReleaseFlag
from deliver.engine.runtime.lease import Lease, Lock
from deliver.engine.runtime.metric_search import MetricSearch
from deliver.engine.runtime.record_store import Store
from deliver.engine.runtime.reporter import Reporter
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.release import Release
from deliver.model.spec import Analysis, ReleaseSpec, Target
from deliver.plugins import registry
from deliver.plugins.checked_router import CheckedRouter


@dataclass(frozen=True)
class Dependencies:
    """What a verb works with. analyzer: None = made from the release's own analysis. flag_clients: makes the client of a flag.

    seek: how metrics are looked for that were not there at the start, None = not at all. lock: makes the lock of a target.
    save_every: seconds between saves of the record that only bring `status` up to date.
    """

    cluster: Cluster
    reporter: Reporter
    stop: Stop
    clock: Clock
    background: Background
    analyzer: Callable[[Analysis], Analyzer] | None = None
    identity: str = ""
    flag_clients: FlagClientFactory = make_flag_client
    seek: MetricSearch | None = None
    lock: Callable[[Cluster, Target, str, Clock], Lock] = Lease
    save_every: float = 15.0


def dependencies(cluster: Cluster, reporter: Reporter, stop: Stop, actor: str, seek: MetricSearch | None = None) -> Dependencies:
    """The real one: system clock, threads."""
    clock = SystemClock()
    stop.wakes(clock.wake)
    return Dependencies(cluster, reporter, stop, clock, Threads(), identity=f"{actor}:{os.getpid()}:{uuid.uuid4().hex[:6]}", seek=seek)


def router_of(spec: ReleaseSpec) -> CheckedRouter:
    plugin = registry.load("deliver.routers", spec.router.kind)
    return CheckedRouter(plugin(plugin.Options.model_validate(dict(spec.router.options))))


def store_and_lease(w: Dependencies, target: Target) -> tuple[Store, Lock]:
    return Store(w.cluster, target), w.lock(w.cluster, target, w.identity, w.clock)


def last_fence(store: Store) -> int:
    release = store.record.release
    return release.fence if release else 0


def flag_of(flag_clients: FlagClientFactory, cluster: Cluster, release: Release, clock: Clock, background: Background) -> ReleaseFlag:
    plan = release.plan.flag
    return FlagPoller(flag_clients(cluster, release.spec.target.namespace, plan), clock, background) if plan else ReleaseFlag()
