"""What was seen of the cluster at one moment: the engine's only input besides the release itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from deliver.model.places import Place
from deliver.model.plan import Exposure, Side
from deliver.model.verdict import CheckResult

EXACT = 1e-6  # percent; below every router's granularity


@dataclass(frozen=True)
class Problem:
    """A fact about a pod, or about a Deployment whose pods cannot be made.

    cause: crash-loop, image-pull, oom-kill, bad-config, unschedulable, failed, waiting, replica-failure, progress-deadline.
    certain: time will not mend it. patience: seconds that it is waited for at the most otherwise, 0 = `limits.ready`.
    ended: when a container that died did so last, unix seconds by its node's clock; 0 for everything else.
    vague: the words do not say why; what was said of this cause before does.
    """

    cause: str
    message: str
    certain: bool = True
    ended: float = 0.0
    patience: float = 0.0
    vague: bool = False


@dataclass(frozen=True)
class Crashes:
    """How often one container of a pod has ended by itself, counting the end that it has not come back from.

    ended: the last time, unix seconds by its node's clock. down: it has not come back yet. init: it only prepares the pod, and the pod
    goes on once it has succeeded. message: what became of it.
    """

    container: str
    count: int
    ended: float = 0.0
    down: bool = False
    init: bool = False
    oom: bool = False
    message: str = ""


@dataclass(frozen=True)
class PodSeen:
    """A pod. ready: Ready and not terminating. lost: it was ready once and is not now. since: unix seconds of creation.

    container: the one with the problem, or the first. over: its node has ended it for good (evicted, shut down), and another one is
    there in its place. images: of its containers. turned: when Ready changed last, unix seconds by its node's clock. crashes: of those
    containers that ended by themselves. gates: its containers are ready, and these readiness gates are all that is missing.
    silent: it has a node and does not start, and its status does not say why.
    """

    name: str
    uid: str
    ip: str = ""
    ready: bool = False
    lost: bool = False
    restarts: int = 0
    hash: str = ""
    since: float = 0.0
    problem: Problem | None = None
    container: str = ""
    over: bool = False
    images: tuple[str, ...] = ()
    turned: float = 0.0
    crashes: tuple[Crashes, ...] = ()
    gates: tuple[str, ...] = ()
    silent: bool = False

    @property
    def able(self) -> bool:
        """It is ready, or will be once somebody who looks at its Services sets its readiness gates."""
        return self.ready or bool(self.gates)


@dataclass(frozen=True)
class ArmSeen:
    """One arm: a Deployment and its pods of one template.

    hash: pod-template-hash of the current template ("" until its ReplicaSet exists). pods: all its pods that are not terminating,
    of any hash. terminating: how many are on their way out. settled: the Deployment controller has seen the newest spec.
    template: digest of spec.template. fence: of its last writer, 0 = none. problem: of the Deployment itself (quota, progress
    deadline). editor: field manager that changed the template last. noted: it carries a note of ours that undoes a release without its
    record. min_ready: seconds that a pod is ready before a rollout counts it (`spec.minReadySeconds`).
    places: the containers whose image is released, with the images that they have now.
    """

    deployment: str
    uid: str
    image: str = ""
    hash: str = ""
    template: str = ""
    desired: int = 0
    paused: bool = False
    settled: bool = True
    pods: tuple[PodSeen, ...] = ()
    terminating: int = 0
    problem: Problem | None = None
    fence: int = 0
    editor: str = ""
    noted: bool = False
    min_ready: float = 0.0
    places: tuple[Place, ...] = ()

    def of(self, hash: str) -> tuple[PodSeen, ...]:
        return tuple(pod for pod in self.pods if pod.hash == hash)

    @property
    def living(self) -> tuple[PodSeen, ...]:
        """Without those that their nodes left behind."""
        return tuple(pod for pod in self.pods if not pod.over)

    def ready_of(self, hash: str) -> int:
        return self.ready if hash and hash == self.hash else sum([pod.ready for pod in self.pods if pod.hash == hash])

    @cached_property
    def ready(self) -> int:
        """Ready pods of the current template. Kept: several rules ask at each look, and most looks find the same pods."""
        return sum([pod.ready for pod in self.pods if pod.hash == self.hash]) if self.hash else 0

    @cached_property
    def able(self) -> int:
        """Pods of the current template that are ready but for their readiness gates."""
        return sum([pod.able for pod in self.pods if pod.hash == self.hash]) if self.hash else 0

    def able_of(self, hash: str) -> int:
        return sum([pod.able for pod in self.pods if pod.hash == hash])

    @cached_property
    def restarts(self) -> int:
        return sum(pod.restarts for pod in self.pods)


@dataclass(frozen=True)
class Stranger:
    """A pod that users of a Service of the release reach, and that is of neither Deployment. owner: kind and name; "": made by hand."""

    pod: str
    owner: str
    service: str

    def __str__(self) -> str:
        return f"pod {self.pod} of {self.owner}" if self.owner else f"pod {self.pod}"


@dataclass(frozen=True)
class RouteSeen:
    """Where traffic goes, as read back.

    side: what all Services select now; None when they differ or were edited by somebody else (`foreign` says how).
    pinned: the hash selected, "" when the selectors are the original ones. weight: percent of the requests that the router sends to the
    candidate while both sides serve; None: by number of ready endpoints. agreed: the objects of the data plane say the same, such as
    EndpointSlices that hold exactly the ready pods of that side.
    stable, candidate, other: all ready endpoints by version: of the one of before, of the one that is released or taken back, whichever
    Deployment's pods run it, and of neither. marked: an annotation of ours is on some Service.
    gone: none of the release's Services is there any more, so there is no traffic to move.
    beside: names of Services that are not moved with the release and lead to pods of the new version now. The endpoints of those that
    joined since it began are counted too; of those that were left alone by choice they are not.
    strangers: pods of neither Deployment that users of the release's Services reach.
    """

    side: Side | None = None
    pinned: str = ""
    agreed: bool = False
    stable: int = 0
    candidate: int = 0
    other: int = 0
    foreign: str = ""
    marked: bool = False
    fence: int = 0
    detail: str = ""
    gone: bool = False
    weight: float | None = None
    beside: tuple[str, ...] = ()
    strangers: tuple[Stranger, ...] = ()

    @property
    def strangers_named(self) -> str:
        """`pod migrate-x7 of Job migrate and 2 more`, "" for none."""
        more = f" and {len(self.strangers) - 1} more" if len(self.strangers) > 1 else ""
        return f"{self.strangers[0]}{more}" if self.strangers else ""

    @property
    def strangers_text(self) -> str:
        """`pod migrate-x7 of Job migrate answers users of Service web too, and is no part of the release`, "" for none."""
        if not self.strangers:
            return ""
        answer, be = ("answer", "are") if len(self.strangers) > 1 else ("answers", "is")
        return f"{self.strangers_named} {answer} users of Service {self.strangers[0].service} too, and {be} no part of the release"

    def shows(self, wanted: Exposure) -> bool:
        """The whole of it. A weight says nothing of one side alone, and comes back as near as a router's numbers can say it."""
        if (self.side, self.pinned) != (wanted.side, wanted.hash):
            return False
        if wanted.side is not Side.BOTH:
            return True
        if self.weight is None or wanted.weight is None:
            return self.weight is wanted.weight
        return abs(self.weight - wanted.weight) < EXACT


@dataclass(frozen=True)
class PreviewSeen:
    """The preview Service as read back.

    there: it exists (one that was made again is not the one meant). open: it selects this release's candidate and nothing else.
    ready: ready endpoints of the candidate. agreed: EndpointSlices hold exactly the candidate's ready pods. marked: an annotation
    of ours is on it, or it is ours. foreign: what somebody else made of it.
    """

    there: bool = False
    open: bool = False
    ready: int = 0
    agreed: bool = False
    marked: bool = False
    fence: int = 0
    foreign: str = ""
    detail: str = ""


@dataclass(frozen=True)
class CutoverSeen:
    """What was found out after all users were moved at once. at: unix seconds.

    rates: requests a second of the stable pods by their counters; a pod without two samples since the move is not in it.
    why: why nothing can be said of them, "" when it can. unasked: why the Services could not be asked, "" when they could or need not be.
    """

    at: float
    rates: Mapping[str, float] = field(default_factory=dict)
    why: str = ""
    unasked: str = ""


@dataclass(frozen=True)
class AutoscalerSeen:
    """The target's HorizontalPodAutoscaler. minimum: spec.minReplicas, None when absent (the API then means 1).

    measures: it has metrics to go by; without any it takes no pod away, ours neither.
    """

    name: str
    uid: str
    minimum: int | None
    maximum: int
    fence: int = 0
    measures: bool = True


@dataclass(frozen=True)
class FlagState:
    """What a flag back end says of one flag.

    percent: share of users that gets the treatment; None where there is no such thing, and `why` says what there is instead.
    revision: changes with every write, whoever wrote. document: the flag's definition as text, enough to put it back byte for byte.
    release, fence: of our last write, where the back end has room for them. treatment, safe: names of the variants.
    off: why nobody gets the treatment from the flag system whatever its rules say (its switch is off, the flag is gone); "" otherwise.
    besides: which rules beside the share may give somebody the treatment; "" for none.
    """

    percent: float | None
    revision: str
    document: str
    why: str = ""
    release: str = ""
    fence: int = 0
    treatment: str = ""
    safe: str = ""
    off: str = ""
    besides: str = ""


@dataclass(frozen=True)
class Ack:
    """How far a revision has come: `acked` of `total` instances serve it. how: the evidence, in words.

    percent: share of the probe's made-up users that got the treatment, None when nobody was asked. missing: instances that do not serve it
    yet. disagree: two instances put the same users into different groups, and how many. total 0: nobody can be asked;
    lag: seconds after which the change has arrived all the same.
    """

    acked: int
    total: int
    how: str = ""
    percent: float | None = None
    missing: tuple[str, ...] = ()
    disagree: str = ""
    lag: float = 0.0

    @property
    def whole(self) -> bool:
        return self.acked >= self.total and not self.disagree


@dataclass(frozen=True)
class FlagSeen:
    """One look at the flag. at: unix seconds when it was asked for. acked_revision: which one `ack` is about.

    error: why it could not be read.
    """

    state: FlagState | None = None
    at: float = 0.0
    ack: Ack | None = None
    acked_revision: str = ""
    error: str = ""

    @property
    def fence(self) -> int:
        return self.state.fence if self.state else 0


NO_FLAG = FlagSeen()


@dataclass(frozen=True)
class OperatorRequest:
    """What an operator asked of the driver: verb is pause, resume, promote or abort."""

    id: str
    verb: str
    actor: str
    reason: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class Observation:
    """One look. at: unix seconds. checks: the newest verdicts, judged after `checked_at`.

    candidate_percent: of all requests in the window, as observed, 0..100; None: not known.

    strays: candidate pods that are not terminating although their Deployment is gone (the garbage collector is still at it).
    remains, leaving: of a release that goes back, pods that its original selectors would match and that run what is taken back: the names
    of those, not the candidate's, that are there to stay, and how many of all of them are on their way out and may still answer.
    flag: of a release whose exposure is a share of users. preview: None without a preview Service. switch: of the newest examination.
    """

    at: float
    stable: ArmSeen | None = None
    candidate: ArmSeen | None = None
    route: RouteSeen = RouteSeen()
    autoscaler: AutoscalerSeen | None = None
    checks: tuple[CheckResult, ...] = ()
    checked_at: float = 0.0
    candidate_percent: float | None = None
    requests: tuple[OperatorRequest, ...] = ()
    strays: int = 0
    remains: tuple[str, ...] = ()
    leaving: int = 0
    flag: FlagSeen = NO_FLAG
    preview: PreviewSeen | None = None
    switch: CutoverSeen | None = None
