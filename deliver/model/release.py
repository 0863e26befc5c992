"""A release: the record of one attempt, from which any other process can go on."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from deliver.model.evidence import MetricEvidence, Point
from deliver.model.frozen import replace
from deliver.model.observation import FlagState, OperatorRequest
from deliver.model.plan import Exposure, Plan, Side, Step
from deliver.model.spec import ReleaseSpec
from deliver.model.verdict import CheckResult


class Direction(StrEnum):
    """Which way the release is going."""

    PROGRESSING = "forward"
    PROMOTING = "finish"
    ROLLING_BACK = "back"


class Phase(StrEnum):
    """What a person is told it is doing."""

    PREPARING = "Preparing"
    SHIFTING = "Shifting"
    BAKING = "Baking"
    WAITING = "Waiting"
    PAUSED = "Paused"
    FINISHING = "Finishing"
    ROLLING_BACK = "RollingBack"
    ENDED = "Ended"


class Outcome(StrEnum):
    PROMOTED = "PROMOTED"
    ROLLED_BACK = "ROLLED_BACK"
    HELD = "HELD"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"


@dataclass(frozen=True)
class ServiceSnapshot:
    name: str
    uid: str
    selector: Mapping[str, str]

    @classmethod
    def of(cls, service: Mapping[str, Any], selector: Mapping[str, str] | None = None) -> "ServiceSnapshot":
        """selector: of before, where it is another one now."""
        meta = service["metadata"]
        return cls(meta["name"], meta["uid"], dict(service["spec"]["selector"] if selector is None else selector))


@dataclass(frozen=True)
class AutoscalerSnapshot:
    """minimum: spec.minReplicas before the release, None when absent."""

    name: str
    uid: str
    minimum: int | None
    maximum: int


@dataclass(frozen=True)
class Snapshot:
    """What stood before the release, enough to put it back byte for byte.

    template: the stable Deployment's spec.template. digest: of that template. paused: its spec.paused, None when absent.
    hash: pod-template-hash of the pods that serve. revision: the Deployment's revision annotation. preview: the user's own preview
    Service; None without one, and when it is made for the release. flag: of a flag release.
    """

    uid: str
    replicas: int
    template: Mapping[str, Any]
    digest: str
    hash: str
    image: str
    container: str
    services: tuple[ServiceSnapshot, ...]
    paused: bool | None = None
    autoscaler: AutoscalerSnapshot | None = None
    revision: str = ""
    preview: ServiceSnapshot | None = None
    flag: FlagState | None = None


@dataclass(frozen=True)
class RouteChange:
    """The last route change: the exposure that is wanted, and unix seconds of what was seen of it (0 = not yet).

    written: the patch was answered. switched: EndpointSlices agreed. verified: they still did, a second or more later.
    """

    side: Side
    hash: str = ""
    written: float = 0.0
    switched: float = 0.0
    verified: float = 0.0
    weight: float | None = None

    @property
    def exposure(self) -> Exposure:
        return Exposure(self.side, self.hash, self.weight)


@dataclass(frozen=True)
class Cutover:
    """All traffic moved to the candidate at once: unix seconds of each fact (0 = not yet).

    switched: the EndpointSlices agreed, twice. probed: fresh requests through the Services were answered. drained: the old side's
    pods get no requests any more; clinging: those that still do. how: for probed and drained, what they rest on.
    """

    switched: float = 0.0
    probed: float = 0.0
    drained: float = 0.0
    clinging: tuple[str, ...] = ()
    how: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One line of the journal. kind: intent, outcome, state, verdict, request, note.

    seq counts from 1 without a gap. of: for an outcome, the seq of its intent. result: for an outcome, done, failed or unknown.
    """

    seq: int
    at: float
    kind: str
    text: str
    actor: str = ""
    fence: int = 0
    of: int = 0
    result: str = ""
    checks: tuple[CheckResult, ...] = ()


@dataclass(frozen=True)
class Release:
    """The live record.

    candidate: name of the candidate Deployment; candidate_hash: its pods' hash once known. new_hash: of the promoted
    template in the named Deployment, once known. since: when the current phase began; bake_since, blind_since: 0 = not running.
    overtime: the bake (by its begin) of which was said that it is over and not judged yet.
    approved: index of the newest step that a person let pass. exposed: the candidate has had traffic. traffic_off: when it was
    verified to have none any more: a second after the EndpointSlices said so, in which kube-proxy has followed; 0 again when users had
    to be given to whoever is ready. lingering: since when the Services have stayed pinned, although traffic is off, for pods that run
    what is taken back. ended_by: who ended it, when that was a person. timed_out: held by its own time limit. resumed: when the present
    driver took it up, 0 = it began it. flag_revision: what our last write to the flag made it. flag_undone: what it was once all of ours
    was taken back, "" = not yet. flag_theirs: what somebody else had made of it when our kill went over it, where the back end cannot
    keep that itself. flag_left: what was left as somebody else's, a sentence each. trail: the counts and the evidence of each metric
    over time, thinned out.
    measures: the state of each metric that is judged by evidence. surged: the largest size that was asked of the stable side, 0 = none.
    unproved: metrics that had too few requests for the newest step that passed.
    """

    id: str
    number: int
    spec: ReleaseSpec
    plan: Plan
    snapshot: Snapshot
    candidate: str
    actor: str
    started: float
    fence: int = 0
    course: Direction = Direction.PROGRESSING
    phase: Phase = Phase.PREPARING
    step: int = 0
    since: float = 0.0
    bake_since: float = 0.0
    blind_since: float = 0.0
    overtime: float = 0.0
    candidate_hash: str = ""
    new_hash: str = ""
    shift: RouteChange | None = None
    approved: int = -1
    paused: OperatorRequest | None = None
    outcome: Outcome | None = None
    reason: str = ""
    ended: float = 0.0
    ended_by: str = ""
    exposed: bool = False
    traffic_off: float = 0.0
    lingering: float = 0.0
    observed: float | None = None
    checks: tuple[CheckResult, ...] = ()
    evidence: tuple[str, ...] = ()
    timed_out: bool = False
    resumed: float = 0.0
    switch: Cutover | None = None
    flag_revision: str = ""
    flag_undone: str = ""
    flag_theirs: FlagState | None = None
    flag_left: tuple[str, ...] = ()
    surged: int = 0
    unproved: tuple[str, ...] = ()
    journal: tuple[Entry, ...] = field(default_factory=tuple)
    trail: tuple[Point, ...] = ()
    measures: Mapping[str, MetricEvidence] = field(default_factory=dict)

    @property
    def current(self) -> Step:
        steps = self.plan.steps
        return steps[self.step] if self.step < len(steps) else steps[-1]

    @property
    def last_step(self) -> bool:
        return self.step >= len(self.plan.steps) - 1

    @property
    def stable_size(self) -> int:
        """The largest size of the stable side that is ours. More than that was a stranger's wish, and is not taken away."""
        return max(self.snapshot.replicas, self.surged)

    def runs(self, hash: str, images: Sequence[str]) -> bool:
        """A pod with this template hash and these images runs the version that is released, whoever made it.

        Without an image to go by (the record was lost) it is every version but the one of before.
        """
        if hash and hash in (self.snapshot.hash, self.candidate_hash, self.new_hash):
            return hash != self.snapshot.hash
        return not self.spec.image or _bare(self.spec.image) in map(_bare, images)

    def is_enough_for(self, ready: int) -> bool:
        """So many ready pods of the stable side can take the traffic back: half of its size before the release."""
        return 2 * ready >= self.snapshot.replicas

    @property
    def held_until(self) -> float:
        """Until when the old side is kept warm after the last step, unix seconds; 0 when that does not apply (any more)."""
        stopped = self.paused or self.approved >= len(self.plan.steps)
        return self.since + self.plan.hold if self.course is Direction.PROMOTING and self.plan.hold and not stopped else 0.0

    @property
    def new_template(self) -> dict[str, Any]:
        """The stable template with the new image."""
        return with_image(self.snapshot.template, self.snapshot.container, self.spec.image)

    def noted(self, at: float, kind: str, text: str, **more: Any) -> "Release":
        """With one more journal line."""
        seq = self.journal[-1].seq + 1 if self.journal else 1
        entry = Entry(seq=seq, at=at, kind=kind, text=text, fence=self.fence, **more)
        return replace(self, journal=(*self.journal, entry))


def done_already(release: Release, at: float, action: str, why: str) -> Release:
    """With intent and outcome of something that was done before it could be journalled."""
    asked = release.noted(at, "intent", f"{action}: {why}")
    return asked.noted(at, "outcome", action, of=asked.journal[-1].seq, result="done")


def with_image(template: Mapping[str, Any], container: str, image: str) -> dict[str, Any]:
    """A pod template with one container's image replaced, as `kubectl set image` does."""
    spec = template["spec"]
    containers = [{**one, "image": image} if one["name"] == container else one for one in spec["containers"]]
    return {**template, "spec": {**spec, "containers": containers}}


def _bare(image: str) -> str:
    """Without a digest: admission may have added one to the same repository and tag."""
    return image.partition("@")[0]


def digest_of(template: Mapping[str, Any]) -> str:
    """A short digest of a pod template, independent of key order."""
    canonical = json.dumps(template, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
