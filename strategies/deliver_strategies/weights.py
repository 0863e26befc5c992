"""What strategies share that raise an exposure step by step: `weight` or `steps`, rising, with everybody last."""

from itertools import pairwise
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deliver.model.errors import InputError
from deliver.plugins.types import Duration, Percent


class WeightStep(BaseModel):
    """One step of the file's `steps` list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: Percent = Field(description="wanted share, in percent")
    bake: Duration | None = Field(default=None, description="how long it is watched; the strategy's `bake` if absent")
    min_bake: Duration | None = Field(default=None, description="when proof may end the bake early; the strategy's `min_bake` if absent")
    max_bake: Duration | None = Field(default=None, description="how long proof is waited for; the strategy's `max_bake` if absent")
    approval: bool = Field(default=False, description="wait for `deliver promote` after the bake")

    def times(self) -> dict[str, Any]:
        """For a Step of the plan."""
        return {"bake": self.bake or 0.0, "min_bake": self.min_bake or 0.0, "max_bake": self.max_bake or 0.0}


class WeightOptions(BaseModel):
    """`weight: [10, 50]` is short for steps that all bake alike."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: list[Percent] = Field(
        default_factory=list,
        description="wanted shares in percent, rising: 10,50",
        json_schema_extra={"replaces": ["steps"]},
    )
    steps: list[WeightStep] = Field(
        default_factory=list, description="steps one by one, instead of `weight`", json_schema_extra={"cli": False}
    )
    bake: Duration = Field(default=300.0, description="how long each step is watched")
    min_bake: Duration | None = Field(
        default=None, description="a step may end this early, once it is proved to be no worse; never if absent"
    )
    max_bake: Duration | None = Field(default=None, description="how long proof is waited for before all users follow [default: 3 bakes]")

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if self.weight and self.steps:
            raise ValueError("give `weight` or `steps`, not both")
        if not self.weight and not self.steps:
            raise ValueError("needs `weight` (or `steps`), e.g. --weight 10,50")
        return self

    def wanted(self) -> list[WeightStep]:
        """The steps, with everybody as the last one, each with its bake. Raises InputError when they do not rise."""
        steps = list(self.steps) or [WeightStep(weight=weight) for weight in self.weight]
        if steps[-1].weight < 100:
            steps.append(WeightStep(weight=100, bake=steps[-1].bake))
        _check([step.weight for step in steps])
        return [self._timed(step) for step in steps]

    def _timed(self, step: WeightStep) -> WeightStep:
        """With the strategy's times where it has none of its own. Raises InputError when they contradict each other."""
        own = {name: getattr(step, name) for name in ("bake", "min_bake", "max_bake") if getattr(step, name) is not None}
        common = {"bake": self.bake, "min_bake": self.min_bake, "max_bake": self.max_bake}
        timed = step.model_copy(update={**common, **own})
        bake = timed.bake or 0.0
        for name, wrong in (
            ("min_bake", (timed.min_bake or 0.0) > bake),
            ("max_bake", timed.max_bake is not None and timed.max_bake < bake),
        ):
            if wrong:
                side = "longer" if name == "min_bake" else "shorter"
                raise InputError(f"`{name}` is {side} than `bake` ({bake:g} s)", hint="min_bake <= bake <= max_bake")
        return timed


def _check(weights: list[float]) -> None:
    for weight in weights:
        if not 0 < weight <= 100:
            raise InputError(
                f"weight {weight:g} is not a share",
                why="a weight is above 0 and at most 100 percent",
                hint="e.g. --weight 10,50",
            )
    for lower, higher in pairwise(weights):
        if higher <= lower:
            raise InputError(
                f"weights must rise: {higher:g} comes after {lower:g}",
                why="exposure only grows, until a release is promoted or taken back",
                hint="e.g. --weight 10,50",
            )
