"""How many requests a release will have to be judged by, as far as the traffic of before tells. It is said, and decides nothing. Pure."""

from collections.abc import Sequence

from deliver.model.plan import Plan, Side
from deliver.model.spec import EvidenceMetric, Metric

PROOF = 500
"""Requests of the candidate, all of them well, that show its share of bad ones to be acceptable; see analysis/noninferiority.py."""
LATE = 0.5
"""Share of what the endpoints promise that really comes at first: clients keep their connections to the old pods."""
PATIENCE = 3.0
"""Bakes that proof is waited for, as core/proof_gate.py has it."""


def expected(plan: Plan, rate: float) -> float:
    """Requests that the candidate will get before all users follow. rate: of the stable side, a second."""
    shared = [step for step in plan.steps if step.side is Side.BOTH]
    if shared:
        last = shared[-1]
        return rate * last.endpoints / 100 * (last.max_bake or PATIENCE * last.bake) * LATE
    alone = [step.bake for step in plan.steps if step.side is Side.CANDIDATE]
    return rate * max(alone, default=0.0)


def told(plan: Plan, rate: float, metrics: Sequence[Metric]) -> tuple[str, ...]:
    """A line where it will be too few to prove anything, or where nobody can tell."""
    free = [metric.name for metric in metrics if isinstance(metric, EvidenceMetric) and not metric.duty]
    coming = expected(plan, rate)
    if coming >= PROOF or not free:
        return ()
    gets = (
        f"at {rate:.3g} requests a second the candidate gets about {coming:.0f} before all users follow, too few for proof (about {PROOF})"
    )
    seen = gets if rate else f"no requests have been counted yet; the candidate may get too few for proof (about {PROOF})"
    return (f"metrics: {seen}: the release goes on without it; what {' and '.join(free)} show can still take it back",)
