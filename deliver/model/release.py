"""A release: the record of one attempt, from which any other process can go on."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from deliver.model.action import Action
from deliver.model.evidence import MetricEvidence, Point
from deliver.model.frozen import replace
from deliver.model.journal import Entry, Event, Result
from deliver.model.names import candidate_name
from deliver.model.observation import FlagState, OperatorRequest
from deliver.model.places import Place, with_image
from deliver.model.plan import Exposure, Plan, Side, Step
from deliver.model.spec import ReleaseSpec
from deliver.model.verdict import CheckResult


class Direction(StrEnum):
    """Which way the release is going."""

    PROGRESSING = "forward"
    PROMOTING = "finish"
    ROLLING_BACK = "back"


class ReleaseKind(StrEnum):
    """rollout: to a new version, by a strategy. revert: back from a promoted one, which its `spec` has, to that of its `snapshot`."""

    ROLLOUT = "rollout"
    REVERT = "revert"


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
    Service; None without one, and when it is made for the release. flag: of a flag release. left_alone: names of Services that lead to
    the application too and are not moved, by choice. labels: of the Deployment itself, but those by which others claim it. container:
    whose image is the version. places: of all that get the new image.
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
    left_alone: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    places: tuple[Place, ...] = ()

    @property
    def containers(self) -> tuple[str, ...]:
        """Names of those whose image is released. A record of before there were places has one."""
        return tuple(place.container for place in self.places) or (self.container,)

    @property
    def serving(self) -> tuple[str, ...]:
        """Those of them that serve: by these a version is judged."""
        return tuple(place.container for place in self.places if not place.init) if self.places else (self.container,)


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


READINESS_GATE, SILENT = "readiness-gate", "waiting"  # causes that the status of a pod's containers does not tell


@dataclass(frozen=True)
class Trouble:
    """What keeps pods of an arm from getting ready, and may mend itself.

    arm: stable or candidate. cause: as a Problem has it. who: `candidate pod x`, the first of them, or the Deployment. pods: how many.
    since: when it was seen first, unix seconds by the driver's clock: a pod may be hours older than its trouble.
    patience: seconds that it is given at the most, 0 = `limits.ready`.
    """

    arm: str
    cause: str
    who: str
    message: str
    since: float
    pods: int = 1
    patience: float = 0.0

    def __str__(self) -> str:
        """`candidate pod web-candidate-7d-x (and 2 more): cannot be scheduled: 0/1 nodes are available`."""
        more = f" (and {self.pods - 1} more)" if self.pods > 1 else ""
        return f"{self.who}{more}: {self.message}"


@dataclass(frozen=True)
class Progress:
    """The most pods that were ready of what is waited for, and since when. of: what that is; a step, the roll-out, the way back."""

    of: str = ""
    ready: int = 0
    at: float = 0.0


@dataclass(frozen=True)
class Release:
    """The live record. A time is unix seconds by the clock of the driver that wrote it; 0: it has not come."""

    id: str  # deployment-yyyymmdd-n
    number: int  # of the releases of this target, from 1; 0: put together without a record
    spec: ReleaseSpec  # what was asked for
    plan: Plan  # what the strategy made of it
    snapshot: Snapshot  # what stood before
    candidate: str  # name of the candidate Deployment
    actor: str  # who began it
    started: float
    fence: int = 0  # of the driver's lock; each takeover has a higher one
    kind: ReleaseKind = ReleaseKind.ROLLOUT
    course: Direction = Direction.PROGRESSING
    phase: Phase = Phase.PREPARING
    step: int = 0  # index of the present step, or of the last one that was reached
    since: float = 0.0  # when the phase began
    bake_since: float = 0.0  # of this step's unbroken exposure; 0: it does not bake
    blind_since: float = 0.0  # 0: it can be judged
    overtime: float = 0.0  # bake_since of the bake of which was said that it is over and not judged yet
    candidate_hash: str = ""  # pod-template-hash of the candidate's pods, once known
    candidate_digest: str = ""  # of the candidate's template as the API server answered to its creation; "": an older deliver made it
    candidate_image: str = ""  # likewise, of the released container
    new_digest: str = ""  # of the new template as the API server took it into the named Deployment; "": as it was written
    old_digest: str = ""  # likewise, of the template of before when it was put back
    new_hash: str = ""  # pod-template-hash of the promoted template in the named Deployment, once it has rolled out
    shift: RouteChange | None = None  # the last route change; None: not asked for, or no longer proven
    approved: int = -1  # index of the newest step that a person let pass; past the last one: the hold as well
    paused: OperatorRequest | None = None  # by whom, while it is paused
    outcome: Outcome | None = None  # None while it goes on
    reason: str = ""  # why it turned back, was held or ended as it did, in words
    ended: float = 0.0
    ended_by: str = ""  # a person who turned it back; "": it was the engine
    exposed: bool = False  # users have been led to the candidate, or had the treatment
    traffic_off: float = 0.0  # when that was verified; 0 again when users had to be given to whoever is ready
    lingering: float = 0.0  # since when the Services stay pinned, traffic off, for pods that run what is taken back
    observed: float | None = None  # the candidate's share of requests by metrics, percent
    checks: tuple[CheckResult, ...] = ()  # the newest verdicts, the pods' first
    evidence: tuple[str, ...] = ()  # the candidate's last log lines
    timed_out: bool = False  # held by `limits.total`
    resumed: float = 0.0  # when the present driver took it up; 0: it began it
    switch: Cutover | None = None  # what is known of a switch of all users at once
    flag_revision: str = ""  # what our last write to the flag made it
    flag_undone: str = ""  # what it was once all of ours was taken back; "": not yet
    flag_theirs: FlagState | None = None  # what somebody else had made of it when our kill went over it
    flag_left: tuple[str, ...] = ()  # what was left in it as somebody else's, a sentence each
    surged: int = 0  # the largest size that was asked of the stable side; 0: none was
    troubles: tuple[Trouble, ...] = ()  # what keeps pods from getting ready at present
    progress: Progress = Progress()  # of the pods that get ready
    unproved: tuple[str, ...] = ()  # metrics that had too few requests for the newest step that passed
    journal: tuple[Entry, ...] = ()
    trail: tuple[Point, ...] = ()  # counts and evidence of each metric over time, thinned out
    measures: Mapping[str, MetricEvidence] = field(default_factory=dict)  # state of each metric that is judged by evidence

    @property
    def reverts(self) -> bool:
        return self.kind is ReleaseKind.REVERT

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
        return with_image(self.snapshot.template, self.snapshot.containers, self.spec.image)

    def noted(self, at: float, event: Event, **more: Any) -> "Release":
        """With one more journal line. more: the other fields of Entry."""
        seq = self.journal[-1].seq + 1 if self.journal else 1
        entry = Entry(seq=seq, at=at, event=event, step=self.step, fence=self.fence, **more)
        return replace(self, journal=(*self.journal, entry))

    def with_outcome(self, at: float, intent: Entry, result: Result, reason: str = "") -> "Release":
        """With the outcome of an intent. reason: what it met, where it was not carried out."""
        return self.noted(at, Event.OUTCOME, action=intent.action, of=intent.seq, result=result, reason=reason)


def new_release(spec: ReleaseSpec, plan: Plan, before: Snapshot, actor: str, now: float, **more: Any) -> Release:
    """Without a number yet, and without an id where none is given. more: the other fields of Release."""
    known = {"id": "", "candidate": candidate_name(spec.target.deployment), **more}
    return Release(number=0, spec=spec, plan=plan, snapshot=before, actor=actor, started=now, since=now, **known)


def done_already(release: Release, at: float, action: Action) -> Release:
    """With intent and outcome of something that was done before it could be journalled."""
    asked = release.noted(at, Event.INTENT, action=action)
    return asked.with_outcome(at, asked.journal[-1], Result.DONE)


def _bare(image: str) -> str:
    """Without a digest: admission may have added one to the same repository and tag."""
    return image.partition("@")[0]


def digest_of(template: Mapping[str, Any]) -> str:
    """A short digest of a pod template, independent of key order."""
    canonical = json.dumps(template, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
