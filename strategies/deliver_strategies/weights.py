"""What strategies share that raise an exposure step by step: `weight` or `steps`, rising, with everybody last."""

from itertools import pairwise
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deliver.model.errors import InputError
from deliver.plugins.types import Duration, Percent


class WeightStep(BaseModel):
    """One step of the file's `steps` list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: Percent = Field(description="wanted share, in percent")
    bake: Duration | None = Field(default=None, description="how long it is watched; the strategy's `bake` if absent")
    approval: bool = Field(default=False, description="wait for `deliver promote` after the bake")


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
        return [step if step.bake is not None else step.model_copy(update={"bake": self.bake}) for step in steps]


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
