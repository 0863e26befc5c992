"""History: the stable side's past as counts. One row for each pod, columns of equal length in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from deliver.model.series import Series

Row = tuple[int, ...]


@dataclass(frozen=True)
class History:
    """Bad requests and all requests by pod and column; a pod that was not there has zeros."""

    step: float  # seconds of a column
    bad: tuple[Row, ...] = ()
    total: tuple[Row, ...] = ()

    @property
    def columns(self) -> int:
        return len(self.total[0]) if self.total else 0

    @property
    def events(self) -> int:
        return sum(map(sum, self.bad))

    @property
    def requests(self) -> int:
        return sum(map(sum, self.total))

    @property
    def seconds(self) -> float:
        """From the first column with a request to the last."""
        used = [at for at in range(self.columns) if any(row[at] for row in self.total)]
        return (used[-1] - used[0] + 1) * self.step if used else 0.0


def from_series(bad: Sequence[Series], total: Sequence[Series], pod_label: str, step: float, until: float) -> History:
    """The history out of counters that were summed by pod and sampled every `step` seconds. Samples after `until` are left out.

    A first value is a base, not an increase; a fall is a restart from zero.
    """
    requests, events = _rows(total, pod_label, step, until), _rows(bad, pod_label, step, until)
    columns = sorted({at for row in requests.values() for at in row})
    if not columns:
        return History(step)
    span = range(columns[0], columns[-1] + 1)
    pods = sorted(requests)
    totals = tuple(tuple(requests[pod].get(at, 0) for at in span) for pod in pods)
    bads = tuple(
        tuple(min(events.get(pod, {}).get(at, 0), requests[pod].get(at, 0)) for at in span) for pod in pods
    )  # a query between two scrapes
    return History(step, bads, totals)


def above_bound(below: History, total: History) -> History:
    """The history of requests above a bound. below: that of the requests at or below it."""
    rows = [tuple(max(n - x, 0) for x, n in zip(fast, all_, strict=True)) for fast, all_ in zip(below.bad, total.total, strict=True)]
    return History(total.step, tuple(rows), total.total)


def coarser(history: History, times: int) -> History:
    """The same with columns `times` as long; the columns that are left over at the beginning are dropped."""
    first = history.columns % times
    bad, total = (tuple(_merged(row, first, times) for row in rows) for rows in (history.bad, history.total))
    return History(history.step * times, bad, total)


def _merged(row: Row, first: int, times: int) -> Row:
    return tuple(sum(row[at : at + times]) for at in range(first, len(row), times))


def _rows(series: Sequence[Series], pod_label: str, step: float, until: float) -> Mapping[str, dict[int, int]]:
    rows: dict[str, dict[int, int]] = {}
    for one in series:
        row = rows.setdefault(one.labels.get(pod_label, ""), {})
        for (_, earlier), (at, later) in zip(one.points, one.points[1:], strict=False):
            if at <= until and isfinite(earlier) and isfinite(later):
                row[round(at / step)] = row.get(round(at / step), 0) + max(round(later - earlier if later >= earlier else later), 0)
    return rows
