"""Does the candidate get the requests that its weight promises? If it gets far fewer, or far more, the release is BLIND (statistics.md 5).

A version that crashes before it counts, a mesh that routes around it, clients that keep their old connections: none of these shows as an
error. One client that makes most of the requests, and was led to the candidate, exposes more than anybody agreed to.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import inf, isfinite

from deliver.metrics.look import Look
from deliver.metrics.pod_roster import CANDIDATE, STABLE
from deliver.metrics.variants import pod_name
from deliver.model.evidence import Tally
from deliver.model.observation import PodSeen
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.plugins.interfaces import Series

NAME, KIND = "exposure", "traffic"
LEAST_FRACTION = 0.25  # of the requests that the endpoints promise; kept-alive connections even out slowly
MOST_TIMES = 3.0  # as many requests as the endpoints promise; of ten connections that are kept, four are on one endpoint of ten in 1 of 75
Row = list[tuple[float, float]]
FEWEST_REQUESTS = 20  # of both sides, for a percentage that is no accident
LEAST_OVERLAP = 0.5  # of a scrape interval, in which all pods were seen
EXPECTED_REQUESTS = 100  # of the candidate, by its endpoints, before the check says anything


def observed_percent(series: Sequence[Series], look: Look, window: float) -> float | None:
    """The candidate's percent of all requests, 0..100, over the window, or over the part of it in this step; the same time for all pods.

    None (unknown) until every ready pod of both sides was scraped twice in the step: a pod that was not scraped may have any number of
    requests. None too if the newest sample is older than the window.
    """
    if look.arms[CANDIDATE] == look.arms[STABLE]:
        return None
    scrapes = _scrapes(series, look)
    rows = {(arm, pod): found for arm in (CANDIDATE, STABLE) for pod, found in _rows(series, look, arm, scrapes).items()}
    if not look.ready <= scrapes.keys() or {arm for arm, _ in rows} != {CANDIDATE, STABLE}:
        return None
    ends = [(min(row[0][0] for row in found), max(row[-1][0] for row in found)) for found in rows.values()]
    end = min(last for _, last in ends)
    begin = max(end - window, *(first for first, _ in ends))
    if end - begin < LEAST_OVERLAP * look.cadence.interval or end <= begin or end < look.now - min(window, look.stale):
        return None
    mine, both = 0.0, 0.0
    for (arm, _), found in rows.items():
        grown = sum(_interpolated(row, end) - _interpolated(row, begin) for row in found)
        mine, both = mine + (grown if arm == CANDIDATE else 0.0), both + grown
    return 100 * mine / both if both >= FEWEST_REQUESTS else None


def _scrapes(series: Sequence[Series], look: Look) -> dict[str, list[float]]:
    """Ready pod -> times of its scrapes in this step, for pods that were scraped at least twice."""
    found: dict[str, set[float]] = {}
    for one in series:
        found.setdefault(pod_name(one.labels.get(look.fetch.labels.pod, "")), set()).update(at for at, _ in one.points if at >= look.start)
    return {pod: sorted(times) for pod, times in found.items() if len(times) > 1 and pod in look.ready}


def _rows(series: Sequence[Series], look: Look, arm: str, scrapes: Mapping[str, list[float]]) -> dict[str, list[Row]]:
    """pod -> growth of each of its counters since its first scrape of the step."""
    rows: dict[str, list[Row]] = {}
    for one in series:
        pod = one.labels.get(look.fetch.labels.pod, "")
        times = scrapes.get(pod_name(pod), []) if pod in look.arms[arm] else []
        if times and one.points and one.points[-1][0] >= times[0]:
            rows.setdefault(pod, []).append(_grown(one, times))
    return rows


def _grown(one: Series, times: Sequence[float]) -> Row:
    """Growth of one counter over time. One that appears later than the pod's other counters was zero before."""
    inside = [(at, value) for at, value in one.points if at >= times[0] and isfinite(value)]
    born = [(at, 0.0) for at in times if at < inside[0][0]] if inside and one.points[0][0] >= times[0] else []
    row: Row = []
    grown, before = 0.0, 0.0
    for at, value in [*born, *inside]:
        grown += (value - before if value >= before else value) if row else 0.0
        before = value
        row.append((at, grown))
    return row


def _interpolated(row: Row, at: float) -> float:
    """Growth at a time, linear between two scrapes."""
    after = bisect_right(row, (at, inf))
    if after == 0 or after == len(row):
        return row[0][1] if after == 0 else row[-1][1]
    (t0, v0), (t1, v1) = row[after - 1], row[after]
    return v0 + (v1 - v0) * (at - t0) / (t1 - t0)


def check_exposure(
    observed: float | None, counted: Tally, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], at: float
) -> CheckResult | None:
    """The check "exposure"; None while there are too few requests. observed: 0..100. counted: requests since the step began."""
    mine, theirs = sum(pod.ready for pod in candidate), sum(pod.ready for pod in stable)
    total = counted.candidate_total + counted.stable_total
    if observed is None or not (mine and theirs and total):
        return None
    promised = mine / (mine + theirs)
    if promised * total < EXPECTED_REQUESTS:
        return None
    text = f"{observed:.3g} % of the requests, {mine} of {mine + theirs} endpoints ({100 * promised:.3g} %)"
    few, many = observed < 100 * LEAST_FRACTION * promised, observed > 100 * MOST_TIMES * promised
    why = text
    if few:
        why = f"{text}: far fewer than promised; are connections kept alive, or do requests fail before the pods count them?"
    elif many:
        why = f"{text}: far more than was wanted; do a few clients make most of the requests?"
    numbers = {
        "candidate_requests": float(counted.candidate_total),
        "stable_requests": float(counted.stable_total),
        "promised": round(100 * promised, 3),
    }
    return CheckResult(
        NAME,
        KIND,
        Verdict.BLIND if few or many else Verdict.PASS,
        why,
        candidate=round(observed, 3),
        limit=round(100 * LEAST_FRACTION * promised, 3),
        unit="%",
        samples=counted.candidate_total,
        evidence=Evidence(at=at, numbers=numbers),
    )
