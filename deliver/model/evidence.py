"""What a sequential judgement keeps between polls, and what a report draws: numbers alone, so that a record holds them as they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

NOTHING = -1e9  # the logarithm of no wealth at all: JSON has no minus infinity


@dataclass(frozen=True)
class Tally:
    """Events of both arms in one stretch of time. A poll's, or those of a block of polls."""

    candidate_bad: int = 0
    candidate_total: int = 0
    stable_bad: int = 0
    stable_total: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.candidate_bad + other.candidate_bad,
            self.candidate_total + other.candidate_total,
            self.stable_bad + other.stable_bad,
            self.stable_total + other.stable_total,
        )

    @property
    def bad(self) -> int:
        return self.candidate_bad + self.stable_bad


@dataclass(frozen=True)
class Calibration:
    """Frozen at the start of a release, out of the stable side's own past: nothing in it may follow what the candidate does.

    phi: dispersion, 1 = independent events; assumed: the past was too short to measure it. block: polls in a block of the bets, 0 = the
    bets are off. likelihood: the half that trusts phi is on. every: seconds of samples in one poll. planned: polls after which no new
    start is mixed in. exact: events are not rare, so the hypergeometric law is used. bad, total: of the last hour, seconds: its real
    length; for the time when stable has no traffic. crossed: of so many placebos. basis: in words.
    """

    phi: float = 1.0
    assumed: bool = False
    block: int = 1
    likelihood: bool = False
    every: float = 15.0
    planned: int = 120
    exact: bool = False
    bad: int = 0
    total: int = 0
    seconds: float = 0.0
    crossed: int = 0
    placebos: int = 0
    basis: str = ""


@dataclass(frozen=True)
class Wealth:
    """The wealth of each strategy, natural logarithms, in the order of analysis/e_process.py.

    cash: what no start has taken yet. polls: closed so far. tally: of the open block; held: polls in it. peak: highest log E so far.
    """

    logs: tuple[float, ...] = ()
    cash: float = 1.0
    polls: int = 0
    tally: Tally = Tally()
    held: int = 0
    peak: float = 0.0


@dataclass(frozen=True)
class Track:
    """One count that is followed: bad requests, or those slower than one bound (seconds; 0 for bad requests).

    pending: counts of the open poll, since: when it began. sum: of all closed polls. proof: log e-values that the candidate is not
    worse, shown: the highest that they have been. profile: log-likelihood over the ratios of analysis/ratio_interval.py. alike: wealth of
    stable against an absolute limit.
    """

    bound: float = 0.0
    calibration: Calibration = Calibration()
    wealth: Wealth = Wealth()
    alike: Wealth = Wealth()
    pending: Tally = Tally()
    since: float = 0.0
    sum: Tally = Tally()
    proof: tuple[float, ...] = ()
    shown: float = 0.0
    profile: tuple[float, ...] = ()


@dataclass(frozen=True)
class MetricEvidence:
    """Of one metric over the whole release. seen: newest sample counted, unix seconds, by pod and instance. began: of its first sample."""

    tracks: tuple[Track, ...] = ()
    seen: Mapping[str, float] = field(default_factory=dict)
    began: float = 0.0


@dataclass(frozen=True)
class Point:
    """One stretch of a metric, for reports: what both arms counted since the point before, and the evidence after it.

    at: unix seconds of its end. metric: its name. step: index in the plan. share: the candidate's percent of the requests.
    against, good: log10 of the evidence that the candidate is worse, and that it is not (0 = none).
    """

    at: float
    metric: str
    step: int
    candidate_bad: int
    candidate_total: int
    stable_bad: int
    stable_total: int
    share: float | None = None
    against: float = 0.0
    good: float = 0.0
