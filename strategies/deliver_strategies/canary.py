"""Canary: a second Deployment takes a growing share of the traffic beside the full stable side, then all of it."""

import math
from typing import ClassVar

from pydantic import BaseModel, Field

from deliver.model.errors import InputError
from deliver.model.plan import Plan, Side, Step
from deliver.model.spec import Facts
from deliver.plugins.types import Percent
from deliver_strategies import pods
from deliver_strategies.weights import WeightOptions, WeightStep


class CanaryOptions(WeightOptions):
    """Options of the canary strategy."""

    surge: int = Field(default=0, ge=0, le=1000, description="temporary stable pods that may be added to come closer to a weight")
    max_overshoot: Percent = Field(default=15.0, description="points by which a real share may exceed the wanted one")


class Canary:
    """The strategy `canary`: pods of both sides for each weight; the stable side stays full until the last step."""

    name: ClassVar[str] = "canary"
    summary: ClassVar[str] = "Shift traffic step by step to a candidate beside the full stable side"
    Options: ClassVar[type[BaseModel]] = CanaryOptions

    def plan(self, options: CanaryOptions, facts: Facts) -> Plan:
        wanted_steps = options.wanted()
        if options.surge and facts.autoscaled:
            raise InputError(
                "`surge` cannot be used while an autoscaler owns the replicas",
                why=f"a HorizontalPodAutoscaler scales {facts.target.deployment}; it would take the temporary pods away again",
                hint="leave --surge out, or raise the autoscaler's minReplicas for the release",
            )
        steps: list[Step] = []
        notes: list[str] = []
        for wanted in wanted_steps:
            floor = max([facts.stable_pods, *(step.stable_pods for step in steps)])  # the stable side never shrinks on the way
            step, note = self._step(wanted, options, facts, floor)
            steps.append(step)
            notes += [note] if note else []
        return Plan(self.name, tuple(steps), notes=tuple(notes))

    def _step(self, wanted: WeightStep, options: CanaryOptions, facts: Facts, floor: int) -> tuple[Step, str]:
        name = f"{wanted.weight:g} %"
        if wanted.weight == 100:
            full = facts.stable_pods
            return Step(name, 100.0, Side.CANDIDATE, candidate_pods=full, stable_pods=floor, approval=wanted.approval, **wanted.times()), ""
        if facts.weights:
            ready = max(1, math.ceil(facts.stable_pods * wanted.weight / 100.0))
            return Step(name, wanted.weight, Side.BOTH, ready, floor, approval=wanted.approval, by_weight=True, **wanted.times()), ""
        candidate, stable = pods.solve(wanted.weight, floor, facts.stable_pods + options.surge - floor)
        step = Step(
            name, wanted.weight, Side.BOTH, candidate_pods=candidate, stable_pods=stable, approval=wanted.approval, **wanted.times()
        )
        if step.endpoints - wanted.weight > options.max_overshoot:
            raise too_coarse(wanted.weight, step.endpoints, options, facts)
        note = f"weight {wanted.weight:g} becomes {step.endpoints:.1f} %: {candidate} of {candidate + stable} pods"
        return step, note if abs(step.endpoints - wanted.weight) >= 0.5 else ""


def too_coarse(weight: float, real: float, options: CanaryOptions, facts: Facts) -> InputError:
    """Says which weights can be had, and the three ways to come closer."""
    can = ", ".join(f"{share:g}" for share in pods.achievable(facts.stable_pods, options.surge))
    surge = pods.surge_for(weight, facts.stable_pods, options.max_overshoot)
    stable = f"{facts.stable_pods} stable pod{'s' if facts.stable_pods != 1 else ''}"
    over = f"by more than {options.max_overshoot:g} points (`max_overshoot`)"
    closer = f"come closer with --surge {surge} (temporary stable pods), with a layer-7 router, or with a feature flag"
    return InputError(
        f"weight {weight:g} cannot be had with {stable}: it would be {real:.0f} %",
        why=f"traffic follows pods on a plain Service, and {real:.0f} % exceeds the wanted {weight:g} % {over}",
        hint=f"weights that can be had: {can}; or {closer}",
    )
