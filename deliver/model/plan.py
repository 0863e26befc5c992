"""A plan: the ordered steps that a strategy wants, in terms the engine can carry out and check."""

from dataclasses import dataclass
from enum import StrEnum

from deliver.model.spec import PluginSpec


class Side(StrEnum):
    """Which arms the target's Services select."""

    STABLE = "stable"
    BOTH = "both"
    CANDIDATE = "candidate"


@dataclass(frozen=True)
class Exposure:
    """Who gets the traffic: what a router is asked for, and what it is asked whether it stands.

    hash: pod-template-hash of that side's pods, "" for both. weight: percent of the requests that go to the candidate while both sides
    serve; None: by number of ready endpoints, as the application's own objects have it.
    """

    sparse = True  # for the codec, as Entry

    side: Side
    hash: str = ""
    weight: float | None = None

    def __str__(self) -> str:
        return str(self.side) if self.weight is None else f"{self.side} {self.weight:g} %"


ORIGINAL = Exposure(Side.BOTH)  # nothing of ours in the way


@dataclass(frozen=True)
class Step:
    """One step, as the strategy plans it: what stands, where traffic goes, and how long it is watched before the next."""

    name: str  # for people, e.g. "10 %"
    weight: float  # wanted exposure, percent
    side: Side  # whom the Services select
    candidate_pods: int
    stable_pods: int  # what is above the live count is temporary: surge
    bake: float = 0.0  # seconds of watching after the shift is verified
    min_bake: float = 0.0  # seconds after which proof ends the bake early; 0: never
    max_bake: float = 0.0  # seconds that proof is waited for where it is needed; 0: three times the bake
    approval: bool = False  # a person must `deliver promote` before the next step
    approval_timeout: float = 0.0  # seconds that the person is waited for; 0: limits.pause
    unanswered: str = "hold"  # what happens then: "hold" or "rollback"
    preview: bool = False  # the preview Service leads to the candidate, users stay where `side` says
    checks: tuple[PluginSpec, ...] = ()  # of this step alone, beside the spec's
    metrics: bool = True  # whether the spec's metrics are judged
    baseline: float = 0.0  # seconds of stable's past that `compare: stable` is judged against while it has no traffic; 0: its present
    probe: bool = False  # the Services are asked, on fresh connections, where a check tells how
    by_weight: bool = False  # while both sides serve, the router sends `weight` percent of the requests to the candidate

    def exposure(self, stable: str, candidate: str) -> Exposure:
        """stable, candidate: pod-template-hash of each arm's pods."""
        if self.side is Side.BOTH:
            return Exposure(self.side, weight=self.weight if self.by_weight else None)
        return Exposure(self.side, candidate if self.side is Side.CANDIDATE else stable)

    @property
    def endpoints(self) -> float:
        """Real exposure in percent: the router's weight, or by ready endpoints."""
        if self.side is Side.STABLE:
            return 0.0
        if self.side is Side.CANDIDATE:
            return 100.0
        if self.by_weight or self.candidate_pods + self.stable_pods == 0:
            return self.weight  # a share of requests or of users, not of pods
        return 100.0 * self.candidate_pods / (self.candidate_pods + self.stable_pods)


@dataclass(frozen=True)
class FlagPlan:
    """The flag whose share of users is raised, and the back end that holds it. variant: label that tells the arms' series apart, "" = none.

    treatment: that label's value for users who have it.
    """

    flag: str
    backend: PluginSpec
    variant: str = ""
    treatment: str = "on"


@dataclass(frozen=True)
class Plan:
    """The steps in order; the last one has the candidate at full size with all the traffic.

    hold: seconds that the old side stays warm after the last step, before anything of it is taken away.
    notes: what the planner wants the user to know ("weight 10 becomes 20 %").
    flag: exposure is a share of users, moved by this flag; the pods stay as they are.
    preview: name of the Service that leads to the candidate before users do, "" = none. preview_made: it is made for the release
    and deleted at its end; else it is the user's, and gets its own selector back.
    """

    strategy: str
    steps: tuple[Step, ...]
    hold: float = 0.0
    notes: tuple[str, ...] = ()
    flag: FlagPlan | None = None
    preview: str = ""
    preview_made: bool = False
