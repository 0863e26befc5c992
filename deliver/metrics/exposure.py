"""Whether the candidate gets the requests that its weight promises: fewer are a signal of their own (research/statistics.md 5).

A version that crashes before it counts, a mesh that routes around it, clients that keep their old connections: none of them shows as an
error, and a release that few requests reach is not judged by those few.
"""

from collections.abc import Sequence

from deliver.metrics import drain
from deliver.metrics.arms import CANDIDATE, STABLE
from deliver.metrics.look import Look
from deliver.model.evidence import Tally
from deliver.model.seen import PodSeen
from deliver.model.verdict import CheckResult, Evidence, Verdict
from deliver.plugins.interfaces import Series

NAME, KIND = "exposure", "traffic"
LEAST = 0.25  # of what the endpoints promise; connections that are kept alive even out slowly
EXPECTED = 100  # requests that the candidate should have had before anything is said


def share(series: Sequence[Series], look: Look, window: float) -> float | None:
    """The candidate's percent of the requests a second, over the window or what there is of it in this step.

    None, not known, until every ready pod of both sides was scraped twice in the step: a pod that nobody has looked at has not had
    zero requests, and one side that was looked at has not had all of them.
    """
    if look.arms[CANDIDATE] == look.arms[STABLE]:
        return None
    rates = {
        arm: drain.rates(series, look.arms[arm], look.start, look.now - look.stale, look.fetch.labels.pod, window)
        for arm in (CANDIDATE, STABLE)
    }
    here = {arm: {pod: rate for pod, rate in found.items() if pod.partition("/")[0] in look.ready} for arm, found in rates.items()}
    seen = {pod.partition("/")[0] for found in here.values() for pod in found}
    mine, theirs = (sum(here[arm].values()) for arm in (CANDIDATE, STABLE))
    return 100 * mine / (mine + theirs) if mine + theirs and look.ready <= seen else None


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
