"""Whether the candidate gets the requests that its weight promises: fewer are a signal of their own (research/statistics.md 5).

A version that crashes before it counts, a mesh that routes around it, clients that keep their old connections: none of them shows as an
error, and a release that few requests reach is not judged by those few.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deliver.model.seen import PodSeen
from deliver.model.verdict import CheckResult, Evidence, Verdict

NAME, KIND = "exposure", "traffic"
LEAST = 0.25  # of what the endpoints promise; connections that are kept alive even out slowly
EXPECTED = 100  # requests that the candidate should have had before anything is said


@dataclass
class Flow:
    """Requests of both sides since the step began."""

    candidate: int = 0
    stable: int = 0

    def add(self, candidate: int, stable: int) -> None:
        self.candidate, self.stable = self.candidate + candidate, self.stable + stable


def exposure(flow: Flow, stable: Sequence[PodSeen], candidate: Sequence[PodSeen], at: float) -> CheckResult | None:
    """None while nothing can be said."""
    mine, theirs = sum(pod.ready for pod in candidate), sum(pod.ready for pod in stable)
    total = flow.candidate + flow.stable
    if not (mine and theirs and total):
        return None
    promised, real = mine / (mine + theirs), flow.candidate / total
    if promised * total < EXPECTED:
        return None
    text = f"{flow.candidate} of {total} requests ({100 * real:.3g} %), {mine} of {mine + theirs} endpoints ({100 * promised:.3g} %)"
    few = real < LEAST * promised
    why = f"{text}: far fewer than promised; are connections kept alive, or do requests fail before the pods count them?" if few else text
    numbers = {"candidate_requests": float(flow.candidate), "stable_requests": float(flow.stable), "promised": round(100 * promised, 3)}
    return CheckResult(
        NAME,
        KIND,
        Verdict.BLIND if few else Verdict.PASS,
        why,
        candidate=round(100 * real, 3),
        limit=round(100 * LEAST * promised, 3),
        unit="%",
        samples=flow.candidate,
        evidence=Evidence(at=at, numbers=numbers),
    )
