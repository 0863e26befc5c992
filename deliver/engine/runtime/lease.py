"""The lock on a target: a Lease, and the fence that grows with each holder.

The fence is `spec.leaseTransitions`. Whether a holder lives is judged as client-go does it: by seeing the Lease change, on our own
monotonic clock; clocks of other machines are never compared, except to say "held" at once to a second driver.
"""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from deliver.cluster.port import Cluster
from deliver.engine.runtime.clock import Clock
from deliver.engine.runtime.pod_facts import seconds
from deliver.model.errors import ClusterError, Conflict, Locked, NotFound, Superseded
from deliver.model.names import record_name
from deliver.model.objects import Object
from deliver.model.spec import Target

DURATION = 15  # seconds without a renewal after which a holder counts as dead
CLOCKS_APART = 300.0  # seconds by which two machines' clocks may differ
RENEW = 5.0  # seconds between renewals
FIRST_RETRY = 0.02  # seconds after which a lock that somebody else was quicker to take is taken again, at first
TAKE_TRIES = 60  # of a lock that others take too, a minute in all


@dataclass(frozen=True)
class Holder:
    """Who holds the lock. renewed: unix seconds, by the holder's clock. stamp: the same as the Lease has it."""

    name: str = ""
    fence: int = 0
    renewed: float = 0.0
    stamp: str = ""
    version: str = ""


def is_recent(renewed: float, now: float) -> bool:
    """By two clocks: one that is far ahead or behind says nothing, and is no reason to call a silent holder alive for hours."""
    return abs(now - renewed) < DURATION


def may_live(renewed: float, now: float) -> bool:
    """For who looks once and cannot watch: a stamp that is somewhat ahead of us is that of a clock that is, and of a living driver."""
    return -CLOCKS_APART < now - renewed < DURATION


class Lock(Protocol):
    """One target's lock, as its driver uses it.

    fence: 0 before it is held. lost_to: who has it now, None while it is ours. presumed_dead: the version of a lock whose holder was seen
    to be silent for long enough, "" for none.
    """

    presumed_dead: str

    @property
    def fence(self) -> int: ...

    @property
    def lost_to(self) -> str | None: ...

    def look(self, deadline: float | None = None) -> Holder:
        """Raises ClusterError."""

    def acquire(self, *, fence_above: int = 0) -> None:
        """When nobody has it. Raises Locked, ClusterError."""

    def inherit(self, *, fence_above: int = 0) -> None:
        """When nobody lives who has it; waits to see. Raises Locked, ClusterError."""

    def seize(self, *, fence_above: int = 0) -> None:
        """Whoever has it. Raises ClusterError."""

    def renew_if_due(self) -> None:
        """Never raises."""

    def confirm(self) -> None:
        """Before a write. Raises Superseded, and LeaseLapsed where it cannot be known."""

    def keep(self) -> None:
        """Renew until it is let go: for a thread of its own."""

    def release(self) -> None:
        """Let go. Never raises."""


class Lease:
    """One target's lock. `valid` is the driver's own view: past it, not one write more."""

    def __init__(self, cluster: Cluster, target: Target, identity: str, clock: Clock) -> None:
        self.cluster, self.target, self.identity, self.clock = cluster, target, identity, clock
        self.name = record_name(target.deployment)
        self.fence = 0
        self._until = float("-inf")
        self._renew_at = 0.0
        self._version = ""
        self._unanswered: dict[str, float] = {}  # renewals that nobody acknowledged: their renewTime -> when they were sent
        self._lock = threading.RLock()  # a renewal may have to make the Lease again
        self._stop = threading.Event()
        self.lost_to: str | None = None
        self.presumed_dead = ""  # the version of a Lease whose holder was seen to be silent for long enough

    # ------------------------------------------------------------ taking it

    def look(self, deadline: float | None = None) -> Holder:
        try:
            lease = self.cluster.get("leases", self.target.namespace, self.name, deadline=deadline)
        except NotFound:
            return Holder()
        spec = lease["spec"]
        return Holder(
            name=spec.get("holderIdentity") or "",
            fence=int(spec.get("leaseTransitions") or 0),
            renewed=seconds(spec.get("renewTime")),
            stamp=spec.get("renewTime") or "",
            version=lease["metadata"]["resourceVersion"],
        )

    def acquire(self, *, fence_above: int = 0) -> None:
        """Take a free lock; raises Locked, naming the holder, when somebody seems alive in it."""
        holder = self.look()
        if holder.name and is_recent(holder.renewed, self.clock.now()):
            raise self._locked(holder)
        if holder.name:
            self._wait_for_expiry(holder)
            holder = self.look()
        self._take_first(holder, fence_above)

    def inherit(self, *, fence_above: int = 0) -> None:
        """Take it as soon as the present holder, if any, is seen to be dead; raises Locked when it is seen to live."""
        holder = self.look()
        if holder.name and holder.name != self.identity and holder.version != self.presumed_dead:
            self._wait_for_expiry(holder)
            holder = self.look()
        self._take_first(holder, fence_above)

    def seize(self, *, fence_above: int = 0) -> None:
        """Take it from whoever has it. Rollback and abort may; the old holder's writes change nothing from now on."""
        for number in range(TAKE_TRIES):
            try:
                self._take(self.look(), fence_above)
            except Conflict:
                self.clock.wait(min(1.0, FIRST_RETRY * 2**number))  # somebody took it in between; an API server in trouble says so too
                continue
            return
        raise Conflict(f"Lease {self.name} keeps changing under our writes", hint="who else writes to it? `kubectl get lease -o yaml`")

    def _take_first(self, holder: Holder, fence_above: int) -> None:
        """Of several that see it free at the same moment one is first; the others are told who. Raises Locked."""
        try:
            self._take(holder, fence_above)
        except Conflict:
            now = self.look()
            if now.name and now.name != self.identity:
                raise self._locked(now) from None
            self._take(now, fence_above)

    def _wait_for_expiry(self, holder: Holder) -> None:
        """Watch the Lease for as long as a live holder may stay silent."""
        over = self.clock.monotonic() + DURATION
        while self.clock.monotonic() < over:
            self.clock.wait(min(1.0, over - self.clock.monotonic()))
            now = self.look()
            if now.version != holder.version:
                if now.name:
                    raise self._locked(now)
                return

    def _locked(self, holder: Holder) -> Locked:
        age = max(0.0, self.clock.now() - holder.renewed)
        status = f"`deliver status {self.target.deployment} -n {self.target.namespace}` shows what it does"
        return Locked(
            f"{self.target} is held by {holder.name}",
            why=f"it renewed its lock {age:.0f} s ago",
            state="nothing was changed by this command",
            hint=f"{status}; `deliver rollback` and `deliver abort` take over at once",
        )

    def _take(self, holder: Holder, fence_above: int) -> None:
        fence = max(holder.fence, fence_above) + 1
        begun = self.clock.monotonic()
        lease = self._patch(self._spec(fence), holder.version) if holder.version else self._create(fence)
        self._taken(lease, fence, begun)

    def _create(self, fence: int) -> Object:
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self.name, "namespace": self.target.namespace, "labels": {"app.kubernetes.io/managed-by": "deliver"}},
            "spec": self._spec(fence),
        }
        return self.cluster.create("leases", self.target.namespace, body)

    def _taken(self, lease: Object, fence: int, begun: float) -> None:
        with self._lock:
            self.fence, self._version = fence, lease["metadata"]["resourceVersion"]
            self._until, self._renew_at = begun + DURATION, begun + RENEW
            self.lost_to = None

    def _spec(self, fence: int) -> Object:
        stamp = datetime.fromtimestamp(self.clock.now(), UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": DURATION,
            "leaseTransitions": fence,
            "renewTime": stamp,
            "acquireTime": stamp,
        }

    def _patch(self, spec: Object, version: str) -> Object:
        body = {"metadata": {"resourceVersion": version}, "spec": spec}
        return self.cluster.patch("leases", self.target.namespace, self.name, body)

    # ------------------------------------------------------------ keeping it

    def valid(self) -> bool:
        """Renewed recently enough that nobody can have inherited it. A process that was frozen sees it expired."""
        return self.lost_to is None and self.clock.monotonic() < self._until

    def renew_if_due(self) -> None:
        """Never raises: a renewal that fails is tried again, until `valid` ends."""
        with self._lock:
            if not self.fence or self.lost_to is not None or self.clock.monotonic() < self._renew_at:
                return
            begun = self.clock.monotonic()
            try:
                self._renew(begun)
            except ClusterError:
                self._renew_at = begun + 1.0

    def _renew(self, begun: float) -> None:
        """One guarded write. Only when it is refused is the Lease looked at: whose is it now?

        One that is gone was pruned: whoever takes a lock leaves a Lease. It is made again, with our fence; a later one's stamps stop us.
        If it is ours, a renewal whose answer was lost has been carried out: the lock is valid for as long as that one says.
        """
        try:
            lease = self._extended(self._version, begun)
        except (Conflict, NotFound):
            holder = self.look(deadline=RENEW)
            if not holder.version:
                self._taken(self._create(self.fence), self.fence, begun)
                return
            if holder.name != self.identity or holder.fence != self.fence:
                self.lost_to = holder.name or "somebody who has finished"
                self.clock.wake()
                return
            self._until = max(self._until, self._unanswered.get(holder.stamp, float("-inf")) + DURATION)
            lease = self._extended(holder.version, begun)
        self._unanswered.clear()
        self._version = lease["metadata"]["resourceVersion"]
        self._until, self._renew_at = begun + DURATION, begun + RENEW

    def _extended(self, version: str, begun: float) -> Object:
        spec = {key: value for key, value in self._spec(self.fence).items() if key != "acquireTime"}
        known = self._unanswered
        self._unanswered = {stamp: at for stamp, at in known.items() if begun - at < DURATION} | {spec["renewTime"]: begun}
        body = {"metadata": {"resourceVersion": version}, "spec": spec}
        return self.cluster.patch("leases", self.target.namespace, self.name, body, deadline=RENEW)

    def confirm(self) -> None:
        """Ask the API server, before a write, that the lock is still ours. Raises Superseded."""
        if not self.valid():
            self.renew_if_due()
        if self.valid():
            holder = self.look()
            if not holder.version:
                with self._lock:
                    self._renew(self.clock.monotonic())
                holder = self.look()
            if holder.name == self.identity and holder.fence == self.fence:
                return
            self.lost_to = holder.name or "somebody who has finished"
        if self.lost_to is not None:
            raise Superseded(f"{self.target} is now held by {self.lost_to}", why="another driver took the release over")
        raise LeaseLapsed(f"the lock on {self.target} could not be renewed in time")

    def keep(self) -> None:
        """Renew until it is let go, in a thread of its own: so nothing the driver waits for costs it the lock."""
        while not self._stop.wait(1.0):
            self.renew_if_due()

    def release(self) -> None:
        """Let go, so that the next one need not wait. Best effort."""
        self._stop.set()
        with self._lock:
            if not self.fence or self.lost_to is not None:
                return
            try:
                holder = self.look(deadline=3.0)
                if holder.name == self.identity and holder.fence == self.fence:
                    body = {"metadata": {"resourceVersion": holder.version}, "spec": {"holderIdentity": "", "leaseDurationSeconds": 1}}
                    self.cluster.patch("leases", self.target.namespace, self.name, body, deadline=3.0)
            except ClusterError:
                pass
            self._until = float("-inf")


class LeaseLapsed(ClusterError):
    """Not ours for certain any more, nor anybody else's: renew, then try again."""
