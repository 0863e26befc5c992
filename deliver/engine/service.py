"""What the commands call: one function an operator's verb. Each composes preflight, lock, record and driver."""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from deliver.cluster.port import Cluster
from deliver.engine import preflight, preview, takeback
from deliver.engine.clock import Background, Clock, Inline, SystemClock, Threads
from deliver.engine.decide import answered, resumed
from deliver.engine.driver import Driver, Tools
from deliver.engine.judging import examiners
from deliver.engine.ladder import turn_back
from deliver.engine.lease import DURATION, Lease
from deliver.engine.observe import fresh_look
from deliver.engine.preflight import Proposal
from deliver.engine.queries import queries
from deliver.engine.record import Store, numbered, open_intents
from deliver.engine.reporter import Reporter
from deliver.engine.seeking import Seek, Seeking
from deliver.engine.stop import Stop
from deliver.engine.telling import tell
from deliver.engine.users import preflight as users_preflight
from deliver.engine.users import takeback as users_takeback
from deliver.engine.users.hand import Hand, Hands, hand_on
from deliver.engine.users.watching import FlagWatch
from deliver.engine.watching import Examines, Watching
from deliver.engine.writer import GuardedWriter
from deliver.model.errors import ClusterError, Conflict, Forbidden, GateRefused, InputError, Locked, Superseded
from deliver.model.release import Outcome, Release
from deliver.model.replace import replace
from deliver.model.seen import Request, Seen
from deliver.model.spec import Analysis, ReleaseSpec, Target
from deliver.plugins import registry
from deliver.plugins.interfaces import Router, moves_users

__all__ = ["Proposal", "Stop", "ask", "current", "history", "propose", "resume", "rollback", "run"]

TAKES = 5  # tries to write a takeover into a record that its old driver still writes to
WINNER = 120.0  # seconds a superseded driver waits to tell how it ended


@dataclass(frozen=True)
class Driven:
    """The lock as it stands. name: "" when nobody holds it. heard: unix seconds of its last sign of life. alive: it came in time."""

    name: str
    heard: float
    alive: bool


@dataclass(frozen=True)
class World:
    """What a verb works with. examiner: None = made from the release's own analysis. hands: how a flag's back end is got hold of.

    seek: how metrics are looked for that were not there at the start, None = not at all.
    """

    cluster: Cluster
    reporter: Reporter
    stop: Stop
    clock: Clock
    background: Background
    examiner: Callable[[Analysis], Examines] | None = None
    identity: str = ""
    hands: Hands = hand_on
    seek: Seek | None = None


def world(cluster: Cluster, reporter: Reporter, stop: Stop, actor: str, seek: Seek | None = None) -> World:
    """The real one: system clock, threads."""
    clock = SystemClock()
    stop.wakes(clock.wake)
    return World(cluster, reporter, stop, clock, Threads(), identity=f"{actor}:{os.getpid()}:{uuid.uuid4().hex[:6]}", seek=seek)


# ---------------------------------------------------------------- before and after


def propose(
    cluster: Cluster, spec: ReleaseSpec, *, actor: str, now: float, hands: Hands = hand_on, wanted: float | None = None
) -> Proposal:
    """What a run would do. Reads only. wanted: how soon a regression is found is told too; above 0, one
    (times as bad) that the steps shall be long enough for.
    """
    strategy = registry.load("deliver.strategies", spec.strategy)
    options = strategy.Options.model_validate(dict(spec.options)) if not hasattr(spec.options, "model_dump") else spec.options
    record = Store(cluster, spec.target).load()
    if moves_users(strategy):
        proposal = users_preflight.propose(cluster, spec, options, strategy(), record, hands, actor=actor, now=now)
    else:
        proposal = preflight.propose(cluster, spec, options, strategy(), router_of(spec), record, actor=actor, now=now)
    return replace(proposal, findings=(*proposal.findings, *queries(cluster, spec, proposal, wanted)))


def current(cluster: Cluster, target: Target) -> tuple[Release | None, Seen | None]:
    """The newest release, and what stands now. Raises ClusterError."""
    record = Store(cluster, target).load()
    if record.problem:
        raise InputError(
            f"the record of {target} cannot be trusted: {record.problem}",
            hint=f"`deliver rollback {target.deployment} -n {target.namespace}` works from the cluster alone",
        )
    release = record.release
    if release is None:
        return None, None
    return release, look_at(cluster, release, SystemClock())


def driver(cluster: Cluster, target: Target) -> Driven | None:
    """Who drives the live release; None when that may not be read. Never raises: `status` answers without it."""
    clock = SystemClock()
    try:
        holder = Lease(cluster, target, "", clock).look()
    except ClusterError:
        return None
    heard = holder.renewed if holder.name else 0.0
    return Driven(holder.name, heard, bool(heard) and clock.now() - heard < DURATION)


def history(cluster: Cluster, target: Target) -> tuple[Release, ...]:
    """Newest first: the live release, then the ended ones."""
    record = Store(cluster, target).load()
    live = record.release
    known = {release.id for release in record.history}
    return (*([live] if live and live.id not in known else []), *record.history)


def router_of(spec: ReleaseSpec) -> Router:
    plugin = registry.load("deliver.routers", spec.router.kind)
    router: Router = plugin(plugin.Options.model_validate(dict(spec.router.options)))
    return router


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


def refuse(proposal: Proposal) -> None:
    """Raise what the preflight found, the gravest first."""
    kinds: tuple[tuple[str, type[InputError | Locked | Forbidden | GateRefused]], ...] = (
        ("input", InputError),
        ("locked", Locked),
        ("forbidden", Forbidden),
        ("refuse", GateRefused),
    )
    for level, error in kinds:
        if found := proposal.refusals(level):
            more = "; ".join(finding.message for finding in found[1:])
            raise error(found[0].message, why=f"also: {more}" if more else "", state="nothing was changed", hint=found[0].hint)


def resume(
    cluster: Cluster,
    target: Target,
    *,
    actor: str,
    reason: str,
    reporter: Reporter,
    stop: Stop,
    takeover: bool = False,
    within: World | None = None,
) -> Release:
    """Go on with a held or orphaned release; a live driver that is paused is told to go on."""
    w = within or world(cluster, reporter, stop, actor)
    store, lease = _store_and_lease(w, target)
    release = _live(store, target)
    if not takeover and release.outcome is None and _alive(lease, w.clock):
        w.reporter.note("asking its driver to go on; should it be dead, its lock runs out within 15 s")
        if told := tell(store, lease, w.clock, w.stop, _request("resume", actor, reason, w.clock)):
            return told
    (lease.seize if takeover else lease.inherit)(fence_above=_fence(store))
    return _take_up(w, store, lease, actor, lambda release, now: release)


def ask(
    cluster: Cluster, target: Target, verb: str, *, actor: str, reason: str, reporter: Reporter, stop: Stop, within: World | None = None
) -> Release:
    """pause, promote or abort: a live driver does it; where there is none, promote and abort take the release up themselves."""
    w = within or world(cluster, reporter, stop, actor)
    store, lease = _store_and_lease(w, target)
    release = _live(store, target)
    request = _request(verb, actor, reason, w.clock)
    if release.outcome is None and _alive(lease, w.clock):
        if told := tell(store, lease, w.clock, w.stop, request):
            return told
        release = _live(store, target)
    if verb == "pause":
        state = "held" if release.outcome is Outcome.HELD else "without a driver"
        where = f"{target.deployment} -n {target.namespace}"
        raise InputError(
            f"release {release.id} is {state} already: there is nothing to pause",
            hint=f"to go on: `deliver resume {where}`; to take it back: `deliver rollback {where}`",
        )
    (lease.seize if verb == "abort" else lease.inherit)(fence_above=_fence(store))
    return _take_up(w, store, lease, actor, lambda release, now: answered(release, request, now))


def rollback(
    cluster: Cluster, target: Target, *, to: str = "", actor: str, reason: str, reporter: Reporter, stop: Stop, within: World | None = None
) -> Release:
    """Take the traffic back now, whoever drives and whatever is lost; after a promotion, back to the version before (or release `to`)."""
    w = within or world(cluster, reporter, stop, actor)
    store, lease = _store_and_lease(w, target)
    record = store.load()
    live = takeback.live_or_salvaged(w.cluster, target, record, actor=actor, now=w.clock.now())
    said = f"rolled back by {actor}" + (f": {reason}" if reason else "")
    if live is None or to:
        takeback.not_under(live, target)
        promoted = users_takeback.promoted_flag(record)
        if promoted:
            back = users_takeback.revert(w.cluster, promoted, record, to, actor=actor, why=said, now=w.clock.now())
        else:
            back = takeback.revert(w.cluster, target, record, to, actor=actor, why=said, now=w.clock.now())
        lease.seize(fence_above=_fence(store))  # a driver that is done may still hold it, or hang with it
        return drive(w, store, lease, replace(back, fence=lease.fence))
    fence = max(lease.look().fence, live.fence) + 1
    if hand := _hand(w.hands, w.cluster, live):
        moved = users_takeback.first_move(w.cluster, hand, lease, live, fence, w.reporter)
    else:
        moved = takeback.first_move(w.cluster, router_of(live.spec), lease, live, fence, w.reporter)
    lease.seize(fence_above=fence - 1)

    def turned(release: Release, now: float) -> Release:
        return replace(turn_back(moved(release, now), said, now), ended_by=actor)

    return _take_up(w, store, lease, actor, turned, salvaged=live)


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
        ended = Driver(tools, lease, store, watching).drive(release, takeback.selector_of(release))
    except Superseded as taken:
        ended = _winner(w, store, release, taken)
    finally:
        lease.release()
    w.reporter.end(ended, _last_look(w, ended))
    return ended


def _take_up(
    w: World, store: Store, lease: Lease, actor: str, change: Callable[[Release, float], Release], salvaged: Release | None = None
) -> Release:
    """Under our fence now: stamp what the old driver may still write to, say so in the record, and go on.

    The stamps first: once an open intent is closed as "unknown, read back instead", nothing of it may land any more.
    """
    found = store.load().release
    _stamp(w, lease, found if found and (salvaged is None or found.id == salvaged.id) else salvaged)
    for _ in range(TAKES):
        release = _taken(store.load().release, salvaged, lease.fence, actor, w.clock.now(), change)
        try:
            store.save(release, exact=True)
        except Conflict:
            continue  # the old driver has just journalled something more: that belongs before our own lines
        except ClusterError as error:
            w.reporter.note(f"the record could not be written ({error.what}); going on all the same")
        break
    return drive(w, store, lease, release)


def _stamp(w: World, lease: Lease, release: Release | None) -> None:
    """Our fence on everything that a release writes to, so that whatever was prepared under an older one fails."""
    if release is None:
        return
    write = GuardedWriter(w.cluster, release.spec.target.namespace, lease, lease.fence)
    write.stamp("deployments", release.spec.target.deployment)
    write.stamp("deployments", release.candidate)
    for service in release.snapshot.services:
        write.stamp("services", service.name, uid=service.uid)
    preview.stamp(w.cluster, write, release)
    if release.snapshot.autoscaler:
        write.stamp("horizontalpodautoscalers", release.snapshot.autoscaler.name)
    if hand := _hand(w.hands, w.cluster, release):
        for watch in hand.watches():
            write.stamp(watch.kind, watch.name)


def _taken(
    found: Release | None, salvaged: Release | None, fence: int, actor: str, now: float, change: Callable[[Release, float], Release]
) -> Release:
    """The release as we take it up, with what its old driver left open closed."""
    release = salvaged if found is None or (salvaged is not None and found.id != salvaged.id) else found
    assert release is not None  # the callers have seen one
    release = resumed(release, actor, fence, now)
    for intent in open_intents(release):
        text = f"{intent.text}: its driver was gone before it said so; read back instead"
        release = release.noted(now, "outcome", text, of=intent.seq, result="unknown")
    return change(release, now)


def _store_and_lease(w: World, target: Target) -> tuple[Store, Lease]:
    return Store(w.cluster, target), Lease(w.cluster, target, w.identity, w.clock)


def _fence(store: Store) -> int:
    release = store.record.release
    return release.fence if release else 0


def _live(store: Store, target: Target) -> Release:
    record = store.load()
    release = record.release
    if record.problem:
        raise InputError(
            f"the record of {target} cannot be trusted: {record.problem}",
            why="going forward on it could do harm",
            hint=f"`deliver rollback {target.deployment} -n {target.namespace}` works from the cluster alone",
        )
    if release is None or release.outcome in (Outcome.PROMOTED, Outcome.ROLLED_BACK):
        last = f"the last one, {release.id}, ended {release.outcome.value}" if release and release.outcome else "there was none"
        raise InputError(
            f"no release of {target} is under way", why=last, hint=f"`deliver history {target.deployment} -n {target.namespace}` lists them"
        )
    return release


def _alive(lease: Lease, clock: Clock) -> bool:
    holder = lease.look()
    return bool(holder.name) and clock.now() - holder.renewed < DURATION


def _request(verb: str, actor: str, reason: str, clock: Clock) -> Request:
    return Request(id=uuid.uuid4().hex[:8], verb=verb, actor=actor, reason=reason, at=clock.now())


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


def look_at(cluster: Cluster, release: Release, clock: Clock, hands: Hands = hand_on) -> Seen:
    """Everything read once. Raises ClusterError; a flag that cannot be read says so in what is seen of it."""
    seen = fresh_look(cluster, release, router_of(release.spec), takeback.selector_of(release), clock)
    hand = _hand(hands, cluster, release)
    return replace(seen, flag=FlagWatch(hand, clock, Inline()).look_now(release, seen)) if hand else seen


def _hand(hands: Hands, cluster: Cluster, release: Release) -> Hand | None:
    flag = release.plan.flag
    return hands(cluster, release.spec.target.namespace, flag) if flag else None
