"""When and how a release's flag is looked at: beside the driver's loop, so that a slow back end never delays a pod fact."""

import math
import threading
from collections.abc import Sequence

from deliver.cluster.port import Watch
from deliver.engine.core.flag_state import POLL
from deliver.engine.runtime.clock import Background, Clock
from deliver.engine.runtime.flag_client import FlagClient, with_flag_state
from deliver.engine.runtime.guarded_writer import GuardedWriter
from deliver.model.action import Action
from deliver.model.errors import DeliverError
from deliver.model.frozen import replace
from deliver.model.observation import NO_FLAG, FlagSeen, Observation, PodSeen
from deliver.model.release import Release

RETRY = 15.0  # seconds after which what was confirmed is confirmed once more: pods come and go


class ReleaseFlag:
    """What a driver works with beside pods and Services. Of a release of pods that is nothing. latest: the newest look."""

    latest = NO_FLAG

    def watches(self) -> Sequence[Watch]:
        """What it is made of in the cluster."""
        return ()

    def consider(self, release: Release, seen: Observation) -> None:
        """Start a look if one is due and none is under way."""

    def due(self, now: float) -> float:
        """When `consider` wants to be asked again, unix seconds."""
        return math.inf

    def look_now(self, release: Release, seen: Observation) -> FlagSeen:
        """In the caller's thread: for commands that look and leave."""
        return self.latest

    def do(self, action: Action, release: Release, write: GuardedWriter) -> Release:
        """Carries an action on the flag out; answers with what the release knows by that. Raises ClusterError, or Superseded."""
        raise AssertionError(f"{action} of a release without a flag")


class FlagPoller(ReleaseFlag):
    """Polls the flag; keeps the newest look. A failed one leaves what was seen before, with the error beside it."""

    def __init__(self, flag_client: FlagClient, clock: Clock, background: Background) -> None:
        self.flag_client, self.clock, self.background = flag_client, clock, background
        self.latest = FlagSeen()
        self._due, self._confirmed, self._busy = 0.0, 0.0, False
        self._lock = threading.Lock()

    def watches(self) -> Sequence[Watch]:
        return self.flag_client.watches()

    def consider(self, release: Release, seen: Observation) -> None:
        with self._lock:
            if self._busy or self.clock.now() < self._due:
                return
            self._busy = True
        self._due = self.clock.now() + POLL
        pods, asks = _ready(seen), release.shift is not None
        self.background.run(lambda: self._look(release.id, pods, asks))

    def due(self, now: float) -> float:
        return max(self._due, now + 0.05) if not self._busy else now + POLL

    def do(self, action: Action, release: Release, write: GuardedWriter) -> Release:
        done = self.flag_client.do(action, release, write)
        self._due = 0.0  # what is known is old
        return with_flag_state(release, action, done, self.clock.now())

    def look_now(self, release: Release, seen: Observation) -> FlagSeen:
        self._look(release.id, _ready(seen), asks=release.shift is not None)
        return self.latest

    def _look(self, id: str, pods: tuple[PodSeen, ...], asks: bool) -> None:
        at, before = self.clock.now(), self.latest
        try:
            state = self.flag_client.look()
            if state.release != id:
                state = replace(state, fence=0)  # of another release's lock, perhaps in another cluster: it says nothing of ours
            fresh = replace(before, state=state, at=at, error="")
            self.latest = fresh  # what was read is worth knowing although nobody has confirmed it yet
            known = before.ack and before.acked_revision == state.revision and before.ack.whole and at - self._confirmed < RETRY
            percent = 0.0 if state.off else state.percent
            if asks and percent is not None and not known:
                ack = self.flag_client.confirm(state.revision, percent, pods)
                self.latest, self._confirmed = replace(fresh, ack=ack, acked_revision=state.revision), at
        except DeliverError as error:
            self.latest = replace(self.latest, error=error.what)
        except Exception as error:  # a back end is foreign code: its texts may hold a secret, so only the type is told
            self.latest = replace(self.latest, error=f"internal error of the back end: {type(error).__name__}")
        finally:
            with self._lock:
                self._busy = False
            self.clock.wake()


def _ready(seen: Observation) -> tuple[PodSeen, ...]:
    return tuple(pod for pod in seen.stable.pods if pod.ready) if seen.stable else ()
