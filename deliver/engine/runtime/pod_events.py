"""Why a pod does not start where its status is silent: a volume that is not attached yet, a network that fails, stand in Events alone."""

import threading
from collections.abc import Mapping

from deliver.cluster.port import Cluster
from deliver.engine.runtime.clock import Background, Clock
from deliver.engine.runtime.pod_causes import config_patience
from deliver.engine.runtime.pod_facts import seconds
from deliver.model.errors import DeliverError
from deliver.model.frozen import replace
from deliver.model.objects import Object
from deliver.model.observation import ArmSeen, Observation, Problem
from deliver.model.release import SILENT, Direction, Release

QUIET = 2.0  # seconds that a pod may be silent before its Events are asked for: most start meanwhile
EVERY = 5.0  # seconds between two questions
REFUSED = 120.0  # seconds after one that was not answered: not every role may read Events
SAID_ELSEWHERE = ("Failed", "BackOff", "Unhealthy", "FailedScheduling")  # reasons that the status has, or is about to have, in better words
FIELDS = "involvedObject.kind=Pod,type=Warning"


class PodEvents:
    """Asks beside the driver's loop, only while a pod is silent; keeps the newest answer, by pod uid. fresh: no look has it yet."""

    def __init__(self, cluster: Cluster, namespace: str, clock: Clock, background: Background) -> None:
        self.cluster, self.namespace, self.clock, self.background = cluster, namespace, clock, background
        self.words: Mapping[str, str] = {}
        self._since: dict[str, float] = {}  # by uid
        self._due = 0.0
        self.fresh = False
        self._lock = threading.Lock()

    def due(self, now: float) -> float:
        """When to look again, unix seconds: a pod may have been silent for long enough by then."""
        return max(self._due, min(self._since.values()) + QUIET, now + 0.1) if self._since else now + EVERY

    def consider(self, release: Release, seen: Observation) -> Observation:
        """The look with what is known of its silent pods; a question is begun if one is due."""
        self.fresh = False
        silent = {pod.uid for arm in (seen.stable, seen.candidate) if arm for pod in arm.living if pod.silent}
        if not silent or release.course is Direction.ROLLING_BACK:
            self._since = {}
            return seen
        now = self.clock.now()
        self._since = {uid: self._since.get(uid, now) for uid in silent}
        with self._lock:
            due = now >= self._due and now - min(self._since.values()) >= QUIET
            self._due = now + EVERY if due else self._due
        if due:
            self.background.run(self._ask)
        return replace(seen, stable=self._told(seen.stable), candidate=self._told(seen.candidate))

    def _told(self, arm: ArmSeen | None) -> ArmSeen | None:
        if arm is None or not any(pod.silent and pod.uid in self.words for pod in arm.pods):
            return arm
        pods = [replace(pod, problem=_problem(self.words[pod.uid])) if pod.silent and pod.uid in self.words else pod for pod in arm.pods]
        return replace(arm, pods=tuple(pods))

    def _ask(self) -> None:
        try:
            found = self.cluster.list("events", self.namespace, field=FIELDS)
        except DeliverError:
            self._due = self.clock.now() + REFUSED
            return
        words = newest_words(found)
        if words != self.words:
            self.words, self.fresh = words, True
            self.clock.wake()


def newest_words(events: list[Object]) -> dict[str, str]:
    """`FailedMount: MountVolume.SetUp failed ...`, the newest by the uid of the pod that it is about."""
    found = {}
    telling = [one for one in events if one.get("reason") not in SAID_ELSEWHERE]
    for one in sorted(telling, key=lambda one: seconds(one.get("lastTimestamp") or one.get("eventTime"))):
        found[(one.get("involvedObject") or {}).get("uid", "")] = f"{one.get('reason', '')}: {one.get('message', '')}"
    return found


def _problem(words: str) -> Problem:
    return Problem(SILENT, f"does not start yet ({words})", certain=False, patience=config_patience(words) or 0.0)
