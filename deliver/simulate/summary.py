"""Many runs of one setting as a line of a table. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from deliver.analysis.wilson import wilson_interval
from deliver.model.release import Outcome
from deliver.simulate.run import Run
from deliver.simulate.scenario import Regression


@dataclass(frozen=True)
class Line:
    """outcomes: how often each. back: share of runs that were taken back, with its interval, percent. Times are seconds.

    exposed: of runs that were taken back, how long users had the new version; nine of ten were shorter than `late`. failed: bad answers
    of the new version in those runs, the median. took: of the promoted ones.
    """

    regression: str
    runs: int
    outcomes: dict[str, int]
    back: tuple[float, float, float]
    exposed: float | None
    late: float | None
    failed: float | None
    took: float | None
    lost: int


def line(regression: Regression, runs: Sequence[Run]) -> Line:
    back = [run for run in runs if run.outcome is Outcome.ROLLED_BACK]
    through = [run.release.ended - run.release.started for run in runs if run.outcome is Outcome.PROMOTED]
    low, high = wilson_interval(len(back), len(runs)) or (0.0, 1.0)
    times = sorted(run.exposed for run in back)
    return Line(
        regression=str(regression),
        runs=len(runs),
        outcomes=dict(Counter(str(run.outcome) for run in runs)),
        back=(100 * len(back) / len(runs) if runs else 0.0, 100 * low, 100 * high),
        exposed=median(times) if times else None,
        late=(quantiles(times, n=10, method="inclusive")[-1] if len(times) > 1 else times[0]) if times else None,
        failed=median(run.failed for run in back) if back else None,
        took=median(through) if through else None,
        lost=sum(run.lost for run in runs),
    )


def view(line: Line) -> dict[str, Any]:
    """For `-o json`. Additive only."""
    share, low, high = line.back
    return {
        "regression": line.regression,
        "runs": line.runs,
        "outcomes": line.outcomes,
        "rolled_back": {"percent": round(share, 3), "low": round(low, 3), "high": round(high, 3)},
        "seconds_to_rollback": {"median": line.exposed, "p90": line.late},
        "failed_requests": line.failed,
        "seconds_to_promotion": line.took,
        "lost_requests": line.lost,
    }
