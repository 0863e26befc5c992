"""Is there traffic enough to judge by? Somebody who named no metric is not to be held up by one that can never say anything. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from deliver.model.plan import Plan, Side

PROOF = 500
"""Requests of the candidate, all of them well, that show its share of bad ones to be acceptable; see analysis/proof.py."""
HARM = 100
"""Requests without which a fixed limit would be blind for most of a step."""
LIMITS = {"errors": "5%", "latency": "20%"}
"""Fixed limits, far above what a stable side has: its bound is chosen so that at most 5 % of its requests are slower."""
LATE = 0.5
"""Share of what the endpoints promise that really comes at first: clients keep their connections to the old pods."""
PATIENCE = 3.0
"""Bakes that proof is waited for, as engine/proof.py has it."""


def expected(plan: Plan, rate: float) -> float:
    """Requests that the candidate will get before all users follow. rate: of the stable side, a second."""
    shared = [step for step in plan.steps if step.side is Side.BOTH]
    if shared:
        last = shared[-1]
        return rate * last.endpoints / 100 * (last.max_bake or PATIENCE * last.bake) * LATE
    alone = [step.bake for step in plan.steps if step.side is Side.CANDIDATE]
    return rate * max(alone, default=0.0)


def fixed(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same metrics with fixed limits, where there will be too few requests for evidence. One without a bound has none to limit."""
    able = [entry for entry in entries if "histogram" not in entry or "slower_than" in entry]
    return [{**entry, "max": LIMITS[entry["name"]], "compare": "stable"} for entry in able]
