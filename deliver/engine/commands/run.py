"""A release from its first write to its end."""

from deliver.cluster.port import Cluster
from deliver.engine.commands.deps import World, _fence, _hand, _store_and_lease, router_of, world
from deliver.engine.commands.propose import refuse
from deliver.engine.commands.status import look_at
from deliver.engine.preflight.deployment import Proposal
from deliver.engine.runtime.analysis_factory import examiners
from deliver.engine.runtime.analysis_poller import Watching
from deliver.engine.runtime.clock import Threads
from deliver.engine.runtime.driver import Driver, Tools
from deliver.engine.runtime.flag_poller import FlagWatch
from deliver.engine.runtime.lease import Lease
from deliver.engine.runtime.metric_search import Seeking
from deliver.engine.runtime.observer import selector_of
from deliver.engine.runtime.record_store import Store, numbered
from deliver.engine.runtime.reporter import Reporter
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.errors import ClusterError, Locked, Superseded
from deliver.model.frozen import replace
from deliver.model.observation import Seen
from deliver.model.release import Outcome, Release

WINNER = 120.0  # seconds a superseded driver waits to tell how it ended


# ---------------------------------------------------------------- before and after


# ---------------------------------------------------------------- forward


def run(cluster: Cluster, proposal: Proposal, *, reporter: Reporter, stop: Stop, within: World | None = None) -> Release:
    """Drive a proposal to its end. Raises InputError, GateRefused, Locked, ClusterError before anything was changed."""
    refuse(proposal)
    release = proposal.release
    w = within or world(cluster, reporter, stop, release.actor)
    store, lease = _store_and_lease(w, release.spec.target)
    lease.acquire(fence_above=_fence(store))
    try:
        live = store.load().release
        if live and (live.outcome is None or live.outcome is Outcome.HELD):
            raise Locked(
                f"release {live.id} of {release.spec.target} is not ended",
                state="nothing was changed by this command",
                hint="`deliver status` shows it",
            )
        begun = replace(numbered(release, store.record, w.clock.now()), fence=lease.fence, started=w.clock.now(), since=w.clock.now())
        begun = begun.noted(
            w.clock.now(), "state", f"started by {release.actor}: {release.snapshot.image} -> {release.spec.image}", actor=release.actor
        )
        store.save(begun)
    except BaseException:
        lease.release()
        raise
    return drive(w, store, lease, begun)


# ---------------------------------------------------------------- shared


def drive(w: World, store: Store, lease: Lease, release: Release) -> Release:
    """To the end; a driver that was superseded waits to say how the other one ended it."""
    if isinstance(w.background, Threads):
        lease.keep()
    hand = _hand(w.hands, w.cluster, release)
    flag = FlagWatch(hand, w.clock, w.background) if hand else None
    seeking = Seeking(w.seek, w.clock, w.background) if w.seek else None
    tools = Tools(w.cluster, router_of(release.spec), w.clock, w.background, w.reporter, w.stop, flag, seeking)
    watching = Watching(lambda judged: examiners(w.cluster, judged, w.clock.now, w.examiner), release, w.clock, w.background)
    try:
        ended = Driver(tools, lease, store, watching).drive(release, selector_of(release))
    except Superseded as taken:
        ended = _winner(w, store, release, taken)
    finally:
        lease.release()
    w.reporter.end(ended, _last_look(w, ended))
    return ended


def _winner(w: World, store: Store, release: Release, taken: Superseded) -> Release:
    w.reporter.note(f"{taken.what} {taken.why}: this driver stops, and waits to see how it ends")
    over = w.clock.monotonic() + WINNER
    while w.clock.monotonic() < over and not w.stop.is_set():
        try:
            now = store.load().release
        except ClusterError:
            now = None
        if now is not None and now.id == release.id and now.outcome is not None:
            return now
        w.clock.wait(0.5)
    raise taken


def _last_look(w: World, release: Release) -> Seen | None:
    """What stands at the end, read back. Best effort."""
    try:
        return look_at(w.cluster, release, w.clock, w.hands)
    except ClusterError:
        return None
