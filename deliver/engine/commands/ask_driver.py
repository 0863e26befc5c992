"""Requests to a driver: put before it, and answered by it, or found to have nobody who answers."""

from deliver.engine.runtime.clock import Clock
from deliver.engine.runtime.lease import DURATION, Lock
from deliver.engine.runtime.record_store import Store
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.errors import ClusterError
from deliver.model.observation import OperatorRequest
from deliver.model.release import Release

ANSWER_WITHIN = 120.0  # seconds that a live driver has for an answer; an abort's is the end of the rollback
POLL = 0.5


def ask_driver(store: Store, lease: Lock, clock: Clock, stop: Stop, request: OperatorRequest) -> Release | None:
    """The release once its driver has taken the request in (for abort: once it has ended).

    None when the driver is dead, or stopped before it read the request: the request is withdrawn, and the caller may take the
    release up itself. Raises ClusterError when a live driver does not answer in time.
    """
    store.ask(request)
    heard, since = lease.look().version, clock.monotonic()
    over = since + ANSWER_WITHIN
    while clock.monotonic() < over and not stop.is_set():
        clock.wait(POLL)
        record = store.load()
        release = record.release
        pending = any(one.id == request.id for one in record.requests)
        if release is not None and not pending and (request.verb != "abort" or release.outcome is not None):
            return release
        version = lease.look().version
        if version != heard:
            heard, since = version, clock.monotonic()
        dead = clock.monotonic() - since >= DURATION
        if dead or (pending and release is not None and release.outcome is not None):
            store.withdraw(request.id)
            lease.presumed_dead = heard if dead else ""
            return None
    raise ClusterError(
        f"the driver did not answer `{request.verb}` in time",
        state="the request stays before it",
        hint="`deliver status` shows its state; `deliver rollback` does not wait for any driver",
    )
