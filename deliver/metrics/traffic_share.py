"""Whether the candidate gets the requests that its weight promises: fewer are a signal of their own (statistics.md section 5).

A version that crashes before it counts, a mesh that routes around it, clients that keep their old connections: none of them shows as an
error, and a release that few requests reach is not judged by those few.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from math import inf, isfinite

from deliver.metrics.look import Look
from deliver.metrics.pod_roster import CANDIDATE, STABLE
from deliver.model.evidence import Tally
from deliver.model.observation import PodSeen
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.plugins.interfaces import Series

NAME, KIND = "exposure", "traffic"
LEAST = 0.25  # of what the endpoints promise; connections that are kept alive even out slowly
Row = list[tuple[float, float]]
FEWEST = 20  # requests of both sides, of which a share is no accident
HALF = 0.5  # of a scrape's interval, that all pods must have been seen in together
EXPECTED = 100  # requests that the candidate should have had before anything is said


def share(series: Sequence[Series], look: Look, window: float) -> float | None:
    """The candidate's percent of the requests, over the window or what there is of it in this step, the same for all pods.

    None, not known, until every ready pod of both sides was scraped twice in the step: a pod that nobody has looked at has not had
    zero requests, and one side that was looked at has not had all of them. None too where the store is late by more than the window.
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
    if end - begin < HALF * look.cadence.interval or end <= begin or end < look.now - min(window, look.stale):
        return None
    mine, both = 0.0, 0.0
    for (arm, _), found in rows.items():
        grown = sum(_value(row, end) - _value(row, begin) for row in found)
        mine, both = mine + (grown if arm == CANDIDATE else 0.0), both + grown
    return 100 * mine / both if both >= FEWEST else None


def _scrapes(series: Sequence[Series], look: Look) -> dict[str, list[float]]:
    """Ready pod -> when it was scraped in this step, of those that were at least twice."""
    found: dict[str, set[float]] = {}
    for one in series:
        found.setdefault(_place(one.labels.get(look.fetch.labels.pod, "")), set()).update(at for at, _ in one.points if at >= look.start)
    return {pod: sorted(times) for pod, times in found.items() if len(times) > 1 and pod in look.ready}


def _rows(series: Sequence[Series], look: Look, arm: str, scrapes: Mapping[str, list[float]]) -> dict[str, list[Row]]:
    """pod -> how far each of its counters has grown since its first scrape of the step."""
    rows: dict[str, list[Row]] = {}
    for one in series:
        pod = one.labels.get(look.fetch.labels.pod, "")
        times = scrapes.get(_place(pod), []) if pod in look.arms[arm].pods else []
        if times and one.points and one.points[-1][0] >= times[0]:
            rows.setdefault(pod, []).append(_grown(one, times))
    return rows


def _grown(one: Series, times: Sequence[float]) -> Row:
    """A counter that is born later than its pod's other ones was zero at the scrape before."""
    inside = [(at, value) for at, value in one.points if at >= times[0] and isfinite(value)]
    born = [(at, 0.0) for at in times if at < inside[0][0]] if inside and one.points[0][0] >= times[0] else []
    row: Row = []
    grown, before = 0.0, 0.0
    for at, value in [*born, *inside]:
        grown += (value - before if value >= before else value) if row else 0.0
        before = value
        row.append((at, grown))
    return row


def _value(row: Row, at: float) -> float:
    """Between two scrapes requests come evenly, as far as anybody knows."""
    after = bisect_right(row, (at, inf))
    if after == 0 or after == len(row):
        return row[0][1] if after == 0 else row[-1][1]
    (t0, v0), (t1, v1) = row[after - 1], row[after]
    return v0 + (v1 - v0) * (at - t0) / (t1 - t0)


def _place(pod: str) -> str:
    """The pod itself: of a flag's variants, which share the pods, a name has its arm behind a slash."""
    return pod.partition("/")[0]


def exposure(
    observed: float | None, counted: Tally, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], at: float
) -> CheckResult | None:
    """observed: the candidate's percent of requests. counted: since the step began. None while nothing can be said."""
    mine, theirs = sum(pod.ready for pod in candidate), sum(pod.ready for pod in stable)
    total = counted.candidate_total + counted.stable_total
    if observed is None or not (mine and theirs and total):
        return None
    promised = mine / (mine + theirs)
    if promised * total < EXPECTED:
        return None
    text = f"{observed:.3g} % of the requests, {mine} of {mine + theirs} endpoints ({100 * promised:.3g} %)"
    few = observed < 100 * LEAST * promised
    why = f"{text}: far fewer than promised; are connections kept alive, or do requests fail before the pods count them?" if few else text
    numbers = {
        "candidate_requests": float(counted.candidate_total),
        "stable_requests": float(counted.stable_total),
        "promised": round(100 * promised, 3),
    }
    return CheckResult(
        NAME,
        KIND,
        Verdict.BLIND if few else Verdict.PASS,
        why,
        candidate=round(observed, 3),
        limit=round(100 * LEAST * promised, 3),
        unit="%",
        samples=counted.candidate_total,
        evidence=Evidence(at=at, numbers=numbers),
    )
