"""Looking on: a release that somebody else drives, followed by watch to its end."""

import threading

from deliver.cluster.port import Cluster, Feed
from deliver.engine.commands.deps import router_of
from deliver.engine.runtime.clock import Clock, SystemClock
from deliver.engine.runtime.observer import Observer, pods_selector, watches
from deliver.engine.runtime.record_store import parse
from deliver.engine.runtime.reporter import Reporter
from deliver.engine.runtime.stop_signal import Stop
from deliver.model.errors import ClusterError, InputError
from deliver.model.names import record_name
from deliver.model.observation import Observation
from deliver.model.release import Release

LOOK = 5.0  # seconds; the watch wakes us, this bounds how long a silent one goes unseen


def follow(
    cluster: Cluster, release: Release, *, reporter: Reporter, stop: Stop, clock: Clock | None = None
) -> tuple[Release, Observation] | None:
    """Report each change of a release's target until it has an outcome; None when stopped before. Reads only.

    Raises InputError when the record goes or cannot be trusted, ClusterError when the cluster cannot be read at the start.
    """
    clock, target = clock or SystemClock(), release.spec.target
    changed = threading.Event()
    stop.wakes(changed.set)
    router = router_of(release.spec)
    feed = cluster.follow(target.namespace, watches(release, router, pods_selector(release)), changed.set)
    observer = Observer(feed, router)
    try:
        while not stop.is_set():
            changed.clear()
            record = parse(feed.get("configmaps", record_name(target.deployment)))
            if record.problem or record.release is None:
                raise InputError(f"the record of {target} cannot be read: {record.problem or 'it was deleted'}")
            release = record.release
            seen = observer.look(release, clock.now(), release.checks, 0.0, release.observed)
            if release.outcome is not None:
                return release, seen
            reporter.update(release, seen)
            changed.wait(LOOK)
            if feed.quiet() > LOOK:
                _read_anew(feed, reporter)
    finally:
        feed.close()
    return None


def _read_anew(feed: Feed, reporter: Reporter) -> None:
    """A watch that is cut off, or that our Role does not allow: what may be listed is listed."""
    try:
        feed.relist()
    except ClusterError as error:
        reporter.note(f"{error.what}; what is shown may be old")
