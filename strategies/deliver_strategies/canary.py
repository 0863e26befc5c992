"""Canary: a second Deployment takes a growing share of the traffic beside the full stable side, then all of it."""

from itertools import pairwise
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deliver.model.errors import InputError
from deliver.model.plan import Plan, Side, Step
from deliver.model.spec import Facts
from deliver.plugins.types import Duration, Percent
from deliver_strategies import pods


class CanaryStep(BaseModel):
    """One step of the file's `steps` list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: Percent = Field(description="wanted share of the traffic, in percent")
    bake: Duration | None = Field(default=None, description="how long it is watched; the strategy's `bake` if absent")
    approval: bool = Field(default=False, description="wait for `deliver promote` after the bake")


class CanaryOptions(BaseModel):
    """Options of the canary strategy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: list[Percent] = Field(
        default_factory=list,
        description="wanted shares of the traffic in percent, rising: 10,50",
        json_schema_extra={"replaces": ["steps"]},
    )
    steps: list[CanaryStep] = Field(
        default_factory=list, description="steps one by one, instead of `weight`", json_schema_extra={"cli": False}
    )
    bake: Duration = Field(default=300.0, description="how long each step is watched")
    surge: int = Field(default=0, ge=0, le=1000, description="temporary stable pods that may be added to come closer to a weight")
    max_overshoot: Percent = Field(default=15.0, description="points by which a real share may exceed the wanted one")

    @model_validator(mode="after")
    def _one_list(self) -> "CanaryOptions":
        if self.weight and self.steps:
            raise ValueError("give `weight` or `steps`, not both")
        if not self.weight and not self.steps:
            raise ValueError("needs `weight` (or `steps`), e.g. --weight 10,50")
        return self

    def wanted(self) -> list[CanaryStep]:
        """The steps, with all the traffic as the last one."""
        steps = list(self.steps) or [CanaryStep(weight=weight) for weight in self.weight]
        if steps[-1].weight < 100:
            steps.append(CanaryStep(weight=100, bake=steps[-1].bake))
        return steps


class Canary:
    """The mission's first strategy."""

    name: ClassVar[str] = "canary"
    summary: ClassVar[str] = "Shift traffic step by step to a candidate beside the full stable side"
    Options: ClassVar[type[BaseModel]] = CanaryOptions

    def plan(self, options: CanaryOptions, facts: Facts) -> Plan:
        check_weights([step.weight for step in options.wanted()])
        if options.surge and facts.autoscaled:
            raise InputError(
                "`surge` cannot be used while an autoscaler owns the replicas",
                why=f"a HorizontalPodAutoscaler scales {facts.target.deployment}; it would take the temporary pods away again",
                hint="leave --surge out, or raise the autoscaler's minReplicas for the release",
            )
        steps: list[Step] = []
        notes: list[str] = []
        for wanted in options.wanted():
            floor = max([facts.stable_pods, *(step.stable_pods for step in steps)])  # the stable side never shrinks on the way
            step, note = self._step(wanted, options, facts, floor)
            steps.append(step)
            notes += [note] if note else []
        return Plan(self.name, tuple(steps), notes=tuple(notes))

    def _step(self, wanted: CanaryStep, options: CanaryOptions, facts: Facts, floor: int) -> tuple[Step, str]:
        bake = options.bake if wanted.bake is None else wanted.bake
        name = f"{wanted.weight:g} %"
        if wanted.weight == 100:
            full = facts.stable_pods
            return Step(name, 100.0, Side.CANDIDATE, candidate_pods=full, stable_pods=floor, bake=bake, approval=wanted.approval), ""
        candidate, stable = pods.solve(wanted.weight, floor, facts.stable_pods + options.surge - floor)
        step = Step(name, wanted.weight, Side.BOTH, candidate_pods=candidate, stable_pods=stable, bake=bake, approval=wanted.approval)
        if step.endpoints - wanted.weight > options.max_overshoot:
            raise too_coarse(wanted.weight, step.endpoints, options, facts)
        note = f"weight {wanted.weight:g} becomes {step.endpoints:.1f} %: {candidate} of {candidate + stable} pods"
        return step, note if abs(step.endpoints - wanted.weight) >= 0.5 else ""


def check_weights(weights: list[float]) -> None:
    for weight in weights:
        if not 0 < weight <= 100:
            raise InputError(
                f"weight {weight:g} is not a share of the traffic",
                why="a weight is above 0 and at most 100 percent",
                hint="e.g. --weight 10,50",
            )
    for lower, higher in pairwise(weights):
        if higher <= lower:
            raise InputError(
                f"weights must rise: {higher:g} comes after {lower:g}",
                why="a canary's exposure only grows, until it is promoted or taken back",
                hint="e.g. --weight 10,50",
            )


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
