"""A target that a release holds already: who drives it, and which command goes on with it. Nothing else is said of the target then.

What a preflight would find there, a paused Deployment or pinned Services, is the release's own doing: a hint to undo it would harm it.
"""

from deliver.cluster.port import Cluster
from deliver.engine.commands.status import LockStatus, lock_status
from deliver.engine.runtime.record_store import Record
from deliver.formatting.durations import duration
from deliver.model.errors import Locked
from deliver.model.release import Outcome, Release
from deliver.model.spec import Target


def require_free(cluster: Cluster, target: Target, record: Record, now: float) -> None:
    """Raises Locked."""
    live = record.release
    if live is None or live.outcome in (Outcome.PROMOTED, Outcome.ROLLED_BACK):
        return
    driver = None if live.outcome else lock_status(cluster, target, now)
    state, hint = _ended(live) if live.outcome else _driven(driver, now)
    where = f"{target.deployment} -n {target.namespace}"
    raise Locked(
        f"release {live.id} of {target} {state}: {live.reason or live.phase.value}",
        state="nothing was changed by this command",
        hint=f"{hint.format(where=where)}, or `deliver rollback {where}` takes it back",
    )


def _ended(live: Release) -> tuple[str, str]:
    """(what it is, what goes on with it)."""
    if live.outcome is Outcome.ROLLBACK_FAILED:
        return "is ROLLBACK_FAILED", "`deliver status {where}` says what is missing"
    return "is HELD", "`deliver resume {where}` goes on with it"


def _driven(driver: LockStatus | None, now: float) -> tuple[str, str]:
    if driver is None:
        return "is under way, and its lock may not be read", "`deliver status {where}` shows it"
    if driver.alive:
        return f"is under way, driven by {driver.name}", "`deliver status -w {where}` watches it"
    heard = f": {driver.name} was last heard of {duration(max(0.0, now - driver.heard))} ago" if driver.name else ""
    return f"is under way, and nobody drives it{heard}", "`deliver resume {where}` goes on with it"
