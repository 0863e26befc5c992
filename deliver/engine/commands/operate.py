"""Commands put before a release that is under way: a live driver carries them out, else this process takes the release up."""

import uuid
from collections.abc import Callable

from deliver.cluster.port import Cluster
from deliver.engine.commands.ask_driver import ask_driver
from deliver.engine.commands.deps import Dependencies, dependencies, flag_of, last_fence, store_and_lease
from deliver.engine.commands.run import drive
from deliver.engine.commands.status import require_target
from deliver.engine.core.decide import apply_request, taken_up
from deliver.engine.runtime import preview_service
from deliver.engine.runtime.clock import Clock
from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.engine.runtime.lease import Lock, may_live
from deliver.engine.runtime.record_store import Store
from deliver.engine.runtime.reporter import Reporter
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.errors import ClusterError, Conflict, InputError, Locked, Unreachable
from deliver.model.journal import Result, open_intents
from deliver.model.observation import OperatorRequest
from deliver.model.release import Outcome, Release
from deliver.model.spec import Target

STAMP_LIMIT, STAMP_AGAIN = 120.0, 1.0  # seconds that our fence is tried to be set for, and between two tries
TAKEOVER_TRIES = 5  # tries to write a takeover into a record that its old driver still writes to


def resume(
    cluster: Cluster,
    target: Target,
    *,
    actor: str,
    reason: str,
    reporter: Reporter,
    stop: Stop,
    takeover: bool = False,
    within: Dependencies | None = None,
) -> Release:
    """Go on with a held or orphaned release; a live driver that is paused is told to go on."""
    w = within or dependencies(cluster, reporter, stop, actor)
    store, lease = store_and_lease(w, target)
    release = _live(store, target)
    if not takeover and release.outcome is None and is_alive(lease, w.clock):
        w.reporter.note("asking its driver to go on; should it be dead, its lock runs out within 15 s")
        if ended := ask_driver(store, lease, w.clock, w.stop, request_of("resume", actor, reason, w.clock)):
            return ended
    if takeover:
        lease.seize(fence_above=last_fence(store))
    elif ended := _inherited_or_asked(w, store, lease, request_of("resume", actor, reason, w.clock)):
        return ended
    return take_up(w, store, lease, actor, lambda release, now: release)


def ask(
    cluster: Cluster,
    target: Target,
    verb: str,
    *,
    actor: str,
    reason: str,
    reporter: Reporter,
    stop: Stop,
    within: Dependencies | None = None,
) -> Release:
    """pause, promote or abort: a live driver does it; where there is none, promote and abort take the release up themselves."""
    w = within or dependencies(cluster, reporter, stop, actor)
    store, lease = store_and_lease(w, target)
    release = _live(store, target)
    request = request_of(verb, actor, reason, w.clock)
    driven = is_alive(lease, w.clock) or (verb == "pause" and bool(lease.look().name))  # by a clock that is wrong every driver is dead
    if release.outcome is None and driven:
        if ended := ask_driver(store, lease, w.clock, w.stop, request):
            return ended
        release = _live(store, target)
    if verb == "pause":
        state = "held" if release.outcome is Outcome.HELD else "without a driver"
        where = f"{target.deployment} -n {target.namespace}"
        raise InputError(
            f"release {release.id} is {state} already: there is nothing to pause",
            hint=f"to go on: `deliver resume {where}`; to take it back: `deliver rollback {where}`",
        )
    if verb == "abort":
        lease.seize(fence_above=last_fence(store))
    elif ended := _inherited_or_asked(w, store, lease, request):
        return ended
    return take_up(w, store, lease, actor, lambda release, now: apply_request(release, request, now))


def _inherited_or_asked(w: Dependencies, store: Store, lease: Lock, request: OperatorRequest) -> Release | None:
    """None: the lock is ours. A driver that seemed dead and is seen to renew it is asked after all. Raises Locked, ClusterError."""
    try:
        lease.inherit(fence_above=last_fence(store))
    except Locked:
        if ended := ask_driver(store, lease, w.clock, w.stop, request):
            return ended
        lease.inherit(fence_above=last_fence(store))
    return None


def take_up(
    w: Dependencies, store: Store, lease: Lock, actor: str, change: Callable[[Release, float], Release], recovered: Release | None = None
) -> Release:
    """Under our fence now: stamp what the old driver may still write to, say so in the record, and go on.

    The stamps first: once an open intent is closed as "unknown, read back instead", nothing of it may land any more.
    """
    found = store.load().release
    try:
        _stamp_patiently(w, lease, found if found and (recovered is None or found.id == recovered.id) else recovered)
    except ClusterError as error:
        error.state = "the release was not taken up: its record is as it was, and nobody drives it now"
        raise
    for _ in range(TAKEOVER_TRIES):
        release = _taken(store.load().release, recovered, lease.fence, actor, w.clock.now(), change)
        try:
            store.save(release, exact=True)
        except Conflict:
            continue  # the old driver has just journalled something more: that belongs before our own lines
        except ClusterError as error:
            w.reporter.note(f"the record could not be written ({error.what}); going on all the same")
        break
    return drive(w, store, lease, release)


def _stamp_patiently(w: Dependencies, lease: Lock, release: Release | None) -> None:
    """What was typed may have moved users by now, and nobody else drives: a busy API server does not end it. Raises ClusterError."""
    until = w.clock.monotonic() + STAMP_LIMIT
    while True:
        try:
            return _stamp(w, lease, release)
        except (Unreachable, Conflict) as error:
            if w.clock.monotonic() >= until or w.stop.is_set():
                raise
            w.reporter.note(f"{error.what}: trying again")
            w.clock.wait(STAMP_AGAIN)


def _stamp(w: Dependencies, lease: Lock, release: Release | None) -> None:
    """Our fence on everything that a release writes to, so that whatever was prepared under an older one fails."""
    if release is None:
        return
    write = GuardedWriter(w.cluster, release.spec.target.namespace, lease, lease.fence)
    write.stamp("deployments", release.spec.target.deployment)
    write.stamp("deployments", release.candidate)
    for service in release.snapshot.services:
        write.stamp("services", service.name, uid=service.uid)
    preview_service.stamp_preview(w.cluster, write, release)
    if release.snapshot.autoscaler:
        write.stamp("horizontalpodautoscalers", release.snapshot.autoscaler.name)
    for watch in flag_of(w.flag_clients, w.cluster, release, w.clock, w.background).watches():
        write.stamp(watch.kind, watch.name)


def _taken(
    found: Release | None, recovered: Release | None, fence: int, actor: str, now: float, change: Callable[[Release, float], Release]
) -> Release:
    """The release as we take it up, with what its old driver left open closed."""
    release = recovered if found is None or (recovered is not None and found.id != recovered.id) else found
    assert release is not None  # the callers have seen one
    release = taken_up(release, actor, fence, now)
    for intent in open_intents(release.journal):
        release = release.with_outcome(now, intent, Result.UNKNOWN, "its driver was gone before it said so; read back instead")
    return change(release, now)


def _live(store: Store, target: Target) -> Release:
    record = store.load()
    release = record.release
    if record.problem:
        raise InputError(
            f"the record of {target} cannot be trusted: {record.problem}",
            why="going forward on it could do harm",
            hint=f"`deliver rollback {target.deployment} -n {target.namespace}` works from the cluster alone",
        )
    if not record.version:
        require_target(store.cluster, target)
    if release is None or release.outcome in (Outcome.PROMOTED, Outcome.ROLLED_BACK):
        last = f"the last one, {release.id}, ended {release.outcome.value}" if release and release.outcome else "there was none"
        raise InputError(
            f"no release of {target} is under way", why=last, hint=f"`deliver history {target.deployment} -n {target.namespace}` lists them"
        )
    return release


def is_alive(lease: Lock, clock: Clock) -> bool:
    holder = lease.look()
    return bool(holder.name) and may_live(holder.renewed, clock.now())


def request_of(verb: str, actor: str, reason: str, clock: Clock) -> OperatorRequest:
    return OperatorRequest(id=uuid.uuid4().hex[:8], verb=verb, actor=actor, reason=reason, at=clock.now())
