"""How many requests a release can expect, by the present traffic, and whether that is enough for proof. A note only. Pure."""

from collections.abc import Sequence

from deliver.model import defaults
from deliver.model.plan import Plan, Side
from deliver.model.spec import EvidenceMetric, Metric

PROOF_REQUESTS = 500
"""Requests of the candidate, none of them bad, that prove an acceptable fraction of bad ones; see analysis/noninferiority.py."""
EARLY_FRACTION = 0.5
"""Part of the candidate's requests, 0..1, that really comes at first: clients keep their connections to the old pods."""
PROOF_BAKES = 3.0
"""Lengths of a bake that proof is waited for; as in engine/core/proof_gate.py."""


def expected_requests(plan: Plan, rate: float) -> float:
    """Requests that the candidate gets before all users follow. rate: requests a second of the stable side."""
    shared = [step for step in plan.steps if step.side is Side.BOTH]
    if shared:
        last = shared[-1]
        return rate * last.endpoints / 100 * (last.max_bake or PROOF_BAKES * last.bake) * EARLY_FRACTION
    alone = [step.bake for step in plan.steps if step.side is Side.CANDIDATE]
    return rate * max(alone, default=0.0)


def traffic_notes(plan: Plan, rate: float, metrics: Sequence[Metric]) -> tuple[str, ...]:
    """A line for a person if there will be too few requests for proof, or if that is not known."""
    free = [metric.name for metric in metrics if isinstance(metric, EvidenceMetric) and not metric.duty]
    coming = expected_requests(plan, rate)
    if coming >= defaults.PROOF_OWED or not free:
        return ()
    known = f"at {rate:.3g} requests a second the candidate gets about {coming:.0f} before all users follow"
    seen = known if rate else "no requests have been counted yet"
    owed = f"proof takes about {PROOF_REQUESTS} or more, and with fewer than {defaults.PROOF_OWED:,} the release goes on without it"
    return (f"metrics: {seen}; {owed}; what {' and '.join(free)} show can still take it back",)
