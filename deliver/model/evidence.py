"""What a sequential judgement keeps between polls, and what a report draws: numbers alone, so that a record holds them as they are."""

from dataclasses import dataclass


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
