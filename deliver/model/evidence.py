"""State of the sequential test between polls, and points for reports. Numbers alone: the record of a release holds them as they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

NOTHING = -1e9  # the logarithm of no wealth at all: JSON has no minus infinity


@dataclass(frozen=True)
class Tally:
    """Requests of both arms in one stretch of time."""

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
    """Learnt from the stable side's history at the start of a release, and frozen: nothing in it may follow what the candidate does."""

    phi: float = 1.0  # dispersion; 1 = independent requests
    assumed: bool = False  # the history was too short to measure phi
    block: int = 1  # polls in a block of the bets; 0 = no such bets
    likelihood: bool = False  # bets on ratios, which trust phi, are on
    every: float = 15.0  # seconds of samples in one poll
    planned: int = 120  # polls, after which no bet starts anew
    exact: bool = False  # bad requests are not rare: the hypergeometric law is used
    bad: int = 0  # of the last hour of the history, to compare with while the stable side has no traffic
    total: int = 0
    seconds: float = 0.0  # real length of that hour
    crossed: int = 0  # placebo releases that gave a false alarm
    placebos: int = 0  # placebo releases that were tried
    basis: str = ""  # what all this rests on, in words


@dataclass(frozen=True)
class Wealth:
    """State of one e-process: deliver.analysis.e_process."""

    logs: tuple[float, ...] = ()  # ln of the wealth of each bet: e_process.BETS, then RATIOS; or LIMITS
    cash: float = 1.0  # wealth that no bet has started with yet
    polls: int = 0  # closed so far
    tally: Tally = Tally()  # of the open block
    held: int = 0  # polls in the open block
    peak: float = 0.0  # highest ln E so far


@dataclass(frozen=True)
class Track:
    """One count that is followed over a release: bad requests, or requests slower than one bound."""

    bound: float = 0.0  # of the histogram, in its own unit; 0 for bad requests
    calibration: Calibration = Calibration()
    wealth: Wealth = Wealth()  # against the candidate
    alike: Wealth = Wealth()  # of the stable side against a fixed limit
    pending: Tally = Tally()  # of the open poll
    since: float = 0.0  # unix seconds: when the open poll began
    sum: Tally = Tally()  # of all closed polls
    proof: tuple[float, ...] = ()  # ln e-values for the candidate: deliver.analysis.noninferiority
    shown: float = 0.0  # highest ln E for the candidate so far
    profile: tuple[float, ...] = ()  # log-likelihood of each ratio: deliver.analysis.ratio_interval.GRID


@dataclass(frozen=True)
class MetricEvidence:
    """State of one metric over the whole release."""

    tracks: tuple[Track, ...] = ()  # one for each bound
    seen: Mapping[str, float] = field(default_factory=dict)  # pod -> unix seconds of its newest sample that was counted
    began: float = 0.0  # unix seconds of its first sample


@dataclass(frozen=True)
class Point:
    """One stretch of a metric, for reports: requests since the point before, and the evidence after it."""

    at: float  # unix seconds: its end
    metric: str
    step: int  # index in the plan
    candidate_bad: int
    candidate_total: int
    stable_bad: int
    stable_total: int
    share: float | None = None  # the candidate's percent of all requests, 0..100; a key of the record
    against: float = 0.0  # log10 of E that the candidate is worse; 0 = no evidence
    good: float = 0.0  # log10 of E that it is not
