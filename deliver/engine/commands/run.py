"""A release from its first write to its end."""

from deliver.cluster.port import Cluster
from deliver.engine.commands.deps import Dependencies, dependencies, flag_of, last_fence, router_of, store_and_lease
from deliver.engine.commands.propose import refuse
from deliver.engine.commands.status import observe_now
from deliver.engine.preflight.deployment import Proposal
from deliver.engine.runtime.analysis_factory import analyzer_factory
from deliver.engine.runtime.analysis_poller import AnalysisPoller
from deliver.engine.runtime.driver import Driver, DriverDeps
from deliver.engine.runtime.lease import Lock
from deliver.engine.runtime.metric_search import MetricSearcher
from deliver.engine.runtime.observer import pods_selector
from deliver.engine.runtime.record_store import Store, with_number
from deliver.engine.runtime.reporter import Reporter
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.errors import ClusterError, Locked, Superseded
from deliver.model.frozen import replace
from deliver.model.journal import Event
from deliver.model.observation import Observation
from deliver.model.release import Outcome, Release

SUPERSEDED_WAIT = 120.0  # seconds a superseded driver waits to tell how it ended


def run(cluster: Cluster, proposal: Proposal, *, reporter: Reporter, stop: Stop, within: Dependencies | None = None) -> Release:
    """Drive a proposal to its end. Raises InputError, GateRefused, Locked, ClusterError before anything was changed."""
    w = within or dependencies(cluster, reporter, stop, proposal.release.actor)
    return drive(w, *begin(w, proposal))


def begin(w: Dependencies, proposal: Proposal) -> tuple[Store, Lock, Release]:
    """The lock taken and the record written: from here on any process can drive it. Raises as `run` does, with the lock let go."""
    refuse(proposal)
    release, now = proposal.release, w.clock.now
    store, lease = store_and_lease(w, release.spec.target)
    store.load()  # for its fence: the Lease may be gone, or be older, after a prune or a restored backup
    lease.acquire(fence_above=last_fence(store))
    try:
        live = store.load().release
        if live and (live.outcome is None or live.outcome is Outcome.HELD):
            raise Locked(
                f"release {live.id} of {release.spec.target} is not ended",
                state="nothing was changed by this command",
                hint="`deliver status` shows it",
            )
        begun = replace(with_number(release, store.record, now()), fence=lease.fence, started=now(), since=now())
        begun = begun.noted(now(), Event.STARTED, actor=release.actor)
        store.save(begun)
    except BaseException:
        lease.release()
        raise
    return store, lease, begun


def drive(w: Dependencies, store: Store, lease: Lock, release: Release) -> Release:
    """To the end; a driver that was superseded waits to say how the other one ended it."""
    w.background.keep(lease.keep)
    try:
        ended = driver_of(w, store, lease, release).drive()
    except Superseded as taken:
        ended = _winner(w, store, release, taken)
    finally:
        lease.release()
    w.reporter.end(ended, _last_look(w, ended))
    return ended


def driver_of(w: Dependencies, store: Store, lease: Lock, release: Release) -> Driver:
    """A driver of that release, whose ticks are the caller's to make."""
    flag = flag_of(w.flag_clients, w.cluster, release, w.clock, w.background)
    seeking = MetricSearcher(w.seek, w.clock, w.background) if w.seek else None
    tools = DriverDeps(w.cluster, router_of(release.spec), w.clock, w.background, w.reporter, w.stop, flag, seeking, w.save_every)
    watching = AnalysisPoller(lambda judged: analyzer_factory(w.cluster, judged, w.clock.now, w.analyzer), release, w.clock, w.background)
    return Driver(tools, lease, store, watching, release, pods_selector(release))


def _winner(w: Dependencies, store: Store, release: Release, taken: Superseded) -> Release:
    w.reporter.note(f"{taken.what} {taken.why}: this driver stops, and waits to see how it ends")
    over = w.clock.monotonic() + SUPERSEDED_WAIT
    while w.clock.monotonic() < over and not w.stop.is_set():
        try:
            now = store.load().release
        except ClusterError:
            now = None
        if now is not None and now.id == release.id and now.outcome is not None:
            return now
        w.clock.wait(0.5)
    raise taken


def _last_look(w: Dependencies, release: Release) -> Observation | None:
    """What stands at the end, read back. Best effort."""
    try:
        return observe_now(w.cluster, release, w.clock, w.flag_clients)
    except ClusterError:
        return None
