"""What a rollback does before anything else, lock and journal included: the users go back."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from deliver.cluster.port import Cluster
from deliver.engine.runtime.flag_client import FlagClient, with_flag_state
from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.engine.runtime.lease import Lock
from deliver.engine.runtime.pod_facts import owner, pod_seen
from deliver.engine.runtime.reporter import Reporter
from deliver.model.action import UNLOCKED, Action, Verb
from deliver.model.errors import ClusterError, Superseded
from deliver.model.frozen import replace
from deliver.model.journal import attempts
from deliver.model.names import HASH
from deliver.model.plan import Exposure, Side
from deliver.model.release import Direction, Release, digest_of, done_already
from deliver.plugins.checked_router import CheckedRouter

FENCED_WITHIN = 1.0  # seconds for each of two calls that come before the users are led home


@dataclass(frozen=True)
class FirstMove:
    """What a rollback has done before it had the lock.

    state: says so to a person; "" where nothing could be done yet. noted: writes it into the journal.
    """

    state: str = ""
    noted: Callable[[Release, float], Release] = lambda record, now: record


def first_move(cluster: Cluster, router: CheckedRouter, lease: Lock, release: Release, fence: int, reporter: Reporter) -> FirstMove:
    """Pin the Services to the stable pods before anything else, lock and journal included, when those pods can take the traffic.

    Where it cannot be done here, the driver's way back does it in its own order.
    """
    home = Exposure(Side.STABLE, release.snapshot.hash)
    if not home.hash:
        return FirstMove()
    try:
        pin(cluster, router, lease, release, fence)
    except (ClusterError, Superseded) as error:
        reporter.note(f"{error.what}; going on under the lock")
        return FirstMove()
    reporter.note("the Services lead to the stable pods; verifying")
    action = Action(Verb.ROUTE, UNLOCKED, exposure=home)
    return FirstMove("the Services were led to the stable pods", lambda record, now: done_already(record, now, action))


def first_flag_move(cluster: Cluster, flag_client: FlagClient, lease: Lock, release: Release, fence: int, reporter: Reporter) -> FirstMove:
    """The safe variant to everyone before anything else, lock and journal included."""
    write = GuardedWriter(cluster, release.spec.target.namespace, lease, fence, urgent=lambda: None)
    kill = Action(Verb.KILL_FLAG, UNLOCKED)
    try:
        done = flag_client.do(kill, release, write)
    except (ClusterError, Superseded) as error:
        reporter.note(f"{error.what}; going on under the lock")
        return FirstMove()
    reporter.note("the flag gives the treatment to nobody any more; verifying")

    def noted(record: Release, now: float) -> Release:
        return with_flag_state(done_already(record, now, kill), kill, done, now)

    return FirstMove("the flag was set to give the treatment to nobody", noted)


def pin(cluster: Cluster, router: CheckedRouter, lease: Lock, release: Release, fence: int) -> None:
    """Lead the users to the stable pods, under our fence alone. Raises ClusterError or Superseded.

    From the last step on the Deployment gets the fence first: a driver that is about to write the new template over it would
    take away the pods that the users are being led to, and nothing would stop that while this process hangs without the lock.
    Whether the Deployment can be written to does not decide, and holds the users up no longer than FENCED_WITHIN.
    """
    namespace, home = release.spec.target.namespace, Exposure(Side.STABLE, release.snapshot.hash)
    if release.last_step:
        with suppress(ClusterError, Superseded):
            fenced = GuardedWriter(cluster, namespace, lease, fence, urgent=lambda: None)
            fenced.stamp("deployments", release.spec.target.deployment, deadline=FENCED_WITHIN)
    write = GuardedWriter(cluster, namespace, lease, fence, urgent=partial(require_capacity, cluster, release))
    router.set_route(write, replace(release, course=Direction.ROLLING_BACK), home)


def require_capacity(cluster: Cluster, release: Release) -> None:
    """Raises ClusterError when the pods of before are too few, or will not be for long."""
    found = cluster.list("pods", release.spec.target.namespace, selector=f"{HASH}={release.snapshot.hash}")
    ready = sum(pod_seen(pod).ready for pod in found if not pod["metadata"].get("deletionTimestamp"))
    if ready < math.ceil(release.snapshot.replicas / 2):
        raise ClusterError(f"the stable side has {ready} of {release.snapshot.replicas} pods ready: it needs its pods first")
    if rolling_away(cluster, release):
        raise ClusterError("the stable side is rolling away to another version: that is stopped first")


def rolling_away(cluster: Cluster, release: Release) -> bool:
    """The Deployment is on its way to another version: pods of before that are ready now will not be for long."""
    try:
        spec = cluster.get("deployments", release.spec.target.namespace, release.spec.target.deployment)["spec"]
    except ClusterError:
        return _has_pods_of_another_template(cluster, release)
    return digest_of(spec["template"]) not in (release.snapshot.digest, release.old_digest) and not spec.get("paused")


def _has_pods_of_another_template(cluster: Cluster, release: Release) -> bool:
    """What is known of a Deployment that cannot be read: by what the release has asked of it, and by its ReplicaSets."""
    if attempts(release.journal, Verb.UPDATE_STABLE):
        return True
    before = release.snapshot
    try:
        sets = [one for one in cluster.list("replicasets", release.spec.target.namespace) if owner(one) == before.uid]
    except ClusterError:
        return False
    return any(one["spec"].get("replicas") and (one["metadata"].get("labels") or {}).get(HASH) != before.hash for one in sets)
