"""`deliver rollback`: the traffic first, then lock, record and everything else."""

from deliver.cluster.port import Cluster
from deliver.engine.commands import revert_flag
from deliver.engine.commands.deps import Dependencies, dependencies, last_fence, router_of, store_and_lease
from deliver.engine.commands.first_move import FirstMove, first_flag_move, first_move
from deliver.engine.commands.operate import take_up
from deliver.engine.commands.revert import live_or_recovered, require_no_release, revert
from deliver.engine.commands.run import drive
from deliver.engine.commands.status import require_target
from deliver.engine.commands.without_plugin import without_plugin
from deliver.engine.core.decision import turn_back
from deliver.engine.runtime.reporter import Reporter
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.errors import ClusterError, RollbackIncomplete
from deliver.model.frozen import replace
from deliver.model.release import Release
from deliver.model.spec import Target
from deliver.plugins.registry import PluginError


def rollback(
    cluster: Cluster,
    target: Target,
    *,
    to: str = "",
    actor: str,
    reason: str,
    reporter: Reporter,
    stop: Stop,
    within: Dependencies | None = None,
) -> Release:
    """Take the traffic back now, whoever drives and whatever is lost; after a promotion, back to the version before (or release `to`)."""
    w = within or dependencies(cluster, reporter, stop, actor)
    store, lease = store_and_lease(w, target)
    record = store.load()
    live = live_or_recovered(w.cluster, target, record, actor=actor, now=w.clock.now())
    said = f"rolled back by {actor}" + (f": {reason}" if reason else "")
    if live is None or to:
        require_no_release(live, target)
        if not record.version:
            require_target(w.cluster, target)
        promoted = revert_flag.promoted_flag(record)
        if promoted:
            back = revert_flag.revert(w.cluster, promoted, record, to, actor=actor, why=said, now=w.clock.now())
        else:
            back = revert(w.cluster, target, record, to, actor=actor, why=said, now=w.clock.now())
        lease.seize(fence_above=last_fence(store))  # a driver that is done may still hold it, or hang with it
        return drive(w, store, lease, replace(back, fence=lease.fence))
    fence = max(lease.look().fence, live.fence) + 1
    plan = live.plan.flag
    try:
        router = router_of(live.spec)
        flag_client = w.flag_clients(w.cluster, target.namespace, plan) if plan else None
    except PluginError as missing:
        return without_plugin(w, store, lease, live, fence, missing, actor=actor, reason=reason)
    if flag_client:
        moved = first_flag_move(w.cluster, flag_client, lease, live, fence, w.reporter)
    else:
        moved = first_move(w.cluster, router, lease, live, fence, w.reporter)

    def turned(release: Release, now: float) -> Release:
        return replace(turn_back(moved.noted(release, now), said, now), ended_by=actor)

    try:
        lease.seize(fence_above=fence - 1)
        return take_up(w, store, lease, actor, turned, recovered=live)
    except ClusterError as error:
        raise error if not moved.state else incomplete(live, moved, error) from error


def incomplete(live: Release, moved: FirstMove, error: ClusterError) -> RollbackIncomplete:
    """The error of a call says what that call changed, and not that the users were moved before it."""
    target = live.spec.target
    return RollbackIncomplete(
        f"release {live.id} of {target} is taken back in part: {error.what}",
        why=error.why,
        state=f"{moved.state}; the candidate, the holds and the record stay",
        hint=f"`deliver rollback {target.deployment} -n {target.namespace}` once more does the rest, as soon as that is possible",
    )
