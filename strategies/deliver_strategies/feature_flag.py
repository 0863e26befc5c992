"""Feature flag: the new code is deployed already; a growing share of users gets it, by a flag, until everyone has it."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from deliver.model.plan import FlagPlan, Plan, Side, Step
from deliver.model.spec import Facts, PluginSpec
from deliver.plugins.types import Duration, Percent
from deliver_strategies.canary import check_weights

BACKEND = "flagd"
PAST = 3600.0  # seconds before the release that everyone's requests are compared with where the variants cannot be told apart


class FlagStep(BaseModel):
    """One step of the file's `steps` list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: Percent = Field(description="share of the users, in percent")
    bake: Duration | None = Field(default=None, description="how long it is watched; the strategy's `bake` if absent")
    approval: bool = Field(default=False, description="wait for `deliver promote` after the bake")


class FlagOptions(BaseModel):
    """Options of the flag strategy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flag: str = Field(min_length=1, max_length=200, description="key of the flag", json_schema_extra={"argument": True})
    weight: list[Percent] = Field(
        default_factory=list,
        description="shares of the users in percent, rising: 5,25,50,100",
        json_schema_extra={"replaces": ["steps"]},
    )
    steps: list[FlagStep] = Field(
        default_factory=list, description="steps one by one, instead of `weight`", json_schema_extra={"cli": False}
    )
    bake: Duration = Field(default=300.0, description="how long each step is watched")
    backend: str | dict[str, dict[str, Any]] = Field(
        default=BACKEND,
        description="flag system (`deliver plugins`); in the file with its options: {flagd: {configmap: web-flags}}",
    )
    set: list[str] = Field(default_factory=list, description="options of the flag system: configmap=web-flags,key=flags.json")
    variant: str = Field(default="variant", description="label that tells the variants' requests apart in the metrics; `none` for none")
    treatment: str = Field(default="on", description="that label's value for users who have the treatment")

    @field_validator("backend")
    @classmethod
    def _one_backend(cls, value: str | dict[str, dict[str, Any]]) -> str | dict[str, dict[str, Any]]:
        if isinstance(value, dict) and len(value) != 1:
            raise ValueError("name one flag system, e.g. `backend: {flagd: {configmap: web-flags}}`")
        return value

    @field_validator("set")
    @classmethod
    def _pairs(cls, value: list[str]) -> list[str]:
        for pair in value:
            if not pair.partition("=")[0] or "=" not in pair:
                raise ValueError(f"`{pair}` is not KEY=VALUE, e.g. configmap=web-flags")
        return value

    @model_validator(mode="after")
    def _one_list(self) -> "FlagOptions":
        if self.weight and self.steps:
            raise ValueError("give `weight` or `steps`, not both")
        if not self.weight and not self.steps:
            raise ValueError("needs `weight` (or `steps`), e.g. --weight 5,25,50,100")
        return self

    def wanted(self) -> list[FlagStep]:
        """The steps, with everyone as the last one."""
        steps = list(self.steps) or [FlagStep(weight=weight) for weight in self.weight]
        if steps[-1].weight < 100:
            steps.append(FlagStep(weight=100, bake=steps[-1].bake))
        return steps

    def system(self) -> PluginSpec:
        """The flag system with its options: those of the command line over those of the file."""
        name, options = (self.backend, {}) if isinstance(self.backend, str) else next(iter(self.backend.items()))
        given = dict(pair.split("=", 1) for pair in self.set)
        return PluginSpec(name, {**(options or {}), **given})


class FeatureFlag:
    """The mission's third strategy."""

    name: ClassVar[str] = "flag"
    summary: ClassVar[str] = "Give a feature flag's treatment to a growing share of the users"
    exposes: ClassVar[str] = "users"
    Options: ClassVar[type[BaseModel]] = FlagOptions

    def plan(self, options: FlagOptions, facts: Facts) -> Plan:
        wanted = options.wanted()
        check_weights([step.weight for step in wanted])
        variant = "" if options.variant == "none" else options.variant
        notes = () if variant else (BEFORE_AND_AFTER,)
        past = 0.0 if variant else PAST
        steps = tuple(_step(step, options.bake, past) for step in wanted)
        return Plan(self.name, steps, notes=notes, flag=FlagPlan(options.flag, options.system(), variant, options.treatment))


BEFORE_AND_AFTER = (
    "without a label that tells the variants apart, all requests are judged together, against the time before the release: "
    "a fault of the treatment is thinned by everyone else, and whatever else changes meanwhile counts as its fault"
)


def _step(step: FlagStep, bake: float, past: float) -> Step:
    return Step(
        f"{step.weight:g} %",
        float(step.weight),
        Side.BOTH,
        candidate_pods=0,
        stable_pods=0,
        bake=bake if step.bake is None else step.bake,
        approval=step.approval,
        baseline=past,
    )
