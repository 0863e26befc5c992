"""A rollback typed where the release's router or flag back end is not installed: what can be done all the same, and what cannot."""

from deliver.engine.commands.ask_driver import ask_driver
from deliver.engine.commands.deps import Dependencies, router_of
from deliver.engine.commands.first_move import pin
from deliver.engine.commands.operate import is_alive, request_of
from deliver.engine.runtime.lease import Lock
from deliver.engine.runtime.record_store import Store
from deliver.model.errors import ClusterError, RollbackIncomplete, Superseded
from deliver.model.release import Release
from deliver.model.spec import ReleaseSpec
from deliver.plugins.registry import PluginError


def without_plugin(
    w: Dependencies, store: Store, lease: Lock, live: Release, fence: int, missing: PluginError, *, actor: str, reason: str
) -> Release:
    """A live driver has the plugin: it is asked to abort. Without one the Services lead to the stable pods, and no more is touched.

    Raises RollbackIncomplete.
    """
    if live.outcome is None and store.record.release and is_alive(lease, w.clock):
        w.reporter.note(f"{missing.what} on this machine: the release's driver is asked to take it back")
        if ended := ask_driver(store, lease, w.clock, w.stop, request_of("abort", actor, reason, w.clock)):
            return ended
    target, state = live.spec.target, _state_after_pin(w, lease, live, fence)
    raise RollbackIncomplete(
        f"release {live.id} of {target} is not taken back: {missing.what} on this machine",
        why=missing.why,
        state=state,
        hint=f"`deliver rollback {target.deployment} -n {target.namespace}` where it is installed does the rest",
    )


def _state_after_pin(w: Dependencies, lease: Lock, live: Release, fence: int) -> str:
    """Who follows the ready endpoints follows the Services. One that sends by weight may lose the requests of a side without endpoints."""
    if live.plan.flag:
        return f"nothing was changed: flag {live.plan.flag.flag} is as it was"
    weighed = not live.number or any(step.by_weight for step in live.plan.steps)  # without the record nobody knows
    if weighed or not live.snapshot.hash or not live.snapshot.services:
        return "nothing was changed: the traffic is where the router has led it"
    try:
        pin(w.cluster, router_of(ReleaseSpec(live.spec.target, "", "")), lease, live, fence)
    except (ClusterError, Superseded) as error:
        return f"the Services were not led to the stable pods: {error.what}"
    return "the Services lead to the stable pods; whatever else the router has set, the candidate, the holds and the record stay"
